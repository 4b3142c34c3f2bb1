//! The desk's answers over a store in memory.

mod search;

use std::fs;

use super::*;
use crate::adapters::SystemClock;
use crate::console::Tongue;
use crate::console::query::{Export, Exported, Format, Older, Searched, Wanted};
use crate::domain::conflict::{Cause, Conflict, Subject};
use crate::domain::consent::{Consent, ConsentView, Evidence, Reason};
use crate::domain::doctor::Finding;
use crate::domain::flag::{Matter, Standing};
use crate::domain::ids::{AutomationId, FieldId, Kind, RunId, SalesforceObject};
use crate::domain::link::{AutomationEnd, Base, FieldState, SalesforceEnd};
use crate::domain::mapping::{
    Arrow, BlankTravel, Concurrent, FieldRule, Mapping, Overwritten, Role,
};
use crate::domain::record::{Act, Batch, Change, UndoStep};
use crate::domain::row::RowState;
use crate::domain::time::Span;
use crate::domain::value::{Value, ValueType};
use crate::store::memory::{Kept, MemoryStore};

const NOW: Timestamp = Timestamp(1_772_615_702_000);
const EMAIL: FieldId = FieldId(1);
const CONSENT: FieldId = FieldId(2);

fn rule(id: FieldId, names: (&str, &str), role: Role) -> FieldRule {
    FieldRule {
        id,
        salesforce: names.0.to_owned(),
        objects: vec![SalesforceObject::Lead],
        automation: names.1.to_owned(),
        value_type: ValueType::Text,
        role,
        arrow: Arrow::Both,
        overwritten: Overwritten::Keep,
        blank: BlankTravel::Never,
        concurrent: Concurrent::Conflict,
    }
}

fn policy() -> Policy {
    Policy {
        mapping: Mapping {
            person: vec![
                rule(EMAIL, ("Email", "email"), Role::Email),
                rule(
                    CONSENT,
                    ("HasOptedOutOfEmail", "@do_not_contact_email"),
                    Role::Consent,
                ),
            ],
            company: Vec::new(),
        },
        published: true,
        objects: vec![SalesforceObject::Lead],
        activities: false,
        update_blanks: false,
        latest_do_not_contact: true,
        sync_owners: false,
        create_accounts: false,
        activity_types: Vec::new(),
        namespace: String::new(),
        automation_url: "https://acme.automation.example".to_owned(),
    }
}

struct Room {
    desk: Desk,
    folder: tempfile::TempDir,
}

impl Room {
    fn with(changes: Vec<Change>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = Kept::default();
        kept.apply(Batch(changes));
        let desk = Desk {
            role: crate::domain::operator::Role::Admin,
            journal: Arc::default(),
            store: Arc::new(MemoryStore::new(kept)),
            setups: watch::channel(Arc::new(InForce {
                policy: Arc::new(policy()),
                ..InForce::default()
            }))
            .1,
            data: folder.path().to_owned(),
            settings: serde_json::Value::Null,
            doctor: Doctor::default(),
            snapshots: watch::channel(Arc::default()).1,
            clock: Arc::new(SystemClock),
            reception: None,
            outside: None,
        };
        Self { desk, folder }
    }

    async fn flags(&self) -> Page<crate::console::query::FlagRow> {
        match self.desk.answer(Query::Flags).await.unwrap() {
            Answer::Flags(page) => page,
            other => panic!("{other:?}"),
        }
    }

    async fn export(&self, format: Format, wanted: Wanted) -> Exported {
        let at = NOW;
        let export = Export { format, wanted, at };
        self.desk.export(export).await.unwrap()
    }
}

fn person(number: u64, salesforce: Consent, automation: Consent) -> Link {
    let mut link = Link::new(LinkId(number), Kind::Person);
    let id = format!("00Q{number:012}").parse().unwrap();
    link.salesforce = Some(SalesforceEnd {
        object: SalesforceObject::Lead,
        id,
        first_id: id,
        state: RowState::Live,
        modified: NOW,
        edited_by: None,
        account: None,
        written_since: false,
    });
    link.automation = Some(AutomationEnd {
        id: AutomationId(number),
        state: RowState::Live,
        modified: NOW,
        edited_by: None,
        written_since: false,
    });
    let state = link.field_mut(EMAIL);
    state.salesforce = Some(Value::text(&format!("p{number}@orion.example")));
    let view = |value| {
        Some(ConsentView {
            value,
            since: NOW - Span::minutes(number as i64),
            seen: NOW,
            evidence: Evidence::default(),
        })
    };
    link.consent.salesforce = view(salesforce);
    link.consent.automation = view(automation);
    link
}

