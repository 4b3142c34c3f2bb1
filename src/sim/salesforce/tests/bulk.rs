//! Bulk jobs: states, files, refusals.

use super::*;
use crate::sim::salesforce::bulk::csv::parse as parse_csv;
use crate::sim::salesforce::bulk::{BulkPace, JobState, NewIngest, Operation};
use crate::sim::salesforce::schema::{ACCOUNT, CONTACT};
use crate::sim::salesforce::value::Value;

const V: &str = "62.0";

fn opened(org: &mut Salesforce, operation: Operation, key: Option<&str>) -> RecordId {
    let call = api(org, 0);
    let new = NewIngest {
        object: "Contact".to_owned(),
        operation: Some(operation),
        external_id: key.map(str::to_owned),
        api_version: V.to_owned(),
        ..NewIngest::default()
    };
    org.open_ingest(&call, new).unwrap()
}

fn worked(org: &mut Salesforce, id: RecordId, csv: &str) {
    org.upload(id, csv.to_owned()).unwrap();
    org.close_ingest(id, at(0)).unwrap();
    org.advance(at(600));
}

#[test]
fn a_job_runs_only_once_closed_and_reports_each_row() {
    let mut org = org();
    let id = opened(&mut org, Operation::Insert, None);
    org.upload(
        id,
        "LastName,Email\nRoy,roy@vega.example\n,x\nBlanc,\n".to_owned(),
    )
    .unwrap();
    org.advance(at(600));
    assert_eq!(org.ingest(id, V).unwrap().state, JobState::Open);
    org.close_ingest(id, at(600)).unwrap();
    assert_eq!(org.ingest(id, V).unwrap().state, JobState::UploadComplete);
    org.advance(at(602));
    assert_eq!(org.ingest(id, V).unwrap().state, JobState::InProgress);
    org.advance(at(700));
    let job = org.ingest(id, V).unwrap();
    assert_eq!(
        (job.state, job.processed(), job.failed()),
        (JobState::JobComplete, 3, 1)
    );
    let good = parse_csv(&job.successful_results(), ',').unwrap();
    assert_eq!(good.header, ["sf__Id", "sf__Created", "LastName", "Email"]);
    assert_eq!(good.rows.len(), 2);
    let bad = parse_csv(&job.failed_results(), ',').unwrap();
    assert_eq!(
        bad.rows[0][1],
        "INVALID_EMAIL_ADDRESS:Email: invalid email address: x:Email --"
    );
    assert_eq!(org.count(CONTACT), 2);
}

#[test]
fn an_empty_cell_leaves_a_field_alone_and_the_null_mark_clears_it() {
    let mut org = org();
    let pairs = [
        ("LastName", "Roy"),
        ("Phone", "1"),
        ("Fax", "2"),
        ("Email", "roy@vega.example"),
    ];
    let contact = made(&mut org, CONTACT, &pairs, 0);
    let account = made(&mut org, ACCOUNT, &[("Name", "Vega")], 0);
    let id = opened(&mut org, Operation::Upsert, Some("Email"));
    let csv = format!("Id,Email,Phone,Fax,AccountId\n\"\",ROY@vega.example,,#N/A,{account}\n");
    worked(&mut org, id, &csv);
    assert_eq!(
        org.ingest(id, V).unwrap().failed_results().lines().count(),
        1
    );
    assert_eq!(org.value(contact, "Phone"), Value::text("1"));
    assert_eq!(org.value(contact, "Fax"), Value::Null);
    assert_eq!(org.value(contact, "AccountId"), Value::Id(account));
}

#[test]
fn an_unknown_column_fails_the_whole_job() {
    let mut org = org();
    let id = opened(&mut org, Operation::Insert, None);
    worked(&mut org, id, "LastName,Nope__c\nRoy,1\n");
    let job = org.ingest(id, V).unwrap();
    assert_eq!(job.state, JobState::Failed);
    assert_eq!(
        job.error.as_deref(),
        Some("InvalidBatch : Field name not found : Nope__c")
    );
    assert_eq!(job.unprocessed_records().lines().count(), 2);
    assert_eq!(org.count(CONTACT), 0);
}

#[test]
fn a_job_that_dies_midway_keeps_what_it_wrote() {
    let mut org = org();
    org.set_bulk_pace(BulkPace {
        fails_after_rows: Some(2),
        ..BulkPace::default()
    });
    let id = opened(&mut org, Operation::Insert, None);
    worked(&mut org, id, "LastName\nA\nB\nC\n");
    let job = org.ingest(id, V).unwrap();
    assert_eq!((job.state, job.processed()), (JobState::Failed, 2));
    assert_eq!(job.unprocessed_records().lines().count(), 2);
    assert_eq!(org.count(CONTACT), 2);
}

