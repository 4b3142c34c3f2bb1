//! The thin binary: sets the umask, hands the arguments to `passerelle::app`, exits with its status.

fn main() -> std::process::ExitCode {
    passerelle::app::main()
}
