//! The wire, over loopback, with a client that knows nothing of the simulator.

mod archive;
mod composites;
mod deploying;
mod faulty;
mod grants;
mod refusals;
mod resources;
mod security;
mod tooling;
mod trees;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value as Json;

use super::{Site, start};
use crate::sim::clock::{Clock, Timestamp};
use crate::sim::http::Server;
use crate::sim::salesforce::org::{OrgConfig, Salesforce};

/// 2026-03-04T09:15:02Z
const START_MS: i64 = 1_772_615_702_000;

/// A served organisation, a clock that only tests move, and a client with a session.
struct Bench {
    site: Arc<Site>,
    server: Server,
    client: reqwest::Client,
    token: String,
    millis: Arc<AtomicI64>,
}

impl Bench {
    fn new() -> Self {
        Self::with(OrgConfig::default(), |site| site)
    }

    fn with(config: OrgConfig, dress: impl FnOnce(Site) -> Site) -> Self {
        let millis = Arc::new(AtomicI64::new(START_MS));
        let hand = Arc::clone(&millis);
        let clock: Clock = Arc::new(move || Timestamp::from_millis(hand.load(Ordering::Relaxed)));
        let mut brain = Salesforce::new(config);
        let user = brain.integration_user();
        let token = brain.open_session(user, Timestamp::from_millis(START_MS));
        let site = Arc::new(dress(Site::new(brain, clock)));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = start(Arc::clone(&site), listener).unwrap();
        // Another test of the same process may have chosen the provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            site,
            server,
            client,
            token,
            millis,
        }
    }

    fn pass(&self, seconds: i64) {
        self.millis.fetch_add(seconds * 1_000, Ordering::Relaxed);
    }

    fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.server.url()))
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, &format!("/services/data/v62.0{path}"))
            .bearer_auth(&self.token)
    }

    async fn get(&self, path: &str) -> (StatusCode, Json) {
        taken(self.ask(Method::GET, path).send().await.unwrap()).await
    }

    async fn query(&self, soql: &str) -> (StatusCode, Json) {
        taken(
            self.ask(Method::GET, "/query")
                .query(&[("q", soql)])
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    async fn send(&self, method: Method, path: &str, body: &Json) -> (StatusCode, Json) {
        taken(self.ask(method, path).json(body).send().await.unwrap()).await
    }

    async fn lead(&self, body: &Json) -> String {
        let (status, created) = self.send(Method::POST, "/sobjects/Lead", body).await;
        assert_eq!(status, 201, "{created}");
        created["id"].as_str().unwrap().to_owned()
    }
}

async fn taken(response: Response) -> (StatusCode, Json) {
    let status = response.status();
    let text = response.text().await.unwrap();
    let body = if text.is_empty() {
        Json::Null
    } else {
        serde_json::from_str(&text).unwrap()
    };
    (status, body)
}
