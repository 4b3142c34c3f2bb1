//! Sends recorded calls to a served simulator.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use passerelle::sim::automation::http::{Shared, next_delivery, serve};
use passerelle::sim::clock::Timestamp;
use passerelle::sim::http::Server;
use serde_json::{Value, json};

use super::compare::{Sample, Strictness, differences};
use super::scene;

const HEADERS: [&str; 6] = [
    "Mautic-Version",
    "Location",
    "Pragma",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
];

pub(super) fn recorded(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/recorded")
        .join(name);
    let text = std::fs::read_to_string(path.with_extension("json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Replays a file and fails with everything that differs.
pub(super) async fn check(name: &str, how: Strictness) {
    let mut replay = Replay::start(name).await;
    let mut found = Vec::new();
    for step in recorded(name)["exchanges"].as_array().unwrap() {
        if let Some(next) = step.get("next_contact") {
            scene::burn_ids(&mut replay.shared.brain(), next.as_u64().unwrap() as u32);
        } else if let Some(given) = step.get("given") {
            replay.send(given).await;
        } else {
            found.extend(replay.compare(step, how).await);
        }
    }
    assert!(
        found.is_empty(),
        "{} differences:\n{}",
        found.len(),
        found.join("\n")
    );
}

/// The webhook calls of a recorded sequence of acts: the same triggers in the same order, each with
/// the recorded members.
pub(super) async fn check_deliveries() {
    let mut replay = Replay::start("webhooks").await;
    let triggers = recorded("webhooks")["exchanges"][3]["request"]["body"].clone();
    let call = |method: &str, path: &str, body: Value| json!({ "method": method, "path": path, "body": body, "auth": "bearer" });
    scene::burn_ids(&mut replay.shared.brain(), 244);
    let acts = [
        call("POST", "/api/hooks/new", triggers),
        call(
            "POST",
            "/api/contacts/new",
            json!({ "firstname": "Hook", "email": "hook.one@rig.example" }),
        ),
        call("PATCH", "/api/contacts/244/edit", json!({ "city": "Lyon" })),
        call(
            "POST",
            "/api/contacts/244/dnc/email/add",
            json!({ "reason": 3, "comments": "c" }),
        ),
        call("POST", "/api/contacts/244/points/plus/4", json!({})),
        call(
            "POST",
            "/api/companies/new",
            json!({ "companyname": "Hook Co" }),
        ),
        call("POST", "/api/companies/1/contact/244/add", json!({})),
        call("POST", "/api/segments/2/contact/244/add", json!({})),
    ];
    for act in &acts {
        replay.send(act).await;
    }
    let rows: Vec<Value> = (1..=3)
        .map(|n| json!({ "email": format!("batch{n}@rig.example") }))
        .collect();
    replay
        .send(&call("POST", "/api/contacts/batch/new", json!(rows)))
        .await;
    replay
        .send(&call("DELETE", "/api/contacts/244/delete", json!(null)))
        .await;
    replay
        .send(&call("DELETE", "/api/companies/1/delete", json!(null)))
        .await;

    let wanted = recorded("webhook-deliveries");
    let mut found = Vec::new();
    for wanted in wanted["deliveries"].as_array().unwrap() {
        let delivery = next_delivery(&mut replay.shared.brain());
        let seen = delivery.map(|delivery| serde_json::from_str(&delivery.body).unwrap());
        let sample = |body: Value| Sample {
            status: 200,
            headers: Vec::new(),
            body,
        };
        let (was, is) = (
            sample(wanted["body"].clone()),
            sample(seen.unwrap_or_default()),
        );
        let lines = differences(&was, &is, Strictness::Shapes, true);
        found.extend(
            lines
                .iter()
                .map(|line| format!("{}: {line}", wanted["title"])),
        );
    }
    assert!(
        found.is_empty(),
        "{} differences:\n{}",
        found.len(),
        found.join("\n")
    );
    assert!(
        next_delivery(&mut replay.shared.brain()).is_none(),
        "more calls than recorded"
    );
}

pub(super) struct Replay {
    name: String,
    shared: Shared,
    server: Server,
    clock: Arc<AtomicI64>,
    client: reqwest::Client,
    /// Grants with a refresh token, in the order they were obtained.
    grants: Vec<Value>,
    /// Whether the call at hand is about the grant before the last.
    is_about_old: bool,
}

impl Replay {
    async fn start(name: &str) -> Self {
        // The client insists on a provider of cryptography even for plain loopback calls; another
        // test may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = Arc::new(AtomicI64::new(scene::BEGIN.as_millis()));
        let time = Arc::clone(&clock);
        let brain = scene::world(name);
        let now = Arc::new(move || Timestamp::from_millis(time.load(Ordering::Relaxed)));
        let shared = Shared::new(brain, now);
        let server = serve(&shared, "127.0.0.1:0".parse().unwrap(), |router| router).unwrap();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let client = client.build().unwrap();
        let name = name.to_owned();
        Self {
            name,
            shared,
            server,
            clock,
            client,
            grants: Vec::new(),
            is_about_old: false,
        }
    }

    async fn compare(&mut self, step: &Value, how: Strictness) -> Vec<String> {
        let recorded = &step["response"];
        if let Some(date) = recorded["headers"]["Date"]
            .as_str()
            .and_then(Timestamp::parse_http_date)
        {
            self.clock.store(date.as_millis(), Ordering::Relaxed);
        }
        let title = step["title"].as_str().unwrap_or_default();
        self.is_about_old = title.contains("old ");
        scene::before(&self.name, title, &mut self.shared.brain());
        let seen = self.send(&step["request"]).await;
        let names = recorded["headers"].as_object().unwrap().keys();
        let wanted = Sample {
            status: recorded["status"].as_u64().unwrap() as u16,
            headers: names.filter(|name| *name != "Date").cloned().collect(),
            body: self.localised(&recorded["body"]),
        };
        let is_partial = recorded["partial"] == true;
        let lines = differences(&wanted, &seen, how, is_partial);
        lines
            .into_iter()
            .map(|line| format!("{title}: {line}"))
            .collect()
    }

    /// Recorded links name a placeholder host.
    fn localised(&self, body: &Value) -> Value {
        let text = body.to_string().replace("http://HOST", &self.server.url());
        serde_json::from_str(&text).unwrap()
    }

    async fn send(&mut self, request: &Value) -> Sample {
        let text = |key: &str| request[key].as_str();
        let pairs = |key: &str| -> Vec<(String, String)> {
            serde_json::from_value(request[key].clone()).unwrap_or_default()
        };
        let path = text("path").unwrap_or_default();
        let mut query = pairs("query");
        if let Some((_, token)) = query.iter_mut().find(|(key, _)| key == "access_token") {
            *token = self.token(1);
        }
        let encoded = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&query)
            .finish();
        let joint = if encoded.is_empty() { "" } else { "?" };
        let target = format!("{}{path}{joint}{encoded}", self.server.url());
        let method = text("override").map_or(text("method").unwrap_or("GET"), |_| "POST");
        let mut call = self.client.request(method.parse().unwrap(), target);
        if let Some(wanted) = text("override") {
            call = call.header("X-HTTP-Method-Override", wanted);
        }
        if let Some(header) = self.authorization(request, &query) {
            call = call.header("Authorization", header);
        }
        call = if !pairs("form").is_empty() {
            call.form(&self.filled(pairs("form")))
        } else if let Some(body) = text("body_text") {
            call.header("Content-Type", "application/json")
                .body(body.to_owned())
        } else if request["body"].is_null() {
            call
        } else {
            call.json(&request["body"])
        };
        let answer = call.send().await.unwrap();
        let names = HEADERS
            .iter()
            .filter(|name| answer.headers().contains_key(**name));
        let headers = names.map(|name| (*name).to_owned()).collect();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap_or_default();
        if body["refresh_token"].is_string() {
            self.grants.push(body.clone());
        }
        Sample {
            status,
            headers,
            body,
        }
    }

    fn grant(&self) -> &Value {
        let grant = if self.is_about_old {
            self.grants.first()
        } else {
            self.grants.last()
        };
        grant.unwrap_or(&Value::Null)
    }

    fn token(&self, client: u32) -> String {
        let mut brain = self.shared.brain();
        scene::token(&mut brain, self.shared.now(), client)
    }

    fn authorization(&self, request: &Value, query: &[(String, String)]) -> Option<String> {
        let basic = |pair: &str| Some(format!("Basic {}", STANDARD.encode(pair)));
        if query.iter().any(|(key, _)| key == "access_token") {
            return None;
        }
        let is_token_call = request["path"] == "/oauth/v2/token";
        match request["auth"].as_str().unwrap_or("none") {
            "basic" if is_token_call => basic(&scene::credentials(1)),
            "basic" => basic("admin:admin"),
            "basic-wrong" => basic("admin:wrong"),
            "basic-unknown" => basic("nobody:x"),
            "bearer-unknown" => Some("Bearer nonsense".to_owned()),
            "bearer-expired" => {
                let mut brain = self.shared.brain();
                let long_ago = self.shared.now().plus_millis(-7_200_000);
                Some(format!("Bearer {}", scene::token(&mut brain, long_ago, 1)))
            }
            "limited" if is_token_call => None,
            "limited" => Some(format!("Bearer {}", self.token(2))),
            "bearer" if self.name == "oauth-refresh" => {
                Some(format!("Bearer {}", self.grant()["access_token"].as_str()?))
            }
            "bearer" => Some(format!("Bearer {}", self.token(1))),
            _ => None,
        }
    }

    /// Codes and refresh tokens of the recording are placeholders.
    fn filled(&self, mut form: Vec<(String, String)>) -> Vec<(String, String)> {
        for (key, value) in &mut form {
            if value != "token-placeholder" {
                continue;
            }
            *value = match key.as_str() {
                "code" => scene::code(&mut self.shared.brain(), self.shared.now()),
                _ => self.grant()["refresh_token"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            };
        }
        form
    }
}
