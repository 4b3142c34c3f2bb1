//! The brain by itself: rules that no single recording shows, and what indexes must not change.

use super::acts::{Cookie, Visit};
use super::auth::{Caller, GrantRequest, RateLimit, TokenRefusal};
use super::author::AuthorId;
use super::call::Call;
use super::contact::ContactId;
use super::draft::{ContactInput, DncInput};
use super::field::{Kind, NewField, Subject};
use super::hook::Trigger;
use super::instance::Automation;
use super::operate::{EditRow, Row, Verb};
use super::query::{Clause, Column, ContactQuery, Direction, Expression};
use super::refusal::Refusal;
use super::search::Search;
use super::settle::NewHook;
use super::time::Shown;
use super::user::{Right, UserId};
use super::value::Value;
use crate::sim::clock::Timestamp;

const NOW: Timestamp = Timestamp::from_seconds(1_795_383_567);

fn later(seconds: i64) -> Timestamp {
    NOW.plus_seconds(seconds)
}

/// An instance with a credential that acts as an administrator.
fn instance() -> (Automation, Caller) {
    let mut brain = Automation::new(1);
    let number = brain.add_client("Sync", "key", "secret", UserId(1)).number;
    let caller = brain.caller_for_client(number).unwrap();
    (brain, caller)
}

fn person(email: &str) -> ContactInput {
    ContactInput::default()
        .with("email", email)
        .with("firstname", "Zoé")
}

fn create(brain: &mut Automation, caller: Caller, at: Timestamp, email: &str) -> ContactId {
    brain.create_contact(at, caller, &person(email)).unwrap().id
}

fn patch(
    brain: &mut Automation,
    caller: Caller,
    at: Timestamp,
    id: ContactId,
    input: ContactInput,
) -> ContactId {
    brain
        .edit_contact(at, caller, Verb::Patch, id, &input)
        .unwrap()
        .id
}

fn text(brain: &Automation, id: ContactId, alias: &str) -> Option<String> {
    let field = brain.fields().by_alias(Subject::Contact, alias).unwrap();
    brain
        .contact(id)
        .unwrap()
        .values
        .at(field.position)
        .to_text()
}

fn modified(brain: &Automation, id: ContactId) -> Option<Timestamp> {
    brain.contact(id).unwrap().modified.at
}

#[test]
fn a_credentials_writes_carry_its_name_and_no_user() {
    let (mut brain, caller) = instance();
    let id = create(&mut brain, caller, NOW, "zoe@shop.example");
    let author = brain.authors().of(brain.contact(id).unwrap().added.by);
    assert_eq!((author.name.as_str(), author.user), ("Sync [1]", None));
}

#[test]
fn several_matches_of_unique_fields_edit_the_youngest_or_are_refused() {
    let (mut brain, caller) = instance();
    let key = NewField::contact("crm_key", "Key", Kind::Text).unique();
    brain.add_field(NOW, key).unwrap();
    create(&mut brain, caller, NOW, "a@shop.example");
    let second = person("b@shop.example").with("crm_key", "K-2");
    brain.create_contact(NOW, caller, &second).unwrap();
    let both = ContactInput::default()
        .with("email", "A@shop.example")
        .with("crm_key", "k-2");
    let refused = brain.create_contact(NOW, caller, &both).unwrap_err();
    assert_eq!(refused, Refusal::NotUnique(vec!["email".into()]));
}

#[test]
fn a_field_made_unique_later_matches_contacts_that_were_there() {
    let (mut brain, caller) = instance();
    let field = brain
        .add_field(NOW, NewField::contact("crm_key", "Key", Kind::Text))
        .unwrap();
    let known = person("a@shop.example").with("crm_key", "K-1");
    let id = brain.create_contact(NOW, caller, &known).unwrap().id;
    brain.alter_field(field.id, |field| {
        field.traits.set(super::field::Traits::UNIQUE, true);
    });
    let again = ContactInput::default()
        .with("crm_key", "k-1")
        .with("city", "Lyon");
    assert_eq!(brain.create_contact(NOW, caller, &again).unwrap().id, id);
}

