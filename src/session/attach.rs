//! The thin client: it owns the terminal and nothing else. Keys go up, screens come down, and the
//! terminal is given back whatever happens at the other end.

use std::future::pending;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::wire::{self, Down, Farewell, Hello, Up};
use super::{Host as _, Input, Mouse, Tty, TtyWires};

/// The serving process answers a greeting within this.
const WELCOME_PATIENCE: Duration = Duration::from_secs(10);

/// Who presses Ctrl-C leaves after this, even if the other end does not answer.
const LEAVING_PATIENCE: Duration = Duration::from_secs(3);

/// Keys on their way: a person is slower, and a serving process that takes none must not stop us.
const UPS_MAX: usize = 64;

/// Characters of a paste that are handed on.
const PASTE_MAX: usize = 16 * 1_024;

/// How it ended.
#[derive(Debug)]
pub enum Over {
    Ended(Farewell),
    Refused(String),
    /// The serving process is gone, or said something that is no frame.
    Vanished(io::Error),
    /// It did not answer when asked to let us go.
    Silent,
    /// Our own terminal is gone, or a signal asked us to end.
    HungUp,
}

/// Shows a console of the serving process on this terminal.
pub async fn attach(mut stream: UnixStream, hello: Hello, mouse: Mouse) -> io::Result<Over> {
    if let Some(over) = knock(&mut stream, hello).await? {
        return Ok(over);
    }
    let mut tty = Tty::take(mouse)?;
    let wires = tty.wires()?;
    let over = relay(stream, wires, &mut tty).await;
    tty.end().await;
    over
}

/// Asks to be let in; answers why not, if so.
async fn knock(stream: &mut UnixStream, hello: Hello) -> io::Result<Option<Over>> {
    wire::write_up(stream, &Up::Hello(Box::new(hello))).await?;
    let answer = timeout(WELCOME_PATIENCE, wire::read_down(stream)).await;
    Ok(match answer {
        Ok(Ok(Some(Down::Welcome))) => None,
        Ok(Ok(Some(Down::Refused(why)))) => Some(Over::Refused(why)),
        Ok(Ok(_)) => Some(Over::Vanished(io::ErrorKind::UnexpectedEof.into())),
        Ok(Err(error)) => Some(Over::Vanished(error)),
        Err(_) => Some(Over::Silent),
    })
}

/// Hands lines up and words down. Lines wait here while the serving process has not answered.
pub async fn attach_lines(
    mut stream: UnixStream,
    hello: Hello,
    mut wires: TtyWires,
) -> io::Result<Over> {
    if let Some(over) = knock(&mut stream, hello).await? {
        return Ok(over);
    }
    let (from, mut to) = stream.into_split();
    let (hand_down, mut downs) = mpsc::channel(1);
    let reader = tokio::spawn(hear(from, hand_down));
    let inputs = async {
        while let Some(input) = wires.inputs.recv().await {
            let up = match input {
                Input::Line(line) => Up::Line(line),
                Input::End => Up::End,
                Input::Event(event) => Up::Event(event),
                Input::Suspend | Input::Terminate | Input::HungUp => continue,
            };
            if wire::write_up(&mut to, &up).await.is_err() {
                break;
            }
        }
        // The end is told by the other half of the line, which stays open.
        pending::<()>().await;
    };
    let words = async {
        loop {
            let words = match downs.recv().await {
                Some(Ok(Some(Down::Result(words)))) => words,
                Some(Ok(Some(Down::Ended(farewell)))) => return Over::Ended(farewell),
                Some(Ok(Some(Down::Refused(why)))) => return Over::Refused(why),
                Some(Ok(Some(Down::Welcome | Down::Note(_) | Down::Ask(_) | Down::Screen(_)))) => {
                    continue;
                }
                Some(Ok(None)) | None => {
                    return Over::Vanished(io::ErrorKind::UnexpectedEof.into());
                }
                Some(Err(error)) => return Over::Vanished(error),
            };
            let is_sent = wires.frames.send(words).await.is_ok();
            if !is_sent || !matches!(wires.taken.recv().await, Some(Ok(()))) {
                return Over::HungUp;
            }
        }
    };
    let over = tokio::select! {
        over = words => over,
        () = inputs => Over::HungUp,
    };
    reader.abort();
    Ok(over)
}

