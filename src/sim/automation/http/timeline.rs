//! The activity routes: events with their details, in the instance's own time zone.

use serde_json::{Map, Value as Json, json};

use super::super::activity::{Activity, ActivityKind, ActivityQuery};
use super::super::contact::{ContactId, Dnc, Reason};
use super::super::instance::Automation;
use super::super::log::{Entry, Hit, Mail, Submission};
use super::super::php::Php;
use super::super::refusal::Refusal;
use super::super::time::{Shown, read_filter};
use super::answer::Answer;
use super::request::Node;
use super::route::Context;
use super::stats::hit_query;
use crate::sim::clock::Timestamp;

/// Every event type an instance can show, with its translated name.
const TYPES: [(&str, &str); 27] = [
    ("asset.download", "Asset downloaded"),
    ("campaign.event", "Campaign action triggered"),
    ("campaign.event.scheduled", "Campaign event scheduled"),
    ("campaign_membership", "Campaign membership change"),
    ("lead.source.created", "Contact created by source"),
    ("lead.source.identified", "Contact identified by source"),
    ("lead.donotcontact", "Do not contact"),
    ("dynamic.content.sent", "Dynamic Content Triggered"),
    ("email.failed", "Email failed"),
    ("email.read", "Email read"),
    ("email.replied", "Email replied"),
    ("email.sent", "Email sent"),
    ("sms.failed", "Failed"),
    ("focus.on_click", "Focus click"),
    ("focus.on_view", "Focus view"),
    ("form.submitted", "Form submitted"),
    ("lead.imported", "Imported"),
    ("integration_sync_issues", "Integration sync notice"),
    ("message.queue", "Message Queue"),
    ("page.hit", "Page hit"),
    ("point.gained", "Point gained"),
    ("segment_membership", "Segment membership change"),
    ("sms.sent", "Sent"),
    ("stage.changed", "Stage changed"),
    ("sms_reply", "Text message received"),
    ("lead.utmtagsadded", "UTM tags recorded"),
    ("page.videohit", "Video view event"),
];

/// Events of each type on a page when no limit is given.
const LIMIT_DEFAULT: usize = 25;
pub(super) const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                     Chrome/126.0 Safari/537.36";

/// The visitor's browser, as PHP serialises it.
const CLIENT: &str = "a:2:{s:4:\"type\";s:7:\"browser\";s:4:\"name\";s:6:\"Chrome\";}";

pub(super) fn activity(cx: &mut Context<'_>, contact: Option<ContactId>) -> Result<Answer, Answer> {
    let query = activity_query(&cx.request.query, contact)?;
    let page = cx.brain.activities(cx.caller, &query)?;
    let events: Vec<Json> = page
        .events
        .iter()
        .filter_map(|event| shown(cx.brain, event))
        .collect();
    // The pages are a float once there is an event.
    let pages = if page.total == 0 {
        json!(1)
    } else {
        json!(page.pages as f64)
    };
    let direction = if query.is_ascending { "ASC" } else { "DESC" };
    let types: Map<String, Json> = TYPES
        .iter()
        .map(|(key, name)| ((*key).to_owned(), json!(name)))
        .collect();
    Ok(Answer::ok(json!({
        "events": events, "filters": filters(&cx.request.query),
        "order": ["timestamp", direction], "types": types, "total": page.total,
        "page": query.page, "limit": query.limit, "maxPages": pages,
    })))
}