#[test]
fn an_unpublished_field_ignores_writes_and_keeps_its_value() {
    let (mut brain, caller) = instance();
    let id = create(&mut brain, caller, NOW, "zoe@shop.example");
    patch(
        &mut brain,
        caller,
        NOW,
        id,
        ContactInput::default().with("city", "Lyon"),
    );
    brain.publish_field("city", false);
    patch(
        &mut brain,
        caller,
        later(5),
        id,
        ContactInput::default().with("city", "Metz"),
    );
    assert_eq!(text(&brain, id, "city").as_deref(), Some("Lyon"));
    assert_eq!(modified(&brain, id), Some(NOW.whole_second()));
}

#[test]
fn a_merged_away_id_leads_single_calls_to_the_survivor_and_batch_rows_nowhere() {
    let (mut brain, caller) = instance();
    let old = create(&mut brain, caller, NOW, "zoe@shop.example");
    let visit = Visit {
        url: "https://shop.example/",
        title: "Shop",
        ..Visit::default()
    };
    let values = [("email", "Zoe@shop.example")];
    let new = brain.submit(later(60), 1, Cookie::Lost, &values, &visit);
    assert_ne!(old, new);
    assert_eq!(brain.read_contact(caller, old).unwrap().id, new);
    assert_eq!(
        brain.contact(new).unwrap().added.at,
        later(60).whole_second()
    );
    let input = ContactInput::default().with("city", "Lyon");
    assert_eq!(
        patch(&mut brain, caller, later(70), old, input.clone()),
        new
    );
    let row = EditRow {
        id: Some(old),
        input,
    };
    let batch = brain
        .edit_contacts(later(80), caller, Verb::Patch, &[row])
        .unwrap();
    assert!(matches!(batch.rows[..], [Row::Missing]));
    let tail: Vec<(&str, u32)> = brain
        .logs()
        .audit
        .iter()
        .map(|row| (row.action, row.object_id))
        .collect();
    let merge = tail
        .iter()
        .position(|row| *row == ("merge", old.0))
        .unwrap();
    assert_eq!(tail[merge + 1], ("delete", old.0));
    assert_eq!(
        brain.delete_contact(later(90), caller, old).unwrap().id,
        new
    );
    assert_eq!(
        brain.read_contact(caller, old).unwrap_err(),
        Refusal::NotFound
    );
}

#[test]
fn the_second_row_of_a_contact_breaks_the_batch_after_the_first_is_saved() {
    let (mut brain, caller) = instance();
    let id = create(&mut brain, caller, NOW, "zoe@shop.example");
    let row = |city: &str| EditRow {
        id: Some(id),
        input: ContactInput::default().with("city", city),
    };
    let batch = brain
        .edit_contacts(NOW, caller, Verb::Patch, &[row("One"), row("Two")])
        .unwrap();
    assert!(batch.is_broken);
    assert_eq!(text(&brain, id, "city").as_deref(), Some("One"));
}

#[test]
fn a_batch_patch_without_points_moves_the_date_of_a_contact_with_points() {
    let (mut brain, caller) = instance();
    let input = person("zoe@shop.example").with("points", 3.0);
    let id = brain.create_contact(NOW, caller, &input).unwrap().id;
    let same = ContactInput::default().with("firstname", "Zoé");
    patch(&mut brain, caller, later(1), id, same.clone());
    assert_eq!(modified(&brain, id), None);
    let row = EditRow {
        id: Some(id),
        input: same,
    };
    brain
        .edit_contacts(later(2), caller, Verb::Patch, &[row])
        .unwrap();
    assert_eq!(modified(&brain, id), Some(later(2).whole_second()));
}

#[test]
fn a_batch_longer_than_the_instance_takes_saves_nothing() {
    let (mut brain, caller) = instance();
    let rows = vec![ContactInput::default(); 201];
    assert_eq!(
        brain.create_contacts(NOW, caller, &rows).unwrap_err(),
        Refusal::TooMany(200)
    );
    assert!(brain.contacts().is_empty());
}

