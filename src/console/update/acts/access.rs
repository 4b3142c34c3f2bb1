//! Letting in at the two systems, ending that, and looking whether it is so.

use super::tell;
use crate::console::access::{Attempt, Deed, Focus, Problem, Stage, copied};
use crate::console::dialog::{Dialog, Frozen};
use crate::console::hidden::Veiled;
use crate::console::keymap::Action;
use crate::console::model::{Model, Overlay, Tone};
use crate::console::msg::Effect;
use crate::console::query::{Admit, Query, Ticket};
use crate::console::slot::Waiting as _;
use crate::domain::access::{AccessAct, Admitted, Flow, Outcome, Progress};
use crate::domain::command::Command;
use crate::domain::ids::Side;

/// What must be typed before a login is ended.
const WORD: &str = "revoke";

/// Opens it over the screen in sight, at the side that is meant or that does not let us in.
pub(in crate::console) fn open(model: &mut Model, side: Option<Side>) {
    let stopped = model.known.snapshot.stopped.keys().next().copied();
    if let Some(side) = side.or(stopped).filter(|_| model.access.is_over()) {
        choose(model, side);
    }
    model.access.slot.renew();
    model.overlay = Some(Overlay::Access);
}

fn choose(model: &mut Model, side: Side) {
    if model.access.chosen != side {
        model.access.attempt = None;
    }
    model.access.chosen = side;
}

/// The other side, as long as nothing is going on at this one.
pub(in crate::console) fn step(model: &mut Model) {
    if model.access.is_over() {
        choose(model, model.access.chosen.other());
    }
}

/// What one of its own keys does.
pub(in crate::console) fn run(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Authorize => {
            open(model, None);
            return Vec::new();
        }
        Action::CopyCallback => return copy(model, action),
        _ => {}
    }
    if !model.access.is_over() {
        tell(model, Tone::Muted, "access-busy");
        return Vec::new();
    }
    let side = model.access.chosen;
    match action {
        Action::CheckAccess => {
            let stage = Stage::Working(Progress::Checking);
            begin(model, (side, Deed::Check), String::new(), stage);
            return ask(model, Admit::Check);
        }
        Action::LogIn => offer_login(model, side),
        _ => offer_revoke(model, side),
    }
    Vec::new()
}

fn offer_login(model: &mut Model, side: Side) {
    let Some(access) = model.access.of(side) else {
        return tell(model, Tone::Muted, "loading");
    };
    let say = &model.shell.language;
    let how = match access.flow {
        Flow::Person => "login-by-person",
        Flow::ClientCredentials | Flow::Assertion | Flow::Password => "login-by-program",
    };
    let gaps = [("system", side.to_string())];
    let gaps = gaps.each_ref().map(|(name, text)| (*name, text.as_str()));
    let mut lines = vec![(Tone::Plain, say.with(how, &gaps))];
    if access.wanted.is_some() {
        lines.push((Tone::Plain, say.text("login-asks-secret").to_owned()));
    }
    lines.push((Tone::Muted, say.text("login-keeps").to_owned()));
    let title = say.with("dialog-log-in", &gaps);
    offer(model, title, lines, (side, AccessAct::Authorise));
}

fn offer_revoke(model: &mut Model, side: Side) {
    let Some(access) = model.access.of(side) else {
        return tell(model, Tone::Muted, "loading");
    };
    let say = &model.shell.language;
    let system = side.to_string();
    let mut lines = Vec::new();
    if access.is_kept_here() {
        let (what, stops) = match (access.flow, side) {
            (Flow::Person, Side::Salesforce) => ("revoke-salesforce", "revoke-stops"),
            (Flow::Person, Side::Automation) => ("revoke-automation", "revoke-stops"),
            _ => ("revoke-secret", "revoke-stops-secret"),
        };
        lines.push((Tone::Person, say.with(what, &[("system", &system)])));
        lines.push((Tone::Plain, say.count("revoke-forgets", access.kept)));
        lines.push((Tone::Plain, say.text(stops).to_owned()));
    } else {
        let text = say.with("revoke-given", &[("system", &system)]);
        lines.push((Tone::Person, text));
        if access.kept > 0 {
            lines.push((Tone::Plain, say.count("revoke-forgets", access.kept)));
        }
    }
    let title = say.with("dialog-revoke", &[("system", &system)]);
    offer(model, title, lines, (side, AccessAct::Revoke));
}

