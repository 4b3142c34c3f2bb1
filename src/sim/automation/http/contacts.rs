//! The contact routes.

use serde_json::{Map, Value as Json, json};

use super::super::contact::ContactId;
use super::super::draft::{ContactInput, DncInput};
use super::super::log::{PointsChange, Utm};
use super::super::operate::{Batch, EditRow, Row, Verb};
use super::super::segment::{Membership, StageId};
use super::super::time::Shown;
use super::super::value::Input;
use super::super::write::Written;
use super::answer::{Answer, row_error, row_missing};
use super::filter::{contact_query, is_set};
use super::record::{Form, View, contact, contact_unfiltered, without_id};
use super::request::{input, php_array, scalar_number, scalar_text};
use super::route::Context;

pub(super) fn list(cx: &mut Context<'_>) -> Result<Answer, Answer> {
    let query = contact_query(cx.brain, &cx.request.query)?;
    let ids = cx.brain.list_contacts(cx.caller, &query)?;
    let total = cx.brain.count(cx.caller, &query);
    let selected = selection(cx);
    let view = View {
        form: Form::Listed,
        selected: selected.as_deref(),
        is_minimal: is_set(&cx.request.query, "minimal"),
        ..View::default()
    };
    let found = ids.iter().filter_map(|id| cx.brain.contact(*id));
    let contacts: Map<String, Json> = found
        .map(|found| (found.id.to_string(), contact(cx.brain, found, &view)))
        .collect();
    Ok(Answer::ok(
        json!({ "total": total.to_string(), "contacts": contacts }),
    ))
}

pub(super) fn read(cx: &mut Context<'_>, id: ContactId) -> Result<Answer, Answer> {
    let found = cx.brain.read_contact(cx.caller, id)?.id;
    let selected = selection(cx);
    let view = View {
        selected: selected.as_deref(),
        ..View::default()
    };
    Ok(Answer::ok(one(cx, found, &view)))
}

pub(super) fn create(cx: &mut Context<'_>) -> Result<Answer, Answer> {
    let body = contact_input(cx.request.members()?);
    let written = cx.brain.create_contact(cx.now, cx.caller, &body)?;
    Ok(written_answer(cx, &written))
}

pub(super) fn edit(cx: &mut Context<'_>, verb: Verb, id: ContactId) -> Result<Answer, Answer> {
    let body = contact_input(cx.request.members()?);
    let written = cx.brain.edit_contact(cx.now, cx.caller, verb, id, &body)?;
    Ok(written_answer(cx, &written))
}

pub(super) fn delete(cx: &mut Context<'_>, id: ContactId) -> Result<Answer, Answer> {
    let gone = cx.brain.delete_contact(cx.now, cx.caller, id)?;
    let record = without_id(contact(cx.brain, &gone, &View::default()));
    Ok(Answer::ok(json!({ "contact": record })))
}

pub(super) fn batch_create(cx: &mut Context<'_>) -> Result<Answer, Answer> {
    let rows = batch_rows(cx)?;
    let inputs: Vec<ContactInput> = rows
        .iter()
        .map(|(_, members)| contact_input(members.clone()))
        .collect();
    let batch = cx.brain.create_contacts(cx.now, cx.caller, &inputs)?;
    Ok(batch_answer(cx, 201, &rows, &batch, Refused::LeftOut))
}

pub(super) fn batch_edit(cx: &mut Context<'_>, verb: Verb) -> Result<Answer, Answer> {
    let rows = batch_rows(cx)?;
    let edits: Vec<EditRow> = rows
        .iter()
        .map(|(_, members)| {
            let id = members.iter().find(|(key, _)| key == "id");
            let id = id.and_then(|(_, value)| scalar_number(value));
            EditRow {
                id: id.map(|id| ContactId(id as u32)),
                input: contact_input(members.clone()),
            }
        })
        .collect();
    let batch = cx.brain.edit_contacts(cx.now, cx.caller, verb, &edits)?;
    Ok(batch_answer(cx, 200, &rows, &batch, Refused::Shown))
}

/// Ids come in the query; a body is not looked at.
pub(super) fn batch_delete(cx: &mut Context<'_>) -> Result<Answer, Answer> {
    let ids = cx
        .request
        .query
        .at("ids")
        .map(super::request::Node::texts)
        .unwrap_or_default();
    let ids = ids.iter().flat_map(|text| text.split(','));
    let ids: Vec<ContactId> = ids
        .filter_map(|id| id.trim().parse().ok())
        .map(ContactId)
        .collect();
    let gone = cx.brain.delete_contacts(cx.now, cx.caller, &ids)?;
    let records = gone
        .iter()
        .map(|gone| contact(cx.brain, gone, &View::default()));
    Ok(Answer::ok(
        json!({ "contacts": records.collect::<Vec<_>>() }),
    ))
}

