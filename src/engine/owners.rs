//! Who owns what: both systems' users, paired by e-mail address.

use std::collections::BTreeMap;

use crate::domain::ids::Side;
use crate::domain::link::{Base, FieldState};
use crate::domain::request::User;
use crate::domain::value::Value;

/// The users of both sides. Owners are compared by address; a queue or an owner without a
/// counterpart compares with nothing and is left alone.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    address_by_id: [BTreeMap<String, String>; 2],
    id_by_address: [BTreeMap<String, String>; 2],
}

impl Directory {
    /// Replaces one side's users. Inactive users own nothing new, but what they own is known.
    pub fn replace(&mut self, side: Side, users: &[User]) {
        let addresses = users
            .iter()
            .map(|user| (user.id.clone(), user.email.clone()))
            .collect();
        self.address_by_id[side as usize] = addresses;
        let active = users
            .iter()
            .filter(|user| user.is_active && !user.email.is_empty());
        self.id_by_address[side as usize] = active
            .map(|user| (user.email.clone(), user.id.clone()))
            .collect();
    }

    pub fn has_users(&self, side: Side) -> bool {
        !self.address_by_id[side as usize].is_empty()
    }

    /// The field with addresses in place of ids; `None` if an owner has no counterpart.
    pub fn comparable(&self, state: &FieldState) -> Option<FieldState> {
        let base = state.base.as_ref().map(|base| Base {
            salesforce: self
                .address(Side::Salesforce, &base.salesforce)
                .unwrap_or_default(),
            automation: self
                .address(Side::Automation, &base.automation)
                .unwrap_or_default(),
        });
        Some(FieldState {
            base,
            salesforce: Some(self.address(Side::Salesforce, state.salesforce.as_ref()?)?),
            automation: Some(self.address(Side::Automation, state.automation.as_ref()?)?),
            ..state.clone()
        })
    }

    /// The address of whoever owns the record on that side.
    pub fn person(&self, state: Option<&FieldState>, side: Side) -> Option<Value> {
        self.address(side, state?.on(side)?)
    }

    /// That side's number for the person with this address.
    pub fn id_on(&self, side: Side, address: &Value) -> Option<String> {
        self.id_by_address[side as usize]
            .get(address.as_text()?)
            .cloned()
    }

    fn address(&self, side: Side, id: &Value) -> Option<Value> {
        match id {
            Value::Blank => Some(Value::Blank),
            Value::Text(id) => {
                let address = self.address_by_id[side as usize].get(id)?;
                self.id_by_address[side.other() as usize].get(address)?;
                Some(Value::Text(address.clone()))
            }
            _ => None,
        }
    }
}
