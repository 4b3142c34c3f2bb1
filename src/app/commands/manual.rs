//! `completions` and `man`: the command line for shells and for `man`, from the same source as `--help`.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use crate::app::args::{Arguments, Man as Asked, Shell};
use crate::app::error::{AppError, Status};
use crate::app::out::Out;

const NAME: &str = "passerelle";

pub(super) fn completions(shell: Shell, out: &mut Out) -> Result<Status, AppError> {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), NAME, &mut script);
    // A script for a machine, and nothing in it is from outside.
    out.pass_result(&script)?;
    Ok(Status::Done)
}

/// One page for the program and one for each command, or the program's alone on standard output.
pub(super) fn man(asked: &Asked, out: &mut Out) -> Result<Status, AppError> {
    let mut program = Arguments::command();
    program.build();
    let Some(folder) = &asked.out else {
        out.pass_result(&page(program)?)?;
        return Ok(Status::Done);
    };
    fs::create_dir_all(folder)?;
    let count = write(folder, NAME, &program)?;
    out.line(&format!("{count} pages written to {}", folder.display()))?;
    Ok(Status::Done)
}

fn page(command: Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    Man::new(command).render(&mut text)?;
    Ok(text)
}

fn write(folder: &Path, name: &str, command: &Command) -> Result<usize, AppError> {
    let path = folder.join(format!("{name}.1"));
    fs::write(&path, page(command.clone())?)?;
    // Everybody reads a manual.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
    let mut count = 1;
    for part in command.get_subcommands() {
        count += write(folder, &format!("{name}-{}", part.get_name()), part)?;
    }
    Ok(count)
}