#[test]
fn an_own_unsubscription_is_not_overwritten_and_a_removal_leaves_no_row() {
    let (mut brain, caller) = instance();
    let id = create(&mut brain, caller, NOW, "zoe@shop.example");
    let input = |reason| DncInput {
        reason,
        ..DncInput::default()
    };
    brain.add_dnc(NOW, caller, id, &input(3)).unwrap();
    brain.add_dnc(later(10), caller, id, &input(1)).unwrap();
    brain.add_dnc(later(20), caller, id, &input(2)).unwrap();
    let row = brain.contact(id).unwrap().dnc_on("email").unwrap().clone();
    assert_eq!(
        (row.reason.code(), row.added),
        (1, later(10).whole_second())
    );
    assert_eq!(
        brain.add_dnc(NOW, caller, id, &input(0)).unwrap_err(),
        Refusal::BadReason
    );
    assert!(brain.remove_dnc(later(30), caller, id, "email").unwrap().1);
    assert!(!brain.remove_dnc(later(40), caller, id, "email").unwrap().1);
    assert_eq!(brain.contacts().dnc_rows().count(), 0);
    assert_eq!(modified(&brain, id), Some(later(30).whole_second()));
}

#[test]
fn later_hits_opens_and_sends_do_not_move_the_date_and_unsubscribing_does() {
    let (mut brain, caller) = instance();
    let id = create(&mut brain, caller, NOW, "zoe@shop.example");
    let email = brain.add_email("News", "Hello");
    let visit = Visit {
        url: "https://shop.example/",
        address: "203.0.113.9",
        ..Visit::default()
    };
    brain.hit(later(1), id, &visit);
    assert_eq!(modified(&brain, id), Some(later(1).whole_second()));
    brain.hit(later(2), id, &visit);
    let mail = brain.send(later(3), email, id).unwrap();
    brain.open(later(4), mail);
    assert_eq!(modified(&brain, id), Some(later(1).whole_second()));
    assert_eq!(
        brain.contact(id).unwrap().last_active,
        Some(later(4).whole_second())
    );
    brain.unsubscribe(later(5), mail);
    assert_eq!(modified(&brain, id), Some(later(5).whole_second()));
    assert!(brain.send(later(6), email, id).is_none());
}

#[test]
fn company_text_makes_companies_and_blanking_it_drops_the_primary_link() {
    let (mut brain, caller) = instance();
    let id = create(&mut brain, caller, NOW, "zoe@shop.example");
    for name in ["Acme", "acme", "Bolt"] {
        patch(
            &mut brain,
            caller,
            NOW,
            id,
            ContactInput::default().with("company", name),
        );
    }
    assert_eq!(brain.companies().all().count(), 2);
    let links = brain.companies().links_of(id).to_vec();
    assert_eq!(
        links.iter().map(|link| link.is_primary).collect::<Vec<_>>(),
        [false, true]
    );
    let blank = ContactInput {
        overwrite_with_blank: true,
        ..ContactInput::default()
    };
    patch(&mut brain, caller, NOW, id, blank.with("company", ""));
    assert_eq!(brain.companies().primary_of(id), None);
}

#[test]
fn a_list_of_companies_is_the_exact_membership() {
    let (mut brain, caller) = instance();
    let id = create(&mut brain, caller, NOW, "zoe@shop.example");
    for name in ["Acme", "Bolt", "Cask"] {
        patch(
            &mut brain,
            caller,
            NOW,
            id,
            ContactInput::default().with("company", name),
        );
    }
    let exactly = ContactInput {
        companies: Some(vec![1, 2, 99]),
        ..ContactInput::default()
    };
    patch(&mut brain, caller, later(5), id, exactly);
    let linked: Vec<u32> = brain
        .companies()
        .links_of(id)
        .iter()
        .map(|link| link.company.0)
        .collect();
    assert_eq!(linked, [1, 2]);
    assert_eq!(text(&brain, id, "company").as_deref(), Some("Acme"));
    assert_eq!(modified(&brain, id), Some(later(5).whole_second()));
}

#[test]
fn a_role_without_the_right_is_refused_before_anything_happens() {
    let (mut brain, caller) = instance();
    let role = brain.add_role(NOW, "View", "View only", vec![Right::ViewContacts]);
    let viewer = Caller { role, ..caller };
    let refused = brain
        .create_contact(NOW, viewer, &person("zoe@shop.example"))
        .unwrap_err();
    assert_eq!(refused, Refusal::Forbidden);
    assert!(
        brain
            .list_contacts(viewer, &ContactQuery::default())
            .unwrap()
            .is_empty()
    );
    assert_eq!(brain.calls().of(Call::ContactCreate), 1);
}

