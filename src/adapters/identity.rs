//! Who a side says that we are.

/// As one request after the login tells; what a side does not say is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Login name.
    pub user: String,
    pub user_name: String,
    /// The organisation's id, or Automation's address.
    pub place: String,
    pub place_name: String,
    /// Of Salesforce only.
    pub is_sandbox: Option<bool>,
    pub scopes: Vec<String>,
    pub version: String,
}
