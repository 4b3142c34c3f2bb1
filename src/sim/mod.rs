//! A believable Salesforce and a believable Automation: one brain each, two skins.

pub mod automation;
pub mod salesforce;
