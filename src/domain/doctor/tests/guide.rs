//! What the set-up guide asks for.

use super::*;
use crate::domain::evidence::Part;

const CASES: &[Case] = &[
    (
        "published",
        |w| w.snapshot.published = false,
        Fault,
        "seen-unpublished",
    ),
    (
        "schedule",
        |w| w.timetable.as_mut().unwrap().is_enabled = false,
        Warning,
        "seen-schedule-off",
    ),
    (
        "schedule",
        |w| w.timetable = None,
        Unknown,
        "seen-schedule-unknown",
    ),
    (
        "objects",
        |w| w.policy.objects = vec![SalesforceObject::Lead],
        Fault,
        "seen-objects-missing",
    ),
    (
        "owners",
        |w| {
            let Part::Read(owners) = &mut w.salesforce().owners else {
                panic!("no owners");
            };
            owners.insert("paul@acme.example".to_owned());
        },
        Warning,
        "seen-owners-alone",
    ),
    (
        "owners",
        |w| w.described().salesforce.users.push(user("paul")),
        Severity::Ok,
        "seen-owners",
    ),
    (
        "owners",
        |w| w.automation().users = Part::Unread("403".to_owned()),
        Unknown,
        "seen-unreadable",
    ),
    (
        "owners",
        |w| w.policy.sync_owners = false,
        Note,
        "seen-owners-off",
    ),
    ("opt-out", |w| w.unmap(3), Fault, "seen-opt-out-unmapped"),
    (
        "opt-out",
        |w| w.policy.latest_do_not_contact = false,
        Warning,
        "seen-opt-in-off",
    ),
    ("deleted", |w| w.unmap(4), Warning, "seen-deleted-unmapped"),
    ("deleted", |w| w.unmap(8), Note, "seen-deleted-unmapped"),
    (
        "timeline-link",
        |w| w.unmap(5),
        Note,
        "seen-no-timeline-link",
    ),
    (
        "timeline",
        |w| w.described().salesforce.timeline = None,
        Fault,
        "seen-timeline-absent",
    ),
    (
        "timeline",
        |w| w.policy.namespace.clear(),
        Fault,
        "seen-timeline-fields",
    ),
    (
        "timeline",
        |w| {
            w.policy.namespace.clear();
            w.described().salesforce.timeline = None;
        },
        Fault,
        "seen-timeline-elsewhere",
    ),
    (
        "timeline",
        |w| {
            w.policy.namespace.clear();
            w.described().salesforce.timeline = None;
            w.salesforce().timelines = Part::Read(Vec::new());
        },
        Fault,
        "seen-timeline-prefix",
    ),
    (
        "timeline",
        |w| w.policy.activities = false,
        Note,
        "seen-activities-off",
    ),
    (
        "timeline-reference",
        |w| w.described().salesforce.timeline.as_mut().unwrap()[6].is_unique = false,
        Fault,
        "seen-reference-double",
    ),
    (
        "timeline-reference",
        |w| w.described().salesforce.timeline = None,
        Unknown,
        "seen-no-timeline",
    ),
    (
        "activity-types",
        |w| w.policy.activity_types.clear(),
        Fault,
        "seen-no-types",
    ),
    (
        "activity-types",
        |w| w.policy.activity_types.push("sms.sent".to_owned()),
        Warning,
        "seen-types-strange",
    ),
    (
        "activities-sent",
        |w| w.counts.sent_activities = 0,
        Warning,
        "seen-none-sent",
    ),
];

#[test]
fn what_the_guide_asks_for_and_is_not_so() {
    hold(CASES);
}
