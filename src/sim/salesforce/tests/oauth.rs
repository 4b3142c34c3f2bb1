//! Codes, tokens and sessions.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::sim::clock::{HOUR_MS, MINUTE_MS};
use crate::sim::salesforce::oauth::{
    App, AuthorizeRequest, BAD_CODE, DEAD_TOKEN, OAuthError, Pkce, RefreshPolicy, Tokens,
};

const CALLBACK: &str = "http://localhost:1717/OauthRedirect";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CLIENT: (&str, Option<&str>) = ("3MVG9", Some("secret"));

fn with_app(refresh: RefreshPolicy) -> Salesforce {
    let mut org = org();
    let run_as = Some(org.integration_user());
    let callbacks = vec![CALLBACK.to_owned()];
    org.add_app(App {
        callbacks,
        refresh,
        run_as,
        ..App::new("3MVG9", "secret")
    });
    org
}

fn request() -> AuthorizeRequest {
    let digest = ring::digest::digest(&ring::digest::SHA256, VERIFIER.as_bytes());
    AuthorizeRequest {
        client_id: "3MVG9".to_owned(),
        redirect_uri: CALLBACK.to_owned(),
        scope: None,
        challenge: Some(URL_SAFE_NO_PAD.encode(digest)),
    }
}

fn granted(
    org: &mut Salesforce,
    verifier: Option<&str>,
    later_ms: i64,
) -> Result<Tokens, OAuthError> {
    let user = org.integration_user();
    let code = org.approve(request(), user, START).unwrap();
    org.grant_code(
        CLIENT,
        (&code, CALLBACK),
        verifier,
        START.plus_millis(later_ms),
    )
}

#[test]
fn a_code_is_good_once_and_for_fifteen_minutes() {
    let mut org = with_app(RefreshPolicy::UntilRevoked);
    let code = org
        .approve(request(), org.integration_user(), START)
        .unwrap();
    let tokens = org
        .grant_code(CLIENT, (&code, CALLBACK), Some(VERIFIER), START)
        .unwrap();
    assert_eq!(
        org.authenticate(&tokens.access, START),
        Ok(org.integration_user())
    );
    assert!(tokens.refresh.is_some());
    let again = org.grant_code(CLIENT, (&code, CALLBACK), Some(VERIFIER), START);
    assert_eq!(again, Err(BAD_CODE));
    let late = granted(&mut org, Some(VERIFIER), 15 * MINUTE_MS + 1).unwrap_err();
    assert_eq!(late.description, "expired authorization code");
}

#[test]
fn proof_keys_fail_with_the_vendors_two_codes() {
    let mut org = with_app(RefreshPolicy::UntilRevoked);
    let wrong = granted(&mut org, Some(&VERIFIER.to_uppercase()), 0).unwrap_err();
    assert_eq!(wrong.error, "invalid_request");
    assert_eq!(
        granted(&mut org, None, 0).unwrap_err().error,
        "invalid_grant"
    );
    org.app_mut("3MVG9").unwrap().pkce = Pkce::Required;
    let bare = AuthorizeRequest {
        challenge: None,
        ..request()
    };
    assert_eq!(
        org.check_authorize(&bare, START).unwrap_err().error,
        "invalid_request"
    );
}

#[test]
fn callbacks_and_secrets_must_match_exactly() {
    let mut org = with_app(RefreshPolicy::UntilRevoked);
    let elsewhere = AuthorizeRequest {
        redirect_uri: format!("{CALLBACK}/"),
        ..request()
    };
    assert_eq!(
        org.check_authorize(&elsewhere, START).unwrap_err().error,
        "redirect_uri_mismatch"
    );
    let wrong = org
        .grant_client_credentials(("3MVG9", Some("guess")), START)
        .unwrap_err();
    assert_eq!(wrong.error, "invalid_client");
    let unknown = org
        .grant_client_credentials(("nobody", Some("x")), START)
        .unwrap_err();
    assert_eq!(unknown.error, "invalid_client_id");
    assert_eq!(
        org.grant_client_credentials(CLIENT, START).unwrap().refresh,
        None
    );
    org.app_mut("3MVG9").unwrap().run_as = None;
    let off = org.grant_client_credentials(CLIENT, START).unwrap_err();
    assert_eq!(off.description, "no client credentials user enabled");
}

