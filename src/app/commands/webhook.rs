//! `webhook status|register|unregister`: what Automation posts to us, and where.

use serde_json::{Value as Json, json};

use crate::app::args::{WebhookCommand, WebhookWriting};
use crate::app::commands::{Place, sync};
use crate::app::compose::{Connected, Mode};
use crate::app::error::{AppError, Status};
use crate::app::hooks::{Flaw, Registration, Step};
use crate::app::out::Out;
use crate::app::run::Goal;
use crate::domain::command::Command;
use crate::domain::ids::Side;
use crate::domain::operator::Role;
use crate::domain::snapshot::Hearing;
use crate::ports::{Call, Hook};

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

async fn asked<T>(call: Call<'_, T>) -> Result<T, AppError> {
    let answered = call.await.map_err(|error| AppError::Connect {
        side: Side::Automation,
        error: Box::new(error),
    })?;
    Ok(answered.value)
}

fn registration(connected: &Connected) -> Result<Registration, AppError> {
    let instance = &connected.opened.instance;
    let webhook = instance.webhook.as_ref().ok_or_else(|| {
        AppError::Usage(
            "the instance file has no [webhook]: write one with listen and secret, and start the \
             serving process again"
                .to_owned(),
        )
    })?;
    Registration::of(instance, webhook)
}

async fn status(place: &Place, out: &mut Out) -> Result<Status, AppError> {
    let connected = place.connect().await?;
    let registration = registration(&connected)?;
    let hooks = asked(connected.hooks.hooks()).await?;
    let flaws = registration.flaws(&hooks);
    let hearing = place.hearing();
    let status = if flaws.is_empty() {
        Status::Done
    } else {
        Status::WorkRemains
    };
    if out.is_json() {
        let ours = registration.ours(&hooks).into_iter().map(hook_json);
        out.json(&json!({
            "url": registration.url.as_str(),
            "registered": ours.collect::<Vec<Json>>(),
            "wrong": flaws.iter().map(Flaw::words).collect::<Vec<_>>(),
            "received": hearing,
        }))?;
        return Ok(status);
    }
    out.line(&format!("Webhooks are to come to {}", registration.url))?;
    for flaw in &flaws {
        out.line(&flaw.words())?;
    }
    if flaws.is_empty() {
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
    let registration = registration(&connected)?;
    let hooks = asked(connected.hooks.hooks()).await?;
    let steps = registration.steps(&hooks);
    carry_out(place, &connected, ("register webhook", steps, writing), out).await?;
    if writing.writing.dry_run {
        return Ok(Status::Done);
    }
    // What this version of Automation does not know, it leaves out without a word.
    let hooks = asked(connected.hooks.hooks()).await?;
    let flaws = registration.flaws(&hooks);
    for flaw in &flaws {
        out.note(&flaw.words())?;
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
    let registration = registration(&connected)?;
    let hooks = asked(connected.hooks.hooks()).await?;
    let ours = registration.ours(&hooks);
    let steps = ours.into_iter().map(|hook| Step::Remove(hook.id)).collect();
    carry_out(
        place,
        &connected,
        ("unregister webhook", steps, writing),
        out,
    )
    .await?;
    Ok(Status::Done)
}

/// Says what would be done, or does it. It changes what Automation does for everybody.
async fn carry_out(
    place: &Place,
    connected: &Connected,
    (act, steps, writing): (&'static str, Vec<Step>, &WebhookWriting),
    out: &mut Out,
) -> Result<(), AppError> {
    place.require(&connected.opened, Role::Admin)?;
    let is_to_do = !writing.writing.dry_run && !steps.is_empty();
    if is_to_do && !writing.yes {
        let steps: Vec<String> = steps.iter().map(Step::words).collect();
        return Err(AppError::Usage(format!(
            "this would {}; say --yes to do it in Automation",
            steps.join(", and ")
        )));
    }
    let words: Vec<String> = steps.iter().map(Step::words).collect();
    if is_to_do {
        // Kept before it is done: what nobody knows of must not have happened.
        let command = Command::Enter {
            act,
            object: words.join(", and "),
        };
        let entry = place.instruction(&connected.opened, &writing.writing.reason, command)?;
        sync::measured(connected, Mode::default(), Goal::Command(entry), out).await?;
        for step in steps {
            match step {
                Step::Create(draft) => drop(asked(connected.hooks.create_hook(draft)).await?),
                Step::Edit(id, draft) => drop(asked(connected.hooks.edit_hook(id, draft)).await?),
                Step::Remove(id) => asked(connected.hooks.remove_hook(id)).await?,
            }
        }
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
