//! A session without a terminal: what happens goes in, frames come out.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::yield_now;

use super::driver::perform;
use super::{Ended, Host, Input, Sent, Time, Wires, drive, drive_lines};
use crate::console::keymap::{Keymap, Preset};
use crate::console::theme::Theme;
use crate::console::{
    Ground, Instance, Language, Model, Msg, Outcome, Query, Settings, Ticket, Tongue, paint, update,
};
use crate::domain::access::Why;
use crate::domain::command::{Fact, Refusal, Told};
use crate::domain::ids::LinkId;
use crate::domain::mapping::{Mapping, Policy};
use crate::domain::operator::{Role, SessionId};
use crate::domain::snapshot::Snapshot;
use crate::domain::time::{Span, Timestamp};

/// Waiting makes the time pass.
struct Passing(AtomicI64);

impl Time for Passing {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }

    fn sleep(&self, span: Span) -> BoxFuture<'static, ()> {
        self.0.fetch_add(span.0, Ordering::Relaxed);
        yield_now().boxed()
    }
}

#[derive(Clone, Default)]
struct Stops(Arc<AtomicU32>);

impl Host for Stops {
    fn suspend(&mut self) -> io::Result<(u16, u16)> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok((100, 30))
    }
}

/// The other ends of the wires.
struct Ends {
    inputs: mpsc::Sender<Input>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    facts: broadcast::Sender<Told>,
    questions: mpsc::Receiver<(Ticket, Query)>,
    answers: mpsc::Sender<Msg>,
    frames: mpsc::Receiver<Vec<u8>>,
    taken: mpsc::Sender<io::Result<()>>,
}

impl Ends {
    async fn press(&self, code: KeyCode, modifiers: KeyModifiers) {
        let key = Event::Key(KeyEvent::new(code, modifiers));
        self.inputs.send(Input::Event(key)).await.unwrap();
    }

    async fn frame(&mut self) -> String {
        let frame = self.frames.recv().await.unwrap();
        String::from_utf8(frame).unwrap()
    }

    async fn take_frame(&mut self) -> String {
        let frame = self.frame().await;
        self.taken.send(Ok(())).await.unwrap();
        frame
    }
}

const SESSION: SessionId = SessionId(1);

fn wires() -> (Wires, Ends) {
    let (inputs, inbox) = mpsc::channel(8);
    let (publish, snapshots) = watch::channel(Arc::default());
    let (facts, heard) = broadcast::channel(4);
    let (questions, asked) = mpsc::channel(16);
    let (answers, answered) = mpsc::channel(16);
    let (frames, drawn) = mpsc::channel(1);
    let (taken, reports) = mpsc::channel(1);
    let wires = Wires {
        inputs: inbox,
        snapshots,
        setups: watch::channel(Arc::default()).1,
        session: SESSION,
        facts: heard,
        present: watch::channel(Arc::default()).1,
        questions,
        answers: answered,
        commands: Box::new(|_, _| Sent::Full),
        looks: Box::new(|_| {}),
        heard: Box::new(|_| {}),
        frames,
        taken: reports,
        time: Arc::new(Passing(AtomicI64::new(1_000_000))),
    };
    let ends = Ends {
        inputs,
        snapshots: publish,
        facts,
        questions: asked,
        answers,
        frames: drawn,
        taken,
    };
    (wires, ends)
}

fn model() -> Model {
    Model::new(Settings {
        instance: Instance {
            name: "acme".to_owned(),
            operator: "claire".to_owned(),
            ground: Ground::Practice,
            session: SessionId(1),
            role: Role::Admin,
        },
        policy: Arc::new(Policy {
            mapping: Mapping::default(),
            published: true,
            objects: Vec::new(),
            activities: true,
            update_blanks: false,
            latest_do_not_contact: true,
            sync_owners: false,
            create_accounts: false,
            activity_types: Vec::new(),
            namespace: String::new(),
            automation_url: String::new(),
        }),
        language: Language::new(Tongue::English),
        theme: Theme::PLAIN,
        keymap: Keymap::preset(Preset::Default).unwrap(),
        now: Timestamp(1_000_000),
        size: (80, 24),
    })
}

/// Runs a session beside a script; answers how it ended.
async fn session(host: &mut Stops, mut wires: Wires, script: impl Future<Output = ()>) -> Ended {
    let mut model = model();
    let (ended, ()) = tokio::join!(drive(&mut model, &mut wires, host), script);
    ended
}

