//! Automation over its REST API.
