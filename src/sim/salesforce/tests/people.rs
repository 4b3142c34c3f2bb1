//! Life goes on: conversion, merge, deletion and return.

use super::*;
use crate::sim::salesforce::people::ConvertInto;
use crate::sim::salesforce::schema::{ACCOUNT, CONTACT, LEAD};
use crate::sim::salesforce::value::Value;

fn all(org: &mut Salesforce, soql: &str, seconds: i64) -> Vec<RecordId> {
    let call = api(org, seconds);
    let page = org
        .query(&call, &parse(soql).unwrap(), Deleted::Included)
        .unwrap();
    page.rows.iter().map(|row| row.id).collect()
}

#[test]
fn a_converted_lead_names_its_contact_and_refuses_edits() {
    let mut org = org();
    let pairs = [
        ("LastName", "Roy"),
        ("Company", "Vega"),
        ("Email", "roy@vega.example"),
    ];
    let lead = made(&mut org, LEAD, &pairs, 0);
    let call = person(&org, 60);
    let into = org
        .convert_lead(&call, lead, ConvertInto::default())
        .unwrap();
    assert_eq!(
        org.value(lead, "ConvertedContactId"),
        Value::Id(into.contact)
    );
    assert_eq!(
        org.value(into.contact, "Email"),
        Value::text("roy@vega.example")
    );
    assert_eq!(
        org.value(into.contact, "AccountId"),
        Value::Id(into.account)
    );
    assert_eq!(org.value(into.account, "Name"), Value::text("Vega"));
    assert_eq!(org.record(lead).unwrap().stamp, at(60));
    let call = api(&org, 120);
    let refused = refusal(org.update(&call, lead, &fields(&[("Phone", "1")])));
    let message = "cannot reference converted lead".to_owned();
    assert_eq!(refused, (ErrorCode::CANNOT_UPDATE_CONVERTED_LEAD, message));
}

#[test]
fn merged_losers_point_at_the_survivor() {
    let mut org = org();
    let winner = made(&mut org, CONTACT, &[("LastName", "Roy")], 0);
    let loser = made(&mut org, CONTACT, &[("LastName", "Roi")], 0);
    let timeline = org.schema().find("mautic_timeline__c", None).unwrap();
    let row = made(
        &mut org,
        timeline,
        &[("contact_id__c", &*loser.to_string())],
        0,
    );
    let call = person(&org, 60);
    org.merge(&call, winner, &[loser], &fields(&[("Phone", "1")]))
        .unwrap();
    assert_eq!(org.value(loser, "MasterRecordId"), Value::Id(winner));
    assert_eq!(org.value(winner, "Phone"), Value::text("1"));
    assert_eq!(org.value(row, "contact_id__c"), Value::Id(winner));
    let call = api(&org, 61);
    let refused = refusal(org.update(&call, loser, &fields(&[("Phone", "2")])));
    assert_eq!(refused.0, ErrorCode::ENTITY_IS_DELETED);
}

#[test]
fn a_deleted_record_is_seen_by_query_all_until_the_bin_is_emptied() {
    let mut org = org();
    let id = made(
        &mut org,
        LEAD,
        &[("LastName", "Roy"), ("Company", "Vega")],
        0,
    );
    let call = person(&org, 120);
    org.delete(&call, id).unwrap();
    assert!(found(&mut org, "SELECT LastName FROM Lead", 180).is_empty());
    assert_eq!(
        all(&mut org, "SELECT Id FROM Lead WHERE IsDeleted = true", 180),
        [id]
    );
    assert_eq!(
        org.record(id).unwrap().stamp,
        at(120),
        "deleting moves the stamp"
    );
    assert_eq!(org.empty_bin(LEAD), 1);
    assert!(all(&mut org, "SELECT Id FROM Lead", 180).is_empty());
    let log = org.deleted(LEAD, (at(0), at(600)), at(600)).unwrap();
    assert_eq!(
        log.records.iter().map(|entry| entry.id).collect::<Vec<_>>(),
        [id]
    );
    let call = api(&org, 700);
    let refused = refusal(org.update(&call, id, &fields(&[("Phone", "2")])));
    assert_eq!(refused.0, ErrorCode::INVALID_CROSS_REFERENCE_KEY);
}

#[test]
fn an_undeleted_record_keeps_its_id() {
    let mut org = org();
    let id = made(
        &mut org,
        LEAD,
        &[("LastName", "Roy"), ("Company", "Vega")],
        0,
    );
    let call = person(&org, 60);
    org.delete(&call, id).unwrap();
    let call = person(&org, 120);
    org.undelete(&call, id).unwrap();
    assert_eq!(found(&mut org, "SELECT LastName FROM Lead", 180), ["Roy"]);
    assert_eq!(org.record(id).unwrap().stamp, at(120));
    assert_eq!(refusal(org.undelete(&call, id)).0, ErrorCode::INVALID_INPUT);
}

#[test]
fn an_account_takes_its_contacts_along_and_leaves_timeline_rows_without_person() {
    let mut org = org();
    let account = made(&mut org, ACCOUNT, &[("Name", "Vega")], 0);
    let pairs = [("LastName", "Roy"), ("AccountId", &*account.to_string())];
    let contact = made(&mut org, CONTACT, &pairs, 0);
    let timeline = org.schema().find("mautic_timeline__c", None).unwrap();
    let row = made(
        &mut org,
        timeline,
        &[("contact_id__c", &*contact.to_string())],
        0,
    );
    let call = person(&org, 60);
    org.delete(&call, account).unwrap();
    assert!(org.record(contact).unwrap().is_deleted);
    assert_eq!(org.value(row, "contact_id__c"), Value::Null);
    assert!(!org.record(row).unwrap().is_deleted);
}