#[tokio::test]
async fn what_a_session_hears_shows_the_same_screen_again() {
    let (mut wires, mut ends) = wires();
    let (told, heard) = std::sync::mpsc::sync_channel(100);
    wires.heard = Box::new(move |msg| told.send(msg.clone()).unwrap());
    let mut shown = model();
    let mut host = Stops::default();
    let script = async {
        ends.take_frame().await;
        // Nobody takes questions any more, and commands are refused: that is heard too.
        ends.questions.close();
        for code in ["3", "4", "2", "S"].map(|key| KeyCode::Char(key.chars().next().unwrap())) {
            ends.press(code, KeyModifiers::NONE).await;
        }
        ends.press(KeyCode::Tab, KeyModifiers::NONE).await;
        ends.press(KeyCode::Char('x'), KeyModifiers::NONE).await;
        ends.press(KeyCode::Enter, KeyModifiers::NONE).await;
        ends.press(KeyCode::Enter, KeyModifiers::NONE).await;
        settle().await;
        ends.inputs.send(Input::Terminate).await.unwrap();
    };
    tokio::join!(drive(&mut shown, &mut wires, &mut host), script);
    let mut again = model();
    let heard: Vec<Msg> = heard.try_iter().collect();
    assert!(heard.iter().any(|msg| matches!(msg, Msg::Unasked(..))));
    for msg in heard {
        drop(update(&mut again, msg));
    }
    assert_eq!(painted(&again), painted(&shown));
}

fn painted(model: &Model) -> Buffer {
    let (width, height) = model.size();
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    paint(model, &mut buffer);
    buffer
}

async fn settle() {
    for _ in 0..50 {
        yield_now().await;
    }
}

#[tokio::test]
async fn while_the_terminal_is_slow_reports_do_not_queue_and_the_newest_is_drawn() {
    let (wires, mut ends) = wires();
    let ended = session(&mut Stops::default(), wires, async {
        assert!(ends.frame().await.contains("PRACTICE"));
        for used in 1..=100 {
            let snapshot = Snapshot {
                limit: Some((used, 5_000)),
                is_idle: true,
                ..Snapshot::default()
            };
            ends.snapshots.send_replace(Arc::new(snapshot));
            yield_now().await;
        }
        settle().await;
        assert!(
            ends.frames.try_recv().is_err(),
            "the first is still on its way"
        );
        ends.taken.send(Ok(())).await.unwrap();
        let frame = ends.take_frame().await;
        assert!(frame.contains("H100") && frame.contains("5,000"), "{frame}");
        ends.press(KeyCode::Char('c'), KeyModifiers::CONTROL).await;
    })
    .await;
    assert!(matches!(ended, Ended::Left), "{ended:?}");
}

#[tokio::test]
async fn a_window_larger_than_any_is_drawn_as_large_as_one_may_be() {
    let (mut wires, mut ends) = wires();
    let mut model = model();
    drop(update(&mut model, Msg::Resized(9_000, 24)));
    let script = async {
        ends.take_frame().await;
        ends.inputs.send(Input::Terminate).await.unwrap();
    };
    let mut host = Stops::default();
    tokio::join!(drive(&mut model, &mut wires, &mut host), script);
    assert_eq!(model.size(), (500, 24));
}

#[test]
fn what_is_asked_because_a_command_came_back_is_asked() {
    for (becomes, asks) in [(Sent::Yes, false), (Sent::Full, true)] {
        let (mut wires, mut ends) = wires();
        wires.commands = Box::new(move |_, _| becomes);
        let mut model = model();
        model.speak_lines(None);
        let mut hear = |model: &mut Model, msg| {
            perform(model, &mut wires, msg);
            let mut asked = Vec::new();
            while let Ok((ticket, query)) = ends.questions.try_recv() {
                asked.push(query);
                perform(
                    model,
                    &mut wires,
                    Msg::Unanswered(ticket, Why::raw("no store")),
                );
            }
            !asked.is_empty()
        };
        assert!(hear(&mut model, Msg::Snapshot(Arc::default())));
        for line in ["sync-now", "by phone"] {
            assert!(model.takes_line());
            hear(&mut model, Msg::Typed(line.to_owned()));
        }
        let has_asked = hear(&mut model, Msg::Typed("yes".to_owned()));
        assert_eq!(has_asked, asks, "{becomes:?}: {:?}", model.take_lines());
    }
}

