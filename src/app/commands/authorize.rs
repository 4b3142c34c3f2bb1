//! `authorize` and `revoke`: the questions, and what came of it in words. The steps are in
//! [`crate::app::authorize`]. Where a process serves the instance it takes them itself: two clients would
//! take each other's tokens away.

use serde_json::{Map, Value as Json, json};
use url::Url;

use super::Place;
use crate::adapters::PendingAuthorization;
use crate::app::args::{Authorize, Revoke, System};
use crate::app::authorize::{self, By, Callback, Came, Login, Revoked, Waiting};
use crate::app::compose::Opened;
use crate::app::config::Instance;
use crate::app::error::{AppError, Status};
use crate::app::out::Out;
use crate::domain::access::Entrant;
use crate::domain::ids::Side;
use crate::domain::operator::Role;

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
        let answer = if authorize::needs_person(&opened.instance, side) {
            match at_browser(place, asked, (side, &login), &opened, out).await {
                Ok(answer) => Some(answer),
                Err(error) => {
                    login.leave().await?;
                    return Err(error);
                }
            }
        } else {
            None
        };
        let identity = login
            .finish(answer, by(place, &opened, &asked.reason))
            .await?;
        tell(side, &identity, &mut told, out)?;
        if !out.is_json() {
            out.line("  kept sealed; the sync uses it from its next request on")?;
        }
    }
    if out.is_json() {
        out.json(&told)?;
    }
    Ok(Status::Done)
}

fn by(place: &Place, opened: &Opened, reason: &str) -> By {
    By {
        operator: place.visitor(opened).operator,
        reason: reason.to_owned(),
    }
}

async fn ask_secret(
    place: &Place,
    opened: &Opened,
    side: Side,
    login: &Login,
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
async fn at_browser(
    place: &Place,
    asked: &Authorize,
    (side, login): (Side, &Login),
    opened: &Opened,
    out: &mut Out,
) -> Result<(PendingAuthorization, Url), AppError> {
    let ports = match asked.port {
        Some(port) => vec![port],
        None => opened.instance.callback_ports.clone(),
    };
    let callback = if asked.paste {
        None
    } else {
        listen(&ports, out).await?
    };
    let waiting = Waiting::begin(login, callback, ports[0])?;
    introduce(side, &waiting, out)?;
    let pasted = paste(place, &waiting, out);
    let came = waiting.answer(&*opened.clock, pasted).await?;
    let redirected = match came {
        Came::Pasted(redirected) => redirected,
        Came::ByItself(redirected) => {
            // Behind the question that it answers.
            out.note("the browser came back")?;
            redirected
        }
    };
    Ok((waiting.pending, redirected))
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

fn introduce(side: Side, waiting: &Waiting, out: &mut Out) -> Result<(), AppError> {
    let place = match side {
        Side::Salesforce => "Setup > App Manager > the application > Callback URL",
        Side::Automation => "Settings > API Credentials > the credential > Redirect URI",
    };
    out.note(&format!("{side}, by a person's login"))?;
    out.note("1. this call-back address must be entered there, letter by letter")?;
    out.note(&format!("   ({place}):"))?;
    out.note(&format!("   {}", waiting.pending.redirect()))?;
    out.note("2. open this address in a browser and log in as the integration's user:")?;
    out.note(waiting.pending.url.as_str())?;
    if side == Side::Automation {
        out.note("   once it is accepted there, its answer is good for 30 seconds")?;
    }
    out.note(if waiting.is_listening() {
        "3. on this machine the browser comes back by itself. From elsewhere it ends at"
    } else {
        "3. the browser ends at"
    })?;
    out.note("   a page that cannot be shown: paste that page's address here")?;
    out.flush()?;
    Ok(())
}

/// What is no answer is said to be none, and another may be pasted. A refusal of the browser's ends it.
async fn paste(place: &Place, waiting: &Waiting, out: &mut Out) -> Result<Url, AppError> {
    let mut tries = 0;
    loop {
        let line = place.asker.line("address: ").await;
        let Some(line) = line.map_err(AppError::Unanswered)? else {
            if waiting.is_listening() {
                return std::future::pending().await;
            }
            let ended = std::io::ErrorKind::UnexpectedEof.into();
            return Err(AppError::Unanswered(ended));
        };
        match waiting.judge(&line) {
            None => {}
            Some(Ok(url)) => return Ok(url),
            Some(Err(denial)) => {
                tries += 1;
                if tries >= PASTES_MAX || !authorize::may_try_again(&denial) {
                    return Err(AppError::NotLetIn(denial));
                }
                out.note(&denial.to_string())?;
            }
        }
    }
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
    let key = side.word();
    let shown = json!({
        "user": identity.user, "user_name": identity.user_name, "place": identity.place,
        "place_name": identity.place_name, "is_sandbox": identity.is_sandbox,
        "scopes": identity.scopes, "version": identity.version,
    });
    told.insert(key.to_owned(), shown);
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
    if !asked.yes && !is_wanted(place, &opened.instance, &sides).await? {
        out.note("nothing was revoked")?;
        return Ok(Status::Done);
    }
    let mut told = Map::new();
    for side in sides {
        let by = by(place, &opened, &asked.writing.reason);
        let revoked = authorize::revoke(&opened, side, by).await?;
        let Revoked { there, forgotten } = revoked;
        told.insert(
            side.word().to_owned(),
            json!({ "revoked": there, "forgotten": forgotten }),
        );
        if !out.is_json() {
            out.line(&words(&opened.instance, side, revoked))?;
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
        told.insert(side.word().to_owned(), json!({ "would_forget": kept }));
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

async fn is_wanted(place: &Place, instance: &Instance, sides: &[Side]) -> Result<bool, AppError> {
    let lines: Vec<String> = sides
        .iter()
        .map(|side| would_end(instance, *side))
        .collect();
    let text = format!(
        "{}\nend it? (y, or anything else for no) ",
        lines.join("\n")
    );
    let answer = place.asker.line(&text).await;
    let answer = answer.map_err(AppError::Unanswered)?.unwrap_or_default();
    Ok(matches!(answer.trim(), "y" | "yes" | "o" | "oui"))
}

/// What ending a login means depends on what of it is here.
fn would_end(instance: &Instance, side: Side) -> String {
    if authorize::needs_person(instance, side) {
        return format!(
            "{side}: the login of a person is ended, and the sync stops there until somebody logs in again"
        );
    }
    match authorize::wanted(instance, side) {
        Some(wanted) => format!(
            "{side}: the {} that is kept is forgotten, and the sync stops there until it is typed again",
            wanted.what
        ),
        None => format!("{side}: {}", given(side)),
    }
}

/// Of keys that the instance file gives.
fn given(side: Side) -> String {
    let queue = side.word();
    format!(
        "its keys are given in the instance file, so nothing of them is kept here and the sync goes on; \
         end them at {side}, or hold what is written there with: passerelle queue pause {queue}"
    )
}

fn words(instance: &Instance, side: Side, revoked: Revoked) -> String {
    let forgotten = revoked.forgotten;
    if !authorize::is_kept_here(instance, side) {
        return format!(
            "{side}: {forgotten} kept secrets forgotten; {}",
            given(side)
        );
    }
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
    format!("{side}: {forgotten} kept secrets forgotten; {there}")
}
