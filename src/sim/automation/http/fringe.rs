//! Parts of the product that the instance has and hardly uses: tags, campaigns, notes, devices.
//!
//! Read only, so that a client that looks at them sees lists, as it would there.

use serde_json::{Value as Json, json};

use super::super::call::Call;
use super::super::contact::{ContactId, TagId};
use super::super::refusal::Refusal;
use super::super::user::Right;
use super::answer::{Answer, Failed};
use super::contacts::path_id;
use super::filter::{in_order, keyed, paging};
use super::route::{Context, Route};

pub(super) fn find<'a>(method: &str, what: &'a str, path: &[&'a str]) -> Option<Route<'a>> {
    Some(match (method, path) {
        ("GET", []) => Box::new(move |cx| list(cx, what)),
        ("GET", [id]) => {
            let id = path_id(id)?;
            Box::new(move |cx| read(cx, what, id))
        }
        _ => return None,
    })
}

fn list(cx: &mut Context<'_>, what: &str) -> Result<Answer, Failed> {
    let rows = in_order(rows(cx, what)?, &cx.request.query)?;
    let (start, limit) = paging(&cx.request.query, 30)?;
    let (start, limit) = limit.map_or((0, usize::MAX), |limit| (start, limit));
    let total = rows.len();
    let page = keyed(rows.into_iter().skip(start).take(limit));
    Ok(Answer::ok(json!({ "total": total, what: page })))
}

fn read(cx: &mut Context<'_>, what: &str, id: u32) -> Result<Answer, Failed> {
    let rows = rows(cx, what)?;
    let row = rows.into_iter().find(|row| row["id"] == json!(id));
    let row = row.ok_or(Refusal::NotFound)?;
    let single = what.trim_end_matches('s');
    Ok(Answer::ok(json!({ single: row })))
}

/// There are no campaigns.
fn rows(cx: &mut Context<'_>, what: &str) -> Result<Vec<Json>, Refusal> {
    cx.brain.note_call(Call::Other);
    cx.brain.may(cx.caller, Right::ViewContacts)?;
    if what != "tags" {
        return Ok(Vec::new());
    }
    let row = |(TagId(id), name)| json!({ "id": id, "tag": name, "description": null });
    Ok(cx.brain.tags().all().map(row).collect())
}

/// What nobody made of the contact: it has none.
pub(super) fn of_contact(
    cx: &mut Context<'_>,
    id: ContactId,
    what: &str,
) -> Result<Answer, Failed> {
    cx.brain.read_contact(cx.caller, id)?;
    Ok(Answer::ok(json!({ "total": 0, what: [] })))
}