#[tokio::test]
async fn an_idle_console_draws_nothing() {
    let (wires, mut ends) = wires();
    session(&mut Stops::default(), wires, async {
        ends.take_frame().await;
        let (ticket, query) = ends.questions.recv().await.unwrap();
        assert_eq!(query, Query::Standing);
        ends.answers
            .send(Msg::Unanswered(ticket, Why::raw("no")))
            .await
            .unwrap();
        ends.take_frame().await;
        settle().await;
        assert!(ends.frames.try_recv().is_err());
        ends.press(KeyCode::Char('?'), KeyModifiers::NONE).await;
        assert!(ends.take_frame().await.contains("What can be done here"));
        ends.inputs.send(Input::Terminate).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_dead_line_ends_the_session_and_nothing_else() {
    let (wires, mut ends) = wires();
    let ended = session(&mut Stops::default(), wires, async {
        ends.frame().await;
        ends.taken
            .send(Err(io::ErrorKind::BrokenPipe.into()))
            .await
            .unwrap();
    })
    .await;
    assert!(matches!(ended, Ended::HungUp), "{ended:?}");
}

#[tokio::test]
async fn suspending_waits_for_the_frame_under_way_and_draws_everything_again() {
    let (wires, mut ends) = wires();
    let mut host = Stops::default();
    let stops = host.clone();
    session(&mut host, wires, async {
        ends.frame().await;
        ends.inputs.send(Input::Suspend).await.unwrap();
        settle().await;
        assert_eq!(stops.0.load(Ordering::Relaxed), 0, "a frame is on its way");
        ends.taken.send(Ok(())).await.unwrap();
        let frame = ends.take_frame().await;
        assert_eq!(stops.0.load(Ordering::Relaxed), 1);
        assert!(frame.contains("PRACTICE"), "{frame}");
        ends.inputs.send(Input::HungUp).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_somebody_else_asked_for_is_not_told_here() {
    let (wires, mut ends) = wires();
    let refused = |link| Fact::Refused(Refusal::NoSuchLink(LinkId(link)));
    session(&mut Stops::default(), wires, async {
        ends.take_frame().await;
        for (session, link) in [(SessionId(2), 77), (SESSION, 88)] {
            let to = Some(session);
            let fact = refused(link);
            ends.facts.send(Told { to, fact }).unwrap();
        }
        let frame = ends.take_frame().await;
        assert!(frame.contains("88") && !frame.contains("77"), "{frame}");
        ends.inputs.send(Input::Terminate).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_sync_that_ended_and_facts_that_were_missed_are_told() {
    let (wires, mut ends) = wires();
    session(&mut Stops::default(), wires, async {
        ends.take_frame().await;
        for _ in 0..9 {
            ends.facts
                .send(Told {
                    to: None,
                    fact: Fact::CycleStarted,
                })
                .unwrap();
        }
        let frame = ends.take_frame().await;
        assert!(frame.contains("fast"), "{frame}");
        let (publish, _) = watch::channel(Arc::default());
        ends.snapshots = publish;
        let frame = ends.take_frame().await;
        assert!(frame.contains("stopped:"), "{frame}");
        ends.inputs.send(Input::Terminate).await.unwrap();
    })
    .await;
}

/// Answers whatever is asked with nothing that is known.
async fn answer_all(ends: &mut Ends) {
    while let Ok((ticket, _)) = ends.questions.try_recv() {
        let answer = Msg::Unanswered(ticket, Why::raw("no store"));
        ends.answers.send(answer).await.unwrap();
    }
}

#[tokio::test]
async fn lines_typed_ahead_wait_until_the_last_answer_is_taken() {
    let (mut wires, mut ends) = wires();
    let lines = ["help", "queues", "xyzzy"];
    for line in lines {
        let line = Input::Line(line.to_owned());
        ends.inputs.send(line).await.unwrap();
    }
    ends.inputs.send(Input::End).await.unwrap();
    let session = tokio::spawn(async move {
        let mut model = model();
        drive_lines(&mut model, &mut wires, None).await
    });
    let mut said = Vec::new();
    while said.len() < 5 && !session.is_finished() {
        answer_all(&mut ends).await;
        yield_now().await;
        if let Ok(frame) = ends.frames.try_recv() {
            said.push(String::from_utf8(frame).unwrap());
            for _ in 0..20 {
                answer_all(&mut ends).await;
                yield_now().await;
            }
            assert!(ends.frames.try_recv().is_err(), "the last one is not taken");
            ends.taken.send(Ok(())).await.unwrap();
        }
    }
    assert!(matches!(
        session.await.unwrap(),
        Ended::Lines(Outcome::Misused)
    ));
    let all = said.concat();
    let places = [
        "Lines instead",
        "Here and now:",
        "Queues: 0",
        "no word “xyzzy”",
    ];
    let found = places.map(|part| all.find(part).unwrap_or_else(|| panic!("{part}: {all}")));
    assert!(found.is_sorted(), "{all}");
}

#[tokio::test]
async fn who_takes_no_words_ends_the_session_whatever_was_typed() {
    let (mut wires, ends) = wires();
    ends.taken
        .send(Err(io::ErrorKind::BrokenPipe.into()))
        .await
        .unwrap();
    let ended = drive_lines(&mut model(), &mut wires, Some(80)).await;
    assert!(matches!(ended, Ended::HungUp));
}
