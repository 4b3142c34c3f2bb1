//! Mapped fields.

use super::*;

const CASES: &[Case] = &[
    (
        "fields-seen",
        |w| w.lead("LastName").name.push('x'),
        Fault,
        "seen-hidden",
    ),
    ("fields-seen", World::blind, Unknown, "seen-not-described"),
    (
        "fields-writable",
        |w| w.lead("LastName").access = FieldAccess::ReadOnly,
        Fault,
        "seen-locked",
    ),
    (
        "fields-typed",
        |w| w.lead("LastName").value_type = Some(ValueType::Date),
        Fault,
        "seen-retyped",
    ),
    (
        "fields-typed",
        |w| w.lead("LastName").value_type = None,
        Fault,
        "seen-retyped",
    ),
    (
        "fields-long-enough",
        |w| w.lead("LastName").length_max = Some(255),
        Note,
        "seen-shorter",
    ),
    (
        "fields-long-enough",
        |w| w.described().automation.contact_fields[1].hides_length = true,
        Note,
        "seen-lengths-untold",
    ),
    (
        "fields-long-enough",
        |w| {
            w.described().automation.contact_fields[1].hides_length = true;
            w.refuse(Side::Automation, Some(2), "400");
        },
        Warning,
        "seen-lengths-refused",
    ),
    (
        "required",
        |w| {
            w.unmap(2);
            w.lead("LastName").is_required = true;
        },
        Fault,
        "seen-required-missing",
    ),
    (
        "required",
        |w| w.policy.objects = vec![SalesforceObject::Contact],
        Note,
        "seen-nothing-created",
    ),
    (
        "unique",
        |w| w.lead("LastName").is_unique = true,
        Note,
        "seen-unique",
    ),
];

#[test]
fn fields_that_are_hidden_locked_retyped_short_missing_or_unique() {
    hold(CASES);
}
