//! A bundle's screens that somebody else wrote: each is refused in a sentence, or shown.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Value as Json, json};
use tokio::sync::watch;

use super::{Bundle, Exhibit, Screens};
use crate::console::tape::Keys;
use crate::console::theme::Theme;
use crate::console::{
    Effect, Ground, Instance, Language, Model, Msg, Query, Settings, Tongue, paint, update,
};
use crate::domain::access::Why;
use crate::domain::operator::{Role, SessionId};
use crate::domain::time::Timestamp;

const MADE: Timestamp = Timestamp(1_772_615_702_000);

/// What this version wrote for a company of practice.
fn screens() -> Json {
    serde_json::from_str(include_str!("../../../tests/recorded/bundle-screens.json")).unwrap()
}

fn read(screens: &Json) -> Result<Screens, String> {
    let parts = json!({ "about": {}, "screens": screens });
    let Json::Object(parts) = parts else {
        panic!("an object");
    };
    Bundle(parts).screens()
}

/// Goes through every screen and opens what is on it; answers all that was seen.
async fn looked_at(screens: &Screens) -> String {
    let (_a, setups) = watch::channel(Arc::new(screens.in_force()));
    let (_b, snapshots) = watch::channel(Arc::new(screens.snapshot.clone()));
    let policy = Arc::clone(&setups.borrow().policy);
    let exhibit = Exhibit::new(screens, setups, snapshots);
    let mut model = Model::new(Settings {
        instance: Instance {
            name: "acme".to_owned(),
            operator: String::new(),
            ground: Ground::Bundle(MADE),
            session: SessionId(1),
            role: Role::Viewer,
        },
        policy,
        language: Language::new(Tongue::English),
        theme: Theme::of(|_| None),
        keymap: Keys::Default.keymap().unwrap(),
        now: MADE,
        size: (80, 24),
    });
    let mut seen = String::new();
    let mut send = vec![Msg::Snapshot(Arc::new(screens.snapshot.clone()))];
    for key in "1 2\n\u{1b}3\n\u{1b}4\n\u{1b}5\n\u{1b}6 7\n\u{1b}8\n\u{1b}9\n\u{1b}".chars() {
        send.push(Msg::Key(pressed(key)));
        while let Some(msg) = send.pop() {
            for effect in update(&mut model, msg) {
                match effect {
                    Effect::Ask(ticket, query) => send.push(exhibit.answered(ticket, query).await),
                    Effect::Command { .. } => panic!("a bundle commands nothing"),
                    Effect::Copy(_) | Effect::Leave | Effect::Look(_) => {}
                }
            }
        }
        let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
        paint(&model, &mut buffer);
        seen.extend(buffer.content.iter().map(ratatui::buffer::Cell::symbol));
    }
    seen
}

fn pressed(key: char) -> crossterm::event::KeyEvent {
    use crossterm::event::KeyCode;
    match key {
        '\n' => KeyCode::Enter.into(),
        '\u{1b}' => KeyCode::Esc.into(),
        key => KeyCode::Char(key).into(),
    }
}

#[tokio::test]
async fn what_this_version_writes_is_shown_on_every_screen() {
    let screens = read(&screens()).unwrap();
    assert!(screens.len() > 3);
    let seen = looked_at(&screens).await;
    for words in [
        "@masked.example",
        "READ ONLY",
        "bundle of 2026-03-04",
        "BUNDLE acme",
    ] {
        assert!(seen.contains(words), "“{words}” is nowhere");
    }
}

/// Every leaf in turn is replaced by something else of its kind, or of another.
#[tokio::test]
async fn whatever_stands_in_it_is_refused_or_shown_and_nothing_panics() {
    let whole = screens();
    let mut paths = Vec::new();
    leaves(&whole, &mut String::new(), &mut paths);
    assert!(paths.len() > 1_000, "{}", paths.len());
    let (mut refused, mut shown) = (0, 0);
    let step = paths.len() / 60;
    for (index, path) in paths.iter().step_by(step).enumerate() {
        let others = [
            json!(0),
            json!(1_u64 << 42),
            json!(""),
            json!("\u{1b}]52;c;AAAA\u{7}\u{202e}\n"),
            json!(null),
            json!([]),
        ];
        let mut screens = whole.clone();
        *screens.pointer_mut(path).unwrap() = others[index % others.len()].clone();
        match read(&screens) {
            Err(why) => {
                assert!(why.len() < 500 && !why.contains('\u{1b}'), "{why:?}");
                refused += 1;
            }
            Ok(screens) => {
                let seen = looked_at(&screens).await;
                assert!(
                    !seen.contains('\u{1b}') && !seen.contains('\u{202e}'),
                    "{path}"
                );
                shown += 1;
            }
        }
    }
    assert!(refused > 5 && shown > 5, "{refused} refused, {shown} shown");
}

fn leaves(value: &Json, path: &mut String, found: &mut Vec<String>) {
    let length = path.len();
    match value {
        Json::Object(fields) => {
            for (name, value) in fields {
                path.push('/');
                path.push_str(&name.replace('~', "~0").replace('/', "~1"));
                leaves(value, path, found);
                path.truncate(length);
            }
        }
        Json::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                path.push('/');
                path.push_str(&index.to_string());
                leaves(value, path, found);
                path.truncate(length);
            }
        }
        _ => found.push(path.clone()),
    }
}

#[test]
fn numbers_texts_and_values_that_are_none_of_ours_are_refused_in_a_sentence() {
    for (part, says) in [
        (json!({ "version": -1 }), "a number that is in no bundle"),
        (json!({ "version": 1.5 }), "a number that is in no bundle"),
        (json!({ "x": u64::MAX }), "a number that is in no bundle"),
        (json!({ "x": "a".repeat(5_000) }), "a text that is longer"),
        (
            json!({ "x": [{ "Number": { "digits": 1, "scale": 255 } }] }),
            "not masked",
        ),
        (json!({ "links": 3 }), "its screens are none"),
    ] {
        let error = read(&part).unwrap_err();
        assert!(error.contains(says), "{says}: {error}");
    }
    assert_eq!(read(&json!({})), Ok(Screens::default()));
}

#[tokio::test]
async fn what_would_need_a_system_or_a_disk_is_answered_with_a_sentence() {
    let screens = Screens::default();
    let (_a, setups) = watch::channel(Arc::new(screens.in_force()));
    let (_b, snapshots) = watch::channel(Arc::default());
    let exhibit = Exhibit::new(&screens, setups, snapshots);
    let ticket = crate::console::Ticket(1);
    for query in [
        Query::Examine,
        Query::CheckAudit,
        Query::Access,
        Query::Bundle(None, MADE, String::new()),
    ] {
        let told = exhibit.answered(ticket, query).await;
        let why = Why::said("bundle-without", Vec::new());
        assert_eq!(told, Msg::Unanswered(ticket, why));
    }
}
