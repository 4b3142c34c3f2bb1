//! A recording at a terminal: a key in, a frame out.

use std::io;

use crossterm::event::Event;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

use super::backend::Memory;
use super::driver::{Ended, FRAME_BEGINS, FRAME_ENDS, bounded};
use super::{Host, Input, TtyWires};
use crate::console::tape::{Player, Turned};

/// Shows a recording until its reader leaves or the terminal does.
pub async fn replay(
    player: &mut Player,
    wires: TtyWires,
    host: &mut dyn Host,
    size: (u16, u16),
) -> Ended {
    match step_through(player, wires, host, size).await {
        Ok(ended) => ended,
        Err(error) => Ended::Failed(error),
    }
}

async fn step_through(
    player: &mut Player,
    mut wires: TtyWires,
    host: &mut dyn Host,
    size: (u16, u16),
) -> io::Result<Ended> {
    let size = bounded(size);
    let options = TerminalOptions {
        viewport: Viewport::Fixed(Rect::new(0, 0, size.0, size.1)),
    };
    let mut terminal = Terminal::with_options(Memory::new(size), options)?;
    terminal.clear()?;
    let mut is_drawn = false;
    let mut is_busy = false;
    loop {
        if !is_drawn && !is_busy {
            terminal.draw(|frame| player.paint(frame.buffer_mut()))?;
            let drawn = terminal.backend_mut().take();
            // A closed channel shows below, as a dead line.
            let _ = wires
                .frames
                .try_send([FRAME_BEGINS, &drawn, FRAME_ENDS].concat());
            (is_drawn, is_busy) = (true, true);
        }
        let input = tokio::select! {
            input = wires.inputs.recv() => input,
            taken = wires.taken.recv() => match taken {
                Some(Ok(())) => {
                    is_busy = false;
                    continue;
                }
                Some(Err(_)) | None => return Ok(Ended::HungUp),
            },
        };
        let resized = match input {
            None | Some(Input::HungUp) => return Ok(Ended::HungUp),
            Some(Input::Terminate) => return Ok(Ended::Terminated),
            Some(Input::Suspend) => Some(host.suspend()?),
            Some(Input::Event(Event::Resize(width, height))) => Some((width, height)),
            Some(Input::Event(Event::Key(key))) => {
                if player.press(key) == Turned::Left {
                    return Ok(Ended::Left);
                }
                None
            }
            Some(Input::Event(_) | Input::Line(_) | Input::End) => continue,
        };
        if let Some(size) = resized.map(bounded) {
            terminal.backend_mut().resize(size);
            terminal.resize(Rect::new(0, 0, size.0, size.1))?;
            terminal.clear()?;
        }
        is_drawn = false;
    }
}
