//! The webhook routes, and the calls that webhooks make.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Map, Value as Json, json};

use super::super::call::Call;
use super::super::contact::Stamp;
use super::super::hook::{Hook, HookId, Notice, Payload, Trigger};
use super::super::instance::Automation;
use super::super::refusal::Refusal;
use super::super::settle::NewHook;
use super::super::time::Shown;
use super::super::user::Right;
use super::answer::{Answer, Failed};
use super::contacts::path_id;
use super::filter::{in_order, keyed, paging};
use super::record::{Form, company_in_hook, contact_in_hook, stamps, without_id};
use super::request::{input, scalar_text};
use super::route::{Context, Route};
use super::segments::segment_json;

pub(super) fn find<'a>(method: &str, path: &[&'a str]) -> Option<Route<'a>> {
    let hook = |id: &str| path_id(id).map(HookId);
    Some(match (method, path) {
        ("GET", []) => Box::new(list),
        ("GET", ["triggers"]) => Box::new(triggers),
        ("POST", ["new"]) => Box::new(create),
        ("GET", [id]) => {
            let id = hook(id)?;
            Box::new(move |cx| read(cx, id))
        }
        ("PATCH" | "PUT", [id, "edit"]) => {
            let id = hook(id)?;
            let replaces = method == "PUT";
            Box::new(move |cx| edit(cx, id, replaces))
        }
        ("DELETE", [id, "delete"]) => {
            let id = hook(id)?;
            Box::new(move |cx| delete(cx, id))
        }
        _ => return None,
    })
}

fn allowed(cx: &mut Context<'_>) -> Result<(), Refusal> {
    cx.brain.note_call(Call::Webhook);
    cx.brain.may(cx.caller, Right::Webhooks)
}

fn triggers(cx: &mut Context<'_>) -> Result<Answer, Failed> {
    allowed(cx)?;
    let triggers: Map<String, Json> = Trigger::ALL
        .into_iter()
        .map(|trigger| {
            let texts = json!({ "label": trigger.label(), "description": trigger.description() });
            (trigger.name().to_owned(), texts)
        })
        .collect();
    Ok(Answer::ok(json!({ "triggers": triggers })))
}

fn list(cx: &mut Context<'_>) -> Result<Answer, Failed> {
    allowed(cx)?;
    let (start, limit) = paging(&cx.request.query, 30)?;
    let (start, limit) = limit.map_or((0, usize::MAX), |limit| (start, limit));
    let hooks = cx.brain.hooks().all();
    let hooks = hooks.map(|hook| hook_json(cx.brain, hook)).collect();
    let hooks = in_order(hooks, &cx.request.query)?;
    let total = hooks.len();
    let hooks = keyed(hooks.into_iter().skip(start).take(limit));
    Ok(Answer::ok(json!({ "total": total, "hooks": hooks })))
}

fn read(cx: &mut Context<'_>, id: HookId) -> Result<Answer, Failed> {
    allowed(cx)?;
    let hook = cx.brain.hooks().by_id(id).ok_or(Refusal::NotFound)?;
    Ok(Answer::ok(json!({ "hook": hook_json(cx.brain, hook) })))
}

fn create(cx: &mut Context<'_>) -> Result<Answer, Failed> {
    allowed(cx)?;
    let body = cx.request.member_map()?;
    let text = |key: &str| {
        body.get(key)
            .and_then(scalar_text)
            .filter(|text| !text.is_empty())
    };
    let required =
        |key: &str, message: &str| text(key).ok_or_else(|| Refusal::invalid(key, message));
    let new = NewHook {
        name: required("name", "A name is required.")?,
        url: required("webhookUrl", "This value should not be blank.")?,
        description: text("description"),
        secret: text("secret"),
        order: text("eventsOrderbyDir"),
        triggers: wanted(&body),
        is_unpublished: body
            .get("isPublished")
            .is_some_and(|value| !input(value).is_truthy()),
    };
    let id = cx.brain.add_hook(cx.now, cx.caller.by, new);
    let hook = cx.brain.hooks().by_id(id).ok_or(Refusal::NotFound)?;
    let shown = json!({ "hook": hook_json(cx.brain, hook) });
    let by = cx.caller.by;
    if let Some(hook) = cx.brain.hooks_mut().by_id_mut(id) {
        hook.touched_by = Some(by);
    }
    Ok(Answer::created(format!("/api/hooks/{}", id.0), shown))
}

