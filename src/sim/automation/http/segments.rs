//! The segment routes.

use serde_json::{Map, Value as Json, json};

use super::super::call::Call;
use super::super::contact::{ContactId, Stamp};
use super::super::field::{Subject, Traits};
use super::super::instance::Automation;
use super::super::refusal::Refusal;
use super::super::segment::{Membership, Segment, SegmentFilter, SegmentId};
use super::super::user::Right;
use super::answer::{Answer, Failed};
use super::contacts::path_id;
use super::filter::{in_order, keyed, paging};
use super::record::stamps;
use super::request::{input, scalar_number, scalar_text};
use super::route::{Context, Route};

pub(super) fn find<'a>(method: &str, path: &[&'a str]) -> Option<Route<'a>> {
    let segment = |id: &str| path_id(id).map(SegmentId);
    Some(match (method, path) {
        ("GET", []) => Box::new(list),
        ("POST", ["new"]) => Box::new(create),
        ("GET", [id]) => {
            let id = segment(id)?;
            Box::new(move |cx| read(cx, id))
        }
        ("PATCH" | "PUT", [id, "edit"]) => {
            let id = segment(id)?;
            Box::new(move |cx| edit(cx, id))
        }
        ("DELETE", [id, "delete"]) => {
            let id = segment(id)?;
            Box::new(move |cx| delete(cx, id))
        }
        ("POST", [id, "contacts", "add"]) => {
            let id = segment(id)?;
            Box::new(move |cx| add_many(cx, id))
        }
        ("POST", [id, "contact", contact, act @ ("add" | "remove")]) => {
            let (id, contact) = (segment(id)?, ContactId(path_id(contact)?));
            let membership = match *act {
                "add" => Membership::AddedByHand,
                _ => Membership::RemovedByHand,
            };
            Box::new(move |cx| {
                cx.brain
                    .set_membership(cx.now, cx.caller, id, contact, membership)?;
                Ok(Answer::success())
            })
        }
        _ => return None,
    })
}

/// Published segments in short, by name.
pub(super) fn short_list(cx: &mut Context<'_>) -> Result<Answer, Failed> {
    cx.brain.note_call(Call::Segment);
    cx.brain.may(cx.caller, Right::ViewContacts)?;
    let segments = by_name(cx.brain)
        .into_iter()
        .filter(|segment| segment.is_published);
    let rows: Map<String, Json> = segments
        .map(|segment| {
            let row = json!({ "id": segment.id.0, "name": segment.name, "alias": segment.alias });
            (segment.id.0.to_string(), row)
        })
        .collect();
    Ok(Answer::ok(if rows.is_empty() {
        json!([])
    } else {
        Json::Object(rows)
    }))
}

fn list(cx: &mut Context<'_>) -> Result<Answer, Failed> {
    cx.brain.note_call(Call::Segment);
    cx.brain.may(cx.caller, Right::Segments)?;
    let (start, limit) = paging(&cx.request.query, 30)?;
    let (start, limit) = limit.map_or((0, usize::MAX), |limit| (start, limit));
    let segments = by_name(cx.brain).into_iter();
    let segments = segments
        .map(|segment| segment_json(cx.brain, segment))
        .collect();
    let segments = in_order(segments, &cx.request.query)?;
    let total = segments.len();
    let rows = keyed(segments.into_iter().skip(start).take(limit));
    Ok(Answer::ok(json!({ "total": total, "lists": rows })))
}

fn read(cx: &mut Context<'_>, id: SegmentId) -> Result<Answer, Failed> {
    cx.brain.note_call(Call::Segment);
    cx.brain.may(cx.caller, Right::Segments)?;
    let segment = cx.brain.segments().by_id(id).ok_or(Refusal::NotFound)?;
    Ok(Answer::ok(
        json!({ "list": segment_json(cx.brain, segment) }),
    ))
}

fn create(cx: &mut Context<'_>) -> Result<Answer, Failed> {
    cx.brain.note_call(Call::Segment);
    cx.brain.may(cx.caller, Right::Segments)?;
    let body = cx.request.member_map()?;
    let text = |key: &str| body.get(key).and_then(scalar_text).unwrap_or_default();
    if text("name").is_empty() {
        return Err(Refusal::invalid("name", "A name is required.").into());
    }
    let added = Stamp {
        at: cx.now.whole_second(),
        by: cx.caller.by,
    };
    let filters = filters(cx.brain, &body)?;
    let id = cx
        .brain
        .add_segment_as(&text("name"), &text("alias"), filters, added);
    publish(cx, id, &body);
    let segment = cx.brain.segments().by_id(id).ok_or(Refusal::NotFound)?;
    let body = json!({ "list": segment_json(cx.brain, segment) });
    Ok(Answer::created(format!("/api/segments/{}", id.0), body))
}

fn edit(cx: &mut Context<'_>, id: SegmentId) -> Result<Answer, Failed> {
    cx.brain.note_call(Call::Segment);
    cx.brain.may(cx.caller, Right::Segments)?;
    let body = cx.request.member_map()?;
    let modified = Some(Stamp {
        at: cx.now.whole_second(),
        by: cx.caller.by,
    });
    let sent = body.contains_key("filters");
    let wanted = filters(cx.brain, &body)?;
    let segment = cx.brain.segment_mut(id).ok_or(Refusal::NotFound)?;
    segment.modified = modified;
    if let Some(name) = body.get("name").and_then(scalar_text) {
        segment.name = name;
    }
    if sent {
        segment.filters = wanted;
    }
    publish(cx, id, &body);
    read(cx, id)
}

