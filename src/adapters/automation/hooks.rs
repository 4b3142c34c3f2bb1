//! The webhooks of an instance, by `/hooks` (measured: `tests/recorded/webhooks.json`).
//!
//! Changed by PATCH alone: a PUT empties what it is not given, and takes away every trigger that it
//! does not list. A list may be cut to a page, so it is read to its end.

use std::collections::BTreeSet;

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value as Json, json};

use super::super::failures::{Effect, Fault, answer};
use super::super::values;
use super::AutomationClient;
use super::api::{Api, Request, is_last};
use super::query::Query;
use super::wire;
use crate::domain::remedy::Step;
use crate::domain::request::Spent;
use crate::ports::{Call, Hook, HookChange, HookDraft, HookId, Hooks};

/// Webhooks of one page, and pages: more than any instance has.
const PAGE: usize = 100;
const PAGES_MAX: usize = 50;

impl Hooks for AutomationClient {
    fn hooks(&self) -> Call<'_, Vec<Hook>> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result = all(&self.api, &mut spent).await;
            answer("reading the webhooks of Automation", spent, result)
        })
    }

    fn shown(&self, change: &HookChange) -> Step {
        let (method, path) = address(change);
        let mut content = String::new();
        if let HookChange::Create(draft) | HookChange::Edit(_, draft) = change {
            let mut body = body(draft);
            body["secret"] = json!("not shown");
            content = body.to_string();
        }
        Step {
            request: format!("{method} /api{path}"),
            file: String::new(),
            content,
        }
    }

    fn change(&self, change: HookChange) -> Call<'_, ()> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result = carried_out(&self.api, &mut spent, &change).await;
            let operation = match change {
                HookChange::Create(_) => "creating a webhook in Automation",
                HookChange::Edit(..) => "changing a webhook in Automation",
                HookChange::Remove(_) => "removing a webhook from Automation",
            };
            answer(operation, spent, result)
        })
    }
}

fn address(change: &HookChange) -> (Method, String) {
    match change {
        HookChange::Create(_) => (Method::POST, "/hooks/new".to_owned()),
        HookChange::Edit(id, _) => (Method::PATCH, format!("/hooks/{}/edit", id.0)),
        HookChange::Remove(id) => (Method::DELETE, format!("/hooks/{}/delete", id.0)),
    }
}

async fn carried_out(api: &Api, spent: &mut Spent, change: &HookChange) -> Result<(), Fault> {
    let (method, path) = address(change);
    let (HookChange::Create(draft) | HookChange::Edit(_, draft)) = change else {
        let request = Request {
            method,
            effect: Effect::Writes,
            ..Request::one(&path)
        };
        return api.send(spent, request).await.map(|_| ());
    };
    let request = Request {
        names_one: matches!(change, HookChange::Edit(..)),
        ..Request::write(method, &path, body(draft))
    };
    saved(api, spent, request, draft).await
}

async fn all(api: &Api, spent: &mut Spent) -> Result<Vec<Hook>, Fault> {
    let mut hooks: Vec<Hook> = Vec::new();
    for _ in 0..PAGES_MAX {
        let query = Query::default()
            .with("start", hooks.len().to_string())
            .with("limit", PAGE.to_string())
            .with("orderBy", "id");
        let body = api.get(spent, "/hooks", query).await?;
        if !matches!(body["hooks"], Json::Array(_) | Json::Object(_)) {
            return Err(Fault::broken("list", "the answer holds no hooks"));
        }
        let records = wire::records(&body["hooks"]);
        let page = records.len();
        let new: Vec<Hook> = records.into_iter().map(hook).collect::<Result<_, _>>()?;
        hooks.extend(new);
        let is_whole = values::id(&body["total"]).is_some_and(|total| total <= hooks.len() as u64);
        if is_whole || is_last(&body["total"], page, PAGE) {
            break;
        }
    }
    Ok(hooks)
}

fn body(draft: &HookDraft) -> Json {
    json!({
        "name": draft.name,
        "webhookUrl": draft.url,
        "secret": draft.secret.expose_secret(),
        "triggers": draft.triggers,
        "isPublished": true,
    })
}

/// A status of success proves little: what is shown is what was stored.
async fn saved(
    api: &Api,
    spent: &mut Spent,
    request: Request<'_>,
    draft: &HookDraft,
) -> Result<(), Fault> {
    let reply = api.send(spent, request).await?.json()?;
    let hook = hook(&reply["hook"])?;
    let is_kept = hook.url == draft.url
        && hook.is_published
        && hook.secret.expose_secret() == draft.secret.expose_secret();
    if !is_kept {
        let message = "the webhook was saved otherwise than it was sent";
        return Err(Fault::broken("hook", message));
    }
    // What this version does not know is left out without a word.
    let lacking: Vec<&str> = draft
        .triggers
        .difference(&hook.triggers)
        .map(String::as_str)
        .collect();
    if lacking.is_empty() {
        return Ok(());
    }
    let message = format!(
        "webhook {} was saved, but not for {}: this version of Automation does not know these types of \
         events",
        hook.id.0,
        lacking.join(", ")
    );
    Err(Fault::broken("hook-triggers", message))
}

fn hook(record: &Json) -> Result<Hook, Fault> {
    let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
    let triggers = wire::records(&record["triggers"]);
    let triggers: BTreeSet<String> = triggers
        .into_iter()
        .filter_map(|trigger| Some(trigger.as_str()?.to_owned()))
        .collect();
    Ok(Hook {
        id: HookId(wire::id(record)?.0),
        name: text("name"),
        url: text("webhookUrl"),
        secret: SecretString::from(text("secret")),
        triggers,
        is_published: record["isPublished"].as_bool().unwrap_or(false),
    })
}