/// Triggers that are listed are added; only PUT removes those that are not.
fn edit(cx: &mut Context<'_>, id: HookId, replaces: bool) -> Result<Answer, Failed> {
    allowed(cx)?;
    let body = cx.request.member_map()?;
    let stamp = Stamp {
        at: cx.now.whole_second(),
        by: cx.caller.by,
    };
    let hook = cx
        .brain
        .hooks_mut()
        .by_id_mut(id)
        .ok_or(Refusal::NotFound)?;
    let text = |key: &str, held: &mut String| {
        if let Some(sent) = body.get(key).and_then(scalar_text) {
            *held = sent;
        }
    };
    text("name", &mut hook.name);
    text("webhookUrl", &mut hook.url);
    text("secret", &mut hook.secret);
    if let Some(sent) = body.get("isPublished") {
        hook.is_published = input(sent).is_truthy();
        hook.failures = 0;
    }
    let wanted = wanted(&body);
    hook.triggers
        .retain(|trigger| !replaces || wanted.contains(trigger));
    for trigger in wanted {
        if !hook.triggers.contains(&trigger) {
            hook.triggers.push(trigger);
        }
    }
    hook.modified = Some(stamp);
    read(cx, id)
}

fn delete(cx: &mut Context<'_>, id: HookId) -> Result<Answer, Failed> {
    allowed(cx)?;
    let hook = cx.brain.hooks_mut().remove(id).ok_or(Refusal::NotFound)?;
    let mut shown = hook_json(cx.brain, &hook);
    shown["id"] = Json::Null;
    Ok(Answer::ok(json!({ "hook": shown })))
}

fn wanted(body: &Map<String, Json>) -> Vec<Trigger> {
    let names = body.get("triggers").and_then(Json::as_array);
    let names = names.into_iter().flatten().filter_map(Json::as_str);
    names.filter_map(Trigger::named).collect()
}

fn hook_json(brain: &Automation, hook: &Hook) -> Json {
    let mut out = stamps(brain, Some(hook.added), hook.modified);
    out.insert("isPublished".into(), json!(hook.is_published));
    if let Some(by) = hook.touched_by {
        out.insert("modifiedByUser".into(), json!(brain.authors().of(by).name));
    }
    let triggers: Vec<&str> = hook.triggers.iter().map(|trigger| trigger.name()).collect();
    let rest = json!({
        "id": hook.id.0, "name": hook.name, "description": hook.description,
        "webhookUrl": hook.url, "secret": hook.secret, "eventsOrderbyDir": hook.order,
        "category": null, "triggers": triggers,
    });
    if let Json::Object(rest) = rest {
        out.extend(rest);
    }
    Json::Object(out)
}

/// A call a webhook makes, ready to be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub hook: HookId,
    pub url: String,
    pub body: String,
    /// `Webhook-Signature`.
    pub signature: String,
    /// `X-Origin-Base-URL`.
    pub origin: String,
}

/// The next waiting notice as a call; those of hooks that are gone are skipped.
pub fn next_delivery(brain: &mut Automation) -> Option<Delivery> {
    while let Some(notice) = brain.hooks_mut().next_notice() {
        if let Some(hook) = brain.hooks().by_id(notice.hook) {
            let body = json!({ notice.trigger.name(): [payload(brain, &notice)] }).to_string();
            return Some(Delivery {
                hook: hook.id,
                url: hook.url.clone(),
                signature: signature(&hook.secret, body.as_bytes()),
                origin: brain.settings.base_url.clone(),
                body,
            });
        }
    }
    None
}

/// base64 of HMAC-SHA256 over the raw body, keyed with the hook's secret.
pub fn signature(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    STANDARD.encode(hmac::sign(&key, body))
}

