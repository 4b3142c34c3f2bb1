//! What keeps Automation's webhook from us.

use super::*;
use crate::domain::evidence::Part;
use crate::domain::remedy::Remedy;
use crate::domain::webhook::{Registered, Registration};

fn registered(world: &mut World) -> &mut Registered {
    let evidence = world.evidence.as_mut().unwrap();
    let Some(Part::Read(registered)) = &mut evidence.webhook else {
        panic!("no webhook");
    };
    registered
}

fn ours(world: &mut World) -> &mut Registration {
    &mut registered(world).ours[0]
}

const CASES: &[Case] = &[
    ("webhook", |_| {}, Severity::Ok, "seen-webhook"),
    (
        "webhook",
        |w| w.evidence.as_mut().unwrap().webhook = None,
        Severity::Ok,
        "seen-webhook-none",
    ),
    (
        "webhook",
        |w| w.evidence = None,
        Unknown,
        "seen-not-examined",
    ),
    (
        "webhook",
        |w| {
            let why = "403: this user may not".to_owned();
            w.evidence.as_mut().unwrap().webhook = Some(Part::Unread(why));
        },
        Unknown,
        "seen-unreadable",
    ),
    (
        "webhook",
        |w| registered(w).ours.clear(),
        Warning,
        "seen-webhook-missing",
    ),
    (
        "webhook",
        |w| {
            ours(w).elsewhere = Some("https://old.acme.example/".to_owned());
            ours(w).is_published = false;
        },
        Warning,
        "seen-webhook-elsewhere",
    ),
    (
        "webhook",
        |w| {
            ours(w).is_published = false;
            ours(w).lacking = vec!["mautic.form_on_submit".to_owned()];
        },
        Warning,
        "seen-webhook-unpublished",
    ),
    (
        "webhook",
        |w| ours(w).is_signed = false,
        Warning,
        "seen-webhook-secret",
    ),
    (
        "webhook",
        |w| ours(w).lacking = vec!["mautic.form_on_submit".to_owned()],
        Warning,
        "seen-webhook-lacks",
    ),
    (
        "webhook",
        |w| {
            let twin = ours(w).clone();
            registered(w).ours.push(Registration { id: 8, ..twin });
        },
        Warning,
        "seen-webhook-several",
    ),
];

#[test]
fn each_flaw_is_told_the_worst_first() {
    hold(CASES);
}

#[test]
fn whatever_is_wrong_is_put_right_at_our_address() {
    let check = CHECKS.iter().find(|check| check.id == "webhook").unwrap();
    for (_, change, severity, _) in CASES {
        let mut world = World::new();
        change(&mut world);
        let wanted = (*severity == Warning)
            .then(|| Remedy::Webhook("https://hooks.acme.example/automation".to_owned()));
        assert_eq!(check.judged(&world.facts()).seen.remedy, wanted);
    }
}
