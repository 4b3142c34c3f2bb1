//! A change that another command proposes, since what it is about was just made.

use super::{Ground, edit, put, told};
use crate::app::commands::{Place, sync};
use crate::app::compose::Mode;
use crate::app::error::AppError;
use crate::app::out::Out;
use crate::app::run::Goal;
use crate::domain::command::{Command, Scope};
use crate::domain::ids::Kind;
use crate::domain::mapping::Role;
use crate::domain::setup::{Draft, deleted};

/// A pair for the configuration in force, and what it would do.
pub(in crate::app::commands) struct Proposed {
    ground: Ground,
    draft: Draft,
}

impl Proposed {
    /// Deletions in Salesforce to a field that was just made. Nothing, where they are mapped.
    pub(in crate::app::commands) async fn deleted(
        place: &Place,
        (kind, field): (Kind, &str),
        out: &mut Out,
    ) -> Result<Option<Self>, AppError> {
        if place.served.is_some() {
            // The sync that runs has to see the field before it works by it.
            let connected = place.connect().await?;
            let goal = Goal::Once(Scope::OUTBOX);
            sync::measured(&connected, Mode::default(), goal, out).await?;
        }
        let ground = Ground::of(place).await?;
        let mut draft = ground.draft();
        if draft
            .policy
            .mapping
            .with_role(kind, Role::Deleted)
            .is_some()
        {
            return Ok(None);
        }
        let pair = deleted(&draft.policy, kind, field);
        let added = draft.add(kind, &pair, ground.systems());
        added.map_err(edit::refused)?;
        Ok(Some(Self { ground, draft }))
    }

    /// What would change, and what that would do, in lines.
    pub(in crate::app::commands) async fn told(&self) -> Result<Vec<String>, AppError> {
        let seen = self.ground.foresee(&self.draft).await?;
        let against = self.draft.objections(&self.ground.plugin.described);
        let mut lines = Vec::new();
        told::draft(&self.draft, &against, Some(&seen), &mut |line| {
            lines.push(line.to_owned());
            Ok(())
        })?;
        Ok(lines)
    }

    /// Whether it is in force.
    pub(in crate::app::commands) async fn put(
        self,
        place: &Place,
        reason: &str,
        out: &mut Out,
    ) -> Result<bool, AppError> {
        let command = Command::Configure {
            based_on: self.draft.based_on,
            policy: Box::new(self.draft.policy),
            timetable: self.draft.timetable,
        };
        let report = put(place, &self.ground.connected, reason, command, out).await?;
        Ok(!report.is_interrupted)
    }
}