fn offer(
    model: &mut Model,
    title: String,
    lines: Vec<(Tone, String)>,
    (side, act): (Side, AccessAct),
) {
    let frozen = Frozen {
        command: Command::NoteAccess { side, act },
        looked_at: None,
    };
    let mut dialog = Dialog::new(title, lines, frozen);
    if act == AccessAct::Revoke {
        dialog = dialog.with_word(WORD, "dialog-word-revoke");
    }
    model.overlay = Some(Overlay::Dialog(Box::new(dialog)));
}

/// Confirmed: whoever does it puts it on record before.
pub(in crate::console) fn confirmed(
    model: &mut Model,
    (side, act): (Side, AccessAct),
    reason: String,
) -> Vec<Effect> {
    model.overlay = Some(Overlay::Access);
    if act == AccessAct::Revoke {
        let stage = Stage::Working(Progress::Revoking);
        begin(model, (side, Deed::Revoke), reason.clone(), stage);
        return ask(model, Admit::Revoke { reason });
    }
    let wanted = model.access.of(side).and_then(|access| access.wanted);
    if let Some(wanted) = wanted {
        let field = Veiled::secret();
        let stage = Stage::Secret { wanted, field };
        begin(model, (side, Deed::LogIn), reason, stage);
        return Vec::new();
    }
    let stage = Stage::Working(Progress::Proving);
    begin(model, (side, Deed::LogIn), reason.clone(), stage);
    let secret = None;
    ask(model, Admit::LogIn { secret, reason })
}

fn begin(model: &mut Model, (side, deed): (Side, Deed), reason: String, stage: Stage) {
    model.access.chosen = side;
    model.access.attempt = Some(Attempt::new(side, deed, reason, stage));
}

fn ticket(model: &mut Model) -> Ticket {
    model.asked.tickets += 1;
    Ticket(model.asked.tickets)
}

fn ask(model: &mut Model, admit: Admit) -> Vec<Effect> {
    let ticket = ticket(model);
    let Some(attempt) = &mut model.access.attempt else {
        return Vec::new();
    };
    attempt.ticket = Some(ticket);
    vec![Effect::Ask(ticket, Query::Admit(attempt.side, admit))]
}

/// Enter: in a field what was typed is taken, at the browser's question the field is gone to.
pub(in crate::console) fn accept(model: &mut Model) -> Vec<Effect> {
    let Some(attempt) = &mut model.access.attempt else {
        return Vec::new();
    };
    match &mut attempt.stage {
        Stage::Secret { .. } => take_secret(model),
        Stage::AtBrowser { focus, .. } if *focus == Focus::Keys => {
            *focus = Focus::Field;
            Vec::new()
        }
        Stage::AtBrowser { .. } => take_address(model),
        _ => Vec::new(),
    }
}

fn take_secret(model: &mut Model) -> Vec<Effect> {
    let Some(attempt) = &mut model.access.attempt else {
        return Vec::new();
    };
    let secret = attempt.take_text();
    let Stage::Secret { wanted, .. } = &attempt.stage else {
        return Vec::new();
    };
    if secret.is_none() && !wanted.is_kept && !wanted.is_optional {
        attempt.problem = Some(Problem::NeedsSecret);
        return Vec::new();
    }
    let reason = attempt.reason.clone();
    attempt.stage = Stage::Working(Progress::Proving);
    attempt.problem = None;
    ask(model, Admit::LogIn { secret, reason })
}