#[test]
fn a_rotated_refresh_token_kills_the_one_it_replaces() {
    let mut org = with_app(RefreshPolicy::Rotating);
    let first = granted(&mut org, Some(VERIFIER), 0)
        .unwrap()
        .refresh
        .unwrap();
    let second = org
        .grant_refresh(CLIENT, &first, START)
        .unwrap()
        .refresh
        .unwrap();
    assert_ne!(first, second);
    assert_eq!(org.grant_refresh(CLIENT, &first, START), Err(DEAD_TOKEN));
    assert!(org.grant_refresh(CLIENT, &second, START).is_ok());
}

#[test]
fn without_rotation_the_answer_has_no_refresh_token_and_policies_end_it() {
    let mut org = with_app(RefreshPolicy::UntilRevoked);
    let refresh = granted(&mut org, Some(VERIFIER), 0)
        .unwrap()
        .refresh
        .unwrap();
    assert_eq!(
        org.grant_refresh(CLIENT, &refresh, START).unwrap().refresh,
        None
    );
    org.app_mut("3MVG9").unwrap().refresh = RefreshPolicy::ExpiresIdle { after_ms: HOUR_MS };
    let late = START.plus_millis(HOUR_MS + 1);
    assert_eq!(org.grant_refresh(CLIENT, &refresh, late), Err(DEAD_TOKEN));
}

#[test]
fn sessions_slide_end_by_time_and_end_on_demand() {
    let mut org = with_app(RefreshPolicy::UntilRevoked);
    let token = org.open_session(org.integration_user(), START);
    for hours in 1..5 {
        let now = START.plus_millis(hours * HOUR_MS);
        assert!(org.authenticate(&token, now).is_ok(), "use keeps it alive");
    }
    let idle = org
        .authenticate(&token, START.plus_millis(7 * HOUR_MS))
        .unwrap_err();
    assert_eq!(
        (idle.code, idle.status),
        (ErrorCode::INVALID_SESSION_ID, 401)
    );
    let token = org.open_session(org.integration_user(), START);
    org.expire_sessions();
    assert!(org.authenticate(&token, START).is_err());
}

#[test]
fn a_sixth_login_silently_revokes_the_oldest_and_revoking_ends_sessions() {
    let mut org = with_app(RefreshPolicy::UntilRevoked);
    let tokens: Vec<Tokens> = (0..6)
        .map(|n| granted(&mut org, Some(VERIFIER), n).unwrap())
        .collect();
    let refresh = |at: usize| tokens[at].refresh.clone().unwrap();
    assert_eq!(
        org.grant_refresh(CLIENT, &refresh(0), START),
        Err(DEAD_TOKEN)
    );
    assert!(org.grant_refresh(CLIENT, &refresh(5), START).is_ok());
    org.revoke(&refresh(5)).unwrap();
    assert!(org.authenticate(&tokens[5].access, START).is_err());
    assert_eq!(org.revoke("nonsense").unwrap_err().error, "invalid_token");
}

#[test]
fn a_new_application_is_unknown_until_it_has_spread_and_a_blocked_one_says_so() {
    let mut org = with_app(RefreshPolicy::UntilRevoked);
    let spread = START.plus_millis(600_000);
    org.app_mut("3MVG9").unwrap().known_from = Some(spread);
    let error = org.check_authorize(&request(), START).unwrap_err().error;
    assert_eq!(error, "invalid_client_id");
    assert_eq!(org.check_authorize(&request(), spread), Ok(()));
    org.app_mut("3MVG9").unwrap().is_blocked = true;
    let error = org.check_authorize(&request(), spread).unwrap_err().error;
    assert_eq!(error, "OAUTH_APP_BLOCKED");
}
