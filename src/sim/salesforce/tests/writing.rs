//! Saving records: validation, rules, keys, collections.

use super::*;
use crate::sim::clock::MINUTE_MS;
use crate::sim::faults::FaultKind;
use crate::sim::salesforce::collections::{Atomicity, Item, Verb};
use crate::sim::salesforce::org::AutoAssign;
use crate::sim::salesforce::rules::{
    AssignmentRule, DuplicateAction, DuplicateRule, Trigger, TriggerAction, ValidationRule,
};
use crate::sim::salesforce::schema::{
    ACCOUNT, CONTACT, FieldAccess, FieldDef, LEAD, LEAD_HISTORY, ReferenceKey, Trait,
};
use crate::sim::salesforce::soql::ast::{Expr, Literal, Op};
use crate::sim::salesforce::value::Value;
use crate::sim::salesforce::write::UpsertMode;

fn create(org: &mut Salesforce, object: ObjectIndex, pairs: &[(&str, &str)]) -> Outcome<RecordId> {
    let call = api(org, 0);
    org.insert(&call, object, &fields(pairs))
}

#[test]
fn values_are_stored_as_the_vendor_stores_them() {
    let mut org = org();
    org.add_field(LEAD, FieldDef::number("Score__c", "Score", 5, 2), at(0));
    let pairs = [
        ("LastName", "  Roy "),
        ("Company", "Vega"),
        ("Title", "   "),
        ("Score__c", "1.239"),
    ];
    let id = create(&mut org, LEAD, &pairs).unwrap();
    assert_eq!(org.value(id, "LastName"), Value::text("Roy"));
    assert_eq!(org.value(id, "Title"), Value::Null);
    assert_eq!(org.value(id, "Score__c"), Value::Number(1.23));
    assert_eq!(org.value(id, "Status"), Value::text("Open - Not Contacted"));
    assert_eq!(org.value(id, "OwnerId"), Value::Id(org.integration_user()));
}

#[test]
fn each_refusal_has_its_code_and_its_words() {
    let mut org = org();
    let mut picklist = FieldDef::picklist("Tier__c", "Tier", &["Gold"]);
    picklist.traits.set(Trait::RestrictedPicklist, true);
    org.add_field(LEAD, picklist, at(0));
    let long = "x".repeat(81);
    let too_long = format!("Last Name: data value too large: {long} (max length=80)");
    let base = [("LastName", "Roy"), ("Company", "Vega")];
    for (extra, code, message) in [
        (
            ("LastName", ""),
            ErrorCode::REQUIRED_FIELD_MISSING,
            "Required fields are missing: [LastName]",
        ),
        (("LastName", &*long), ErrorCode::STRING_TOO_LONG, &*too_long),
        (
            ("Email", "nope"),
            ErrorCode::INVALID_EMAIL_ADDRESS,
            "Email: invalid email address: nope",
        ),
        (
            ("Tier__c", "Lead"),
            ErrorCode::INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST,
            "bad value for restricted picklist field: Lead",
        ),
        (
            ("Nope__c", "x"),
            ErrorCode::INVALID_FIELD,
            "No such column 'Nope__c' on sobject of type Lead",
        ),
        (
            ("OwnerId", "00Q"),
            ErrorCode::MALFORMED_ID,
            "Owner ID: id value of incorrect type: 00Q",
        ),
    ] {
        let mut pairs: Vec<_> = base
            .into_iter()
            .filter(|(name, _)| *name != extra.0)
            .collect();
        pairs.push(extra);
        let refused = refusal(create(&mut org, LEAD, &pairs));
        assert_eq!(refused, (code, message.to_owned()), "{extra:?}");
    }
    assert_eq!(org.count(LEAD), 0);
}

#[test]
fn read_only_fields_are_refused_together() {
    let mut org = org();
    org.grant(LEAD, "Phone", FieldAccess::ReadOnly, at(0));
    let pairs = [
        ("LastName", "Roy"),
        ("Phone", "1"),
        ("SystemModstamp", "2026-01-01T00:00:00Z"),
    ];
    let error = create(&mut org, LEAD, &pairs).unwrap_err();
    assert_eq!(error.code, ErrorCode::INVALID_FIELD_FOR_INSERT_UPDATE);
    assert_eq!(error.fields, ["Phone", "SystemModstamp"]);
    assert!(
        error
            .message
            .starts_with("Unable to create/update fields: Phone, SystemModstamp. ")
    );
}

