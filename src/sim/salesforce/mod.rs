//! The simulated Salesforce.
