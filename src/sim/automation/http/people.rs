//! Users, owners and roles.

use serde_json::{Map, Value as Json, json};

use super::super::call::Call;
use super::super::refusal::Refusal;
use super::super::user::{Right, Role, RoleId, User, UserId};
use super::answer::{Answer, Failed};
use super::contacts::path_id;
use super::filter::{in_order, paging};
use super::record::{moment, stamps};
use super::route::{Context, Route};

pub(super) fn find<'a>(method: &str, first: &str, path: &[&'a str]) -> Option<Route<'a>> {
    Some(match (method, first, path) {
        ("GET", "users", []) => Box::new(users),
        ("GET", "users", ["self"]) => Box::new(|cx| Ok(myself(cx))),
        ("GET", "users", [id]) => {
            let id = UserId(path_id(id)?);
            Box::new(move |cx| user(cx, id))
        }
        ("GET", "roles", []) => Box::new(roles),
        ("GET", "roles", [id]) => {
            let id = RoleId(path_id(id)?);
            Box::new(move |cx| role(cx, id))
        }
        _ => return None,
    })
}

/// Everybody, by name only: no addresses here.
pub(super) fn owners(cx: &mut Context<'_>) -> Result<Answer, Failed> {
    cx.brain.note_call(Call::UserRead);
    cx.brain.may(cx.caller, Right::ViewContacts)?;
    let filter = cx
        .request
        .query
        .text("filter")
        .unwrap_or_default()
        .to_lowercase();
    let number = |key: &str| {
        cx.request
            .query
            .text(key)
            .and_then(|text| text.parse().ok())
    };
    let limit = number("limit")
        .filter(|limit| *limit > 0)
        .unwrap_or(usize::MAX);
    let named = |user: &&User| {
        let names = format!("{} {}", user.first_name, user.last_name).to_lowercase();
        names.split(' ').any(|name| name.starts_with(&filter))
    };
    let users = cx.brain.users().all().iter().filter(named);
    let users = users.skip(number("start").unwrap_or(0)).take(limit).map(
        |user| json!({ "id": user.id.0, "firstName": user.first_name, "lastName": user.last_name }),
    );
    Ok(Answer::ok(Json::Array(users.collect())))
}

fn users(cx: &mut Context<'_>) -> Result<Answer, Failed> {
    cx.brain.note_call(Call::UserRead);
    cx.brain.may(cx.caller, Right::Users)?;
    let (start, limit) = paging(&cx.request.query, 30)?;
    let (start, limit) = limit.map_or((0, usize::MAX), |limit| (start, limit));
    let search = cx
        .request
        .query
        .text("search")
        .unwrap_or_default()
        .to_lowercase();
    let mut found: Vec<&User> = cx
        .brain
        .users()
        .all()
        .iter()
        .filter(|u| found(u, &search))
        .collect();
    // By name, last name first.
    found.sort_by_key(|user| {
        (
            user.last_name.to_lowercase(),
            user.first_name.to_lowercase(),
        )
    });
    let total = found.len();
    let found = found.into_iter().map(|user| user_json(cx, user)).collect();
    let found = in_order(found, &cx.request.query)?;
    let page: Vec<Json> = found.into_iter().skip(start).take(limit).collect();
    Ok(Answer::ok(json!({ "total": total, "users": page })))
}

/// `email:`, `username:`, `name:`, or a word anywhere.
fn found(user: &User, search: &str) -> bool {
    let name = user.full_name();
    let texts = match search.split_once(':') {
        Some(("email", _)) => vec![&user.email],
        Some(("username", _)) => vec![&user.username],
        Some(("name", _)) => vec![&name],
        Some(_) => return false,
        None => vec![&user.email, &user.username, &name],
    };
    let wanted = search.split_once(':').map_or(search, |(_, wanted)| wanted);
    texts
        .iter()
        .any(|text| text.to_lowercase().contains(wanted))
}

fn user(cx: &mut Context<'_>, id: UserId) -> Result<Answer, Failed> {
    cx.brain.note_call(Call::UserRead);
    cx.brain.may(cx.caller, Right::Users)?;
    let user = cx.brain.users().by_id(id).ok_or(Refusal::NotFound)?;
    Ok(Answer::ok(json!({ "user": user_json(cx, user) })))
}

