//! `authorize` and `revoke`: the questions, and what came of it in words. The steps are in
//! [`crate::app::authorize`]. Where a process serves the instance it takes them itself: two clients would
//! take each other's tokens away.

use serde_json::{Map, Value as Json, json};
use url::Url;

use super::Place;
use crate::adapters::{Denial, PendingAuthorization};
use crate::app::args::{Authorize, Revoke, System};
use crate::app::authorize::{self, Callback, Login, Revoked};
use crate::app::compose::Opened;
use crate::app::error::{AppError, Status};
use crate::app::log::TOLD;
use crate::app::out::Out;
use crate::domain::access::{AccessAct, Entrant};
use crate::domain::ids::{RunId, Side};
use crate::domain::operator::Role;
use crate::domain::record::{Act, Batch, Change};
use crate::domain::time::Span;
use crate::ports::Store as _;

/// As long as Salesforce's codes live.
const PATIENCE: Span = Span::minutes(15);

/// Addresses that may be pasted until one is right.
const PASTES_MAX: usize = 5;

fn sides(side: Option<System>) -> Vec<Side> {
    match side {
        Some(System::Salesforce) => vec![Side::Salesforce],
        Some(System::Automation) => vec![Side::Automation],
        None => vec![Side::Salesforce, Side::Automation],
    }
}

pub(super) async fn perform(
    place: &Place,
    asked: &Authorize,
    out: &mut Out,
) -> Result<Status, AppError> {
    let opened = place.open().await?;
    if asked.check {
        place.require(&opened, Role::Operator)?;
        return check(place, &opened, asked.side, out).await;
    }
    place.require(&opened, Role::Admin)?;
    let sides = sides(asked.side);
    let mut logins = Vec::new();
    // Before anything else is asked: a secret is typed unseen.
    for side in sides {
        let login = Login::begin(&opened, side).await?;
        ask_secret(place, &opened, side, &login).await?;
        logins.push((side, login));
    }
    let mut told = Map::new();
    for (side, login) in logins {
        if authorize::needs_person(&opened.instance, side) {
            log_in(place, asked, (side, &login), &opened, out).await?;
        }
        let identity = login.prove().await?;
        record(place, &opened, AccessAct::Authorise, side, &asked.reason).await?;
        tell(side, &identity, &mut told, out)?;
        if !out.is_json() {
            out.line("  kept sealed; the sync uses it from its next cycle on")?;
        }
    }
    if out.is_json() {
        out.json(&told)?;
    }
    Ok(Status::Done)
}

async fn ask_secret(
    place: &Place,
    opened: &Opened,
    side: Side,
    login: &Login<'_>,
) -> Result<(), AppError> {
    let Some(wanted) = authorize::wanted(&opened.instance, side) else {
        return Ok(());
    };
    let is_kept = authorize::kept_secret(opened, side).await;
    let hint = match (is_kept, wanted.is_optional) {
        (true, _) => " (nothing: the one that is kept)",
        (false, true) => " (nothing: the application has none)",
        (false, false) => "",
    };
    let text = format!("{side}: {}{hint}: ", wanted.what);
    let secret = place.asker.secret(&text).await;
    let secret = secret.map_err(AppError::Unanswered)?;
    match secret.filter(|secret| !is_blank(secret)) {
        Some(secret) => login.take_secret(&secret).await,
        None if is_kept || wanted.is_optional => Ok(()),
        None => Err(AppError::Usage(format!(
            "{side} needs its {}: type it, hand it over on standard input, or name a file or variable \
             for it in the instance file",
            wanted.what
        ))),
    }
}

fn is_blank(secret: &secrecy::SecretString) -> bool {
    use secrecy::ExposeSecret as _;
    secret.expose_secret().trim().is_empty()
}