fn take_address(model: &mut Model) -> Vec<Effect> {
    let ticket = ticket(model);
    let Some(attempt) = &mut model.access.attempt else {
        return Vec::new();
    };
    let Some(address) = attempt.take_text() else {
        return Vec::new();
    };
    attempt.handed = Some(ticket);
    attempt.problem = Some(Problem::Handed);
    let query = Query::Admit(attempt.side, Admit::Redirected(address));
    vec![Effect::Ask(ticket, query)]
}

/// One step back: out of the field, out of the attempt, out of the overlay.
pub(in crate::console) fn cancel(model: &mut Model) -> Vec<Effect> {
    let Some(attempt) = &mut model.access.attempt else {
        model.overlay = None;
        return Vec::new();
    };
    match &mut attempt.stage {
        Stage::Secret { .. } => {
            model.access.attempt = None;
            tell(model, Tone::Muted, "login-broken-off");
            Vec::new()
        }
        Stage::AtBrowser { field, focus, .. } if *focus == Focus::Field => {
            drop(field.take());
            *focus = Focus::Keys;
            Vec::new()
        }
        Stage::AtBrowser { .. } => {
            let side = attempt.side;
            let ticket = ticket(model);
            vec![Effect::Ask(ticket, Query::Admit(side, Admit::BreakOff))]
        }
        // It goes on, and is there when one comes back.
        Stage::Working(_) => {
            model.overlay = None;
            Vec::new()
        }
        Stage::Ended(_) | Stage::Unanswered(_) => {
            model.access.attempt = None;
            Vec::new()
        }
    }
}

/// What was told of the attempt under way.
pub(in crate::console) fn answered(model: &mut Model, ticket: Ticket, admitted: Admitted) {
    let Some(attempt) = &mut model.access.attempt else {
        return;
    };
    if attempt.ticket != Some(ticket) || attempt.side != admitted.side {
        return;
    }
    attempt.follow(admitted.progress);
    let told = match &attempt.stage {
        Stage::Ended(outcome) => Some((
            tone(outcome),
            model.shell.words().outcome(attempt.side, outcome),
        )),
        _ => None,
    };
    if told.is_some() {
        model.access.slot.renew();
    }
    // What is in sight says it itself.
    let is_hidden = !matches!(model.overlay, Some(Overlay::Access));
    let is_idle = model.linear.is_some() && model.takes_line();
    if let Some((Tone::Person, _)) = told {
        model.end_as(crate::console::Outcome::Failed);
    }
    if let Some((tone, text)) = told.filter(|_| is_hidden || is_idle) {
        model.shell.toast(tone, text);
    }
}

const fn tone(outcome: &Outcome) -> Tone {
    match outcome {
        Outcome::Refused(_) => Tone::Person,
        Outcome::BrokenOff => Tone::Muted,
        _ => Tone::Strong,
    }
}

/// `true` if it was one of the attempt's own questions.
pub(in crate::console) fn unanswered(model: &mut Model, ticket: Ticket, error: &str) -> bool {
    let Some(attempt) = &mut model.access.attempt else {
        return false;
    };
    if attempt.ticket == Some(ticket) {
        attempt.stage = Stage::Unanswered(error.to_owned());
        return true;
    }
    if attempt.handed == Some(ticket) {
        attempt.handed = None;
        attempt.problem = Some(Problem::Raw(error.to_owned()));
        return true;
    }
    false
}

/// To the operator's own clipboard: what is to be opened, or what is to be entered; else what is known.
pub(in crate::console) fn copy(model: &mut Model, action: Action) -> Vec<Effect> {
    let text = copied(model, action == Action::CopyCallback);
    let Some(text) = text else {
        tell(model, Tone::Muted, "nothing-to-copy");
        return Vec::new();
    };
    let told = model.shell.language.with("copied", &[("text", &text)]);
    model.shell.toast(Tone::Plain, told);
    vec![Effect::Copy(text)]
}
