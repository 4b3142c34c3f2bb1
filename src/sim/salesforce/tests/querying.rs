//! SOQL against records: conditions, order, pages, visibility.

use super::*;
use crate::sim::clock::DAY_MS;
use crate::sim::faults::FaultKind;
use crate::sim::salesforce::cursors::Locator;
use crate::sim::salesforce::org::CommitLag;
use crate::sim::salesforce::schema::{
    ACCOUNT, CONTACT, FieldAccess, FieldDef, FieldType, GROUP, LEAD, USER,
};
use crate::sim::salesforce::value::Value;

fn four_leads(org: &mut Salesforce) {
    for (last, email, city, seconds) in [
        ("Arnaud", "arnaud@orion.example", "Lyon", 0),
        ("Bernard", "BERNARD@orion.example", "Paris", 10),
        ("Caron", "", "lyon", 20),
        ("Dupont-100%", "dupont@vega.example", "", 20),
    ] {
        let pairs = [
            ("LastName", last),
            ("Company", "Orion"),
            ("Email", email),
            ("City", city),
        ];
        made(org, LEAD, &pairs, seconds);
    }
}

#[track_caller]
fn check(condition: &str, expected: &[&str]) {
    let mut org = org();
    four_leads(&mut org);
    let soql = format!("SELECT LastName FROM Lead WHERE {condition} ORDER BY LastName");
    assert_eq!(found(&mut org, &soql, 60), expected, "{condition}");
}

#[test]
fn text_is_compared_without_regard_to_case() {
    check("City = 'LYON'", &["Arnaud", "Caron"]);
    check("Email = 'bernard@orion.example'", &["Bernard"]);
    check(
        "email IN ('ARNAUD@orion.example', 'nobody@orion.example')",
        &["Arnaud"],
    );
    check("City NOT IN ('Lyon')", &["Bernard", "Dupont-100%"]);
}

#[test]
fn null_equals_null_and_differs_from_everything_else() {
    check("Email = null", &["Caron"]);
    check(
        "Email != 'arnaud@orion.example'",
        &["Bernard", "Caron", "Dupont-100%"],
    );
    check("City < 'M'", &["Arnaud", "Caron"]);
    check("NOT (City = 'Lyon')", &["Bernard", "Dupont-100%"]);
}

#[test]
fn conditions_nest_and_stamps_bound_them() {
    check(
        "(City = 'Paris' OR City = null) AND Company = 'orion'",
        &["Bernard", "Dupont-100%"],
    );
    check(
        "SystemModstamp > 2026-03-04T09:15:02Z AND SystemModstamp < 2026-03-04T10:15:22+01:00",
        &["Bernard"],
    );
    check(
        "CreatedDate = TODAY AND IsConverted = false AND LastName LIKE '_a%'",
        &["Caron"],
    );
    check("CreatedDate < TODAY", &[]);
    check("LastName LIKE '%100\\%'", &["Dupont-100%"]);
    check(
        "Owner.Type = 'User' AND Owner.Name = 'integration' AND City = 'Paris'",
        &["Bernard"],
    );
}

#[test]
fn a_key_set_page_resumes_inside_one_second() {
    let mut org = org();
    four_leads(&mut org);
    let page = run(&mut org, "SELECT Id FROM Lead WHERE LastName = 'Caron'", 60).unwrap();
    let soql = format!(
        "SELECT LastName FROM Lead WHERE (SystemModstamp > 2026-03-04T09:15:22Z OR (SystemModstamp \
         = 2026-03-04T09:15:22Z AND Id > '{}')) ORDER BY SystemModstamp, Id LIMIT 10",
        page.rows[0].id
    );
    assert_eq!(found(&mut org, &soql, 60), ["Dupont-100%"]);
}

#[test]
fn nulls_come_first_unless_told_otherwise() {
    let mut org = org();
    four_leads(&mut org);
    let by = |order: &str| format!("SELECT LastName FROM Lead ORDER BY Email {order} LIMIT 1");
    assert_eq!(found(&mut org, &by("ASC"), 60), ["Caron"]);
    assert_eq!(found(&mut org, &by("DESC"), 60), ["Caron"]);
    assert_eq!(found(&mut org, &by("DESC NULLS LAST"), 60), ["Dupont-100%"]);
    assert_eq!(
        found(
            &mut org,
            "SELECT LastName FROM Lead ORDER BY Id LIMIT 2 OFFSET 1",
            60
        ),
        ["Bernard", "Caron"]
    );
}

