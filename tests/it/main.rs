//! Tests that cross rooms. One binary, so that they link once.

// Marked so that the lints for tests apply to the helpers of these modules too.
#[cfg(test)]
mod adapters;
mod addresses;
#[cfg(test)]
mod authorize;
#[cfg(test)]
mod automation_conformance;
#[cfg(test)]
mod automation_http;
#[cfg(test)]
mod bundle;
#[cfg(test)]
mod cli;
mod describing;
#[cfg(test)]
mod figures;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod linear;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod old_plugin;
#[cfg(test)]
mod practice_world;
mod returning;
#[cfg(test)]
mod safety;
#[cfg(test)]
mod sessions;
mod setup;
mod steer;
#[cfg(test)]
mod store_kill;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod tidy;
mod twins;
#[cfg(test)]
mod world;