fn activity_query(query: &Node, contact: Option<ContactId>) -> Result<ActivityQuery, Refusal> {
    let filters = query.at("filters").cloned().unwrap_or_default();
    let names = |key: &str| filters.at(key).map(Node::texts).unwrap_or_default();
    let (included, excluded) = (names("includeEvents"), names("excludeEvents"));
    let kinds = ActivityKind::ALL.into_iter().filter(|kind| {
        let is_included = included.is_empty() || included.contains(&kind.name());
        is_included && !excluded.contains(&kind.name())
    });
    // An unreadable date is an exception; an offset is read past.
    let date = |key: &str| match filters.text(key) {
        None | Some("") => Ok(None),
        Some(text) => read_filter(text).map(Some).ok_or(Refusal::Broken),
    };
    let order = query.at("order").map(Node::texts).unwrap_or_default();
    let number = |key: &str| query.text(key).and_then(|text| text.parse().ok());
    Ok(ActivityQuery {
        contact,
        kinds: kinds.collect(),
        search: filters.text("search").unwrap_or_default().to_owned(),
        from: date("dateFrom")?,
        to: date("dateTo")?,
        is_ascending: order.get(1) == Some(&"ASC"),
        page: number("page").unwrap_or(1).max(1),
        limit: number("limit").unwrap_or(LIMIT_DEFAULT),
    })
}

/// The filters sent, then those that were not.
fn filters(query: &Node) -> Json {
    let mut out = match query.at("filters").map(Node::to_json) {
        Some(Json::Object(sent)) => sent,
        _ => Map::new(),
    };
    for (key, blank) in [
        ("search", json!("")),
        ("includeEvents", json!([])),
        ("excludeEvents", json!([])),
    ] {
        out.entry(key).or_insert(blank);
    }
    Json::Object(out)
}

fn shown(brain: &Automation, event: &Activity) -> Option<Json> {
    let (label, details) = described(brain, event)?;
    let name = event.kind.name();
    let id = match event.kind {
        // A page hit's id is the bare row id.
        ActivityKind::PageHit => event.row.to_string(),
        _ => format!("{name}{}", event.row),
    };
    let kind = TYPES
        .iter()
        .find(|(key, _)| *key == name)
        .map(|(_, text)| *text);
    Some(json!({
        "event": name, "eventId": id, "eventLabel": label, "eventType": kind,
        "timestamp": local(brain, event.at), "contactId": event.contact.to_string(),
        "details": details,
    }))
}

/// ISO 8601 in the instance's default time zone.
fn local(brain: &Automation, at: Timestamp) -> String {
    match jiff::Timestamp::from_second(at.as_seconds()) {
        Ok(moment) => {
            let zone = brain.settings.time_zone.clone();
            moment
                .to_zoned(zone)
                .strftime("%Y-%m-%dT%H:%M:%S%:z")
                .to_string()
        }
        Err(_) => at.iso(),
    }
}