/// A user, or for a credential's own token a pseudo-user named `NAME [number]`, without an id.
fn myself(cx: &mut Context<'_>) -> Answer {
    cx.brain.note_call(Call::UserRead);
    let role = cx
        .brain
        .users()
        .role(cx.caller.role)
        .map(short_role)
        .unwrap_or_default();
    let Some(user) = cx.caller.user.and_then(|id| cx.brain.users().by_id(id)) else {
        let name = &cx.brain.authors().of(cx.caller.by).name;
        let (first, last) = name.rsplit_once(' ').unwrap_or((name, ""));
        return Answer::ok(json!({
            "isPublished": true, "username": name, "firstName": first, "lastName": last,
            "role": role, "timezone": "", "locale": "",
        }));
    };
    let mut out = json!({
        "isPublished": true, "id": user.id.0, "username": user.username,
        "firstName": user.first_name, "lastName": user.last_name, "email": user.email,
        "role": role, "timezone": "", "locale": "",
    });
    if user.last_login.is_some() {
        out["lastLogin"] = moment(user.last_login);
        out["lastActive"] = moment(user.last_login);
    }
    Answer::ok(out)
}

fn roles(cx: &mut Context<'_>) -> Result<Answer, Failed> {
    cx.brain.note_call(Call::UserRead);
    cx.brain.may(cx.caller, Right::Users)?;
    let roles = cx.brain.users().roles();
    let shown: Vec<Json> = roles
        .iter()
        .map(|role| {
            let mut out = stamps(cx.brain, role.added, None);
            out.extend(role_members(role));
            Json::Object(out)
        })
        .collect();
    Ok(Answer::ok(json!({ "total": roles.len(), "roles": shown })))
}

fn role(cx: &mut Context<'_>, id: RoleId) -> Result<Answer, Failed> {
    cx.brain.note_call(Call::UserRead);
    cx.brain.may(cx.caller, Right::Users)?;
    let role = cx.brain.users().role(id).ok_or(Refusal::NotFound)?;
    let mut out = stamps(cx.brain, role.added, None);
    out.extend(role_members(role));
    Ok(Answer::ok(json!({ "role": out })))
}

fn short_role(role: &Role) -> Json {
    json!({
        "isPublished": true, "id": role.id.0, "name": role.name, "description": role.description,
        "isAdmin": role.is_administrator(),
    })
}

fn role_members(role: &Role) -> Map<String, Json> {
    let permissions = role.raw_permissions();
    let permissions = if permissions.is_empty() {
        Json::Null
    } else {
        permissions
            .into_iter()
            .map(|(area, rights)| (area.to_owned(), json!(rights)))
            .collect()
    };
    let mut out = Map::new();
    out.insert("id".into(), json!(role.id.0));
    out.insert("name".into(), json!(role.name));
    out.insert("description".into(), json!(role.description));
    out.insert("isAdmin".into(), json!(role.is_administrator()));
    out.insert("rawPermissions".into(), permissions);
    out
}

fn user_json(cx: &Context<'_>, user: &User) -> Json {
    let mut out = stamps(cx.brain, user.added, None);
    let role = cx.brain.users().role(user.role).map(|role| {
        let created = role
            .added
            .map(|stamp| cx.brain.authors().of(stamp.by).name.clone());
        let mut out = Map::new();
        out.insert("createdByUser".into(), json!(created));
        out.insert("modifiedByUser".into(), Json::Null);
        out.extend(role_members(role));
        Json::Object(out)
    });
    // The installer leaves the first user's zone and language empty, others have none.
    let blank = if user.added.is_none() {
        json!("")
    } else {
        Json::Null
    };
    let rest = json!({
        "id": user.id.0, "username": user.username, "firstName": user.first_name,
        "lastName": user.last_name, "email": user.email, "position": null, "role": role,
        "timezone": blank, "locale": blank, "lastLogin": moment(user.last_login),
        "lastActive": moment(user.last_login), "signature": null,
    });
    if let Json::Object(rest) = rest {
        out.extend(rest);
    }
    Json::Object(out)
}
