//! OAuth as a browser and a client see it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, StatusCode};
use ring::digest;
use serde_json::{Value as Json, json};

use super::{Bench, taken};
use crate::sim::salesforce::http::Host;
use crate::sim::salesforce::oauth::App;
use crate::sim::salesforce::org::OrgConfig;

const CALLBACK: &str = "http://localhost:1717/OauthRedirect";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn bench(host: Host) -> Bench {
    let bench = Bench::with(OrgConfig::default(), |site| site.with_host(host));
    bench.site.with_brain(|brain| {
        let run_as = Some(brain.integration_user());
        let callbacks = vec![CALLBACK.to_owned()];
        brain.add_app(App {
            callbacks,
            run_as,
            ..App::new("3MVG9", "secret")
        });
    });
    bench
}

async fn token(bench: &Bench, form: &[(&str, &str)]) -> (StatusCode, Json) {
    let client = [("client_id", "3MVG9"), ("client_secret", "secret")];
    let form: Vec<_> = form.iter().chain(&client).copied().collect();
    let request = bench
        .bare(Method::POST, "/services/oauth2/token")
        .form(&form);
    taken(request.send().await.unwrap()).await
}

/// Walks a browser through the consent page; gives back the code.
async fn consented(bench: &Bench) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()));
    let query = [
        ("response_type", "code"),
        ("client_id", "3MVG9"),
        ("redirect_uri", CALLBACK),
        ("state", "st&te"),
        ("code_challenge", &challenge),
    ];
    let path = "/services/oauth2/authorize";
    let page = bench
        .bare(Method::GET, path)
        .query(&query)
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    assert!(
        page.text()
            .await
            .unwrap()
            .contains("name=\"state\" value=\"st&amp;te\"")
    );
    let mut form = query.to_vec();
    form.push(("decision", "allow"));
    let allowed = bench
        .bare(Method::POST, path)
        .form(&form)
        .send()
        .await
        .unwrap();
    assert_eq!(allowed.status(), StatusCode::FOUND);
    let location = url::Url::parse(allowed.headers()["location"].to_str().unwrap()).unwrap();
    let back: Vec<(String, String)> = location.query_pairs().into_owned().collect();
    assert_eq!((&*back[1].0, &*back[1].1), ("state", "st&te"));
    back[0].1.clone()
}

#[tokio::test]
async fn a_browser_a_code_and_a_session() {
    let bench = bench(Host::MyDomain);
    let code = consented(&bench).await;
    let (status, body) = token(
        &bench,
        &[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ],
    )
    .await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body["expires_in"], Json::Null);
    assert_eq!(
        (&body["issued_at"], &body["token_type"]),
        (&json!("1772615702000"), &json!("Bearer"))
    );
    assert_eq!(body["instance_url"], bench.server.url());
    let access = body["access_token"].as_str().unwrap();
    let me = bench
        .client
        .get(body["id"].as_str().unwrap())
        .bearer_auth(access)
        .send()
        .await
        .unwrap();
    assert_eq!(taken(me).await.1["username"], "integration@orion.example");
    let refresh = body["refresh_token"].as_str().unwrap();
    let (status, body) = token(
        &bench,
        &[("grant_type", "refresh_token"), ("refresh_token", refresh)],
    )
    .await;
    assert_eq!(
        (status, &body["refresh_token"]),
        (StatusCode::OK, &Json::Null)
    );
}

#[tokio::test]
async fn saying_no_goes_back_to_the_client() {
    let bench = bench(Host::MyDomain);
    let form = [
        ("response_type", "code"),
        ("client_id", "3MVG9"),
        ("redirect_uri", CALLBACK),
        ("decision", "deny"),
    ];
    let denied = bench
        .bare(Method::POST, "/services/oauth2/authorize")
        .form(&form)
        .send()
        .await
        .unwrap();
    let location = denied.headers()["location"].to_str().unwrap();
    assert!(
        location.starts_with(&format!(
            "{CALLBACK}?error=access_denied&error_description="
        )),
        "{location}"
    );
    let stranger = [
        ("response_type", "code"),
        ("client_id", "3MVG9"),
        ("redirect_uri", "http://evil.example"),
    ];
    let shown = bench
        .bare(Method::GET, "/services/oauth2/authorize")
        .query(&stranger)
        .send()
        .await
        .unwrap();
    assert_eq!(taken(shown).await.1["error"], "redirect_uri_mismatch");
}

#[tokio::test]
async fn client_credentials_work_on_my_domain_only() {
    let grant = [("grant_type", "client_credentials")];
    let login = bench(Host::Login);
    let (status, body) = token(&login, &grant).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        body,
        json!({
            "error": "invalid_grant", "error_description": "request not supported on this domain"
        })
    );
    let mine = bench(Host::MyDomain);
    let request = mine
        .bare(Method::POST, "/services/oauth2/token")
        .basic_auth("3MVG9", Some("secret"));
    let (status, body) = taken(request.form(&grant).send().await.unwrap()).await;
    assert_eq!(
        (status, &body["refresh_token"]),
        (StatusCode::OK, &Json::Null)
    );
    let access = body["access_token"].as_str().unwrap().to_owned();
    let path = "/services/oauth2/introspect";
    let form = [
        ("token", &*access),
        ("client_id", "3MVG9"),
        ("client_secret", "secret"),
    ];
    let (_, facts) = taken(
        mine.bare(Method::POST, path)
            .form(&form)
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(
        (&facts["active"], &facts["exp"]),
        (&json!(true), &json!(1_772_615_702 + 7_200))
    );
    let revoke = mine
        .bare(Method::POST, "/services/oauth2/revoke")
        .form(&[("token", &access)]);
    assert_eq!(revoke.send().await.unwrap().status(), StatusCode::OK);
    let (_, facts) = taken(
        mine.bare(Method::POST, path)
            .form(&form)
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(facts, json!({ "active": false }));
}

#[tokio::test]
async fn discovery_points_here_and_other_grants_are_refused() {
    let bench = bench(Host::MyDomain);
    let found = bench
        .bare(Method::GET, "/.well-known/openid-configuration")
        .send()
        .await
        .unwrap();
    let expected = format!("{}/services/oauth2/token", bench.server.url());
    assert_eq!(taken(found).await.1["token_endpoint"], expected);
    let (_, body) = token(&bench, &[("grant_type", "password")]).await;
    assert_eq!(body["error"], "unsupported_grant_type");
    let (_, body) = token(
        &bench,
        &[("grant_type", "refresh_token"), ("refresh_token", "x")],
    )
    .await;
    assert_eq!(
        body,
        json!({
            "error": "invalid_grant", "error_description": "expired access/refresh token"
        })
    );
    let forged = "eyJhbGciOiJub25lIn0.eyJpc3MiOiIzTVZHOSJ9.AAAA";
    let jwt = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let (_, body) = token(&bench, &[("grant_type", jwt), ("assertion", forged)]).await;
    assert_eq!(body["error_description"], "invalid assertion signature");
}