pub(super) fn add_dnc(
    cx: &mut Context<'_>,
    id: ContactId,
    channel: &str,
) -> Result<Answer, Answer> {
    let body = cx.request.member_map()?;
    let row = dnc_input(&body, channel);
    // A reason that is no number reads as 0, which is refused.
    let id = cx.brain.add_dnc(cx.now, cx.caller, id, &row)?;
    Ok(Answer::ok(json!({ "contact": unfiltered(cx, id) })))
}

pub(super) fn remove_dnc(
    cx: &mut Context<'_>,
    id: ContactId,
    channel: &str,
) -> Result<Answer, Answer> {
    let (id, found) = cx.brain.remove_dnc(cx.now, cx.caller, id, channel)?;
    Ok(Answer::ok(
        json!({ "recordFound": found, "contact": unfiltered(cx, id) }),
    ))
}

pub(super) fn points(cx: &mut Context<'_>, id: ContactId, delta: i64) -> Result<Answer, Answer> {
    let body = cx.request.member_map()?;
    let text = |key: &str| {
        body.get(key)
            .and_then(scalar_text)
            .unwrap_or_else(|| "API".to_owned())
    };
    let change = PointsChange {
        kind: "API",
        event_name: text("eventName"),
        action_name: text("actionName"),
        delta,
    };
    cx.brain.add_points(cx.now, cx.caller, id, change)?;
    Ok(Answer::success())
}

pub(super) fn stage(cx: &mut Context<'_>, stage: u32, id: ContactId) -> Result<Answer, Answer> {
    cx.brain.set_stage(cx.now, cx.caller, StageId(stage), id)?;
    Ok(Answer::success())
}

pub(super) fn utm(cx: &mut Context<'_>, id: ContactId) -> Result<Answer, Answer> {
    let body = cx.request.member_map()?;
    let text = |key: &str| body.get(key).and_then(scalar_text);
    let utm = Utm {
        campaign: text("utm_campaign"),
        content: text("utm_content"),
        medium: text("utm_medium"),
        source: text("utm_source"),
        term: text("utm_term"),
    };
    let id = cx.brain.add_utm(cx.now, cx.caller, id, utm)?;
    Ok(Answer::ok(json!({ "contact": unfiltered(cx, id) })))
}

/// The segments a contact is in, or was taken out of by hand.
pub(super) fn segments(cx: &mut Context<'_>, id: ContactId) -> Result<Answer, Answer> {
    let id = cx.brain.read_contact(cx.caller, id)?.id;
    let mine = cx.brain.segments().all().filter_map(|segment| {
        let member = segment
            .member(id)
            .filter(|m| m.membership != Membership::RemovedByHand)?;
        let row = json!({
            "id": segment.id.0, "name": segment.name, "alias": segment.alias,
            "dateAdded": member.since.iso(), "manuallyRemoved": false,
            "manuallyAdded": member.membership == Membership::AddedByHand,
        });
        Some((segment.id.0.to_string(), row))
    });
    let lists: Map<String, Json> = mine.collect();
    let total = lists.len();
    let lists = if lists.is_empty() {
        json!([])
    } else {
        Json::Object(lists)
    };
    Ok(Answer::ok(json!({ "total": total, "lists": lists })))
}

pub(super) fn companies(cx: &mut Context<'_>, id: ContactId) -> Result<Answer, Answer> {
    let id = cx.brain.read_contact(cx.caller, id)?.id;
    let rows = cx.brain.companies().links_of(id).iter().filter_map(|link| {
        let company = cx.brain.companies().by_id(link.company)?;
        let mut row = Map::new();
        row.insert("company_id".into(), json!(company.id.0.to_string()));
        row.insert("date_associated".into(), json!(link.since.sql()));
        row.insert(
            "is_primary".into(),
            json!(if link.is_primary { "1" } else { "0" }),
        );
        row.extend(super::record::company_row(
            cx.brain,
            company,
            &company.values,
        ));
        Some(Json::Object(row))
    });
    let rows: Vec<Json> = rows.collect();
    Ok(Answer::ok(
        json!({ "total": rows.len(), "companies": rows }),
    ))
}

fn one(cx: &Context<'_>, id: ContactId, view: &View<'_>) -> Json {
    let found = cx
        .brain
        .contact(id)
        .map(|found| contact(cx.brain, found, view));
    json!({ "contact": found })
}

fn unfiltered(cx: &Context<'_>, id: ContactId) -> Json {
    cx.brain
        .contact(id)
        .map(|found| contact_unfiltered(cx.brain, found))
        .unwrap_or_default()
}

fn written_answer(cx: &Context<'_>, written: &Written) -> Answer {
    let body = one(cx, written.id, &view_of(written));
    if written.is_new {
        Answer::created(format!("/api/contacts/{}", written.id), body)
    } else {
        Answer::ok(body)
    }
}

fn view_of(written: &Written) -> View<'_> {
    let form = if written.is_new {
        Form::Created
    } else {
        Form::Read
    };
    View {
        form,
        echo: &written.echo,
        ..View::default()
    }
}

