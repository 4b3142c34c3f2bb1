//! What is kept across restarts. The only room that knows sled.

pub mod memory;