fn described(brain: &Automation, event: &Activity) -> Option<(Json, Json)> {
    let logs = brain.logs();
    Some(match event.kind {
        ActivityKind::SegmentMembership => {
            let note = &logs.notes.by_id(event.row)?.what;
            let way = if note.action == "added" {
                "added to"
            } else {
                "removed from"
            };
            let label = format!("Contact {way} segment, {}", note.description);
            (
                json!(label),
                json!({ "objectDescription": note.description }),
            )
        }
        ActivityKind::SourceCreated | ActivityKind::SourceIdentified | ActivityKind::Imported => {
            let note = &logs.notes.by_id(event.row)?.what;
            let what = match event.kind {
                ActivityKind::SourceCreated => "created",
                ActivityKind::SourceIdentified => "identified",
                _ => "imported",
            };
            let label = format!("Contact was {what} by {}", note.description);
            (
                json!(label),
                json!({ "objectDescription": note.description }),
            )
        }
        ActivityKind::DoNotContact => {
            let contact = brain.contact(event.contact)?;
            dnc(brain, contact.dnc.iter().find(|row| row.id == event.row)?)
        }
        ActivityKind::EmailRead => mail(brain, logs.mails.by_id(event.row)?, "read"),
        ActivityKind::EmailSent => mail(brain, logs.mails.by_id(event.row)?, "sent"),
        ActivityKind::EmailFailed => mail(brain, logs.mails.by_id(event.row)?, "failed"),
        ActivityKind::PageHit => hit(brain, logs.hits.by_id(event.row)?),
        ActivityKind::FormSubmitted => submission(brain, logs.submissions.by_id(event.row)?),
        ActivityKind::StageChanged => {
            let entry = logs.stages.by_id(event.row)?;
            let href = format!(
                "{}/s/stages/edit/{}",
                brain.settings.base_url, entry.what.stage.0
            );
            let label = json!({ "label": entry.what.name, "href": href, "isExternal": false });
            let log = json!({
                "id": entry.id.to_string(), "reference": entry.what.stage.0.to_string(),
                "eventName": entry.what.name, "actionName": "Manually Added",
                "dateAdded": local(brain, entry.at), "lead_id": event.contact.to_string(),
            });
            (label, json!({ "log": log }))
        }
        ActivityKind::PointGained => {
            let entry = logs.points.by_id(event.row)?;
            let log = json!({
                "eventName": entry.what.event_name, "actionName": entry.what.action_name,
                "dateAdded": local(brain, entry.at), "type": entry.what.kind,
                "delta": entry.what.delta.to_string(), "id": entry.id.to_string(),
                "lead_id": event.contact.to_string(),
            });
            let label = format!("{} / {}", entry.what.event_name, entry.what.delta);
            (json!(label), json!({ "log": log }))
        }
        ActivityKind::UtmTagsAdded => {
            let entry = logs.utm.by_id(event.row)?;
            let campaign = entry.what.campaign.clone().unwrap_or_default();
            let mut tags = json!({
                "id": entry.id.to_string(), "lead_id": event.contact.to_string(),
                "date_added": local(brain, entry.at), "query": [],
            });
            let parts = [
                ("utm_campaign", &entry.what.campaign),
                ("utm_medium", &entry.what.medium),
                ("utm_source", &entry.what.source),
            ];
            for (key, value) in parts {
                if let Some(value) = value {
                    tags[key] = json!(value);
                }
            }
            (
                json!(format!("UTM Campaign: {campaign}")),
                json!({ "utmtags": tags }),
            )
        }
    })
}

fn dnc(brain: &Automation, row: &Dnc) -> (Json, Json) {
    let reason = match row.reason {
        Reason::Unsubscribed => "Contact unsubscribed from this channel.",
        Reason::Bounced => "Contact was marked as bounced for this channel.",
        Reason::Manual => "Contact was manually set as do not contact for this channel.",
    };
    let mut channel = row.channel.to_string();
    if let Some(first) = channel.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let mut details = Map::new();
    details.insert("id".into(), json!(row.id.to_string()));
    details.insert("channel".into(), json!(row.channel));
    if let Some(id) = row.channel_id {
        details.insert("channel_id".into(), json!(id.to_string()));
    }
    details.insert("date_added".into(), json!(local(brain, row.added)));
    details.insert("reason".into(), json!(reason));
    details.insert("comments".into(), json!(row.comments));
    let mut label = json!(channel);
    if let Some((id, email)) = row.channel_id.and_then(|id| Some((id, brain.email(id)?))) {
        let route = format!("/s/emails/view/{id}");
        let href = format!("{}{route}", brain.settings.base_url);
        label = json!({ "label": format!("{channel} / {}", email.name), "href": href });
        details.insert("itemName".into(), json!(email.name));
        details.insert("itemRoute".into(), json!(route));
    }
    (label, json!({ "dnc": details }))
}