#[test]
fn owners_must_be_active_and_queues_own_leads_only() {
    let mut org = org();
    let user = org.add_user(("Zoé", "Blanc"), "zoe@orion.example", at(0));
    org.set_active(user, false, at(0)).unwrap();
    let refused = refusal(create(
        &mut org,
        CONTACT,
        &[("LastName", "Roy"), ("OwnerId", &user.to_string())],
    ));
    let message = format!("operation performed with inactive user [{user}] as owner of contact");
    assert_eq!(refused, (ErrorCode::INACTIVE_OWNER_OR_USER, message));
    let queue = org.add_queue("Inbound", at(0)).to_string();
    let contact = create(
        &mut org,
        CONTACT,
        &[("LastName", "Roy"), ("OwnerId", &queue)],
    );
    assert_eq!(refusal(contact).0, ErrorCode::MALFORMED_ID);
    let lead = [
        ("LastName", "Roy"),
        ("Company", "Vega"),
        ("OwnerId", &*queue),
    ];
    assert!(create(&mut org, LEAD, &lead).is_ok());
}

#[test]
fn a_unique_field_names_the_record_that_holds_the_value() {
    let mut org = org();
    let timeline = org.schema().find("mautic_timeline__c", None).unwrap();
    let first = create(&mut org, timeline, &[("ReferenceId__c", "EmailSent1-x")]).unwrap();
    let refused = refusal(create(
        &mut org,
        timeline,
        &[("ReferenceId__c", "emailsent1-X")],
    ));
    let message = format!(
        "duplicate value found: ReferenceId__c duplicates value on record with id: {first}"
    );
    assert_eq!(refused, (ErrorCode::DUPLICATE_VALUE, message));
}

#[test]
fn upsert_creates_updates_or_refuses_several_matches() {
    let mut org = org();
    let call = api(&org, 0);
    let key = Input::text("roy@vega.example");
    let upsert = |org: &mut Salesforce, mode| {
        org.upsert(
            &call,
            CONTACT,
            ("Email", &key),
            &fields(&[("LastName", "Roy")]),
            mode,
        )
    };
    let missing = refusal(upsert(&mut org, UpsertMode::UpdateOnly));
    assert_eq!(missing.0, ErrorCode::NOT_FOUND);
    let created = upsert(&mut org, UpsertMode::CreateOrUpdate).unwrap();
    assert!(created.is_created);
    assert_eq!(
        org.value(created.id, "Email"),
        Value::text("roy@vega.example")
    );
    let updated = upsert(&mut org, UpsertMode::CreateOrUpdate).unwrap();
    assert_eq!((updated.id, updated.is_created), (created.id, false));
    create(
        &mut org,
        CONTACT,
        &[("LastName", "Roi"), ("Email", "ROY@vega.example")],
    )
    .unwrap();
    let several = refusal(upsert(&mut org, UpsertMode::CreateOrUpdate));
    assert_eq!(several.0, ErrorCode::DUPLICATE_EXTERNAL_ID);
    let by_phone = org.key_matches(&call, CONTACT, "Phone", &key);
    assert_eq!(
        refusal(by_phone).0,
        ErrorCode::NOT_FOUND,
        "Phone is no id lookup"
    );
}

#[test]
fn a_unique_reference_is_an_upsert_key_only_where_it_is_an_external_id() {
    for (reference, expected) in [
        (ReferenceKey::Unique, false),
        (ReferenceKey::UniqueExternalId, true),
    ] {
        let config = OrgConfig {
            timeline: Some(reference),
            ..OrgConfig::default()
        };
        let org = Salesforce::new(config);
        let timeline = org.schema().find("mautic_timeline__c", None).unwrap();
        let call = api(&org, 0);
        let found = org.key_matches(&call, timeline, "ReferenceId__c", &Input::text("r"));
        assert_eq!(found.is_ok(), expected, "{reference:?}");
    }
}