fn put(link: Link) -> Change {
    Change::PutLink(Box::new(link))
}

const OUT: Consent = Consent::Out(Reason::Unsubscribed);

fn act(run: u64, name: &str, object: &str) -> Act {
    Act {
        run: RunId(run),
        at: NOW,
        operator: "claire".to_owned(),
        from: String::new(),
        act: name.to_owned(),
        object: object.to_owned(),
        links: Vec::new(),
        reason: "by phone".to_owned(),
        undo: Vec::new(),
    }
}

#[tokio::test]
async fn mismatches_come_first_and_are_never_the_ones_cut_off() {
    let agreed = (1..=1_500).map(|number| put(person(number, OUT, OUT)));
    let differ = (2_000..2_003).map(|number| put(person(number, Consent::In, OUT)));
    let mut held = person(3_000, Consent::In, OUT);
    held.conflicts.push(Conflict {
        subject: Subject::Consent,
        cause: Cause::ConsentWithoutProof {
            opted_in: Side::Salesforce,
        },
        raised: NOW,
    });
    let room = Room::with(agreed.chain(differ).chain([put(held)]).collect());
    let page = room.flags().await;
    assert_eq!((page.rows.len(), page.more), (ROWS_MAX, 504));
    let first: Vec<u64> = page.rows[..5].iter().map(|row| row.brief.id.0).collect();
    assert_eq!(
        first,
        [3_000, 2_000, 2_001, 2_002, 1],
        "latest first in each"
    );
    assert_eq!(page.rows[0].flag.standing, Standing::Held(Subject::Consent));
    assert_eq!(page.rows[0].brief.name, "p3000@orion.example");
}

#[tokio::test]
async fn a_link_of_several_marks_is_listed_once_for_each_matter() {
    let mut link = person(1, OUT, OUT);
    if let Some(end) = &mut link.salesforce {
        end.state = RowState::Deleted;
    }
    link.conflicts.push(Conflict {
        subject: Subject::Deletion,
        cause: Cause::Restored,
        raised: NOW,
    });
    let room = Room::with(vec![put(link), put(person(2, Consent::In, Consent::In))]);
    let matters: Vec<Matter> = room
        .flags()
        .await
        .rows
        .iter()
        .map(|row| row.flag.matter)
        .collect();
    assert_eq!(matters, [Matter::Deleted(Side::Salesforce), Matter::OptOut]);
}

#[tokio::test]
async fn acts_come_newest_first_and_say_if_there_are_older_ones() {
    let all = (1..=1_200).map(|run| Change::AddAct(act(run, "retry", "1")));
    let room = Room::with(all.collect());
    let Answer::Acts(acts) = room.desk.answer(Query::Acts).await.unwrap() else {
        panic!("another answer");
    };
    assert_eq!((acts.rows.len(), acts.older), (ROWS_MAX, Older::NotShown));
    assert_eq!(acts.rows[0].run, RunId(1_200));
    let few = Room::with(vec![Change::AddAct(act(1, "retry", "1"))]);
    let Answer::Acts(acts) = few.desk.answer(Query::Acts).await.unwrap() else {
        panic!("another answer");
    };
    assert_eq!((acts.rows.len(), acts.older), (1, Older::Nothing));
}

#[tokio::test]
async fn an_act_comes_with_the_contacts_it_touched() {
    let links = [1, 2].map(|number| put(person(number, Consent::In, Consent::In)));
    let room = Room::with(links.into());
    let mut resolved = act(9, "resolve", "1");
    resolved.undo = vec![UndoStep {
        link: LinkId(2),
        before: FieldState::new(EMAIL),
        after: Base {
            salesforce: Value::text("a"),
            automation: Value::text("a"),
        },
    }];
    for (act, expected) in [
        (resolved, &["p1@orion.example", "p2@orion.example"][..]),
        (act(8, "retry", "1"), &["p1@orion.example"]),
        (act(7, "retry", "2 links"), &[]),
    ] {
        let query = Query::Act(Box::new(act.clone()));
        let Answer::Act(shown) = room.desk.answer(query).await.unwrap() else {
            panic!("another answer");
        };
        let names: Vec<&str> = shown.links.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!((&shown.act, &names[..]), (&act, expected));
    }
}

