//! A believable Salesforce and a believable Automation: one brain each, two skins.

pub mod clock;
pub mod faults;
pub mod http;
pub mod random;

mod inproc;

pub mod automation;
pub mod salesforce;
pub mod world;
