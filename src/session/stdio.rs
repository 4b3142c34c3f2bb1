//! Lines from the standard input, words to the standard output: a terminal as it is, or pipes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::thread;

use crossterm::event::Event;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::{INPUTS_MAX, Input, TtyWires};

/// Bytes of a line that are handed on: more than the console takes, so that it says so.
const LINE_MAX: u64 = 16 * 1_024;

/// The width of the terminal; none if the words go elsewhere.
pub fn width() -> Option<u16> {
    let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let size = crossterm::terminal::size().ok().filter(|_| is_terminal)?;
    Some(size.0.max(1))
}

/// The ends of a session's wires. The threads end with the process: a read cannot be broken off.
pub fn stdio() -> io::Result<TtyWires> {
    let (inputs, inbox) = mpsc::channel(INPUTS_MAX);
    if width().is_some() {
        tokio::spawn(resizes(inputs.clone())?);
    }
    let (frames, waiting) = mpsc::channel(1);
    let (report, taken) = mpsc::channel(1);
    let from = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let to = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    spawn("lines", move || read(BufReader::new(from), &inputs))?;
    spawn("words", move || write(to, waiting, &report))?;
    Ok(TtyWires {
        inputs: inbox,
        frames,
        taken,
    })
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work)?;
    Ok(())
}

fn read(mut from: impl BufRead, inputs: &mpsc::Sender<Input>) {
    while let Ok(Some(line)) = next_line(&mut from) {
        if inputs.blocking_send(Input::Line(line)).is_err() {
            return;
        }
    }
    // Nobody may be listening any more, which is the end as well.
    let _ = inputs.blocking_send(Input::End);
}

/// One line, cut where it is longer than any may be; `None` at the end.
pub(super) fn next_line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    from.by_ref().take(LINE_MAX).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.len() as u64 == LINE_MAX && !bytes.ends_with(b"\n") {
        skip_line(from)?;
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn skip_line(from: &mut impl BufRead) -> io::Result<()> {
    loop {
        let piece = from.fill_buf()?;
        let end = piece.iter().position(|byte| *byte == b'\n');
        let count = end.map_or(piece.len(), |at| at + 1);
        let is_over = end.is_some() || piece.is_empty();
        from.consume(count);
        if is_over {
            return Ok(());
        }
    }
}

fn write(
    mut to: File,
    mut waiting: mpsc::Receiver<Vec<u8>>,
    report: &mpsc::Sender<io::Result<()>>,
) {
    while let Some(words) = waiting.blocking_recv() {
        if report.blocking_send(to.write_all(&words)).is_err() {
            return;
        }
    }
}

fn resizes(inputs: mpsc::Sender<Input>) -> io::Result<impl Future<Output = ()> + Send> {
    let mut changed = signal(SignalKind::window_change())?;
    Ok(async move {
        while changed.recv().await.is_some() {
            if let Ok((width, height)) = crossterm::terminal::size() {
                // One that finds no room is followed by another, or by lines of the old width.
                drop(inputs.try_send(Input::Event(Event::Resize(width, height))));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_end_costs_no_memory_and_the_next_one_is_whole() {
        let long = "x".repeat(3 * LINE_MAX as usize);
        let text = format!("open 1\n{long}\r\nwait\n\nlast");
        let mut from = BufReader::new(text.as_bytes());
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut from).unwrap() {
            lines.push(line);
        }
        assert_eq!(lines[1].len() as u64, LINE_MAX);
        assert_eq!(
            [&lines[0], &lines[2], &lines[3], &lines[4]],
            ["open 1\n", "wait\n", "\n", "last"]
        );
    }
}