#[test]
fn an_unknown_column_and_a_hidden_one_are_refused_in_the_same_words() {
    let mut org = org();
    let unknown = refusal(run(&mut org, "SELECT Id, Foo__c FROM Lead", 0));
    assert_eq!(unknown.0, ErrorCode::INVALID_FIELD);
    let expected = "No such column 'Foo__c' on entity 'Lead'. If you are attempting to use a custom \
                    field, be sure to append the '__c' after the custom field name. Please reference \
                    your WSDL or the describe call for the appropriate names.";
    assert!(unknown.1.ends_with(expected), "{}", unknown.1);
    assert!(
        unknown.1.contains("ERROR at Row:1:Column:12\n"),
        "{}",
        unknown.1
    );
    assert!(run(&mut org, "SELECT HasOptedOutOfEmail FROM Lead", 0).is_ok());
    org.grant(LEAD, "HasOptedOutOfEmail", FieldAccess::Hidden, at(0));
    let hidden = refusal(run(&mut org, "SELECT HasOptedOutOfEmail FROM Lead", 0));
    assert_eq!(hidden.0, ErrorCode::INVALID_FIELD);
    assert!(
        hidden
            .1
            .contains("No such column 'HasOptedOutOfEmail' on entity 'Lead'.")
    );
}

#[test]
fn what_the_vendor_refuses_in_a_query_is_refused() {
    let mut org = org();
    for (soql, code) in [
        ("SELECT Id FROM Leed", ErrorCode::INVALID_TYPE),
        ("SELECT Id FRM Lead", ErrorCode::MALFORMED_QUERY),
        (
            "SELECT Id FROM Lead WHERE Description = 'x'",
            ErrorCode::INVALID_FIELD,
        ),
        (
            "SELECT Id FROM LeadHistory WHERE OldValue = 'x'",
            ErrorCode::INVALID_FIELD,
        ),
        (
            "SELECT Id FROM Lead ORDER BY HasOptedOutOfEmail",
            ErrorCode::MALFORMED_QUERY,
        ),
        (
            "SELECT Id FROM Lead WHERE Email = 5",
            ErrorCode::INVALID_FIELD,
        ),
        (
            "SELECT Id FROM Lead WHERE SystemModstamp > '2026-03-04T00:00:00Z'",
            ErrorCode::INVALID_FIELD,
        ),
        (
            "SELECT Id FROM Lead WHERE Id = 'zut'",
            ErrorCode::INVALID_QUERY_FILTER_OPERATOR,
        ),
        (
            "SELECT Id FROM Lead WHERE City = '50\\%'",
            ErrorCode::MALFORMED_QUERY,
        ),
        (
            "SELECT Id FROM Lead OFFSET 2001",
            ErrorCode::NUMBER_OUTSIDE_VALID_RANGE,
        ),
        ("SELECT FIELDS(ALL) FROM Lead", ErrorCode::MALFORMED_QUERY),
    ] {
        assert_eq!(refusal(run(&mut org, soql, 0)).0, code, "{soql}");
    }
    assert!(run(&mut org, "SELECT FIELDS(ALL) FROM Lead LIMIT 200", 0).is_ok());
}

#[test]
fn parents_are_followed_and_missing_ones_are_null() {
    let mut org = org();
    let account = made(&mut org, ACCOUNT, &[("Name", "Vega SA")], 0);
    let with = [("LastName", "Roy"), ("AccountId", &*account.to_string())];
    made(&mut org, CONTACT, &with, 0);
    made(&mut org, CONTACT, &[("LastName", "Seul")], 0);
    let page = run(
        &mut org,
        "SELECT Account.Name, Account.Owner.Email FROM Contact ORDER BY LastName",
        1,
    )
    .unwrap();
    assert_eq!(page.rows[0].values[0], Value::text("Vega SA"));
    assert_eq!(
        page.rows[0].values[1],
        Value::text("integration@orion.example")
    );
    assert_eq!(page.rows[1].values[0], Value::Null);
    assert_eq!(page.rows[1].origins[0], None);
    let semi = "SELECT Name FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE LastName \
                = 'Roy')";
    assert_eq!(found(&mut org, semi, 1), ["Vega SA"]);
}