/// The answer to a login comes by the browser on this machine, or is pasted; whichever is first.
async fn log_in(
    place: &Place,
    asked: &Authorize,
    (side, login): (Side, &Login<'_>),
    opened: &Opened,
    out: &mut Out,
) -> Result<(), AppError> {
    let ports = match asked.port {
        Some(port) => vec![port],
        None => opened.instance.callback_ports.clone(),
    };
    let callback = if asked.paste {
        None
    } else {
        listen(&ports, out).await?
    };
    let port = callback.as_ref().map_or(ports[0], Callback::port);
    let redirect: Url = authorize::redirect(port)?;
    let pending = login.pending(redirect.clone())?;
    introduce(side, &pending, callback.is_some(), out)?;
    let heard = async {
        match &callback {
            Some(callback) => callback.hear(&redirect, |url| pending.is_answer(url)).await,
            None => std::future::pending().await,
        }
    };
    let redirected = tokio::select! {
        heard = heard => {
            // Behind the question that it answers.
            out.note("the browser came back")?;
            heard.map_err(AppError::Unanswered)?
        }
        pasted = paste(place, &pending, callback.is_some(), out) => pasted?,
        () = opened.clock.sleep(PATIENCE) => {
            return Err(AppError::NotLetIn(Denial::CodeExpired));
        }
    };
    login.exchange(pending, &redirected).await
}

async fn listen(ports: &[u16], out: &mut Out) -> Result<Option<Callback>, AppError> {
    match Callback::listen_at_one(ports).await {
        Ok(callback) => {
            let port = callback.port();
            if !matches!(ports[0], 0) && port != ports[0] {
                out.note(&format!(
                    "port {} is taken here: the call-back address with port {port} is used",
                    ports[0]
                ))?;
            }
            Ok(Some(callback))
        }
        Err(error) => {
            let tried: Vec<String> = ports.iter().map(u16::to_string).collect();
            out.note(&format!(
                "nobody can listen at port {} here ({error}): paste the address, or enter another \
                 call-back address there and name its port in [instance] callback_ports or with --port",
                tried.join(" or ")
            ))?;
            Ok(None)
        }
    }
}

fn introduce(
    side: Side,
    pending: &PendingAuthorization,
    is_listening: bool,
    out: &mut Out,
) -> Result<(), AppError> {
    let place = match side {
        Side::Salesforce => "Setup > App Manager > the application > Callback URL",
        Side::Automation => "Settings > API Credentials > the credential > Redirect URI",
    };
    out.note(&format!("{side}, by a person's login"))?;
    out.note("1. this call-back address must be entered there, letter by letter")?;
    out.note(&format!("   ({place}):"))?;
    out.note(&format!("   {}", pending.redirect()))?;
    out.note("2. open this address in a browser and log in as the integration's user:")?;
    out.note(pending.url.as_str())?;
    out.note(if is_listening {
        "3. on this machine the browser comes back by itself. From elsewhere it ends at"
    } else {
        "3. the browser ends at"
    })?;
    out.note("   a page that cannot be shown: paste that page's address here")?;
    out.flush()?;
    Ok(())
}

/// What is no answer is said to be none, and another may be pasted. A refusal of the browser's ends it.
async fn paste(
    place: &Place,
    pending: &PendingAuthorization,
    is_listening: bool,
    out: &mut Out,
) -> Result<Url, AppError> {
    for _ in 0..PASTES_MAX {
        let line = place.asker.line("address: ").await;
        let Some(line) = line.map_err(AppError::Unanswered)? else {
            if is_listening {
                return std::future::pending().await;
            }
            let ended = std::io::ErrorKind::UnexpectedEof.into();
            return Err(AppError::Unanswered(ended));
        };
        let Some(url) = authorize::pasted(&line) else {
            if !line.trim().is_empty() {
                out.note("that is no address; it begins with http and is all in one line")?;
            }
            continue;
        };
        match pending.denial(&url) {
            None => return Ok(url),
            Some(denial @ (Denial::NoCode | Denial::WrongState)) => {
                out.note(&denial.to_string())?;
            }
            Some(denial) => return Err(AppError::NotLetIn(denial)),
        }
    }
    Err(AppError::NotLetIn(Denial::WrongState))
}

async fn check(
    place: &Place,
    opened: &Opened,
    side: Option<System>,
    out: &mut Out,
) -> Result<Status, AppError> {
    let mut told = Map::new();
    for side in sides(side) {
        let identity = match &place.served {
            Some((house, _)) => authorize::check_served(house, side).await?,
            None => authorize::check(opened, side).await?,
        };
        tell(side, &identity, &mut told, out)?;
    }
    if out.is_json() {
        out.json(&told)?;
    }
    Ok(Status::Done)
}

fn tell(
    side: Side,
    identity: &Entrant,
    told: &mut Map<String, Json>,
    out: &mut Out,
) -> Result<(), AppError> {
    let key = side.to_string().to_lowercase();
    let shown = json!({
        "user": identity.user, "user_name": identity.user_name, "place": identity.place,
        "place_name": identity.place_name, "is_sandbox": identity.is_sandbox,
        "scopes": identity.scopes, "version": identity.version,
    });
    told.insert(key, shown);
    if out.is_json() {
        return Ok(());
    }
    let kind = match identity.is_sandbox {
        Some(true) => ", a sandbox",
        Some(false) => ", production",
        None => "",
    };
    out.line(&format!("{side}: {}{kind}", identity.place_name))?;
    let id = (identity.place != identity.place_name).then_some(identity.place.as_str());
    let user = match (identity.user.as_str(), identity.user_name.as_str()) {
        (user, "") => user.to_owned(),
        (user, name) => format!("{user} ({name})"),
    };
    let scopes = identity.scopes.join(" ");
    let lines = [
        ("id", id.unwrap_or_default()),
        ("user", user.as_str()),
        ("scopes", scopes.as_str()),
        ("version", identity.version.as_str()),
    ];
    for (name, value) in lines {
        if !value.is_empty() {
            out.line(&format!("  {name:<8} {value}"))?;
        }
    }
    Ok(())
}

pub(super) async fn revoke(
    place: &Place,
    asked: &Revoke,
    out: &mut Out,
) -> Result<Status, AppError> {
    let opened = place.open().await?;
    place.require(&opened, Role::Admin)?;
    let sides = sides(asked.side);
    if asked.writing.dry_run {
        return would(&opened, &sides, out).await;
    }
    if !asked.yes && !is_wanted(place, &sides).await? {
        out.note("nothing was revoked")?;
        return Ok(Status::Done);
    }
    let mut told = Map::new();
    for side in sides {
        let revoked = authorize::revoke(&opened, side).await?;
        record(
            place,
            &opened,
            AccessAct::Revoke,
            side,
            &asked.writing.reason,
        )
        .await?;
        let key = side.to_string().to_lowercase();
        let Revoked { there, forgotten } = revoked;
        told.insert(key, json!({ "revoked": there, "forgotten": forgotten }));
        if !out.is_json() {
            out.line(&words(side, revoked))?;
        }
    }
    if out.is_json() {
        out.json(&told)?;
    }
    Ok(Status::Done)
}

async fn would(opened: &Opened, sides: &[Side], out: &mut Out) -> Result<Status, AppError> {
    let mut told = Map::new();
    for side in sides {
        let kept = authorize::kept(opened, *side).await;
        let key = side.to_string().to_lowercase();
        told.insert(key, json!({ "would_forget": kept }));
        if !out.is_json() {
            out.line(&format!(
                "{side}: {kept} kept secrets would be revoked and forgotten"
            ))?;
        }
    }
    if out.is_json() {
        out.json(&told)?;
    }
    Ok(Status::Done)
}

async fn is_wanted(place: &Place, sides: &[Side]) -> Result<bool, AppError> {
    let names: Vec<String> = sides.iter().map(ToString::to_string).collect();
    let text = format!(
        "end the login at {}? The sync stops until somebody authorises again. (y, or anything else for \
         no) ",
        names.join(" and ")
    );
    let answer = place.asker.line(&text).await;
    let answer = answer.map_err(AppError::Unanswered)?.unwrap_or_default();
    Ok(matches!(answer.trim(), "y" | "yes" | "o" | "oui"))
}

fn words(side: Side, revoked: Revoked) -> String {
    let there = match (side, revoked.there) {
        (Side::Salesforce, Some(true)) => "its login is ended there",
        (Side::Salesforce, Some(false)) => "its login had ended there already",
        (Side::Salesforce, None) => {
            "no login was kept; sessions without one end by themselves, and the application is removed \
             under Setup > Connected Apps OAuth Usage"
        }
        (Side::Automation, _) => {
            "Automation has no request for it: remove the credential under Settings > API Credentials, \
             or the application's right under the user's account > Authorized Clients"
        }
    };
    let forgotten = revoked.forgotten;
    format!("{side}: {forgotten} kept secrets forgotten; {there}")
}

/// Into the audit, by the sync that numbers the acts where a process serves the instance.
async fn record(
    place: &Place,
    opened: &Opened,
    act: AccessAct,
    side: Side,
    reason: &str,
) -> Result<(), AppError> {
    if let Some((house, door)) = &place.served {
        return authorize::note(house, door, (side, act), reason).await;
    }
    let operator = place.visitor(opened).operator;
    let (name, told) = (operator.name.as_str(), act.name());
    tracing::info!(target: TOLD, act = told, %side, operator = name, "access was changed");
    let mut tally = opened.store.recover().await?.tally;
    tally.next_run += 1;
    let act = Act {
        run: RunId(tally.next_run),
        at: opened.clock.now(),
        operator: operator.name,
        from: operator.from,
        act: act.name().to_owned(),
        object: side.to_string(),
        links: Vec::new(),
        reason: reason.to_owned(),
        undo: Vec::new(),
    };
    let changes = vec![Change::AddAct(act), Change::PutTally(tally)];
    Ok(opened.store.commit(Batch(changes)).await?)
}
