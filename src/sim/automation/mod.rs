//! The simulated Automation.