#[test]
fn a_namespace_is_implied_when_the_caller_says_so() {
    let config = OrgConfig {
        namespace: Some("wmk".to_owned()),
        ..OrgConfig::default()
    };
    let mut org = Salesforce::new(config);
    assert!(org.schema().find("mautic_timeline__c", None).is_none());
    let object = org.schema().find("wmk__mautic_timeline__c", None).unwrap();
    let mut call = api(&org, 0);
    let pairs = fields(&[("Name", "Ouvert"), ("ReferenceId__c", "r-1")]);
    assert_eq!(
        refusal(org.insert(&call, object, &pairs)).0,
        ErrorCode::INVALID_FIELD
    );
    call.options.default_namespace = Some("wmk".to_owned());
    let id = org.insert(&call, object, &pairs).unwrap();
    assert_eq!(org.value(id, "wmk__ReferenceId__c"), Value::text("r-1"));
}

#[test]
fn validation_rules_speak_the_administrators_words() {
    let mut org = org();
    org.rules.validations.push(ValidationRule {
        name: "Telephone_requis".to_owned(),
        object: LEAD,
        is_active: true,
        formula: "ISBLANK(Phone)".to_owned(),
        refuses_when: Expr::compare("Phone", Op::Equal, Literal::Null),
        message: "Un téléphone, s'il vous plaît.".to_owned(),
        field: Some("Phone".to_owned()),
    });
    let error = create(&mut org, LEAD, &[("LastName", "Roy"), ("Company", "Vega")]).unwrap_err();
    assert_eq!(error.code, ErrorCode::FIELD_CUSTOM_VALIDATION_EXCEPTION);
    assert_eq!(error.message, "Un téléphone, s'il vous plaît.");
    assert_eq!(error.fields, ["Phone"]);
    let pairs = [
        ("LastName", "Roy"),
        ("Company", "Vega"),
        ("Phone", "0102030405"),
    ];
    assert!(create(&mut org, LEAD, &pairs).is_ok());
}

#[test]
fn alert_rules_let_an_insisting_caller_through_and_block_rules_do_not() {
    for (action, passes) in [
        (DuplicateAction::Alert, true),
        (DuplicateAction::Block, false),
    ] {
        let mut org = org();
        let existing = create(
            &mut org,
            CONTACT,
            &[("LastName", "Roy"), ("Email", "r@vega.example")],
        );
        org.rules.duplicates.push(DuplicateRule {
            name: "Standard_Lead_Duplicate_Rule".to_owned(),
            object: LEAD,
            is_active: true,
            field: "Email".to_owned(),
            against: vec![(LEAD, "Email".to_owned()), (CONTACT, "Email".to_owned())],
            action,
            message: "Use one of these records?".to_owned(),
        });
        let pairs = [
            ("LastName", "Roy"),
            ("Company", "Vega"),
            ("Email", "R@vega.example"),
        ];
        let error = create(&mut org, LEAD, &pairs).unwrap_err();
        assert_eq!(error.code, ErrorCode::DUPLICATES_DETECTED);
        let matches = error.duplicates.unwrap().matches;
        assert_eq!(matches, [("Contact".to_owned(), vec![existing.unwrap()])]);
        let mut call = api(&org, 0);
        call.options.allows_duplicates = true;
        assert_eq!(
            org.insert(&call, LEAD, &fields(&pairs)).is_ok(),
            passes,
            "{action:?}"
        );
    }
}

#[test]
fn assignment_runs_on_every_write_unless_switched_off() {
    let mut org = org();
    let desk = org.add_user(("Zoé", "Blanc"), "zoe@orion.example", at(0));
    org.rules.assignments.push(AssignmentRule {
        object: LEAD,
        when: None,
        owner: desk,
    });
    let id = create(&mut org, LEAD, &[("LastName", "Roy"), ("Company", "Vega")]).unwrap();
    assert_eq!(org.value(id, "OwnerId"), Value::Id(desk));
    let me = org.integration_user();
    let mut call = api(&org, 1);
    call.options.auto_assign = AutoAssign::Off;
    org.update(&call, id, &fields(&[("OwnerId", &me.to_string())]))
        .unwrap();
    assert_eq!(org.value(id, "OwnerId"), Value::Id(me));
    let call = api(&org, 2);
    org.update(&call, id, &fields(&[("Phone", "1")])).unwrap();
    assert_eq!(
        org.value(id, "OwnerId"),
        Value::Id(desk),
        "the default header is TRUE"
    );
}

