//! `webhook status|register|unregister`: what Automation posts to us, and where.

use serde_json::{Value as Json, json};

use crate::app::args::{WebhookCommand, WebhookWriting};
use crate::app::commands::Place;
use crate::app::compose::Connected;
use crate::app::console::check_compared;
use crate::app::error::{AppError, Status};
use crate::app::hooks::{Registrar, ordered, told};
use crate::app::out::Out;
use crate::domain::operator::Role;
use crate::domain::snapshot::Hearing;
use crate::ports::{Hook, HookChange};

pub(super) async fn perform(
    place: &Place,
    what: &WebhookCommand,
    out: &mut Out,
) -> Result<Status, AppError> {
    match what {
        WebhookCommand::Status(_) => status(place, out).await,
        WebhookCommand::Register(writing) => register(place, writing, out).await,
        WebhookCommand::Unregister(writing) => unregister(place, writing, out).await,
    }
}

fn registrar(connected: &Connected) -> Result<&Registrar, AppError> {
    connected.registrar.as_deref().ok_or_else(|| {
        AppError::Usage(
            "the instance file has no [webhook]: write one with listen, and start the serving process \
             again"
                .to_owned(),
        )
    })
}

async fn status(place: &Place, out: &mut Out) -> Result<Status, AppError> {
    let connected = place.connect().await?;
    let registrar = registrar(&connected)?;
    let found = registrar.look().await?;
    let secret = registrar.whereabouts().await?;
    let wrong: Vec<String> = found.registered.flaws().iter().map(told).collect();
    let hearing = place.hearing();
    let status = if wrong.is_empty() {
        Status::Done
    } else {
        Status::WorkRemains
    };
    let address = &found.registered.address;
    if out.is_json() {
        out.json(&json!({
            "url": address,
            "secret": secret.name(),
            "registered": found.ours().iter().map(hook_json).collect::<Vec<Json>>(),
            "wrong": wrong,
            "received": hearing,
        }))?;
        return Ok(status);
    }
    out.line(&format!("Webhooks are to come to {address}"))?;
    out.line(secret.words())?;
    for words in &wrong {
        out.line(words)?;
    }
    if wrong.is_empty() {
        out.line("Automation posts to it as it should.")?;
    }
    match hearing {
        Some(hearing) => show(&hearing, out)?,
        None => out.line("No process receives them now; the one that serves the instance does.")?,
    }
    Ok(status)
}

fn hook_json(hook: &Hook) -> Json {
    json!({
        "id": hook.id.0,
        "name": hook.name,
        "url": hook.url,
        "is_published": hook.is_published,
        "triggers": hook.triggers,
    })
}

pub(super) fn show(hearing: &Hearing, out: &mut Out) -> Result<(), AppError> {
    let last = hearing.last.map(|last| format!("last at {last}"));
    let last = last.unwrap_or_default();
    out.figure("Webhook calls", &hearing.received.to_string(), &last)?;
    for (title, count, words) in [
        ("Looked at", hearing.looked_at, "contacts and companies"),
        ("Refused", hearing.refused, "not signed by the secret"),
        ("Repeated", hearing.repeated, "the same call again"),
        ("Unreadable", hearing.unreadable, "signed, and no call"),
        ("Coalesced", hearing.coalesced, "about one looked at anyway"),
        ("Of no concern", hearing.ignored, ""),
        ("Left to reading", hearing.dropped, "too many at once"),
    ] {
        let words = if count > 0 { words } else { "" };
        out.figure(title, &count.to_string(), words)?;
    }
    Ok(())
}

async fn register(
    place: &Place,
    writing: &WebhookWriting,
    out: &mut Out,
) -> Result<Status, AppError> {
    let connected = place.connect().await?;
    let registrar = registrar(&connected)?;
    let changes = registrar.look().await?.to_register()?;
    carry_out(
        place,
        &connected,
        ("register webhook", changes, writing),
        out,
    )
    .await?;
    if writing.writing.dry_run {
        return Ok(Status::Done);
    }
    // What this version of Automation does not know, it leaves out without a word.
    let flaws = registrar.look().await?.registered.flaws();
    for flaw in &flaws {
        out.note(&told(flaw))?;
    }
    Ok(if flaws.is_empty() {
        Status::Done
    } else {
        Status::WorkRemains
    })
}

async fn unregister(
    place: &Place,
    writing: &WebhookWriting,
    out: &mut Out,
) -> Result<Status, AppError> {
    let connected = place.connect().await?;
    let registrar = registrar(&connected)?;
    let changes = registrar.look().await?.to_unregister();
    carry_out(
        place,
        &connected,
        ("unregister webhook", changes, writing),
        out,
    )
    .await?;
    if !writing.writing.dry_run {
        registrar.forget().await?;
    }
    Ok(Status::Done)
}

/// Says what would be done, or does it. It changes what Automation does for everybody.
async fn carry_out(
    place: &Place,
    connected: &Connected,
    (act, changes, writing): (&'static str, Vec<HookChange>, &WebhookWriting),
    out: &mut Out,
) -> Result<(), AppError> {
    place.require(&connected.opened, Role::Admin)?;
    let words: Vec<String> = changes.iter().map(ordered).collect();
    let is_to_do = !writing.writing.dry_run && !changes.is_empty();
    if is_to_do && !writing.yes {
        return Err(AppError::Usage(format!(
            "this would {}; say --yes to do it in Automation",
            words.join(", and ")
        )));
    }
    if is_to_do {
        // Kept before it is done: what nobody knows of must not have happened.
        check_compared(connected)?;
        let opened = &connected.opened;
        place
            .enter(opened, (act, words.join(", and ")), &writing.writing.reason)
            .await?;
        registrar(connected)?.carry_out(changes).await?;
    }
    if out.is_json() {
        out.json(&json!({ "done": is_to_do, "steps": words }))?;
        return Ok(());
    }
    if words.is_empty() {
        out.line("nothing is to be done")?;
    }
    for words in &words {
        let done = if is_to_do { "done" } else { "would be done" };
        out.line(&format!("{done}: {words}"))?;
    }
    Ok(())
}