#[test]
fn results_do_not_keep_the_rows_in_order() {
    let mut org = org();
    let id = opened(&mut org, Operation::Insert, None);
    let rows = (0..300)
        .map(|n| format!("N{n:03}"))
        .collect::<Vec<_>>()
        .join("\n");
    worked(&mut org, id, &format!("LastName\n{rows}"));
    let results = parse_csv(&org.ingest(id, V).unwrap().successful_results(), ',').unwrap();
    let names: Vec<&str> = results.rows.iter().map(|row| row[2].as_str()).collect();
    assert_eq!(names.len(), 300);
    assert!(!names.is_sorted());
}

#[test]
fn jobs_refuse_the_wrong_state_and_the_wrong_version() {
    let mut org = org();
    let id = opened(&mut org, Operation::Insert, None);
    let mismatch = org.ingest(id, "61.0").unwrap_err();
    assert_eq!(
        (mismatch.code, mismatch.status),
        (ErrorCode::VERSION_MISMATCH, 409)
    );
    assert_eq!(refusal(org.delete_ingest(id)).0, ErrorCode::INVALIDJOBSTATE);
    org.upload(id, "LastName\nA\n".to_owned()).unwrap();
    assert_eq!(
        refusal(org.upload(id, String::new())).0,
        ErrorCode::INVALIDJOB
    );
    org.abort_ingest(id, at(1)).unwrap();
    assert_eq!(
        refusal(org.close_ingest(id, at(2))).0,
        ErrorCode::INVALIDJOBSTATE
    );
    assert_eq!(
        org.ingest(id, V)
            .unwrap()
            .unprocessed_records()
            .lines()
            .count(),
        2
    );
    org.delete_ingest(id).unwrap();
    assert_eq!(
        refusal(org.ingest(id, V).map(|_| ())).0,
        ErrorCode::NOT_FOUND
    );
}

#[test]
fn a_query_job_is_fetched_in_pages_until_the_locator_ends() {
    let mut org = org();
    for number in 0..5 {
        made(
            &mut org,
            CONTACT,
            &[("LastName", &*format!("N{number}"))],
            0,
        );
    }
    let call = api(&org, 1);
    let query = parse("SELECT Id, LastName, Account.Name FROM Contact").unwrap();
    let id = org
        .open_bulk_query(&call, &query, Deleted::Excluded, V)
        .unwrap();
    assert_eq!(
        refusal(org.bulk_results(id, 0, None)).0,
        ErrorCode::INVALIDJOBSTATE
    );
    org.advance(at(600));
    let first = org.bulk_results(id, 0, Some(3)).unwrap();
    assert_eq!((first.records, first.next), (3, Some(3)));
    let last = org.bulk_results(id, 3, Some(3)).unwrap();
    assert_eq!((last.records, last.next), (2, None));
    assert_eq!(
        parse_csv(&last.csv, ',').unwrap().header,
        ["Id", "LastName", "Account.Name"]
    );
    let count = parse("SELECT COUNT() FROM Contact").unwrap();
    assert!(
        org.open_bulk_query(&call, &count, Deleted::Excluded, V)
            .is_err()
    );
}

#[test]
fn lines_must_end_as_the_job_said() {
    for (said, csv, expected) in [
        (None, "LastName\nRoy\n", JobState::JobComplete),
        (None, "LastName\r\nRoy\r\n", JobState::Failed),
        (Some("CRLF"), "LastName\r\nRoy\r\n", JobState::JobComplete),
        (Some("CRLF"), "LastName\nRoy\n", JobState::Failed),
        // Line breaks in a cell are the cell's own matter.
        (None, "LastName\n\"R\r\ny\"\n", JobState::JobComplete),
    ] {
        let mut org = org();
        let new = NewIngest {
            object: "Contact".to_owned(),
            operation: Some(Operation::Insert),
            line_ending: said.map(str::to_owned),
            api_version: V.to_owned(),
            ..NewIngest::default()
        };
        let call = api(&org, 0);
        let id = org.open_ingest(&call, new).unwrap();
        worked(&mut org, id, csv);
        let job = org.ingest(id, V).unwrap();
        assert_eq!(job.state, expected, "{said:?} {csv:?}");
        let names_it = job
            .error
            .as_deref()
            .is_some_and(|e| e.contains("LineEnding"));
        assert_eq!(names_it, expected == JobState::Failed);
    }
}

#[test]
fn a_line_ending_nobody_knows_is_refused_with_the_job() {
    let mut org = org();
    let new = NewIngest {
        object: "Contact".to_owned(),
        operation: Some(Operation::Insert),
        line_ending: Some("CR".to_owned()),
        api_version: V.to_owned(),
        ..NewIngest::default()
    };
    let call = api(&org, 0);
    let refused = refusal(org.open_ingest(&call, new));
    assert_eq!(refused.0, ErrorCode::INVALIDJOB);
}