fn delete(cx: &mut Context<'_>, id: SegmentId) -> Result<Answer, Failed> {
    cx.brain.note_call(Call::Segment);
    cx.brain.may(cx.caller, Right::Segments)?;
    let segment = cx.brain.remove_segment(id).ok_or(Refusal::NotFound)?;
    let mut shown = segment_json(cx.brain, &segment);
    shown["id"] = Json::Null;
    Ok(Answer::ok(json!({ "list": shown })))
}

/// Every contact for itself; unknown ones are told in the details.
fn add_many(cx: &mut Context<'_>, id: SegmentId) -> Result<Answer, Failed> {
    cx.brain.note_call(Call::Segment);
    cx.brain.may(cx.caller, Right::Segments)?;
    cx.brain.segments().by_id(id).ok_or(Refusal::NotFound)?;
    let body = cx.request.member_map()?;
    let ids = body
        .get("ids")
        .and_then(Json::as_array)
        .cloned()
        .unwrap_or_default();
    let mut details = Map::new();
    for contact in ids.iter().filter_map(scalar_number) {
        let contact = ContactId(contact as u32);
        let is_known = cx.brain.contact(contact).is_some();
        if is_known {
            cx.brain.join_by_hand(cx.now, id, contact);
        }
        details.insert(contact.to_string(), json!({ "success": is_known }));
    }
    Ok(Answer::ok(json!({ "success": 1, "details": details })))
}

fn by_name(brain: &Automation) -> Vec<&Segment> {
    let mut segments: Vec<&Segment> = brain.segments().all().collect();
    segments.sort_by_key(|segment| segment.name.to_lowercase());
    segments
}

fn publish(cx: &mut Context<'_>, id: SegmentId, body: &Map<String, Json>) {
    if let (Some(sent), Some(segment)) = (body.get("isPublished"), cx.brain.segment_mut(id)) {
        segment.is_published = input(sent).is_truthy();
    }
}

pub(super) fn segment_json(brain: &Automation, segment: &Segment) -> Json {
    let mut out = stamps(brain, Some(segment.added), segment.modified);
    out.insert("isPublished".into(), json!(segment.is_published));
    if segment.modified.is_none() {
        // A second save within the creation leaves its author, without a date.
        out.insert("modifiedByUser".into(), json!(" "));
    }
    let filters: Vec<Json> = segment
        .filters
        .iter()
        .map(|filter| {
            json!({
                "glue": filter.glue, "field": filter.field, "object": filter.object,
                "type": filter.kind, "operator": filter.operator,
                "properties": { "filter": filter.value },
            })
        })
        .collect();
    let rest = json!({
        "id": segment.id.0, "name": segment.name, "publicName": segment.name,
        "alias": segment.alias, "description": segment.description, "category": null,
        "filters": filters, "isGlobal": true, "isPreferenceCenter": false,
    });
    if let Json::Object(rest) = rest {
        out.extend(rest);
    }
    Json::Object(out)
}

/// The value sits in `properties.filter`, or beside the operator in the older form.
///
/// 1. The field must be one that filters may use: published and listable.
/// 2. The operator and the value must be offered for its type.
fn filters(brain: &Automation, body: &Map<String, Json>) -> Result<Vec<SegmentFilter>, Refusal> {
    let filters = body.get("filters").and_then(Json::as_array);
    let filters = filters.into_iter().flatten().filter_map(Json::as_object);
    filters
        .map(|filter| {
            let text = |key: &str| filter.get(key).and_then(scalar_text).unwrap_or_default();
            let nested = filter
                .get("properties")
                .and_then(|properties| properties.get("filter"));
            let filter = SegmentFilter {
                glue: text("glue"),
                object: text("object"),
                field: text("field"),
                kind: text("type"),
                operator: text("operator"),
                value: nested.map_or_else(|| text("filter"), value_text),
            };
            check(brain, &filter)?;
            Ok(filter)
        })
        .collect()
}

/// Several values are joined as a multiselect stores them.
fn value_text(value: &Json) -> String {
    match value {
        Json::Array(list) => {
            let parts: Vec<String> = list.iter().filter_map(scalar_text).collect();
            parts.join("|")
        }
        one => scalar_text(one).unwrap_or_default(),
    }
}

fn check(brain: &Automation, filter: &SegmentFilter) -> Result<(), Refusal> {
    let subject = match filter.object.as_str() {
        "lead" => Subject::Contact,
        "company" => Subject::Company,
        // What people did is no field.
        "behaviors" => return Ok(()),
        _ => return Err(Refusal::invalid("filters", "This value is not valid.")),
    };
    let usable = Traits::PUBLISHED.with(Traits::LISTABLE);
    let field = brain.fields().by_alias(subject, &filter.field);
    let is_good = field.is_some_and(|field| {
        field.traits.has(usable)
            && SegmentFilter::operators(&field.kind).contains(&filter.operator.as_str())
            && SegmentFilter::offers(&field.kind, &filter.operator, &filter.value)
            && (filter.kind.is_empty() || filter.kind == field.kind.name())
    });
    if is_good {
        Ok(())
    } else {
        Err(Refusal::invalid("filters", "This value is not valid."))
    }
}
