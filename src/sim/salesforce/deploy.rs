//! Metadata deployments: an archive that waits, is worked on, and ends as a whole or in part.
//!
//! Metadata API guide, `deploy()` and `DeployResult`; REST resource `metadata/deployRequest`.

mod components;
pub(crate) mod field;
mod manifest;
mod objects;
mod permissions;
mod sites;
mod xml;
pub(crate) use xml::Element;
mod zip;

use std::collections::BTreeMap;

use super::error::{ApiError, ErrorCode, Outcome};
use super::ids::RecordId;
use super::org::{Call, Salesforce};
use super::schema::UserRight;
use crate::sim::clock::Timestamp;

/// Metadata API: an archive.
const ARCHIVE_BYTES_MAX: usize = 39 << 20;
/// How long a deployment waits, and how long it works.
const QUEUED_MS: i64 = 1_000;
const WORKING_MS: i64 = 2_000;

pub(crate) type Files = BTreeMap<String, Vec<u8>>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TestLevel {
    /// As when nothing is said: tests run only where there is Apex.
    Unsaid,
    NoTestRun,
    Other(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeployOptions {
    pub(crate) check_only: bool,
    pub(crate) rollback_on_error: bool,
    /// Only echoed: nothing that is deployed here ends with a warning.
    pub(crate) ignore_warnings: bool,
    pub(crate) test_level: TestLevel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeployStatus {
    Pending,
    InProgress,
    Succeeded,
    SucceededPartial,
    Failed,
    Canceled,
}

impl DeployStatus {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InProgress => "InProgress",
            Self::Succeeded => "Succeeded",
            Self::SucceededPartial => "SucceededPartial",
            Self::Failed => "Failed",
            Self::Canceled => "Canceled",
        }
    }

    pub(crate) const fn is_over(self) -> bool {
        !matches!(self, Self::Pending | Self::InProgress)
    }
}

/// What became of one component: made, changed, or refused for a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Component {
    /// `CustomField`; empty for the manifest itself.
    pub(crate) kind: String,
    pub(crate) full_name: String,
    pub(crate) file: String,
    pub(crate) made: Option<Made>,
    /// Always an error: nothing that is deployed here ends with a mere warning.
    pub(crate) problem: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    Created,
    Changed,
}

impl Component {
    fn done(kind: &str, full_name: &str, file: &str, made: Made) -> Self {
        Self {
            kind: kind.to_owned(),
            full_name: full_name.to_owned(),
            file: file.to_owned(),
            made: Some(made),
            problem: None,
        }
    }

    fn failed(kind: &str, full_name: &str, file: &str, problem: impl Into<String>) -> Self {
        Self {
            made: None,
            problem: Some(problem.into()),
            ..Self::done(kind, full_name, file, Made::Changed)
        }
    }

