//! Bulk jobs whose answers leave something out.

use super::*;

const JOB: &str = "/jobs/ingest/750Q70000000001IAA";

/// An organisation whose job ends like this, with these files of results.
async fn client(info: Json, failed: &'static str, succeeded: &'static str) -> SalesforceClient {
    let polls = AtomicUsize::new(0);
    let (_, client) = Org::start(move |seen| {
        let rest = seen.path.strip_prefix(JOB);
        match (seen.method.as_str(), rest) {
            ("GET", None) => timeline(true),
            ("POST", None) => AxumJson(json!({"id": "750Q70000000001"})).into_response(),
            // The first look comes at a bad moment.
            ("GET", Some("")) if polls.fetch_add(1, Ordering::SeqCst) == 0 => {
                StatusCode::TOO_MANY_REQUESTS.into_response()
            }
            ("GET", Some("")) => AxumJson(info.clone()).into_response(),
            ("GET", Some("/failedResults")) => failed.into_response(),
            ("GET", Some("/successfulResults")) => succeeded.into_response(),
            _ => AxumJson(json!({})).into_response(),
        }
    })
    .await;
    client.with_jobs_above(0)
}

async fn kinds(client: &SalesforceClient) -> Vec<FailureKind> {
    let rows: Vec<ActivityRow> = (0..40).map(activity).collect();
    let answered = client.send_activities(String::new(), rows).await.unwrap();
    let mut kinds: Vec<FailureKind> = answered
        .value
        .into_iter()
        .filter_map(|outcome| Some(outcome.result.err()?.kind))
        .collect();
    kinds.dedup();
    kinds
}

#[tokio::test]
async fn failed_rows_that_the_job_does_not_list_are_not_taken_for_written() {
    let info = json!({"state": "JobComplete", "numberRecordsProcessed": 40,
        "numberRecordsFailed": 2});
    let client = client(info, "", "").await;
    assert_eq!(kinds(&client).await, [FailureKind::Unknown]);
}

#[tokio::test]
async fn rows_that_a_finished_job_says_nothing_of_are_unknown() {
    let info = json!({"state": "JobComplete", "numberRecordsProcessed": 40,
        "numberRecordsFailed": 0});
    let client = client(info, "", "\"sf__Id\",\"sf__Created\",\"ReferenceId__c\"\n").await;
    assert_eq!(kinds(&client).await, [FailureKind::Unknown]);
}

#[tokio::test]
async fn rows_that_an_aborted_job_left_out_may_be_sent_again() {
    for state in ["Aborted", "Failed"] {
        let info = json!({"state": state, "numberRecordsProcessed": 0, "numberRecordsFailed": 0});
        let client = client(info, "", "").await;
        assert_eq!(kinds(&client).await, [FailureKind::Transient], "{state}");
    }
}

#[tokio::test]
async fn a_job_that_cannot_be_closed_is_not_left_open() {
    let states: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = Arc::clone(&states);
    let (_, client) = Org::start(move |seen| match seen.method.as_str() {
        "GET" => timeline(true),
        "POST" => AxumJson(json!({"id": "750Q70000000001"})).into_response(),
        "PATCH" => {
            noted.lock().unwrap().push(seen.json()["state"].to_string());
            let refused = json!([{"errorCode": "INVALIDJOBSTATE", "message": "x"}]);
            (StatusCode::BAD_REQUEST, AxumJson(refused)).into_response()
        }
        _ => StatusCode::CREATED.into_response(),
    })
    .await;
    let rows: Vec<ActivityRow> = (0..40).map(activity).collect();
    let client = client.with_jobs_above(0);
    let error = client
        .send_activities(String::new(), rows)
        .await
        .unwrap_err();
    assert_eq!(error.failure.kind, FailureKind::Broken);
    assert_eq!(
        *states.lock().unwrap(),
        ["\"UploadComplete\"", "\"Aborted\""]
    );
}
