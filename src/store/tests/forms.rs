//! The bytes of every stored form. Changing any of them needs a new version and a migration:
//! stores that customers have are in these forms.

use std::fmt::Write;

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::audit::Mac;
use crate::domain::command::Queue;
use crate::domain::consent::{Consent, Dated, Proof, Reason};
use crate::domain::cursor::{Coverage, Cursor, Position, Stream};
use crate::domain::drift::Drift;
use crate::domain::ids::{
    AutomationId, FieldId, Generation, Kind, LinkId, RunId, SalesforceId, SalesforceObject, Side,
};
use crate::domain::link::{Base, FieldState, Link, Mark, MatchKey, Parked};
use crate::domain::mapping::{
    Arrow, BlankTravel, Concurrent, FieldRule, Mapping, Overwritten, Policy, Role,
};
use crate::domain::record::{
    Counts, Happened, HistoryEntry, Plan, PlanKind, PolicyVersion, Review, Suppression, Tally,
    UndoStep,
};
use crate::domain::setup::{Suspension, Timetable};
use crate::domain::time::{Span, Timestamp};
use crate::domain::value::{Value, ValueType};
use crate::store::chain::{Body, Note, Seal};
use crate::store::packed::PackedLink;
use crate::store::tests::{binding, generate, person, salesforce_id};
use crate::store::{acts, codec, keys, policies};