async fn relay(stream: UnixStream, mut wires: TtyWires, tty: &mut Tty) -> io::Result<Over> {
    let (from, to) = stream.into_split();
    let (hand_down, mut downs) = mpsc::channel(1);
    let reader = tokio::spawn(hear(from, hand_down));
    let (ups, waiting) = mpsc::channel::<Up>(UPS_MAX + 1);
    let writer = tokio::spawn(say(to, waiting));
    let mut leaving = None;
    let over = loop {
        let patience = async {
            match &mut leaving {
                Some(patience) => drop(Pin::as_mut(patience).await),
                None => pending().await,
            }
        };
        tokio::select! {
            input = wires.inputs.recv() => match input {
                Some(Input::Event(event)) => {
                    if is_ctrl_c(&event) {
                        leaving.get_or_insert_with(|| Box::pin(timeout(LEAVING_PATIENCE, pending::<()>())));
                    }
                    press(&ups, event);
                }
                Some(Input::Suspend) => {
                    let (width, height) = tty.suspend()?;
                    // Everything is drawn again for a terminal that was somebody else's meanwhile.
                    press(&ups, Event::Resize(width, height));
                }
                Some(Input::Terminate | Input::HungUp | Input::End) | None => break Over::HungUp,
                Some(Input::Line(_)) => {}
            },
            down = downs.recv() => {
                if let Some(over) = take(down, &wires) {
                    break over;
                }
            }
            taken = wires.taken.recv() => match taken {
                // There is room kept for it.
                Some(Ok(())) => drop(ups.try_send(Up::Taken)),
                Some(Err(_)) | None => break Over::HungUp,
            },
            () = patience => break Over::Silent,
        }
    };
    reader.abort();
    writer.abort();
    Ok(over)
}

/// What the serving process says, until it says nothing more.
async fn hear(mut from: OwnedReadHalf, hand_down: mpsc::Sender<io::Result<Option<Down>>>) {
    loop {
        let down = wire::read_down(&mut from).await;
        let is_last = !matches!(down, Ok(Some(_)));
        if hand_down.send(down).await.is_err() || is_last {
            return;
        }
    }
}

async fn say(mut to: OwnedWriteHalf, mut waiting: mpsc::Receiver<Up>) {
    while let Some(up) = waiting.recv().await {
        // The end of the line is told by its other half.
        if wire::write_up(&mut to, &up).await.is_err() {
            return;
        }
    }
}

/// One frame of the serving process: a screen for the terminal, or the end.
fn take(down: Option<io::Result<Option<Down>>>, wires: &TtyWires) -> Option<Over> {
    match down {
        Some(Ok(Some(Down::Screen(screen)))) => {
            // The terminal took the last one, or the serving process is out of step.
            let is_out_of_step = wires.frames.try_send(screen).is_err();
            is_out_of_step.then(|| Over::Vanished(io::ErrorKind::InvalidData.into()))
        }
        Some(Ok(Some(Down::Ended(farewell)))) => Some(Over::Ended(farewell)),
        Some(Ok(Some(Down::Refused(why)))) => Some(Over::Refused(why)),
        Some(Ok(Some(Down::Welcome | Down::Result(_) | Down::Note(_) | Down::Ask(_)))) => None,
        Some(Ok(None)) | None => Some(Over::Vanished(io::ErrorKind::UnexpectedEof.into())),
        Some(Err(error)) => Some(Over::Vanished(error)),
    }
}

/// Hands a key on, unless too many wait already.
fn press(ups: &mpsc::Sender<Up>, event: Event) {
    let event = match event {
        Event::Paste(text) => Event::Paste(text.chars().take(PASTE_MAX).collect()),
        event => event,
    };
    if ups.capacity() > 1 {
        // Its end is told by the other half of the line.
        drop(ups.try_send(Up::Event(event)));
    }
}

fn is_ctrl_c(event: &Event) -> bool {
    matches!(
        event,
        Event::Key(KeyEvent { code: KeyCode::Char('c'), modifiers, .. })
            if modifiers.contains(KeyModifiers::CONTROL)
    )
}