#[test]
fn triggers_edit_after_the_save_and_failing_ones_leave_no_trace() {
    let mut org = org();
    let action = TriggerAction::UpperCase("LastName".to_owned());
    org.rules.triggers.push(Trigger {
        object: LEAD,
        when: None,
        action,
    });
    let id = create(&mut org, LEAD, &[("LastName", "Roy"), ("Company", "Vega")]).unwrap();
    assert_eq!(org.value(id, "LastName"), Value::text("ROY"));
    let action = TriggerAction::Fail("Flow failed".to_owned());
    org.rules.triggers.push(Trigger {
        object: LEAD,
        when: None,
        action,
    });
    let call = api(&org, 60);
    let refused = refusal(org.update(&call, id, &fields(&[("Phone", "1")])));
    assert_eq!(refused.0, ErrorCode::CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY);
    assert_eq!(org.value(id, "Phone"), Value::Null);
    assert_eq!(org.record(id).unwrap().stamp, at(0));
}

#[test]
fn history_is_written_only_while_a_field_is_tracked() {
    let mut org = org();
    let id = made(
        &mut org,
        LEAD,
        &[("LastName", "Roy"), ("Company", "Vega")],
        0,
    );
    let opt = |org: &mut Salesforce, value: &str, seconds| {
        let call = person(org, seconds);
        org.update(&call, id, &fields(&[("HasOptedOutOfEmail", value)]))
            .unwrap();
    };
    opt(&mut org, "true", 60);
    assert_eq!(org.count(LEAD_HISTORY), 0);
    org.track_history(LEAD, "HasOptedOutOfEmail", true);
    opt(&mut org, "true", 90);
    opt(&mut org, "false", 120);
    let soql = "SELECT OldValue, NewValue, CreatedDate, LeadId FROM LeadHistory WHERE Field = \
                'HasOptedOutOfEmail'";
    let page = run(&mut org, soql, 180).unwrap();
    let expected = [
        Value::Bool(true),
        Value::Bool(false),
        Value::Instant(at(120)),
        Value::Id(id),
    ];
    assert_eq!(page.rows.len(), 1);
    assert_eq!(page.rows[0].values, expected);
}

fn item(object: &str, id: Option<RecordId>, pairs: &[(&str, &str)]) -> Item {
    Item {
        object: object.to_owned(),
        id: id.map(|id| id.to_string()),
        fields: fields(pairs),
    }
}

#[test]
fn collections_answer_row_by_row_in_input_order() {
    let mut org = org();
    let call = api(&org, 0);
    let items = [
        item("Contact", None, &[("LastName", "Roy")]),
        item("Contact", None, &[("FirstName", "Léa")]),
        item("Account", None, &[("Name", "Vega")]),
    ];
    let results = org
        .write_collection(&call, Verb::Insert, &items, Atomicity::EachAlone)
        .unwrap();
    let codes: Vec<_> = results
        .iter()
        .map(|one| one.as_ref().err().map(|e| e.code))
        .collect();
    assert_eq!(codes, [None, Some(ErrorCode::REQUIRED_FIELD_MISSING), None]);
    assert_eq!((org.count(CONTACT), org.count(ACCOUNT)), (1, 1));
    let results = org
        .write_collection(&call, Verb::Insert, &items, Atomicity::AllOrNone)
        .unwrap();
    assert_eq!(
        results[0].as_ref().unwrap_err().code,
        ErrorCode::ALL_OR_NONE_OPERATION_ROLLED_BACK
    );
    assert_eq!((org.count(CONTACT), org.count(ACCOUNT)), (1, 1));
}

