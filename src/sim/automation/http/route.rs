//! From a call to an answer: the order of the gates, and the table of routes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::auth::Caller;
use super::super::company::CompanyId;
use super::super::contact::ContactId;
use super::super::field::Subject;
use super::super::instance::Automation;
use super::super::operate::Verb;
use super::answer::{Answer, Failed};
use super::contacts::path_id;
use super::request::Request;
use super::{companies, contacts, fields, fringe, hooks, oauth, people, segments, stats, timeline};
use crate::sim::clock::Timestamp;

/// What a handler works with.
pub(super) struct Context<'a> {
    pub brain: &'a mut Automation,
    pub now: Timestamp,
    pub caller: Caller,
    pub request: &'a Request,
}

/// Answers one call.
///
/// 1. The API may be switched off altogether, tokens included.
/// 2. A trailing slash is redirected to the path without it.
/// 3. A path or method without a route is 404, before anybody asks who is calling.
/// 4. Then the credentials, then the rate limit, then the handler with its rights.
pub fn respond(brain: &mut Automation, now: Timestamp, request: &Request) -> Answer {
    if !brain.settings.is_api_enabled {
        let message = "API disabled. You need to enable the API in the API settings of Mautic's \
                       Configuration.";
        return Answer::kernel(403, message, Some("api_disabled"));
    }
    if let Some(path) = request
        .path
        .strip_suffix('/')
        .filter(|path| !path.is_empty())
    {
        return Answer::redirect(301, format!("{}{path}", brain.settings.base_url));
    }
    match (request.method.as_str(), request.path.as_str()) {
        ("POST" | "GET", "/oauth/v2/token") => return oauth::token(brain, now, request),
        ("GET", "/oauth/v2/authorize") => return oauth::authorize(brain, now, request),
        ("POST", "/oauth/v2/authorize") => return oauth::consent(brain, now, request),
        _ => {}
    }
    let parts: Vec<&str> = request.path.split('/').skip(1).collect();
    let Some(handler) = (match parts.split_first() {
        Some((&"api", rest)) => find(request.method.as_str(), rest),
        _ => None,
    }) else {
        return Answer::no_route(&request.path);
    };
    let caller = match authenticate(brain, now, request) {
        Ok(caller) => caller,
        Err(answer) => return *answer,
    };
    let allowance = brain
        .settings
        .rate_limit
        .as_mut()
        .map(|limit| limit.take(now));
    let mut answer = match allowance {
        Some(allowance) if allowance.is_exceeded => Answer::over_limit(allowance.limit),
        _ => {
            let mut cx = Context {
                brain,
                now,
                caller,
                request,
            };
            handler(&mut cx).unwrap_or_else(Answer::from)
        }
    };
    if let Some(allowance) = allowance {
        answer.headers.extend([
            ("X-RateLimit-Limit", allowance.limit.to_string()),
            ("X-RateLimit-Remaining", allowance.remaining.to_string()),
            (
                "X-RateLimit-Reset",
                allowance.resets.as_seconds().to_string(),
            ),
        ]);
    }
    answer
}

fn authenticate(
    brain: &mut Automation,
    now: Timestamp,
    request: &Request,
) -> Result<Caller, Box<Answer>> {
    let header = request.authorization.as_deref().unwrap_or_default();
    let bearer = header
        .strip_prefix("Bearer ")
        .or_else(|| header.strip_prefix("bearer "));
    let posted = request.form();
    let token = bearer
        .or_else(|| request.query.text("access_token"))
        .or_else(|| posted.as_ref()?.text("access_token"));
    if let Some(token) = token {
        return brain
            .bearer(now, token.trim())
            .map_err(|bad| Box::new(bad.into()));
    }
    let denied = |message| Box::new(Answer::kernel(401, message, Some("access_denied")));
    let Some((username, password)) = basic_credentials(header) else {
        return Err(denied("API authorization denied."));
    };
    if !brain.settings.is_basic_enabled {
        let message = "Basic Auth disabled. You need to enable HTTP basic auth in the API settings \
                       of Mautic's Configuration.";
        return Err(Box::new(Answer::kernel(
            403,
            message,
            Some("access_denied"),
        )));
    }
    let caller = brain.login(&username, &password);
    caller.ok_or_else(|| denied("Authorization denied, invalid credentials."))
}

/// User and password of a Basic header.
pub(super) fn basic_credentials(header: &str) -> Option<(String, String)> {
    let encoded = header.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

type Handler<'a> = Box<dyn FnOnce(&mut Context<'_>) -> Result<Answer, Failed> + 'a>;