#[test]
fn a_lead_may_belong_to_a_queue_and_its_type_says_so() {
    let mut org = org();
    let queue = org.add_queue("Inbound", at(0));
    let pairs = [
        ("LastName", "Roy"),
        ("Company", "Vega"),
        ("OwnerId", &*queue.to_string()),
    ];
    made(&mut org, LEAD, &pairs, 0);
    assert_eq!(org.object_of(queue), Some(GROUP));
    assert_eq!(found(&mut org, "SELECT Owner.Type FROM Lead", 1), ["Group"]);
    assert_eq!(
        found(&mut org, "SELECT Owner.Name FROM Lead", 1),
        ["Inbound"]
    );
    let soql = "SELECT TYPEOF Owner WHEN User THEN Email ELSE Name END FROM Lead";
    let page = run(&mut org, soql, 1).unwrap();
    assert_eq!(page.columns.len(), 2);
    assert!(!org.applies(&page.columns[0], queue) && org.applies(&page.columns[1], queue));
}

#[test]
fn long_results_come_in_pages_that_belong_to_their_user_and_die() {
    let mut org = org();
    for number in 0..450 {
        let name = format!("N{number:03}");
        made(
            &mut org,
            LEAD,
            &[("LastName", &*name), ("Company", "Vega")],
            0,
        );
    }
    let mut call = api(&org, 1);
    call.options.batch_size = Some(50);
    let query = parse("SELECT LastName FROM Lead ORDER BY LastName").unwrap();
    let first = org.query(&call, &query, Deleted::Excluded).unwrap();
    assert_eq!((first.total_size, first.rows.len()), (450, 200));
    let next = first.next.unwrap();
    assert_eq!(Locator::parse(&next.to_string()), Some(next));
    let last = Locator {
        offset: 400,
        ..next
    };
    let page = org.query_more(&call, last).unwrap();
    assert_eq!((page.rows.len(), page.next), (50, None));
    let other = org.add_user(("Zoé", "Blanc"), "zoe@orion.example", at(0));
    let foreign = Call {
        user: other,
        ..call.clone()
    };
    assert_eq!(
        refusal(org.query_more(&foreign, next)).0,
        ErrorCode::INVALID_QUERY_LOCATOR
    );
    let late = Call {
        now: at(1).plus_millis(2 * DAY_MS + 1),
        ..call.clone()
    };
    assert_eq!(
        refusal(org.query_more(&late, next)).0,
        ErrorCode::INVALID_QUERY_LOCATOR
    );
    let struck = Call {
        fault: Some(FaultKind::LocatorExpired),
        ..call
    };
    assert_eq!(
        refusal(org.query_more(&struck, next)).0,
        ErrorCode::INVALID_QUERY_LOCATOR
    );
}

#[test]
fn a_slow_commit_shows_up_later_under_its_earlier_stamp() {
    let mut org = org();
    let early = made(
        &mut org,
        LEAD,
        &[("LastName", "Tôt"), ("Company", "Vega")],
        0,
    );
    org.lag = CommitLag {
        people_ms_max: 1,
        api_ms_max: 600_000,
    };
    let call = api(&org, 10);
    org.update(&call, early, &fields(&[("LastName", "Tard")]))
        .unwrap();
    org.insert(
        &call,
        LEAD,
        &fields(&[("LastName", "Neuf"), ("Company", "Vega")]),
    )
    .unwrap();
    let all = "SELECT LastName FROM Lead WHERE SystemModstamp >= 2026-03-04T09:15:00Z ORDER BY \
               SystemModstamp, Id";
    assert_eq!(
        found(&mut org, all, 10),
        ["Tôt"],
        "the old version is what readers see"
    );
    assert_eq!(found(&mut org, all, 700), ["Tard", "Neuf"]);
    assert_eq!(
        org.record(early).unwrap().stamp,
        at(10),
        "the stamp is the transaction's"
    );
}