#[tokio::test]
async fn an_export_takes_what_was_asked_for_and_nothing_over_another_file() {
    let acts = (1..=1_200).map(|run| Change::AddAct(act(run, "retry", "1")));
    let room = Room::with(acts.collect());
    let Exported::Written { acts, path } = room.export(Format::Csv, Wanted::All).await else {
        panic!("not written");
    };
    assert_eq!(acts, 1_200, "older ones than the screen shows too");
    assert!(path.starts_with(&room.folder.path().display().to_string()));
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 1_201);
    let again = room.export(Format::Csv, Wanted::All).await;
    assert!(matches!(again, Exported::Failed { .. }), "{again:?}");
    let some = room.export(Format::JsonLines, Wanted::One(RunId(7))).await;
    let Exported::Written { acts: 1, path, .. } = some else {
        panic!("{some:?}");
    };
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("{\"run\":7,"), "{text}");
}

#[tokio::test]
async fn a_filtered_export_reaches_acts_that_are_too_old_to_be_shown() {
    let mut changes = vec![put(person(1, Consent::In, Consent::In))];
    changes.extend((1..=2_500).map(|run| {
        let mut act = act(run, "retry", "2 links");
        if run == 3 || run == 2_400 {
            act.links = vec![LinkId(1), LinkId(9)];
            act.from = "ssh 192.0.2.7".to_owned();
        }
        Change::AddAct(act)
    }));
    let room = Room::with(changes);
    for typed in ["object:p1@orion", "from:192.0.2.7"] {
        let wanted = Wanted::Filtered {
            typed: typed.to_owned(),
            tongue: Tongue::English,
        };
        let Exported::Written { acts: 2, path } = room.export(Format::Csv, wanted).await else {
            panic!("{typed}");
        };
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 5, "a heading, and a line for each contact");
        assert!(lines[1].contains("ssh 192.0.2.7,retry,2 links,by phone,1,p1@orion.example"));
        fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn the_audit_is_checked_beside_other_questions() {
    let acts = (1..=3).map(|run| Change::AddAct(act(run, "retry", "1")));
    let Room {
        desk,
        folder: _kept,
    } = Room::with(acts.collect());
    let (questions, asked) = mpsc::channel(16);
    let (told, mut answers) = mpsc::channel(16);
    let served = tokio::spawn(desk.serve(asked, told));
    questions
        .send((Ticket(1), Query::CheckAudit))
        .await
        .unwrap();
    let Msg::Answered(Ticket(1), Answer::Checked(verdict)) = answers.recv().await.unwrap() else {
        panic!("another answer");
    };
    assert!(verdict.is_whole());
    assert_eq!(verdict.entries, 3);
    drop(questions);
    served.await.unwrap();
}

#[tokio::test]
async fn an_example_has_a_value_on_both_sides_if_anybody_has() {
    let mut both = person(2, Consent::In, Consent::In);
    both.field_mut(EMAIL).automation = Some(Value::text("p2@orion.example"));
    let room = Room::with(vec![put(person(1, Consent::In, Consent::In)), put(both)]);
    let query = Query::Example(Kind::Person, EMAIL);
    let found = room.desk.answer(query).await.unwrap();
    assert!(matches!(&found, Answer::Example(Some(example)) if example.link == LinkId(2)));
    let query = Query::Example(Kind::Company, EMAIL);
    let found = room.desk.answer(query).await.unwrap();
    assert_eq!(found, Answer::Example(None));
}

#[tokio::test]
async fn the_oldest_conflict_and_the_room_on_the_disk_are_found() {
    let mut links = Vec::new();
    for number in 1..=3 {
        let mut link = person(number, Consent::In, Consent::In);
        link.conflicts.push(Conflict {
            subject: Subject::Consent,
            cause: Cause::Restored,
            raised: NOW - Span::days(number as i64),
        });
        links.push(put(link));
    }
    let room = Room::with(links);
    let oldest = waiting(&*room.desk.store).await.unwrap().oldest;
    assert_eq!(oldest, Some(NOW - Span::days(3)));
    fs::write(room.folder.path().join("some"), [0; 1_000]).unwrap();
    let found = disk(room.folder.path().to_owned()).await.unwrap();
    assert!(found.used_bytes >= 1_000 && found.free_bytes > 0);
    let Answer::Doctor(diagnosis) = room.desk.answer(Query::Doctor).await.unwrap() else {
        panic!("another answer");
    };
    let waits = |finding: &&Finding| finding.check.id == "conflicts";
    let finding = diagnosis.findings.iter().find(waits).unwrap();
    assert_eq!(finding.seen.says, "seen-conflicts");
}

/// Looked for by a part of a name, in a store larger than one page.
#[tokio::test]
async fn a_search_tells_what_it_found_so_far_delays_nobody_and_ends_where_another_begins() {
    let people = (1..=2_000).map(|number| put(person(number, Consent::In, Consent::In)));
    let Room {
        desk,
        folder: _kept,
    } = Room::with(people.collect());
    let (questions, asked) = mpsc::channel(16);
    let (told, mut answers) = mpsc::channel(16);
    let served = tokio::spawn(desk.serve(asked, told));
    for (ticket, query) in [
        (1, Query::Search("orion".to_owned())),
        (2, Query::Search("P2000@".to_owned())),
        (3, Query::Standing),
    ] {
        questions.send((Ticket(ticket), query)).await.unwrap();
    }
    let mut order = Vec::new();
    let last = loop {
        match answers.recv().await.unwrap() {
            Msg::Answered(ticket, Answer::Found(found)) if found.searched == Searched::All => {
                assert_eq!(ticket, Ticket(2), "the first was left for the second");
                break found;
            }
            Msg::Answered(ticket, _) => order.push(ticket),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(order[0], Ticket(3), "answered while the search goes on");
    assert!(!order.contains(&Ticket(1)));
    assert_eq!(last.page.rows.len(), 1);
    questions
        .send((Ticket(4), Query::Search("orion".to_owned())))
        .await
        .unwrap();
    let mut parts = Vec::new();
    loop {
        let Msg::Answered(Ticket(4), Answer::Found(found)) = answers.recv().await.unwrap() else {
            panic!("an answer to another question");
        };
        parts.push((found.page.rows.len(), found.page.more, found.searched));
        if found.searched == Searched::All {
            break;
        }
    }
    let some = (100, 400, Searched::SoFar(500));
    assert_eq!(parts, [some, (100, 1_900, Searched::All)]);
    drop(questions);
    served.await.unwrap();
}

#[tokio::test]
async fn a_bundle_goes_into_the_data_folder_for_whoever_may_and_names_nobody() {
    let link = person(1, Consent::In, Consent::In);
    let room = Room::with(vec![Change::PutLink(Box::new(link))]);
    let ask = async |desk: &Desk| {
        let query = Query::Bundle(Some(LinkId(1)), NOW, "why".to_owned());
        desk.answered(Ticket(1), query).await
    };
    let looker = Desk {
        role: crate::domain::operator::Role::Viewer,
        ..Room::with(Vec::new()).desk
    };
    assert!(matches!(ask(&looker).await, Msg::Unanswered(..)));
    // Nor where nobody answers for it.
    let unrecorded = ask(&room.desk).await;
    let Msg::Answered(_, Answer::Exported(Exported::Failed { error, .. })) = unrecorded else {
        panic!("{unrecorded:?}");
    };
    assert!(error.contains("recorded"), "{error}");
    let made = room.desk.bundle(Some(LinkId(1)), NOW).await;
    let Ok(Exported::Bundle { path }) = made else {
        panic!("{made:?}");
    };
    let bundle = crate::app::bundle::read(std::path::Path::new(&path)).unwrap();
    let text = String::from_utf8(bundle.bytes()).unwrap();
    assert!(text.contains("@masked.example"));
    assert!(!text.contains("00Q000000000001"), "records are tokens too");
    // Two in one second do not take each other's name.
    let again = room.desk.bundle(None, NOW).await;
    let Ok(Exported::Bundle { path: second }) = again else {
        panic!("{again:?}");
    };
    assert!(second.ends_with("-2.json.gz") && second != path, "{second}");
    assert!(crate::app::bundle::read(std::path::Path::new(&second)).is_ok());
}

/// A link whose mobile number Salesforce changed, where Automation has priority.
fn overruled(number: u64) -> Link {
    let mut link = person(number, Consent::In, Consent::In);
    let old = Value::text("0600");
    let state = link.field_mut(MOBILE);
    state.base = Some(Base {
        salesforce: old.clone(),
        automation: old.clone(),
    });
    state.salesforce = Some(Value::text("0601"));
    state.automation = Some(old);
    link
}

const MOBILE: FieldId = FieldId(7);

async fn foreseen(
    room: &Room,
    change: impl FnOnce(&mut Policy),
) -> crate::console::query::Foreseen {
    let mut wanted = (*room.desk.policy()).clone();
    change(&mut wanted);
    let query = Query::Forecast(Box::new(wanted));
    match room.desk.answer(query).await.unwrap() {
        Answer::Forecast(seen) => *seen,
        other => panic!("{other:?}"),
    }
}

fn mapped(room: Room, arrow: Arrow) -> Room {
    let mut policy = policy();
    let mut mobile = rule(MOBILE, ("MobilePhone", "mobile"), Role::Plain);
    mobile.arrow = arrow;
    policy.mapping.person.push(mobile);
    let in_force = InForce {
        policy: Arc::new(policy),
        ..InForce::default()
    };
    Room {
        desk: Desk {
            setups: watch::channel(Arc::new(in_force)).1,
            ..room.desk
        },
        ..room
    }
}

#[tokio::test]
async fn what_a_turned_arrow_would_write_is_counted_over_everybody() {
    let links = (1..=450).map(|number| {
        let link = if number % 3 == 0 {
            overruled(number)
        } else {
            person(number, Consent::In, Consent::In)
        };
        Change::PutLink(Box::new(link))
    });
    let room = mapped(Room::with(links.collect()), Arrow::Automation);
    let unchanged = foreseen(&room, |_| {}).await;
    assert_eq!((unchanged.looked_at, unchanged.changed), (450, 0));
    let seen = foreseen(&room, |policy| {
        policy.mapping.person[2].arrow = Arrow::Salesforce;
    })
    .await;
    assert_eq!((seen.looked_at, seen.changed), (450, 150));
    assert_eq!(seen.values, BTreeMap::from([(Side::Automation, 150)]));
    assert_eq!(seen.sample, None, "every value is remembered");
    assert_eq!(seen.calls[&Side::Automation], 1);
    assert_eq!(seen.samples.len(), 10);
    assert_eq!(seen.samples[0], "p3@orion.example");
    let both = foreseen(&room, |policy| {
        policy.mapping.person[2].arrow = Arrow::Both;
    })
    .await;
    assert_eq!(both.changed, 150);
}

#[tokio::test]
async fn a_new_pair_that_cannot_be_read_is_said_and_not_called_nobody() {
    let links = vec![Change::PutLink(Box::new(person(
        1,
        Consent::In,
        Consent::In,
    )))];
    let room = Room::with(links);
    let seen = foreseen(&room, |policy| {
        policy
            .mapping
            .person
            .push(rule(MOBILE, ("MobilePhone", "mobile"), Role::Plain));
    })
    .await;
    let why = crate::domain::access::Why::said("why-not-connected", Vec::new());
    let unread = crate::console::query::Sample::Unread(why);
    assert_eq!(seen.sample, Some(unread));
}

#[tokio::test]
async fn a_forecast_is_told_on_the_way_and_ends_where_another_begins() {
    let links = (1..=6_000)
        .map(|number| Change::PutLink(Box::new(person(number, Consent::In, Consent::In))));
    let Room {
        desk,
        folder: _folder,
    } = Room::with(links.collect());
    let query = || Query::Forecast(Box::new((*desk.policy()).clone()));
    let (first, second) = (query(), query());
    let (questions, asked) = mpsc::channel(4);
    let (told, mut answers) = mpsc::channel(4);
    questions.send((Ticket(1), first)).await.unwrap();
    questions.send((Ticket(2), second)).await.unwrap();
    let serving = tokio::spawn(desk.serve(asked, told));
    let mut heard = Vec::new();
    while let Some(Msg::Answered(ticket, Answer::Forecast(seen))) = answers.recv().await {
        heard.push((ticket, seen.searched));
        if seen.searched == Searched::All {
            break;
        }
    }
    assert_eq!(
        heard,
        [
            (Ticket(2), Searched::SoFar(5_000)),
            (Ticket(2), Searched::All)
        ]
    );
    drop(questions);
    serving.await.unwrap();
}