fn find<'a>(method: &'a str, path: &[&'a str]) -> Option<Handler<'a>> {
    let (first, rest) = path.split_first()?;
    match *first {
        "contacts" => find_contact(method, rest),
        "companies" => find_company(method, rest),
        "fields" => find_field(method, rest),
        "segments" => segments::find(method, rest),
        "hooks" => hooks::find(method, rest),
        "stats" => find_stats(method, rest),
        "users" | "roles" => people::find(method, first, rest),
        "stages" => find_stage(method, rest),
        "tags" | "campaigns" => fringe::find(method, first, rest),
        _ => None,
    }
}

fn find_contact<'a>(method: &'a str, path: &[&'a str]) -> Option<Handler<'a>> {
    Some(match (method, path) {
        ("GET", []) => Box::new(contacts::list),
        ("POST", ["new"]) => Box::new(contacts::create),
        ("POST", ["batch", "new"]) => Box::new(contacts::batch_create),
        ("PATCH", ["batch", "edit"]) => Box::new(|cx| contacts::batch_edit(cx, Verb::Patch)),
        ("PUT", ["batch", "edit"]) => Box::new(|cx| contacts::batch_edit(cx, Verb::Put)),
        ("DELETE", ["batch", "delete"]) => Box::new(contacts::batch_delete),
        ("GET", ["activity"]) => Box::new(|cx| timeline::activity(cx, None)),
        ("GET", ["list", "fields"]) => Box::new(fields::short_list),
        ("GET", ["list", "owners"]) => Box::new(people::owners),
        ("GET", ["list", "segments"]) => Box::new(segments::short_list),
        (_, [id, rest @ ..]) => return find_one_contact(method, ContactId(path_id(id)?), rest),
        _ => return None,
    })
}

fn find_one_contact<'a>(method: &'a str, id: ContactId, path: &[&'a str]) -> Option<Handler<'a>> {
    Some(match (method, path) {
        ("GET", []) => Box::new(move |cx| contacts::read(cx, id)),
        ("PATCH", ["edit"]) => Box::new(move |cx| contacts::edit(cx, Verb::Patch, id)),
        ("PUT", ["edit"]) => Box::new(move |cx| contacts::edit(cx, Verb::Put, id)),
        ("DELETE", ["delete"]) => Box::new(move |cx| contacts::delete(cx, id)),
        ("GET", ["activity"]) => Box::new(move |cx| timeline::activity(cx, Some(id))),
        ("GET", ["segments"]) => Box::new(move |cx| contacts::segments(cx, id)),
        ("GET", ["companies"]) => Box::new(move |cx| contacts::companies(cx, id)),
        ("GET", &[kind @ ("notes" | "devices" | "campaigns")]) => {
            Box::new(move |cx| fringe::of_contact(cx, id, kind))
        }
        ("POST", ["utm", "add"]) => Box::new(move |cx| contacts::utm(cx, id)),
        ("POST", &["dnc", channel, "add"]) => {
            Box::new(move |cx| contacts::add_dnc(cx, id, channel))
        }
        ("POST", &["dnc", channel, "remove"]) => {
            Box::new(move |cx| contacts::remove_dnc(cx, id, channel))
        }
        ("POST", ["points", sign @ ("plus" | "minus"), delta]) => {
            let delta = i64::from(path_id(delta)?);
            let delta = if *sign == "plus" { delta } else { -delta };
            Box::new(move |cx| contacts::points(cx, id, delta))
        }
        _ => return None,
    })
}

fn find_company<'a>(method: &'a str, path: &[&'a str]) -> Option<Handler<'a>> {
    let company = |id: &str| path_id(id).map(CompanyId);
    Some(match (method, path) {
        ("GET", []) => Box::new(companies::list),
        ("POST", ["new"]) => Box::new(companies::create),
        ("POST", ["batch", "new"]) => Box::new(companies::batch_create),
        ("PATCH", ["batch", "edit"]) => Box::new(|cx| companies::batch_edit(cx, Verb::Patch)),
        ("PUT", ["batch", "edit"]) => Box::new(|cx| companies::batch_edit(cx, Verb::Put)),
        ("DELETE", ["batch", "delete"]) => Box::new(companies::batch_delete),
        ("GET", [id]) => {
            let id = company(id)?;
            Box::new(move |cx| companies::read(cx, id))
        }
        ("PATCH" | "PUT", [id, "edit"]) => {
            let id = company(id)?;
            let verb = if method == "PUT" {
                Verb::Put
            } else {
                Verb::Patch
            };
            Box::new(move |cx| companies::edit(cx, verb, id))
        }
        ("DELETE", [id, "delete"]) => {
            let id = company(id)?;
            Box::new(move |cx| companies::delete(cx, id))
        }
        ("POST", [id, "contact", contact, act @ ("add" | "remove")]) => {
            let (id, contact) = (company(id)?, ContactId(path_id(contact)?));
            let is_added = *act == "add";
            Box::new(move |cx| companies::link(cx, id, contact, is_added))
        }
        _ => return None,
    })
}

fn find_field<'a>(method: &'a str, path: &[&'a str]) -> Option<Handler<'a>> {
    let (object, rest) = path.split_first()?;
    let subject = match *object {
        "contact" => Some(Subject::Contact),
        "company" => Some(Subject::Company),
        _ => None,
    };
    Some(match (method, rest) {
        ("GET", []) => Box::new(move |cx| fields::list(cx, subject)),
        ("POST", ["new"]) => {
            let subject = subject?;
            Box::new(move |cx| fields::create(cx, subject))
        }
        ("GET", [id]) => {
            let id = path_id(id)?;
            Box::new(move |cx| fields::read(cx, id))
        }
        ("PATCH" | "PUT", [id, "edit"]) => {
            let id = path_id(id)?;
            Box::new(move |cx| fields::edit(cx, id))
        }
        ("DELETE", [id, "delete"]) => {
            let id = path_id(id)?;
            Box::new(move |cx| fields::delete(cx, id))
        }
        _ => return None,
    })
}

fn find_stats<'a>(method: &'a str, path: &[&'a str]) -> Option<Handler<'a>> {
    match (method, path) {
        ("GET", []) => Some(Box::new(|cx| stats::read(cx, ""))),
        ("GET", &[table]) => Some(Box::new(move |cx| stats::read(cx, table))),
        _ => None,
    }
}

fn find_stage<'a>(method: &'a str, path: &[&'a str]) -> Option<Handler<'a>> {
    match (method, path) {
        ("POST", [stage, "contact", id, "add"]) => {
            let (stage, id) = (path_id(stage)?, ContactId(path_id(id)?));
            Some(Box::new(move |cx| contacts::stage(cx, stage, id)))
        }
        _ => None,
    }
}

pub(super) type Route<'a> = Handler<'a>;