#[test]
fn repeated_ids_and_keys_are_refused_for_every_row_that_shares_them() {
    let mut org = org();
    org.add_field(
        CONTACT,
        FieldDef::text("Key__c", "Key", 20).external_id(),
        at(0),
    );
    let call = api(&org, 0);
    let rows = [
        item("Contact", None, &[("Key__c", "k1"), ("LastName", "A")]),
        item("Contact", None, &[("Key__c", "k2"), ("LastName", "B")]),
        item("Contact", None, &[("Key__c", "K1"), ("LastName", "C")]),
    ];
    let results = org
        .upsert_collection(&call, (CONTACT, "Key__c"), &rows, Atomicity::EachAlone)
        .unwrap();
    let (code, message) = refusal(results[0].clone());
    assert_eq!(
        (code, &*message),
        (
            ErrorCode::DUPLICATE_VALUE,
            "Duplicate external id specified: k1"
        )
    );
    assert!(results[1].as_ref().unwrap().is_created && results[2].is_err());
    let id = results[1].as_ref().unwrap().id;
    let twice = [
        item("Contact", Some(id), &[]),
        item("Contact", Some(id), &[]),
    ];
    let results = org
        .write_collection(&call, Verb::Update, &twice, Atomicity::EachAlone)
        .unwrap();
    assert!(results.iter().all(Result::is_err));
}

#[test]
fn collections_are_bounded_in_rows_and_runs() {
    let mut org = org();
    let call = api(&org, 0);
    let many = vec![item("Contact", None, &[("LastName", "Roy")]); 201];
    let refused = org.write_collection(&call, Verb::Insert, &many, Atomicity::EachAlone);
    assert_eq!(refusal(refused).0, ErrorCode::EXCEEDED_ID_LIMIT);
    let mixed: Vec<_> = (0..11)
        .map(|n| item(if n % 2 == 0 { "Contact" } else { "Account" }, None, &[]))
        .collect();
    let refused = org.write_collection(&call, Verb::Insert, &mixed, Atomicity::EachAlone);
    assert_eq!(refusal(refused).0, ErrorCode::INVALID_INPUT);
    assert_eq!(org.count(CONTACT), 0);
}

#[test]
fn data_faults_strike_one_row_and_spare_the_others() {
    let mut org = org();
    let items: Vec<_> = (0..5)
        .map(|_| item("Contact", None, &[("LastName", "Roy")]))
        .collect();
    let locked = Call {
        fault: Some(FaultKind::RowLocked),
        ..api(&org, 0)
    };
    let results = org
        .write_collection(&locked, Verb::Insert, &items, Atomicity::EachAlone)
        .unwrap();
    let failed: Vec<_> = results
        .iter()
        .filter_map(|one| one.as_ref().err())
        .collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].code, ErrorCode::UNABLE_TO_LOCK_ROW);
    let lost = Call {
        fault: Some(FaultKind::RowMissing),
        ..api(&org, 0)
    };
    let results = org
        .write_collection(&lost, Verb::Insert, &items, Atomicity::EachAlone)
        .unwrap();
    assert_eq!((results.len(), org.count(CONTACT)), (4, 9));
}

#[test]
fn a_locked_parent_locks_its_children() {
    let mut org = org();
    let account = create(&mut org, ACCOUNT, &[("Name", "Vega")]).unwrap();
    org.rules.locked.push(account);
    let pairs = [("LastName", "Roy"), ("AccountId", &*account.to_string())];
    let refused = refusal(create(&mut org, CONTACT, &pairs));
    let message =
        format!("unable to obtain exclusive access to this record or 1 records: {account}");
    assert_eq!(refused, (ErrorCode::UNABLE_TO_LOCK_ROW, message));
}

#[test]
fn the_stamp_is_cut_to_the_second() {
    let mut org = org();
    let call = Call::new(START.plus_millis(MINUTE_MS + 999), org.integration_user());
    let pairs = fields(&[("LastName", "Roy"), ("Company", "Vega")]);
    let id = org.insert(&call, LEAD, &pairs).unwrap();
    assert_eq!(org.record(id).unwrap().stamp, at(60));
}