proptest! {
    #[test]
    fn a_link_is_the_same_after_it_was_stored(link in generate::link()) {
        let bytes = codec::encode(&PackedLink::from(link.clone())).unwrap();
        let packed: PackedLink = codec::decode(&bytes).unwrap();
        prop_assert_eq!(Link::from(packed), link);
    }

    #[test]
    fn a_salesforce_id_is_the_same_after_it_was_stored(text in "[0-9A-Za-z]{15}") {
        let id: SalesforceId = text.parse().unwrap();
        let mut link = person(3);
        link.salesforce.as_mut().unwrap().id = id;
        let bytes = codec::encode(&PackedLink::from(link.clone())).unwrap();
        let packed: PackedLink = codec::decode(&bytes).unwrap();
        prop_assert_eq!(Link::from(packed), link);
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        drop(codec::decode::<PackedLink>(&bytes));
        bytes.insert(0, 1);
        let checksum = crc32fast::hash(&bytes).to_le_bytes();
        bytes.extend(checksum);
        drop(codec::decode::<PackedLink>(&bytes));
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn unhex(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

#[track_caller]
fn check<T: Serialize + DeserializeOwned>(what: &str, value: &T, golden: &str) {
    let bytes = codec::encode(value).unwrap();
    assert_eq!(hex(&bytes), golden, "the stored form of a {what} changed");
    let back: T = codec::decode(&bytes).unwrap();
    assert_eq!(codec::encode(&back).unwrap(), bytes, "{what}");
}

fn dated() -> Dated {
    Dated::exactly(Timestamp(1_772_615_702_000), Proof::DatedRecord)
}

#[test]
fn the_stored_form_of_a_link_never_changes() {
    let mut link = person(3);
    link.fields.push(FieldState {
        field: FieldId(300),
        base: Some(Base {
            salesforce: Value::Text("<b>a</b>".into()),
            automation: Value::Text("a".into()),
        }),
        salesforce: Some(Value::Text("a".into())),
        automation: Some(Value::Number("1.5".parse().unwrap())),
        salesforce_edited: Some(crate::domain::link::Edited {
            after: Timestamp(1),
            by: Timestamp(2),
        }),
        automation_edited: None,
    });
    link.consent.agreed = Some(Consent::Out(Reason::Manual));
    link.consent.opted_out = Some(dated());
    check(
        "link",
        &PackedLink::from(link.clone()),
        "01030001010000025659d4bb41eb227c030000e0d78882976701123030355137\
303030303030303030314141410000016700e0d7888297670001010101ac027a\
040108706572736f6e203301083c623e613c2f623e010161031e010102040101\
0101e0d788829767e0d78882976701000001ca78b5a21e20ebe60006861b15",
    );
    if let Some(end) = &mut link.salesforce {
        end.first_id = salesforce_id(4);
        end.account = Some(salesforce_id(5));
    }
    link.generation = Generation(2);
    link.parked = Some(Parked::NoEmail);
    check(
        "parked link",
        &PackedLink::from(link),
        "01030001010000025659d4bb41eb227c03010000025659d4bb41eb227c0400e0\
d7888297670112303035513730303030303030303031414141010000025659d4\
bb41eb227c0500016700e0d7888297670001010101ac027a040108706572736f\
6e203301083c623e613c2f623e010161031e0101020401010101e0d788829767\
e0d78882976701000001ca78b5a21e20ebe601020000000001000007d47642",
    );
}

#[test]
fn the_stored_forms_of_activities_never_change() {
    check(
        "held event",
        &generate::held("PointGained1531", 2),
        "01010f506f696e744761696e656431353331070a656d61696c2e726561640a0a\
456d61696c2072656164000212554e41424c455f544f5f4c4f434b5f524f5706\
6c6f636b656402a9ac9b87",
    );
    check(
        "list of sent events",
        &vec![1_u64, 0x0102_0304_0506_0708],
        "010201888e98a8c0e080810167ed4a6e",
    );
}

#[test]
fn the_stored_forms_of_the_audit_never_change() {
    let entry = HistoryEntry {
        at: Timestamp(1_772_615_702_000),
        run: RunId(12),
        what: Happened::Overwritten {
            side: Side::Automation,
            field: FieldId(4),
            lost: Value::Text("Paris".into()),
            by: Value::Blank,
        },
    };
    check(
        "history entry",
        &entry,
        "01e0d7888297670c030104010550617269730019608a34",
    );
    let mut act = generate::act(12);
    act.undo.push(UndoStep {
        link: LinkId(3),
        before: FieldState::new(FieldId(4)),
        after: Base {
            salesforce: Value::Bool(true),
            automation: Value::Bool(true),
        },
    });
    let first = "010c1204616e6e65077265736f6c7665066c696e6b2034097469636b65742031\
320103040000000000020102019fb8d549";
    act.links = vec![LinkId(3)];
    assert_eq!(acts::decode(&unhex(first)).unwrap(), act);
    act.from = "ssh 192.0.2.7".into();
    act.links.push(LinkId(300));
    let bytes = acts::encode(&act).unwrap();
    assert_eq!(acts::decode(&bytes).unwrap(), act);
    assert_eq!(
        hex(&bytes),
        "020c1204616e6e650d737368203139322e302e322e37077265736f6c7665066c\
696e6b20340203ac02097469636b657420313201030400000000000201020\
1cc0c6d5c"
    );
    let suppression = Suppression {
        address: MatchKey::new(Kind::Person, "anne@example.org"),
        consent: Consent::Out(Reason::Unsubscribed),
        opted_out: dated(),
    };
    check(
        "suppression",
        &suppression,
        "01d1fedbc1d79f8b844e0102e0d788829767e0d78882976701e4d12b27",
    );
}

#[test]
fn the_stored_form_of_a_seal_never_changes() {
    let seal = Seal {
        body: vec![1, 2],
        mac: Mac([3; 32]),
    };
    check(
        "seal",
        &seal,
        "0102010203030303030303030303030303030303030303030303030303030303\
03030303e261a07f",
    );
    let body = Body {
        sequence: 300,
        at: Timestamp(1_772_615_702_000),
        key: 7,
        commit: 500,
        notes: vec![Note::Begun(Some(RunId(3))), Note::Restored(4)],
        acts: vec![RunId(12)],
        history: vec![(LinkId(3), 1)],
        sent: vec![(LinkId(4), vec![[1, 2, 3, 4, 5, 6, 7, 8]])],
        tags: vec![[5; 8], [6; 8]],
    };
    check(
        "body of a seal",
        &body,
        "01ac02e0d78882976707f403020001030104010c010301010401010203040506\
07080205050505050505050606060606060606884dd88e",
    );
}

#[test]
fn the_stored_forms_of_progress_never_change() {
    let cursor = Cursor {
        from: Timestamp(1_772_615_702_000),
        until: Some(Timestamp(1_772_615_762_000)),
        after: Some(Position::Stamp(
            Timestamp(1_772_615_703_000),
            salesforce_id(3),
        )),
    };
    check(
        "cursor",
        &(Stream::Contacts, cursor),
        "0101e0d78882976701a081908297670100b0e788829767303033513730303030\
3030303030332f81ac38",
    );
    let mut coverage = Coverage::default();
    coverage.add(Timestamp(10), Timestamp(20));
    coverage.add(Timestamp(30), Timestamp(400));
    check(
        "coverage",
        &(Side::Automation, coverage),
        "01010214283ca006f3c6c4d8",
    );
    let tally = Tally {
        next_link: 300,
        next_run: 4,
        ignored: [("no e-mail".to_owned(), 7)].into(),
        activities_sent: 9,
        calls: vec![(490_000, 17)],
        is_braked: true,
        paused: [Queue::Activities].into(),
    };
    check(
        "tally",
        &tally,
        "01ac020401096e6f20652d6d61696c070901a0e83b110101025d1dd995",
    );
    let counts = Counts {
        links: 300,
        marks: [(Mark::Conflict, 2), (Mark::OneSided, 1)].into(),
        held_activities: 3,
        sent_activities: 4,
        commits: 5,
    };
    check("count", &counts, "01ac020200020801030405f5a9faa6");
    let plan = Plan {
        run: RunId(4),
        kind: PlanKind::Republish,
        operator: "anne".into(),
        reason: "ticket 12".into(),
        started: Timestamp(1),
        from: Timestamp(2),
        until: Timestamp(3),
        kinds: vec!["email.read".into()],
        next: (0, 2),
        examined: 5,
        sent: 6,
        already_there: 7,
        held: 8,
        is_paused: true,
    };
    check(
        "plan",
        &plan,
        "01040104616e6e65097469636b6574203132020406010a656d61696c2e726561\
6400020506070801465f932e",
    );
}

#[test]
fn the_stored_forms_of_the_set_up_never_change() {
    check("format", &1_u32, "01012813c52f");
    check(
        "binding",
        &binding(),
        "01123030445137303030303030303030314d4141011f68747470733a2f2f6163\
6d652e6175746f6d6174696f6e2e6578616d706c65a58d3f49",
    );
    let rule = FieldRule {
        id: FieldId(1),
        salesforce: "Email".into(),
        objects: vec![SalesforceObject::Lead, SalesforceObject::Contact],
        automation: "email".into(),
        value_type: ValueType::Email,
        role: Role::Email,
        arrow: Arrow::Both,
        overwritten: Overwritten::Review,
        blank: BlankTravel::Clears,
        concurrent: Concurrent::Newest,
    };
    let mut version = PolicyVersion {
        timetable: None,
        version: 2,
        at: Timestamp(3),
        author: "anne".into(),
        policy: Policy {
            mapping: Mapping {
                person: vec![rule],
                company: Vec::new(),
            },
            published: true,
            objects: vec![SalesforceObject::Lead],
            activities: true,
            update_blanks: false,
            latest_do_not_contact: true,
            sync_owners: false,
            create_accounts: true,
            activity_types: vec!["email.read".into()],
            namespace: String::new(),
            automation_url: "https://acme.automation.example".into(),
        },
    };
    let first = "01020604616e6e65010105456d61696c02000105656d61696c01010201010100\
0101000100010001010a656d61696c2e72656164001f68747470733a2f2f6163\
6d652e6175746f6d6174696f6e2e6578616d706c65133ff82e";
    assert_eq!(policies::decode(&unhex(first)).unwrap(), version);
    version.timetable = Some(Timetable {
        is_enabled: true,
        pull: Some(Span::hours(1)),
        push: None,
        activities: Some(Span::minutes(30)),
        overlap: Span::minutes(20),
    });
    let bytes = policies::encode(&version).unwrap();
    assert_eq!(policies::decode(&bytes).unwrap(), version);
    assert_eq!(
        hex(&bytes),
        "02020604616e6e65010105456d61696c02000105656d61696c01010201010100\
0101000100010001010a656d61696c2e72656164001f68747470733a2f2f6163\
6d652e6175746f6d6174696f6e2e6578616d706c6501010180bab703000180dd\
db0180be9201006b89b9"
    );
}

#[test]
fn the_stored_forms_of_what_is_suspended_and_reviewed_never_change() {
    check(
        "suspended",
        &vec![Suspension {
            kind: Kind::Person,
            field: FieldId(3),
            since: Timestamp(400),
            why: Drift::Retyped(
                Side::Salesforce,
                Some(SalesforceObject::Contact),
                Some(ValueType::Number),
            ),
        }],
        "01010003a00602000101010311774aa5",
    );
    check(
        "review",
        &Review {
            version: 7,
            after: Some(LinkId(300)),
            looked_at: 300,
            reads: true,
        },
        "010701ac02ac0201d07efe2d",
    );
}

#[test]
fn the_layout_of_keys_never_changes() {
    let link = LinkId(0x0102);
    let cases = [
        (keys::link(link), "6c0000000000000102"),
        (
            keys::salesforce_link(salesforce_id(3), link),
            "730000025659d4bb41eb227c030102",
        ),
        (
            keys::automation_link(Kind::Company, AutomationId(5), link),
            "610100000000000000050102",
        ),
        (
            keys::match_link(MatchKey(6), link),
            "6b00000000000000060102",
        ),
        (
            keys::mark_link(Mark::OneSided, link),
            "6d080000000000000102",
        ),
        (keys::word_link("ana", link), "6e616e61020102"),
        (keys::word_link("ana", LinkId(0)), "6e616e6100"),
        (keys::suppression(MatchKey(6)), "750000000000000006"),
        (keys::unpaired(MatchKey(6)), "710000000000000006"),
        (keys::held("a1"), "766131"),
        (keys::sent(link), "650000000000000102"),
        (
            keys::history_entry(link, 7, 8),
            "680000000000000102000000000000000700000008",
        ),
        (keys::act(RunId(9)), "780000000000000009"),
        (keys::seal(9), "770000000000000009"),
        (keys::policy(2), "7000000002"),
        (keys::plan(RunId(9)), "6a0000000000000009"),
        (keys::cursor(6), "632f637572736f722f06"),
        (keys::coverage(1), "632f636f7665726167652f01"),
        (keys::vault("x"), "632f7661756c742f78"),
    ];
    for (key, golden) in cases {
        assert_eq!(hex(&key), golden);
    }
}
