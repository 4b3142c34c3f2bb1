//! The Automation simulator's HTTP skin beyond the recordings: webhooks posted, faults acted out.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use passerelle::sim::automation::Automation;
use passerelle::sim::automation::auth::GrantRequest;
use passerelle::sim::automation::draft::ContactInput;
use passerelle::sim::automation::hook::Trigger;
use passerelle::sim::automation::http::{Shared, dialect, post_waiting, serve, signature};
use passerelle::sim::automation::settle::NewHook;
use passerelle::sim::automation::user::UserId;
use passerelle::sim::clock::Timestamp;
use passerelle::sim::faults::{self, CallMatcher, FaultGate, FaultKind, FaultPlan, Pauses};

const NOW: Timestamp = Timestamp::from_seconds(1_795_383_567);

fn shared() -> Shared {
    // Another test may have installed the provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut brain = Automation::new(5);
    brain.add_client("Sync", "key", "secret", UserId(1));
    Shared::new(brain, Arc::new(|| NOW))
}

#[tokio::test]
async fn a_notice_reaches_its_endpoint_signed_and_a_refusal_is_not_repeated() {
    let shared = shared();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    let endpoint = Router::new().fallback(move |headers: HeaderMap, body: String| {
        let ear = Arc::clone(&ear);
        async move {
            let signature = headers["webhook-signature"].to_str().unwrap().to_owned();
            ear.lock().unwrap().push((signature, body));
            StatusCode::GONE
        }
    });
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = passerelle::sim::http::serve(listener, endpoint).unwrap();
    {
        let mut brain = shared.brain();
        let caller = brain.caller_for_client(1).unwrap();
        let triggers = vec![Trigger::ContactIdentified];
        let secret = Some("s3cret".to_owned());
        let new = NewHook {
            url: server.url(),
            secret,
            triggers,
            ..NewHook::default()
        };
        brain.add_hook(NOW, caller.by, new);
        let input = ContactInput::default().with("email", "zoe@shop.example");
        brain.create_contact(NOW, caller, &input).unwrap();
    }
    let client = reqwest::Client::new();
    assert_eq!(post_waiting(&shared, &client).await, 0);
    assert_eq!(post_waiting(&shared, &client).await, 0);
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].0, signature("s3cret", heard[0].1.as_bytes()));
    assert!(
        heard[0]
            .1
            .starts_with(r#"{"mautic.lead_post_save_new":[{"contact":{"#)
    );
    assert!(
        shared.brain().hooks().all().all(|hook| !hook.is_published),
        "410 unpublishes"
    );
}

#[tokio::test]
async fn a_scripted_fault_spoils_one_call_and_the_next_goes_through() {
    let shared = shared();
    let mut plan = FaultPlan::calm(1);
    plan.script(
        CallMatcher::path("/api/contacts"),
        FaultKind::TooManyRequests,
    );
    let gate = FaultGate::new(plan, dialect(), Pauses::default());
    let address = "127.0.0.1:0".parse().unwrap();
    let server = serve(&shared, address, |router| faults::layer(router, gate)).unwrap();
    let grant = shared
        .brain()
        .token(NOW, "1_key", "secret", &GrantRequest::ClientCredentials);
    let token = grant.unwrap().access_token;
    let client = reqwest::Client::new();
    let call = || {
        client
            .get(format!("{}/api/contacts", server.url()))
            .bearer_auth(&token)
            .send()
    };
    let spoilt = call().await.unwrap();
    assert_eq!(spoilt.status(), 429);
    assert!(!spoilt.headers().contains_key("retry-after"));
    assert_eq!(call().await.unwrap().status(), 200);
    assert_eq!(
        shared.brain().calls().total(),
        2,
        "the token and the call that arrived"
    );
}
