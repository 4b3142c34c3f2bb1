//! `replay`: a recorded console again, without store and network.

use crate::app::args::Replay;
use crate::app::commands::Place;
use crate::app::console::check_terminal;
use crate::app::error::{AppError, Status};
use crate::app::out::Out;
use crate::app::{picture, record};
use crate::console::tape::Player;
use crate::session::{self, Ended, Mouse, Tty};

pub(super) async fn perform(
    place: &Place,
    arguments: &Replay,
    out: &mut Out,
) -> Result<Status, AppError> {
    if !arguments.print {
        check_terminal(&place.env)?;
    }
    let mut player = Player::new(record::read(&arguments.file)?)?;
    let last = player.len();
    let until = match (arguments.until, arguments.print) {
        (Some(until), _) if until > last => {
            return Err(AppError::Usage(format!(
                "{} has {last} messages; --until takes at most that",
                arguments.file.display()
            )));
        }
        (Some(until), _) => until,
        (None, true) => last,
        (None, false) => 0,
    };
    player.go_to(until);
    if arguments.print {
        for line in picture::text(&player.screen()).lines() {
            out.line(line)?;
        }
        return Ok(Status::Done);
    }
    let mut tty = Tty::take(Mouse::Terminals)?;
    let (wires, size) = (tty.wires()?, Tty::size()?);
    let ended = session::replay(&mut player, wires, &mut tty, size).await;
    tty.give_back();
    match ended {
        Ended::Left | Ended::Lines(_) | Ended::Terminated | Ended::HungUp => Ok(Status::Done),
        Ended::Failed(error) => Err(AppError::Output(error)),
    }
}
