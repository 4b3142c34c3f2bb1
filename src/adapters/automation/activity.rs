//! The timeline of all contacts, one type of event at a time: only then do pages have an order.

use serde_json::Value as Json;

use super::super::failures::Fault;
use super::super::values;
use super::api::Api;
use super::query::Query;
use crate::domain::activity::Activity;
use crate::domain::failure::FailureKind;
use crate::domain::ids::AutomationId;
use crate::domain::request::{ActivityPage, Spent};
use crate::domain::time::{Span, Timestamp};

/// Events of one page.
const PAGE_EVENTS: usize = 1_000;

pub(super) async fn activities(
    api: &Api,
    spent: &mut Spent,
    kind: &str,
    from: Timestamp,
    until: Timestamp,
    page: u32,
) -> Result<ActivityPage, Fault> {
    if from >= until {
        return Ok(ActivityPage {
            activities: Vec::new(),
            unreadable: 0,
            is_last: true,
        });
    }
    let query = Query::default()
        .with("filters[includeEvents][0]", kind)
        .with("filters[dateFrom]", values::naive(from))
        // Both ends belong to the window there, in whole seconds.
        .with("filters[dateTo]", values::naive(until - Span(1)))
        .with("order[0]", "timestamp")
        .with("order[1]", "ASC")
        .with("limit", PAGE_EVENTS.to_string())
        .with("page", page.max(1).to_string());
    let body = api.get(spent, "/contacts/activity", query.clone()).await?;
    let mut events = events_of(&body)?;
    let again;
    if falls_short(&body, events.len(), page.max(1)) {
        // Either the count means something else here, or an event was lost on the way.
        again = api.get(spent, "/contacts/activity", query).await?;
        let second = events_of(&again)?;
        if second.len() > events.len() {
            events = second;
        }
    }
    let asked = || events.iter().filter(|event| event["event"] == kind);
    let activities = asked()
        .filter_map(activity)
        .filter(|activity| (from..until).contains(&activity.at))
        .collect();
    // What belongs to nobody is no activity; what belongs to somebody must not vanish.
    let is_unreadable = |event: &&Json| !event["contactId"].is_null() && activity(event).is_none();
    Ok(ActivityPage {
        activities,
        unreadable: asked().filter(is_unreadable).count() as u64,
        is_last: is_last_page(&body, events.len(), page.max(1)),
    })
}

fn events_of(body: &Json) -> Result<&Vec<Json>, Fault> {
    body["events"].as_array().ok_or_else(|| {
        let message = "the answer holds no events";
        Fault::new(FailureKind::Transient, "events", message)
    })
}

/// Whether the last page ends before the count of events is reached.
fn falls_short(body: &Json, events: usize, page: u32) -> bool {
    let limit = values::id(&body["limit"]).filter(|limit| *limit > 0);
    let before = u64::from(page - 1) * limit.unwrap_or(PAGE_EVENTS as u64);
    let total = values::id(&body["total"]).unwrap_or(0);
    is_last_page(body, events, page) && before + (events as u64) < total
}

/// A page that is not full is the last one, unless the server counts more: it may cap pages lower
/// than we ask.
fn is_last_page(body: &Json, events: usize, page: u32) -> bool {
    let pages = values::text(&body["maxPages"]).and_then(|pages| pages.parse::<f64>().ok());
    let has_more = pages.is_some_and(|pages| pages > f64::from(page));
    events == 0 || (events < PAGE_EVENTS && !has_more)
}

/// An event of a contact; `None` if it belongs to nobody, or lacks an id or a time that can be read.
fn activity(event: &Json) -> Option<Activity> {
    let label = &event["eventLabel"];
    let (text, link) = match label {
        Json::String(text) => (text.as_str(), ""),
        label => (
            label["label"].as_str().unwrap_or_default(),
            label["href"].as_str().unwrap_or_default(),
        ),
    };
    Some(Activity {
        reference: reference(&values::text(&event["eventId"])?),
        contact: AutomationId(values::id(&event["contactId"])?),
        kind: event["event"].as_str()?.to_owned(),
        at: values::moment(event["timestamp"].as_str()?)?,
        name: format!(
            "{} - {text}",
            event["eventType"].as_str().unwrap_or_default()
        ),
        description: link.to_owned(),
    })
}

/// The event's id as the plugin before us spelled it, so that nothing is sent twice: dots are word
/// breaks, words are capitalised, bare numbers stay.
fn reference(event_id: &str) -> String {
    let mut reference = String::with_capacity(event_id.len());
    for word in event_id.split('.') {
        let mut chars = word.chars();
        if let Some(first) = chars.next() {
            reference.extend(first.to_uppercase());
            reference.push_str(chars.as_str());
        }
    }
    reference
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_spelled_as_the_old_plugin_spelled_them() {
        for (event_id, expected) in [
            ("point.gained1531", "PointGained1531"),
            ("email.read1", "EmailRead1"),
            ("segment_membership274", "Segment_membership274"),
            ("lead.donotcontact14", "LeadDonotcontact14"),
            ("stage.changed2", "StageChanged2"),
            ("20", "20"),
        ] {
            assert_eq!(reference(event_id), expected);
        }
    }

    #[test]
    fn recorded_events_become_activities() {
        let read = activity(&json!({
            "event": "email.read", "eventId": "email.read1",
            "eventLabel": {"label": "Welcome note", "href": "http://127.0.0.1:8088/email/view/6b03",
                           "isExternal": true},
            "eventType": "Email read", "timestamp": "2026-11-22T22:50:36+01:00",
            "contactId": "228", "details": {}
        }))
        .unwrap();
        assert_eq!(read.reference, "EmailRead1");
        assert_eq!(read.contact, AutomationId(228));
        assert_eq!(read.name, "Email read - Welcome note");
        assert_eq!(read.description, "http://127.0.0.1:8088/email/view/6b03");
        assert_eq!(Some(read.at), values::moment("2026-11-22T21:50:36Z"));

        let segment = activity(&json!({
            "event": "segment_membership", "eventId": "segment_membership274",
            "eventType": "Segment membership change",
            "eventLabel": "Contact added to segment, Lyon people",
            "timestamp": "2026-11-22T21:50:39+00:00", "contactId": 228
        }))
        .unwrap();
        assert_eq!(
            segment.name,
            "Segment membership change - Contact added to segment, Lyon people"
        );
        assert_eq!(segment.description, "");

        let nobody = json!({"event": "page.videohit", "eventId": "ab12", "eventType": "Video",
            "eventLabel": "x", "timestamp": "2026-11-22T21:50:39+00:00"});
        assert_eq!(activity(&nobody), None);
    }
}