#[test]
fn coverage_of_the_replication_list_stays_at_the_oldest_open_transaction() {
    let mut org = org();
    org.lag = CommitLag {
        people_ms_max: 0,
        api_ms_max: 3_600_000,
    };
    let window = (at(-600), at(1_200));
    let calm = org.updated(LEAD, window, at(1_200)).unwrap();
    assert_eq!(calm.latest_covered, at(1_200).whole_minute());
    let call = api(&org, 300);
    org.insert(
        &call,
        LEAD,
        &fields(&[("LastName", "Lent"), ("Company", "Vega")]),
    )
    .unwrap();
    let held = org.updated(LEAD, window, at(1_200)).unwrap();
    assert_eq!(held.latest_covered, at(300).whole_minute());
    assert!(held.ids.is_empty());
    let narrow = org.updated(LEAD, (at(0), at(30)), at(60));
    assert_eq!(refusal(narrow).0, ErrorCode::INVALID_REPLICATION_DATE);
}

#[test]
fn custom_fields_of_every_type_are_found_again() {
    let mut org = org();
    org.add_field(CONTACT, FieldDef::number("Score__c", "Score", 5, 1), at(0));
    org.add_field(
        CONTACT,
        FieldDef::new("Since__c", "Since", FieldType::Date),
        at(0),
    );
    let mut tags = FieldDef::picklist("Tags__c", "Tags", &["vip", "press", "old"]);
    tags.kind = FieldType::MultiPicklist;
    org.add_field(CONTACT, tags, at(0));
    let pairs = [
        ("LastName", "Roy"),
        ("Score__c", "12.39"),
        ("Since__c", "2020-02-29"),
        ("Tags__c", "old;VIP"),
    ];
    made(&mut org, CONTACT, &pairs, 0);
    let soql = "SELECT Tags__c FROM Contact WHERE Score__c = 12.3 AND Since__c = 2020-02-29 AND \
                Tags__c INCLUDES ('vip')";
    assert_eq!(found(&mut org, soql, 1), ["vip;old"]);
    let none = "SELECT Tags__c FROM Contact WHERE Tags__c EXCLUDES ('press;vip', 'old')";
    assert_eq!(found(&mut org, none, 1), Vec::<String>::new());
}

#[test]
fn user_and_count_queries_work() {
    let mut org = org();
    org.add_user(("Zoé", "Blanc"), "zoe@orion.example", at(0));
    assert_eq!(org.count(USER), 2);
    let page = run(
        &mut org,
        "SELECT COUNT() FROM User WHERE IsActive = true",
        0,
    )
    .unwrap();
    assert_eq!((page.total_size, page.rows.len()), (2, 0));
}

#[test]
fn a_line_break_ends_no_literal_well() {
    let mut org = org();
    let soql = "SELECT Id FROM Lead WHERE LastName = 'a\nb'";
    assert_eq!(
        refusal(run(&mut org, soql, 0)).0,
        ErrorCode::MALFORMED_QUERY
    );
    assert!(run(&mut org, "SELECT Id FROM Lead WHERE LastName = 'a\\nb'", 0).is_ok());
}

#[test]
fn a_statement_holds_two_semi_joins() {
    let mut org = org();
    let join = "Id IN (SELECT AccountId FROM Contact)";
    let two = format!("SELECT Id FROM Account WHERE {join} AND {join}");
    assert!(run(&mut org, &two, 0).is_ok());
    let three = format!("{two} AND {join}");
    assert_eq!(
        refusal(run(&mut org, &three, 0)).0,
        ErrorCode::MALFORMED_QUERY
    );
}

#[test]
fn a_birthday_is_found_in_any_year() {
    let mut org = org();
    let born = [("LastName", "Roy"), ("Birthdate", "1980-03-04")];
    made(&mut org, CONTACT, &born, 0);
    for (condition, expected) in [
        ("= 2000-03-04", 1),
        ("= 1980-03-05", 0),
        ("> 1990-03-03", 1),
        ("< 1990-03-04", 0),
    ] {
        let soql = format!("SELECT LastName FROM Contact WHERE Birthdate {condition}");
        assert_eq!(found(&mut org, &soql, 1).len(), expected, "{condition}");
    }
}