fn payload(brain: &Automation, notice: &Notice) -> Json {
    let plain = |contact| contact_in_hook(brain, contact, Form::Read, false);
    let full = |contact| contact_in_hook(brain, contact, Form::Read, true);
    let mut out = match &notice.payload {
        Payload::Contact(contact) => {
            // A contact fresh from its creation has the definitions' own form.
            let is_fresh =
                notice.trigger == Trigger::ContactIdentified && contact.modified.at.is_none();
            let form = if is_fresh { Form::Created } else { Form::Read };
            json!({ "contact": contact_in_hook(brain, contact, form, false) })
        }
        Payload::ContactDeleted(id, contact) => {
            let mut contact = without_id(plain(contact));
            for row in contact["doNotContact"].as_array_mut().into_iter().flatten() {
                row["id"] = Json::Null;
            }
            json!({ "id": id.0, "contact": contact })
        }
        Payload::Points { contact, old, new } => {
            let points = json!({ "old_points": old, "new_points": new });
            json!({ "contact": plain(contact), "points": points })
        }
        Payload::Channel {
            contact,
            channel,
            old,
            new,
        } => json!({
            "contact": plain(contact), "channel": channel, "old_status": old, "new_status": new,
        }),
        Payload::CompanyLink {
            contact,
            company,
            is_added,
        } => {
            let company = brain.companies().by_id(*company);
            let company = company.map(|company| company_in_hook(brain, company, Form::Read));
            json!({ "added": is_added, "contact": full(contact), "company": company })
        }
        Payload::Segment {
            contact,
            segment,
            is_added,
        } => {
            let segment = brain.segments().by_id(*segment);
            let segment = segment.map(|segment| segment_json(brain, segment));
            let action = if *is_added { "added" } else { "removed" };
            json!({ "contact": full(contact), "segment": segment, "action": action })
        }
        Payload::Company(company) => {
            let is_fresh = company.modified.is_none();
            let form = if is_fresh { Form::Created } else { Form::Read };
            json!({ "company": company_in_hook(brain, company, form) })
        }
        Payload::CompanyDeleted(id, company) => {
            json!({ "id": id.0, "company": without_id(company_in_hook(brain, company, Form::Read)) })
        }
        Payload::Hit(..) | Payload::Submission(..) | Payload::Mail(..) => {
            engagement(brain, &notice.payload)
        }
    };
    out["timestamp"] = json!(notice.at.iso());
    out
}

/// What somebody did, with the contact inside.
fn engagement(brain: &Automation, payload: &Payload) -> Json {
    let plain = |contact| contact_in_hook(brain, contact, Form::Read, false);
    match payload {
        Payload::Hit(contact, row) => {
            let hit = brain.logs().hits.by_id(*row).map(|entry| {
                json!({
                    "id": entry.id, "dateHit": entry.at.iso(), "url": entry.what.url,
                    "urlTitle": entry.what.title, "referer": entry.what.referer,
                    "lead": plain(contact),
                })
            });
            json!({ "hit": hit })
        }
        Payload::Submission(contact, row) => {
            let submission = brain.logs().submissions.by_id(*row).map(|entry| {
                let results: Map<String, Json> = entry
                    .what
                    .results
                    .iter()
                    .map(|(k, v)| (k.clone(), json!(v)))
                    .collect();
                json!({
                    "id": entry.id, "form": { "id": entry.what.form },
                    "dateSubmitted": entry.at.iso(), "results": results, "lead": plain(contact),
                })
            });
            json!({ "submission": submission })
        }
        Payload::Mail(contact, row) => {
            let stat = brain.logs().mails.by_id(*row).map(|entry| {
                json!({
                    "id": entry.id, "emailAddress": entry.what.address,
                    "dateSent": entry.at.iso(), "isRead": entry.what.read.is_some(),
                    "email": { "id": entry.what.email }, "lead": plain(contact),
                })
            });
            json!({ "stat": stat })
        }
        _ => Json::Null,
    }
}