#[test]
fn a_code_works_once_and_a_refresh_token_rotates() {
    let (mut brain, _) = instance();
    let redirect = "https://sync.example/back";
    let client = brain.auth_mut().clients()[0].clone();
    let redirects = vec![redirect.to_owned()];
    brain.replace_client(super::auth::Client {
        redirects,
        ..client
    });
    let code = brain.consent(NOW, "1_key", redirect, UserId(1)).unwrap();
    let request = GrantRequest::Code {
        code: &code,
        redirect,
    };
    let grant = brain.token(NOW, "1_key", "secret", &request).unwrap();
    let again = brain.token(NOW, "1_key", "secret", &request).unwrap_err();
    assert_eq!(again, TokenRefusal::InvalidCode);
    let refresh = grant.refresh_token.unwrap();
    let request = GrantRequest::Refresh(&refresh);
    brain.token(NOW, "1_key", "secret", &request).unwrap();
    let again = brain.token(NOW, "1_key", "secret", &request).unwrap_err();
    assert_eq!(again, TokenRefusal::InvalidRefreshToken);
    assert!(brain.bearer(later(3_599), &grant.access_token).is_ok());
    assert!(brain.bearer(later(3_601), &grant.access_token).is_err());
}

#[test]
fn the_rate_limit_counts_by_the_hour() {
    let mut limit = RateLimit::hourly(2);
    let taken: Vec<bool> = (0..3).map(|_| limit.take(NOW).is_exceeded).collect();
    assert_eq!(taken, [false, false, true]);
    assert!(!limit.take(later(3_600)).is_exceeded);
}

#[test]
fn a_published_hook_gets_a_notice_and_gives_up_when_gone() {
    let (mut brain, caller) = instance();
    let triggers = vec![Trigger::ContactIdentified];
    let new = NewHook {
        url: "http://127.0.0.1:9/".into(),
        triggers,
        ..NewHook::default()
    };
    let hook = brain.add_hook(NOW, caller.by, new);
    create(&mut brain, caller, NOW, "zoe@shop.example");
    brain
        .create_contact(NOW, caller, &ContactInput::default())
        .unwrap();
    assert_eq!(
        brain.hooks().waiting(),
        1,
        "an anonymous contact is not announced"
    );
    brain.hooks_mut().note_outcome(hook, Some(410));
    create(&mut brain, caller, NOW, "bo@shop.example");
    assert_eq!(brain.hooks().waiting(), 1);
}

#[test]
fn two_requests_at_once_make_duplicates_that_cannot_be_edited() {
    let (mut brain, caller) = instance();
    let [one, two] = brain.duplicate(NOW, caller, &person("zoe@shop.example"));
    assert_eq!(text(&brain, one, "email"), text(&brain, two, "email"));
    let input = ContactInput::default().with("city", "Lyon");
    let refused = brain
        .edit_contact(NOW, caller, Verb::Patch, one, &input)
        .unwrap_err();
    assert_eq!(refused, Refusal::NotUnique(vec!["email".into()]));
    brain.merge(NOW, AuthorId::SYSTEM, one, two);
    assert_eq!(patch(&mut brain, caller, NOW, one, input), two);
}

/// A base large enough that the planner prefers index order over candidates.
fn crowd(count: u32) -> (Automation, Caller) {
    let (mut brain, caller) = instance();
    for n in 0..count {
        let input = ContactInput::default().with("email", format!("p{n}@shop.example"));
        brain.seed(later(i64::from(n / 7)), caller, &[input]);
    }
    for n in (0..count).step_by(3) {
        let input = ContactInput::default().with("city", "Lyon");
        patch(
            &mut brain,
            caller,
            later(i64::from(n)),
            ContactId(n + 1),
            input,
        );
    }
    (brain, caller)
}

/// The same query answered by brute force.
fn brute(brain: &Automation, caller: Caller, query: &ContactQuery) -> Vec<ContactId> {
    let all = ContactQuery {
        order: vec![
            (Column::Id, Direction::Descending),
            (Column::Points, Direction::Ascending),
        ],
        limit: None,
        ..ContactQuery::default()
    };
    let mut found = brain.select(caller, &all);
    found.retain(|id| {
        let contact = brain.contact(*id).unwrap();
        let read = |column| super::query::cell(contact, column, brain.authors());
        query.clauses.iter().all(|clause| clause.holds(&read))
    });
    found.sort_by(|one, two| {
        let (one, two) = (brain.contact(*one).unwrap(), brain.contact(*two).unwrap());
        let by = |(column, direction): &(Column, Direction)| {
            let cell = |contact| super::query::cell(contact, *column, brain.authors());
            let order = cell(one).order(&cell(two));
            if *direction == Direction::Ascending {
                order
            } else {
                order.reverse()
            }
        };
        let order = query.order.iter().map(by).find(|order| order.is_ne());
        order.unwrap_or_else(|| one.id.cmp(&two.id))
    });
    found
        .into_iter()
        .skip(query.start)
        .take(query.limit.unwrap_or(usize::MAX))
        .collect()
}