    pub(crate) const fn is_error(&self) -> bool {
        self.problem.is_some()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Deployment {
    pub(crate) id: RecordId,
    pub(crate) user: RecordId,
    pub(crate) created: Timestamp,
    pub(crate) completed: Option<Timestamp>,
    pub(crate) options: DeployOptions,
    pub(crate) status: DeployStatus,
    pub(crate) components: Vec<Component>,
    /// Why nothing was looked at: the archive itself is no good.
    pub(crate) broken: Option<String>,
    files: Result<Files, &'static str>,
}

impl Deployment {
    pub(crate) fn errors(&self) -> usize {
        self.components.iter().filter(|one| one.is_error()).count()
    }

    /// Those that stand in the organisation, or would.
    pub(crate) fn deployed(&self) -> usize {
        if self.status == DeployStatus::Failed {
            return 0;
        }
        self.components.len() - self.errors()
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Deployments(Vec<Deployment>);

impl Salesforce {
    /// Takes an archive in.
    ///
    /// 1. The caller must hold one of the two permissions.
    /// 2. Production does not let tests be left out by name.
    /// 3. Production rolls back on error.
    /// 4. The archive is read when its turn comes; its size is looked at here.
    pub(crate) fn deploy(
        &mut self,
        call: &Call,
        options: DeployOptions,
        archive: &[u8],
    ) -> Outcome<RecordId> {
        self.check_may_deploy()?;
        let refused = |message: &str| ApiError::new(ErrorCode::INVALID_OPERATION, message);
        if !self.config.is_sandbox && options.test_level == TestLevel::NoTestRun {
            let message = "testLevel of NoTestRun cannot be used in production organizations";
            return Err(refused(message));
        }
        if !self.config.is_sandbox && !options.rollback_on_error {
            let message = "rollbackOnError must be true for production organizations";
            return Err(refused(message));
        }
        if let TestLevel::Other(level) = &options.test_level
            && !["RunSpecifiedTests", "RunLocalTests", "RunAllTestsInOrg"].contains(&level.as_str())
        {
            let message = format!("Invalid value for enum TestLevel: {level}");
            return Err(ApiError::new(ErrorCode::JSON_PARSER_ERROR, message));
        }
        if archive.len() > ARCHIVE_BYTES_MAX {
            let message =
                "Maximum size of request reached. Maximum size of request is 40894464 bytes";
            return Err(ApiError::new(ErrorCode::LIMIT_EXCEEDED, message));
        }
        let id = Self::setup_id("0Af", self.deployments.0.len());
        self.deployments.0.push(Deployment {
            id,
            user: call.user,
            created: call.now,
            completed: None,
            options,
            status: DeployStatus::Pending,
            components: Vec::new(),
            broken: None,
            files: zip::files(archive),
        });
        Ok(id)
    }

    /// *Modify Metadata Through Metadata API Functions* or *Modify All Data*.
    fn check_may_deploy(&self) -> Outcome<()> {
        let may = [UserRight::ModifyMetadata, UserRight::ModifyAllData];
        if may.into_iter().any(|right| self.has_right(right)) {
            return Ok(());
        }
        let message = "You do not have access to the Metadata API: use of it requires the Modify \
                       Metadata Through Metadata API Functions or Modify All Data user permission.";
        Err(ApiError::new(ErrorCode::INSUFFICIENT_ACCESS, message))
    }

    pub(crate) fn deployment(&self, id: RecordId) -> Outcome<&Deployment> {
        self.check_may_deploy()?;
        let found = self.deployments.0.iter().find(|one| one.id == id);
        found.ok_or_else(ApiError::resource_missing)
    }

    /// Ends one that has not begun to work yet.
    pub(crate) fn cancel_deployment(&mut self, id: RecordId, now: Timestamp) -> Outcome<()> {
        self.check_may_deploy()?;
        let found = self.deployments.0.iter_mut().find(|one| one.id == id);
        let deployment = found.ok_or_else(ApiError::resource_missing)?;
        if deployment.status.is_over() {
            let message = format!("Deployment already {}", deployment.status.name());
            return Err(ApiError::new(ErrorCode::INVALID_OPERATION, message));
        }
        deployment.status = DeployStatus::Canceled;
        deployment.completed = Some(now);
        Ok(())
    }

    pub(super) fn advance_deployments(&mut self, now: Timestamp) {
        for place in 0..self.deployments.0.len() {
            let deployment = &self.deployments.0[place];
            let age = now.as_millis() - deployment.created.as_millis();
            if deployment.status.is_over() || age < QUEUED_MS {
                continue;
            }
            if age < QUEUED_MS + WORKING_MS {
                self.deployments.0[place].status = DeployStatus::InProgress;
                continue;
            }
            self.finish(place, now);
        }
    }

    fn finish(&mut self, place: usize, now: Timestamp) {
        let deployment = &mut self.deployments.0[place];
        let files = std::mem::replace(&mut deployment.files, Ok(Files::new()));
        let (options, user) = (deployment.options.clone(), deployment.user);
        let (status, components, broken) = match files {
            Err(problem) => (DeployStatus::Failed, Vec::new(), Some(problem.to_owned())),
            Ok(files) => {
                let (status, components) = self.work(&Call::new(now, user), &options, &files);
                (status, components, None)
            }
        };
        let deployment = &mut self.deployments.0[place];
        deployment.status = status;
        deployment.components = components;
        deployment.broken = broken;
        deployment.completed = Some(now);
    }

    /// Applies what the archive holds, and takes all of it back if it was only a check, or if
    /// something failed and the caller wanted everything or nothing.
    fn work(
        &mut self,
        call: &Call,
        options: &DeployOptions,
        files: &Files,
    ) -> (DeployStatus, Vec<Component>) {
        let before = (self.schema.clone(), self.setup.clone());
        let mut components = Vec::new();
        let mut has_failed = false;
        let kept = self.atomically(|org| {
            components = components::apply(org, call, files);
            has_failed = components.iter().any(Component::is_error);
            if options.check_only || has_failed && options.rollback_on_error {
                Err(())
            } else {
                Ok(())
            }
        });
        if kept.is_err() {
            self.setup = before.1;
            self.restore_schema(before.0, call.now);
        }
        let any_left = components.iter().any(|one| !one.is_error());
        let status = match (has_failed, options.rollback_on_error) {
            (false, _) => DeployStatus::Succeeded,
            (true, false) if any_left => DeployStatus::SucceededPartial,
            _ => DeployStatus::Failed,
        };
        (status, components)
    }
}
