//! One refresh for all callers, kept before use; refusals and hostile answers; the interactive login.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::extract::{Form, State as Shared};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::*;
use crate::adapters::http::Limits;
use crate::adapters::testing::{MemoryVault, StillClock, serve};
use crate::domain::ids::Side;

const KEY: &str = "refresh";
const SECRET: &str = "secret";

type Journal = Arc<Mutex<Vec<String>>>;
type Fields = std::collections::BTreeMap<String, String>;

/// A login server that rotates refresh tokens: `rt0` buys `at1` and `rt1`, and dies of it.
#[derive(Clone, Default)]
struct Login {
    journal: Journal,
    asked: Arc<AtomicUsize>,
}

async fn rotate(Shared(login): Shared<Login>, Form(form): Form<Fields>) -> Response {
    let turn = login.asked.load(Ordering::SeqCst);
    if form.get("refresh_token") != Some(&format!("rt{turn}")) {
        return refused("invalid_grant", "expired access/refresh token");
    }
    login.asked.store(turn + 1, Ordering::SeqCst);
    let turn = turn + 1;
    login
        .journal
        .lock()
        .unwrap()
        .push(format!("granted at{turn}"));
    let answer = json!({"access_token": format!("at{turn}"), "refresh_token": format!("rt{turn}"),
        "token_type": "Bearer", "scope": "api", "issued_at": "1772612102331", "expires_in": 3600});
    Json(answer).into_response()
}