fn mail(brain: &Automation, entry: &Entry<Mail>, what: &str) -> (Json, Json) {
    let mail = &entry.what;
    let email = brain.email(mail.email).cloned();
    let name = email
        .as_ref()
        .map(|email| email.name.clone())
        .unwrap_or_default();
    let subject = email.map(|email| email.detail).unwrap_or_default();
    let flag = |set: bool| if set { "1" } else { "0" };
    let mut stat = Map::new();
    let mut put = |key: &str, value: Json| drop(stat.insert(key.to_owned(), value));
    put("email_id", json!(mail.email.to_string()));
    put("id", json!(entry.id.to_string()));
    if let Some(read) = mail.read {
        put("dateRead", json!(local(brain, read)));
    }
    put("dateSent", json!(local(brain, entry.at)));
    put("subject", json!(subject));
    put("email_name", json!(name));
    put("isRead", json!(flag(mail.read.is_some())));
    put("isFailed", json!(flag(mail.is_failed)));
    put("viewedInBrowser", json!("0"));
    put("retryCount", json!("0"));
    put("idHash", json!(mail.hash));
    let opened = mail
        .read
        .map(|read| json!({ "datetime": read.sql(), "useragent": AGENT, "inBrowser": false }));
    put("openDetails", json!(opened.into_iter().collect::<Vec<_>>()));
    put("storedSubject", json!(subject));
    if let Some(read) = mail.read {
        put(
            "timeToRead",
            json!(format!("PT{}S", read.as_seconds() - entry.at.as_seconds())),
        );
    }
    let href = format!("{}/email/view/{}", brain.settings.base_url, mail.hash);
    let label = json!({ "label": name, "href": href, "isExternal": true });
    (label, json!({ "stat": stat, "type": what }))
}

fn hit(brain: &Automation, entry: &Entry<Hit>) -> (Json, Json) {
    let hit = &entry.what;
    let label = match hit.page.and_then(|id| Some((id, brain.page(id)?))) {
        Some((id, page)) => {
            let href = format!("{}/s/pages/view/{id}", brain.settings.base_url);
            json!({ "label": page.name, "href": href })
        }
        None => json!({ "label": hit.title, "href": hit.url, "isExternal": true }),
    };
    let mut details = Map::new();
    details.insert("hitId".into(), json!(entry.id.to_string()));
    if let Some(page) = hit.page {
        details.insert("page_id".into(), json!(page.to_string()));
    }
    details.insert("userAgent".into(), json!(AGENT));
    details.insert("dateHit".into(), json!(local(brain, entry.at)));
    if let Some(referer) = &hit.referer {
        details.insert("referer".into(), json!(referer));
    }
    details.insert("url".into(), json!(hit.url));
    details.insert("urlTitle".into(), json!(hit.title));
    let query = match hit_query(hit) {
        Php::Map(entries) => entries,
        _ => Vec::new(),
    };
    let text = |value: Php| {
        if let Php::Text(text) = value {
            json!(text)
        } else {
            Json::Null
        }
    };
    let query: Map<String, Json> = query
        .into_iter()
        .map(|(key, value)| (key, text(value)))
        .collect();
    details.insert("query".into(), Json::Object(query));
    details.insert("clientInfo".into(), json!(CLIENT));
    details.insert("device".into(), json!("desktop"));
    details.insert("deviceOsName".into(), json!("GNU/Linux"));
    details.insert("deviceBrand".into(), json!(""));
    details.insert("deviceModel".into(), json!(""));
    (label, json!({ "hit": details }))
}

fn submission(brain: &Automation, entry: &Entry<Submission>) -> (Json, Json) {
    let id = entry.what.form;
    let form = brain.form(id).cloned();
    let name = form
        .as_ref()
        .map(|form| form.name.clone())
        .unwrap_or_default();
    let form = json!({ "id": id, "name": name, "alias": form.map(|form| form.detail) });
    let mut results = Map::new();
    results.insert("form_id".into(), json!(id.to_string()));
    results.extend(
        entry
            .what
            .results
            .iter()
            .map(|(key, text)| (key.clone(), json!(text))),
    );
    let submission = json!({
        "id": entry.id, "ipAddress": { "ipAddress": "203.0.113.10" }, "form": form,
        "trackingId": format!("visit{}", entry.id), "dateSubmitted": local(brain, entry.at),
        "referer": entry.what.referer.clone().unwrap_or_default(), "results": results,
    });
    let href = format!("{}/s/forms/view/{id}", brain.settings.base_url);
    let label = json!({ "label": name, "href": href });
    (
        label,
        json!({ "submission": submission, "form": form, "page": {} }),
    )
}
