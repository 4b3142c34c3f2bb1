//! The Automation simulator against recordings of a real Mautic 5.1.1.
//!
//! Each file of `tests/recorded` holds calls and their answers, trimmed. A world with the same set-up
//! is served over HTTP, the calls are sent, and the answers are compared: status, headers, members,
//! JSON types and, where the world can know them, values.

mod compare;
mod replay;
mod scene;

use serde_json::{Value, json};

use compare::Strictness::{Shapes, Values};
use compare::{Sample, differences};
use passerelle::sim::automation::http::signature;
use replay::{check, recorded};

#[tokio::test]
async fn a_contact_is_written_as_recorded() {
    check("contact-write", Values).await;
}

#[tokio::test]
async fn blanks_zeros_and_put_behave_as_recorded() {
    check("contact-blank-zero-put", Values).await;
}

#[tokio::test]
async fn batches_behave_as_recorded() {
    check("contact-batch", Values).await;
}

#[tokio::test]
async fn do_not_contact_behaves_as_recorded() {
    check("contact-dnc", Values).await;
}

#[tokio::test]
async fn duplicates_are_refused_as_recorded() {
    check("contact-duplicates", Values).await;
}

#[tokio::test]
async fn a_second_unique_field_matches_as_recorded() {
    check("contact-match-by-external-key", Values).await;
}

#[tokio::test]
async fn simultaneous_creates_lock_contacts_as_recorded() {
    check("contact-concurrent-create", Shapes).await;
}

#[tokio::test]
async fn merged_away_ids_answer_as_recorded() {
    check("contact-merged-away", Shapes).await;
}

#[tokio::test]
async fn date_modified_moves_as_recorded() {
    check("date-modified-movers", Values).await;
}

#[tokio::test]
async fn dates_of_an_instance_in_paris_are_as_recorded() {
    check("timezone", Values).await;
}

#[tokio::test]
async fn lists_of_contacts_are_as_recorded() {
    check("contact-list", Shapes).await;
}

#[tokio::test]
async fn paging_is_as_recorded() {
    check("contact-paging-order", Shapes).await;
}

#[tokio::test]
async fn activities_are_as_recorded() {
    check("contact-activity", Shapes).await;
}

#[tokio::test]
async fn stats_tables_are_as_recorded() {
    check("stats", Shapes).await;
}

#[tokio::test]
async fn fields_are_as_recorded() {
    check("fields", Values).await;
}

#[tokio::test]
async fn companies_are_as_recorded() {
    check("companies", Values).await;
}

#[tokio::test]
async fn users_and_segments_are_as_recorded() {
    check("users-owners-segments", Values).await;
}

#[tokio::test]
async fn tokens_are_as_recorded() {
    check("oauth-token", Values).await;
}

#[tokio::test]
async fn refreshing_is_as_recorded() {
    check("oauth-refresh", Shapes).await;
}

#[tokio::test]
async fn limits_and_switches_are_as_recorded() {
    check("limits-and-disabled", Values).await;
}

#[tokio::test]
async fn webhooks_are_as_recorded() {
    check("webhooks", Values).await;
}

#[tokio::test]
async fn webhook_calls_have_the_recorded_shapes() {
    replay::check_deliveries().await;
}

#[test]
fn a_webhook_is_signed_as_recorded() {
    let sample = recorded("webhook-signature");
    let text = |key: &str| sample[key].as_str().unwrap_or_default();
    assert_eq!(
        signature(text("secret"), text("body").as_bytes()),
        text("signature")
    );
}

#[test]
fn the_comparison_sees_a_missing_member_a_wrong_type_and_a_wrong_value() {
    let sample = |body: Value| Sample {
        status: 200,
        headers: Vec::new(),
        body,
    };
    let good = json!({ "total": "2", "contacts": { "7": { "id": 7, "points": 1.0 } } });
    let seen = |body: Value| differences(&sample(good.clone()), &sample(body), Values, false);
    assert_eq!(seen(good.clone()), Vec::<String>::new());
    let missing = json!({ "total": "2", "contacts": { "7": { "id": 7 } } });
    assert_eq!(seen(missing), ["contacts.7.points: missing"]);
    let number = json!({ "total": 2, "contacts": { "7": { "id": 7, "points": 1.0 } } });
    assert_eq!(
        seen(number),
        ["total: text recorded, whole number answered"]
    );
    let whole = json!({ "total": "2", "contacts": { "7": { "id": 7, "points": 1 } } });
    assert_eq!(
        seen(whole),
        ["contacts.7.points: decimal recorded, whole number answered"]
    );
    let list = json!({ "total": "2", "contacts": [] });
    assert_eq!(seen(list), ["contacts: object recorded, list answered"]);
    let value = json!({ "total": "3", "contacts": { "7": { "id": 7, "points": 1.0 } } });
    assert_eq!(seen(value), ["total: \"2\" recorded, \"3\" answered"]);
    let extra = json!({ "total": "2", "contacts": { "7": { "id": 7, "points": 1.0, "x": 1 } } });
    assert_eq!(seen(extra), ["contacts.7.x: not in the recording"]);
}

#[test]
fn the_comparison_sees_a_wrong_status_and_a_missing_header() {
    let sample = |status, headers: &[&str]| Sample {
        status,
        headers: headers.iter().map(|name| (*name).to_owned()).collect(),
        body: Value::Null,
    };
    let seen = differences(
        &sample(200, &["Mautic-Version"]),
        &sample(404, &[]),
        Shapes,
        false,
    );
    assert_eq!(
        seen,
        [
            "status: 200 recorded, 404 answered",
            "header Mautic-Version: missing"
        ]
    );
}