#[test]
fn indexes_find_what_a_scan_finds() {
    let (brain, caller) = crowd(400);
    let text = |column, expression, text: &str| Clause::test(column, expression, &[text]);
    let since = |column, seconds| Clause::at_least(column, later(seconds));
    let changed = Clause::Any(vec![since(Column::Modified, 300), since(Column::Added, 40)]);
    let keyset = Clause::Any(vec![
        text(Column::Modified, Expression::Gt, &later(200).sql()),
        Clause::All(vec![
            text(Column::Modified, Expression::Eq, &later(200).sql()),
            Clause::id_above(100),
        ]),
    ]);
    let filters = [
        vec![],
        vec![changed],
        vec![keyset],
        vec![since(Column::Modified, 100), Clause::id_above(150)],
        vec![
            text(Column::Modified, Expression::IsNull, ""),
            Clause::id_above(350),
        ],
        vec![text(Column::Id, Expression::Eq, "12")],
        vec![text(Column::Added, Expression::Lt, &later(3).sql())],
        vec![Clause::Any(vec![
            text(Column::Id, Expression::Eq, "7"),
            since(Column::Added, 55),
        ])],
    ];
    let orders = [
        vec![(Column::Id, Direction::Ascending)],
        vec![(Column::Id, Direction::Descending)],
        vec![
            (Column::Modified, Direction::Ascending),
            (Column::Id, Direction::Ascending),
        ],
        vec![(Column::Modified, Direction::Descending)],
        vec![(Column::Added, Direction::Ascending)],
        vec![(Column::LastActive, Direction::Descending)],
    ];
    for clauses in &filters {
        for order in &orders {
            for (start, limit) in [(0, Some(10)), (7, Some(50)), (0, None)] {
                let (clauses, order) = (clauses.clone(), order.clone());
                let query = ContactQuery {
                    clauses,
                    search: None,
                    order,
                    start,
                    limit,
                };
                assert_eq!(
                    brain.select(caller, &query),
                    brute(&brain, caller, &query),
                    "{query:?}"
                );
            }
        }
    }
}

#[test]
fn a_search_by_prefix_and_by_exact_value_differ() {
    let (mut brain, caller) = instance();
    create(&mut brain, caller, NOW, "zoe@shop.example");
    create(&mut brain, caller, NOW, "zoe@shop.example.org");
    let mut found = |search| {
        let query = ContactQuery {
            search: Some(search),
            ..ContactQuery::default()
        };
        brain.list_contacts(caller, &query).unwrap().len()
    };
    assert_eq!(found(Search::term("email", "zoe@shop.example")), 2);
    assert_eq!(found(Search::exact("email", "zoe@shop.example")), 1);
    assert_eq!(found(Search::term("nosuch", "thing")), 0);
    assert_eq!(found(Search::identified()), 2);
}

#[test]
fn put_stores_a_zero_that_patch_drops_and_wipes_the_rest() {
    let (mut brain, caller) = instance();
    let field = NewField::contact("budget", "Budget", Kind::Number(Some(2)));
    let position = brain.add_field(NOW, field).unwrap().position;
    let input = person("zoe@shop.example").with("budget", 99.5);
    let id = brain.create_contact(NOW, caller, &input).unwrap().id;
    patch(
        &mut brain,
        caller,
        NOW,
        id,
        ContactInput::default().with("budget", 0.0),
    );
    assert_eq!(
        brain.contact(id).unwrap().values.at(position),
        &Value::Float(99.5)
    );
    let zero = ContactInput::default().with("budget", 0.0);
    brain
        .edit_contact(NOW, caller, Verb::Put, id, &zero)
        .unwrap();
    assert_eq!(
        brain.contact(id).unwrap().values.at(position),
        &Value::Float(0.0)
    );
    assert_eq!(text(&brain, id, "email"), None);
}