fn selection(cx: &Context<'_>) -> Option<Vec<String>> {
    let columns = cx.request.query.at("select")?.texts();
    Some(columns.into_iter().map(str::to_owned).collect())
}

/// What a batch shows of a row that was refused.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refused {
    LeftOut,
    /// With the values that were not saved.
    Shown,
}

type KeyedRow = (String, Vec<(String, Json)>);

/// The rows of a batch body, keyed by position, or by the body's own keys.
fn batch_rows(cx: &Context<'_>) -> Result<Vec<KeyedRow>, Answer> {
    let rows = cx
        .request
        .members()?
        .into_iter()
        .map(|(key, row)| match row {
            Json::Object(members) => Ok((key, members.into_iter().collect())),
            Json::Array(items) if items.is_empty() => Ok((key, Vec::new())),
            _ => Err(Answer::broken()),
        });
    rows.collect()
}

/// 201 or 200 whatever became of the rows. Errors come first for rows without an id, then for
/// unknown ids, then for refused rows.
fn batch_answer(
    cx: &Context<'_>,
    status: u16,
    rows: &[KeyedRow],
    batch: &Batch,
    refused: Refused,
) -> Answer {
    if batch.is_broken {
        return Answer::broken();
    }
    let mut contacts = Vec::new();
    let mut codes = Vec::new();
    let (mut missing, mut errors) = ([Vec::new(), Vec::new()], Vec::new());
    for (index, ((key, members), row)) in rows.iter().zip(&batch.rows).enumerate() {
        let code = match row {
            Row::Done(written) => {
                let earlier = batch.earlier.iter().find(|(row, _)| *row == index);
                let found = earlier.map(|(_, contact)| contact);
                let found = found.or_else(|| cx.brain.contact(written.id));
                let shown = found.map(|found| contact(cx.brain, found, &view_of(written)));
                contacts.push((key.clone(), shown.unwrap_or_default()));
                if written.is_new { 201 } else { 200 }
            }
            Row::Refused(id, refusal) => {
                let found = id.filter(|_| refused == Refused::Shown);
                if let Some(found) = found.and_then(|id| cx.brain.contact(id)) {
                    let unsaved: Map<String, Json> = members.iter().cloned().collect();
                    let view = View {
                        unsaved: Some(&unsaved),
                        ..View::default()
                    };
                    contacts.push((key.clone(), contact(cx.brain, found, &view)));
                }
                errors.push((key.clone(), row_error(refusal)));
                refusal.status()
            }
            Row::Missing => {
                let has_id = members.iter().any(|(key, _)| key == "id");
                missing[usize::from(has_id)].push((key.clone(), row_missing()));
                404
            }
        };
        codes.push((key.clone(), json!(code)));
    }
    let [no_id, unknown] = missing;
    let errors: Vec<(String, Json)> = no_id.into_iter().chain(unknown).chain(errors).collect();
    let mut body = json!({ "contacts": php_array(contacts), "statusCodes": php_array(codes) });
    if !errors.is_empty() {
        body["errors"] = php_array(errors);
    }
    Answer::json(status, body)
}

fn contact_input(members: Vec<(String, Json)>) -> ContactInput {
    let mut out = ContactInput::default();
    for (key, value) in members {
        match key.as_str() {
            "owner" => out.owner = Some(input(&value)),
            "stage" => out.stage = Some(input(&value)),
            "tags" => out.tags = tag_names(&value),
            "doNotContact" => out.dnc = dnc_rows(&value),
            "lastActive" => out.last_active = value.as_str().map(str::to_owned),
            "ipAddress" => out.address = value.as_str().map(str::to_owned),
            "overwriteWithBlank" => out.overwrite_with_blank = input(&value).is_truthy(),
            _ => out.values.push((key, input(&value))),
        }
    }
    out
}

fn tag_names(value: &Json) -> Vec<String> {
    match input(value) {
        Input::List(items) => items.iter().filter_map(Input::to_text).collect(),
        Input::Text(text) => text.split(',').map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn dnc_rows(value: &Json) -> Vec<DncInput> {
    let rows = value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_object);
    rows.map(|row| {
        let channel = row.get("channel").and_then(scalar_text);
        dnc_input(row, channel.as_deref().unwrap_or("email"))
    })
    .collect()
}

fn dnc_input(row: &Map<String, Json>, channel: &str) -> DncInput {
    DncInput {
        channel: channel.to_owned(),
        reason: row
            .get("reason")
            .map_or(3, |reason| scalar_number(reason).unwrap_or(0)),
        comments: row
            .get("comments")
            .and_then(scalar_text)
            .unwrap_or_default(),
        channel_id: row
            .get("channelId")
            .and_then(scalar_number)
            .map(|id| id as u32),
    }
}

/// A path's number, `None` when it is no number: the route then does not match.
pub(super) fn path_id(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits {
        Some(text.parse().unwrap_or(u32::MAX))
    } else {
        None
    }
}
