//! What a record is made with where somebody has no counterpart.

use super::Context;
use super::fields::derived;
use crate::domain::ids::{FieldId, SalesforceObject, Side};
use crate::domain::link::Link;
use crate::domain::mapping::Role;
use crate::domain::value::Value;

/// The values with which a record is made on one side: every mapped value of the other that is not
/// blank, and what is worked out.
pub fn creation_values(
    link: &Link,
    to: Side,
    object: Option<SalesforceObject>,
    context: Context<'_>,
) -> Vec<(FieldId, Value)> {
    let rules = context.policy.mapping.rules(link.kind).iter();
    let on_object = rules.filter(|rule| object.is_none_or(|o| rule.objects.contains(&o)));
    let mut values = Vec::new();
    for rule in on_object {
        let value = match rule.role {
            Role::Consent | Role::Deleted => continue,
            Role::TimelineLink | Role::ContactId if to == Side::Automation => continue,
            Role::TimelineLink | Role::ContactId => link
                .automation
                .as_ref()
                .and_then(|end| derived(rule, end.id.0, context.policy)),
            Role::Owner => {
                let person = context.directory.person(link.field(rule.id), to.other());
                person
                    .and_then(|value| context.directory.id_on(to, &value))
                    .map(Value::Text)
            }
            _ => link
                .field(rule.id)
                .and_then(|state| state.on(to.other()))
                .cloned(),
        };
        // What would be refused is held once the record is there.
        let fits = |value: &Value| {
            let of = (link.kind, object);
            !value.is_blank() && !context.limits.is_better_left_out(of, rule, to, value)
        };
        if let Some(value) = value.filter(fits) {
            values.push((rule.id, value));
        }
    }
    values
}