fn refused(error: &str, description: &str) -> Response {
    let body = json!({"error": error, "error_description": description});
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

async fn login(app: Router) -> Url {
    serve(app).await
}

fn tokens(base: &Url, vault: Arc<MemoryVault>) -> Tokens {
    with_flow(base, vault, Flow::Refresh { secret: None })
}

fn with_flow(base: &Url, vault: Arc<MemoryVault>, flow: Flow) -> Tokens {
    let client = Client {
        id: "app".into(),
        flow,
        token_url: base.join("/token").unwrap(),
        vault_key: KEY,
        secret_key: SECRET,
        login: base.clone(),
        may_move_to: |login, base| login.origin() == base.origin(),
    };
    let http = Http::new(base, Limits::default()).unwrap();
    Tokens::new(http, Arc::new(StillClock::default()), vault, client)
}

async fn answering(answer: impl IntoResponse + Clone + Send + Sync + 'static) -> Tokens {
    let app = Router::new().route("/token", post(move || async move { answer }));
    let base = login(app).await;
    tokens(&base, Arc::new(MemoryVault::with(KEY, "rt0")))
}

#[tokio::test]
async fn many_callers_share_one_refresh_and_its_rotation_is_kept_before_use() {
    let server = Login::default();
    let vault = MemoryVault {
        journal: Arc::clone(&server.journal),
        ..MemoryVault::with(KEY, "rt0")
    };
    let vault = Arc::new(vault);
    let app = Router::new()
        .route("/token", post(rotate))
        .with_state(server.clone());
    let base = login(app).await;
    let tokens = tokens(&base, Arc::clone(&vault));

    let first = join_all((0..20).map(|_| tokens.current())).await;
    let first = first.into_iter().map(Result::unwrap).next().unwrap();
    server.journal.lock().unwrap().push("used at1".into());
    // All of them were refused with the same token.
    let second = join_all((0..20).map(|_| tokens.renewed(&first))).await;
    for token in second {
        assert_eq!(token.unwrap().access.expose_secret(), "at2");
    }
    server.journal.lock().unwrap().push("used at2".into());
    assert_eq!(
        *server.journal.lock().unwrap(),
        [
            "kept rt0",
            "granted at1",
            "kept rt1",
            "used at1",
            "kept rt1",
            "granted at2",
            "kept rt2",
            "used at2"
        ]
    );
}

/// A login server that rotates, with a vault that something happens to once the old token is spent.
struct Rotating {
    server: Login,
    vault: Arc<MemoryVault>,
    tokens: Arc<Tokens>,
}

impl Rotating {
    async fn new(happens: impl Fn(&MemoryVault) + Clone + Send + Sync + 'static) -> Self {
        let server = Login::default();
        let vault = Arc::new(MemoryVault::with(KEY, "rt0"));
        let (kept, asked) = (Arc::clone(&vault), server.clone());
        let answer = move |form: Form<Fields>| {
            let (kept, asked, happens) = (Arc::clone(&kept), asked.clone(), happens.clone());
            async move {
                let answer = rotate(Shared(asked), form).await;
                happens(&kept);
                answer
            }
        };
        let base = login(Router::new().route("/token", post(answer))).await;
        let tokens = Arc::new(tokens(&base, Arc::clone(&vault)));
        Self {
            server,
            vault,
            tokens,
        }
    }

    async fn current(&self) -> String {
        let token = self.tokens.current().await.unwrap();
        token.access.expose_secret().to_owned()
    }

    fn kept(&self) -> String {
        let secrets = self.vault.secrets.lock().unwrap();
        String::from_utf8(secrets[KEY].clone()).unwrap()
    }

    fn asked(&self) -> usize {
        self.server.asked.load(Ordering::SeqCst)
    }

    fn fails(&self, is_failing: bool) {
        self.vault.is_failing.store(is_failing, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_token_whose_rotation_cannot_be_kept_is_not_used_and_not_lost() {
    let stage = Rotating::new(|vault| vault.is_failing.store(true, Ordering::SeqCst)).await;
    let failure = stage.tokens.current().await.err().unwrap();
    assert_eq!(
        (failure.kind, failure.code.as_str()),
        (FailureKind::Transient, "vault")
    );
    stage.fails(false);
    assert_eq!(stage.current().await, "at1");
    assert_eq!(stage.asked(), 1, "rt0 is dead and was not tried again");
    assert_eq!(stage.kept(), "rt1");
}

#[tokio::test]
async fn a_refresh_token_is_not_spent_where_its_successor_could_not_be_kept() {
    let stage = Rotating::new(|_| {}).await;
    stage.fails(true);
    let failure = stage.tokens.current().await.err().unwrap();
    assert_eq!(
        (failure.kind, failure.code.as_str()),
        (FailureKind::Transient, "vault")
    );
    assert_eq!(stage.asked(), 0, "rt0 is alive");
    stage.fails(false);
    assert_eq!(stage.current().await, "at1");
}

#[tokio::test]
async fn whoever_logs_in_or_out_is_heard_at_once_while_the_old_token_is_good() {
    let stage = Rotating::new(|_| {}).await;
    assert_eq!(stage.current().await, "at1");
    // Somebody else's login, with a turn of its own.
    stage.server.asked.store(6, Ordering::SeqCst);
    let held = stage.tokens.hold().await;
    let kept = stage.vault.write(KEY, b"rt6".to_vec());
    kept.await.unwrap();
    drop(held);
    assert_eq!(stage.current().await, "at7");

    let held = stage.tokens.hold().await;
    stage.vault.remove(KEY).await.unwrap();
    drop(held);
    let failure = stage.tokens.current().await.err().unwrap();
    assert_eq!(failure.code, NOT_AUTHORISED);
}

#[tokio::test]
async fn a_renewal_under_way_does_not_bring_back_what_somebody_ended_meanwhile() {
    let stage = Rotating::new(|_| {}).await;
    let renewing = {
        let mut state = stage.tokens.inner.state();
        stage.tokens.take_off(&mut state)
    };
    while stage.asked() == 0 {
        tokio::task::yield_now().await;
    }
    // Granted, and not kept yet.
    assert_eq!(stage.kept(), "rt0");
    let held = stage.tokens.hold().await;
    stage.vault.remove(KEY).await.unwrap();
    drop(held);
    drop(renewing.await);
    assert!(stage.vault.secrets.lock().unwrap().is_empty());
    let failure = stage.tokens.current().await.err().unwrap();
    assert_eq!(failure.code, NOT_AUTHORISED);
}

#[tokio::test]
async fn an_answer_that_could_not_be_kept_does_not_outlive_a_new_login() {
    let stage = Rotating::new(|vault| vault.is_failing.store(true, Ordering::SeqCst)).await;
    assert!(stage.tokens.current().await.is_err());
    stage.fails(false);
    let held = stage.tokens.hold().await;
    stage.server.asked.store(6, Ordering::SeqCst);
    let kept = stage.vault.write(KEY, b"rt6".to_vec());
    kept.await.unwrap();
    drop(held);
    let failure = stage.tokens.current().await.err().unwrap();
    assert_eq!(
        failure.code, "vault",
        "rt6 was spent, and its successor not kept"
    );
    stage.fails(false);
    assert_eq!(stage.current().await, "at7");
    assert_eq!(stage.kept(), "rt7");
}

#[tokio::test]
async fn a_caller_that_gives_up_leaves_no_rotation_half_done() {
    let server = Login::default();
    let vault = Arc::new(MemoryVault::with(KEY, "rt0"));
    let app = Router::new()
        .route("/token", post(rotate))
        .with_state(server.clone());
    let base = login(app).await;
    let tokens = tokens(&base, Arc::clone(&vault));
    let flight = {
        let mut state = tokens.inner.state();
        tokens.take_off(&mut state)
    };
    drop(flight);
    let token = tokens.current().await.unwrap();
    assert_eq!(token.access.expose_secret(), "at1");
    assert_eq!(server.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_foreign_instance_never_gets_the_token() {
    let answer = Json(json!({"access_token": "at", "token_type": "Bearer",
        "instance_url": "https://evil.example"}));
    let failure = answering(answer).await.current().await.err().unwrap();
    assert_eq!(
        (failure.kind, failure.code.as_str()),
        (FailureKind::Broken, "instance-url")
    );
}

#[tokio::test]
async fn a_rotation_is_kept_whatever_is_wrong_with_the_rest_of_the_answer() {
    let answer = Json(json!({"access_token": "at", "refresh_token": "rt1",
        "token_type": "Bearer", "instance_url": "https://evil.example"}));
    let app = Router::new().route("/token", post(move || async move { answer }));
    let vault = Arc::new(MemoryVault::with(KEY, "rt0"));
    let tokens = tokens(&login(app).await, Arc::clone(&vault));
    let failure = tokens.current().await.err().unwrap();
    assert_eq!(failure.code, "instance-url");
    assert_eq!(vault.secrets.lock().unwrap()[KEY], b"rt1");
}

#[tokio::test]
async fn refusals_of_both_systems_ask_for_a_person() {
    for body in [
        json!({"error": "invalid_grant", "error_description": "expired access/refresh token"}),
        json!({"errors": [{"message": "Invalid refresh token", "code": 400, "type": "invalid_grant"}]}),
    ] {
        let tokens = answering((StatusCode::BAD_REQUEST, Json(body))).await;
        let failure = tokens.current().await.err().unwrap();
        assert_eq!(failure.kind, FailureKind::Unauthorised);
        assert_eq!(failure.code, "invalid_grant");
    }
}

#[tokio::test]
async fn a_login_server_that_is_down_or_overrun_is_not_a_dead_token() {
    let down = (
        StatusCode::SERVICE_UNAVAILABLE,
        Html("<h1>Maintenance</h1>"),
    );
    let failure = answering(down).await.current().await.err().unwrap();
    assert_eq!(failure.kind, FailureKind::Transient);
    let overrun = (
        StatusCode::BAD_REQUEST,
        Json(json!({"error": "rate_limit_exceeded"})),
    );
    let failure = answering(overrun).await.current().await.err().unwrap();
    assert_eq!(failure.kind, FailureKind::Throttled { until: None });
}

#[tokio::test]
async fn no_failure_shows_a_secret() {
    let answer = Json(json!({"access_token": "s3cret", "token_type": 7}));
    let failure = answering(answer).await.current().await.err().unwrap();
    assert!(!format!("{failure:?}").contains("s3cret"));
    let secret = SecretString::from("s3cret");
    assert!(!format!("{secret:?}").contains("s3cret"));
}

#[tokio::test]
async fn without_a_login_the_remedy_is_named() {
    let base: Url = "http://127.0.0.1:9/".parse().unwrap();
    let tokens = tokens(&base, Arc::new(MemoryVault::default()));
    let failure = tokens.current().await.err().unwrap();
    assert_eq!(failure.kind, FailureKind::Unauthorised);
    assert!(failure.message.contains("passerelle authorize"));
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    let answer = Json(json!({"access_token": "at", "token_type": "bearer", "expires_in": 30}));
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let app = Router::new().route(
        "/token",
        post(move || async move {
            counter.fetch_add(1, Ordering::SeqCst);
            answer
        }),
    );
    let base = login(app).await;
    let secret = SecretString::from("s").into();
    let tokens = with_flow(&base, Arc::default(), Flow::ClientCredentials { secret });
    tokens.current().await.unwrap();
    tokens.current().await.unwrap();
    assert_eq!(
        asked.load(Ordering::SeqCst),
        2,
        "thirty seconds are inside the margin"
    );
}

/// Made for tests; opens nothing.
const PRIVATE_KEY: &str = include_str!("../../../tests/keys/jwt.pem");

#[tokio::test]
async fn an_assertion_is_signed_for_the_login_host() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};

    let pem = SecretString::from(PRIVATE_KEY);
    let key = SigningKey::from_pem(&pem).unwrap();
    let base: Url = "https://login.salesforce.com/".parse().unwrap();
    let now = Timestamp::from_seconds(1_772_615_702);
    let assertion = key
        .assertion("app", "ada@acme.example", &base, now)
        .unwrap();

    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let der: String = PRIVATE_KEY
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let der = base64::engine::general_purpose::STANDARD
        .decode(der)
        .unwrap();
    let pair = RsaKeyPair::from_pkcs8(&der).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    public.verify(signed.as_bytes(), &signature).unwrap();

    let claims = URL_SAFE_NO_PAD
        .decode(signed.split_once('.').unwrap().1)
        .unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(
        claims,
        json!({"iss": "app", "sub": "ada@acme.example", "aud": "https://login.salesforce.com",
               "exp": 1_772_615_702 + 180})
    );
}

#[tokio::test]
async fn a_login_is_finished_by_its_own_redirect_only() {
    let is_verified = Arc::new(AtomicBool::new(false));
    let verified = Arc::clone(&is_verified);
    let app = Router::new().route(
        "/token",
        post(move |Form(form): Form<Fields>| async move {
            let length = form.get("code_verifier").map_or(0, String::len);
            let is_right = (43..=128).contains(&length) && form["code"] == "c==";
            verified.store(is_right, Ordering::SeqCst);
            Json(json!({"access_token": "at", "refresh_token": "rt9", "token_type": "Bearer"}))
        }),
    );
    let base = login(app).await;
    let begin = || {
        let endpoints = Endpoints {
            side: Side::Salesforce,
            client_id: "app".into(),
            secret: None,
            login: base.clone(),
            may_move_to: |login, base| login.origin() == base.origin(),
            revoke_url: None,
            secret_key: SECRET,
            authorize_url: base.join("/authorize").unwrap(),
            token_url: base.join("/token").unwrap(),
            scopes: &["api", "refresh_token"],
            vault_key: KEY,
        };
        let http = Http::new(&base, Limits::default()).unwrap();
        let redirect = "http://localhost:1717/callback".parse().unwrap();
        PendingAuthorization::begin(http, endpoints, redirect)
    };
    let parameter = |url: &Url, name: &str| {
        let mut pairs = url.query_pairs();
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    let vault = MemoryVault::default();

    let pending = begin();
    assert_eq!(
        parameter(&pending.url, "code_challenge_method").as_deref(),
        Some("S256")
    );
    assert_eq!(
        parameter(&pending.url, "scope").as_deref(),
        Some("api refresh_token")
    );
    let stranger = "http://localhost:1717/callback?code=c&state=guess"
        .parse()
        .unwrap();
    let error = pending.finish(&stranger, &vault, None).await.unwrap_err();
    assert!(matches!(error, Denial::WrongState));

    let pending = begin();
    let state = parameter(&pending.url, "state").unwrap();
    let refused = format!("http://localhost:1717/callback?error=access_denied&state={state}");
    let error = pending
        .finish(&refused.parse().unwrap(), &vault, None)
        .await
        .unwrap_err();
    assert!(matches!(error, Denial::DeniedByPerson));

    let pending = begin();
    let state = parameter(&pending.url, "state").unwrap();
    let good = format!("http://localhost:1717/callback?code=c%3D%3D&state={state}");
    pending
        .finish(&good.parse().unwrap(), &vault, None)
        .await
        .unwrap();
    assert!(
        is_verified.load(Ordering::SeqCst),
        "code and verifier were sent"
    );
    assert_eq!(vault.secrets.lock().unwrap()[KEY], b"rt9");
}

/// A login server whose codes are good, and that writes down what is given back to it.
struct Granting {
    base: Url,
    revoked: Journal,
}

impl Granting {
    /// With this in each answer beside the tokens.
    async fn with(more: Value) -> Self {
        let revoked = Journal::default();
        let journal = Arc::clone(&revoked);
        let mut answer =
            json!({"access_token": "at", "refresh_token": "rt9", "token_type": "Bearer"});
        let known = answer.as_object_mut().unwrap();
        known.extend(more.as_object().unwrap().clone());
        let revoke = move |Form(form): Form<Fields>| {
            let journal = Arc::clone(&journal);
            async move { journal.lock().unwrap().push(form["token"].clone()) }
        };
        let app = Router::new()
            .route("/token", post(move || async move { Json(answer) }))
            .route("/revoke", post(revoke));
        Self {
            base: login(app).await,
            revoked,
        }
    }

    async fn finished(&self, vault: &MemoryVault, bound: Option<&str>) -> Result<LoggedIn, Denial> {
        let endpoints = Endpoints {
            side: Side::Salesforce,
            client_id: "app".into(),
            secret: None,
            login: self.base.clone(),
            may_move_to: |login, base| login.origin() == base.origin(),
            authorize_url: self.base.join("/authorize").unwrap(),
            token_url: self.base.join("/token").unwrap(),
            revoke_url: Some(self.base.join("/revoke").unwrap()),
            scopes: &["api", "refresh_token"],
            vault_key: KEY,
            secret_key: SECRET,
        };
        let http = Http::new(&self.base, Limits::default()).unwrap();
        let redirect: Url = "http://localhost:1717/OauthRedirect".parse().unwrap();
        let pending = PendingAuthorization::begin(http, endpoints, redirect.clone());
        let mut pairs = pending.url.query_pairs();
        let state = pairs.find(|(name, _)| name == "state").unwrap().1;
        let mut redirected = redirect;
        redirected
            .query_pairs_mut()
            .append_pair("code", "c")
            .append_pair("state", &state);
        pending.finish(&redirected, vault, bound).await
    }
}

#[tokio::test]
async fn a_login_to_another_organisation_than_the_stores_is_given_back_and_not_kept() {
    let id = "https://login.salesforce.com/id/00DQ70000000Xy1MAE/005Q70000000T2eIAE";
    let server = Granting::with(json!({ "id": id })).await;
    let vault = MemoryVault::with(KEY, "what works");
    let bound = Some("00DQ70000000009MAE");
    let denial = server.finished(&vault, bound).await.unwrap_err();
    let told = denial.to_string();
    for organisation in ["00DQ70000000009MAE", "00DQ70000000Xy1MAE"] {
        assert!(told.contains(organisation), "{told}");
    }
    assert_eq!(vault.secrets.lock().unwrap()[KEY], b"what works");
    assert_eq!(*server.revoked.lock().unwrap(), ["rt9"]);
    let bound = Some("00DQ70000000Xy1MAE");
    server.finished(&vault, bound).await.unwrap();
    assert_eq!(vault.secrets.lock().unwrap()[KEY], b"rt9");
}

#[tokio::test]
async fn a_login_whose_server_names_a_foreign_instance_is_not_kept() {
    let server = Granting::with(json!({"instance_url": "https://evil.example"})).await;
    let vault = MemoryVault::default();
    let denial = server.finished(&vault, None).await.unwrap_err();
    assert!(matches!(denial, Denial::HostileInstance(_)), "{denial}");
    assert!(denial.to_string().contains("evil.example"));
    assert!(vault.secrets.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_login_that_cannot_be_kept_says_so() {
    let server = Granting::with(json!({})).await;
    let vault = MemoryVault::default();
    vault.is_failing.store(true, Ordering::SeqCst);
    let denial = server.finished(&vault, None).await.unwrap_err();
    assert!(matches!(denial, Denial::Keep(_)), "{denial}");
}

#[tokio::test]
async fn without_a_refresh_token_nothing_is_kept_and_the_scope_is_named() {
    let server = Granting::with(json!({"refresh_token": null})).await;
    let vault = MemoryVault::default();
    let denial = server.finished(&vault, None).await.unwrap_err();
    assert!(denial.to_string().contains("offline_access"), "{denial}");
    assert!(vault.secrets.lock().unwrap().is_empty());
}

/// What the token is worth stays with the host that was configured.
#[tokio::test]
async fn a_token_endpoint_that_redirects_elsewhere_is_not_followed() {
    let followed = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&followed);
    let elsewhere = Router::new().fallback(move || async move {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let elsewhere = login(elsewhere).await.to_string();
    let answer = (StatusCode::TEMPORARY_REDIRECT, [("location", elsewhere)]);
    let failure = answering(answer).await.current().await.err().unwrap();
    let denial = Attempt::of(Side::Salesforce).denial(&failure);
    assert!(matches!(denial, Denial::WrongAddress { .. }), "{denial}");
    assert_eq!(followed.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_secret_that_is_kept_is_read_at_each_use() {
    let sent = Journal::default();
    let journal = Arc::clone(&sent);
    let answer = move |Form(form): Form<Fields>| {
        let journal = Arc::clone(&journal);
        async move {
            journal.lock().unwrap().push(form["client_secret"].clone());
            Json(json!({"access_token": "at", "token_type": "bearer", "expires_in": 1}))
        }
    };
    let base = login(Router::new().route("/token", post(answer))).await;
    let vault = Arc::new(MemoryVault::default());
    let flow = Flow::ClientCredentials {
        secret: Secret::Kept,
    };
    let tokens = with_flow(&base, Arc::clone(&vault), flow);
    let failure = tokens.current().await.err().unwrap();
    assert_eq!(failure.code, NOT_AUTHORISED);
    for secret in ["first", "second"] {
        let bytes = secret.as_bytes().to_vec();
        vault.write(SECRET, bytes).await.unwrap();
        tokens.current().await.unwrap();
    }
    assert_eq!(*sent.lock().unwrap(), ["first", "second"]);
}
