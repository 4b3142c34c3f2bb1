//! The configuration as the instance file has it: the truth until the first sync has begun.

use std::path::Path;

use super::Opened;
use crate::app::desk::plugin::KEPT_MAX;
use crate::app::error::AppError;
use crate::app::policy;
use crate::domain::drift::Descriptions;
use crate::domain::mapping::Policy;
use crate::domain::record::{Batch, Change, PolicyVersion, Review};
use crate::domain::setup::{Draft, Timetable, next_field};
use crate::ports::Store as _;

/// Before the first sync the instance file is still the truth, whatever was worked out from it earlier.
/// Answers whether that changed anything; not if an operator changed the configuration since.
pub async fn take_file_again(opened: &mut Opened, file: &Path) -> Result<bool, AppError> {
    let Some(known) = opened.recovered.policy.clone() else {
        return Ok(false);
    };
    if known.author != FILE {
        return Ok(false);
    }
    let described = opened.describe().await?;
    let versions = opened.store.policies(KEPT_MAX).await?;
    let used = versions.iter().map(|version| &version.policy);
    let next = next_field(used.chain([&known.policy]));
    let mut draft = Draft::new(known.version, &known.policy, Timetable::default(), next);
    // A pair that was there keeps its number: what was agreed on under it is agreed on for its fields alone.
    draft.replace(built(opened, file, &described)?);
    if !draft.is_changed() {
        return Ok(false);
    }
    let policy = draft.policy;
    let version = PolicyVersion {
        version: known.version + 1,
        at: opened.clock.now(),
        author: FILE.to_owned(),
        policy,
        timetable: None,
    };
    let review = Review {
        version: version.version,
        after: None,
        looked_at: 0,
        reads: true,
    };
    let changes = vec![
        Change::PutPolicy(Box::new(version)),
        Change::PutReview(review),
    ];
    opened.store.commit(Batch(changes)).await?;
    opened.recovered = opened.store.recover().await?;
    Ok(true)
}

/// Who made a configuration that came from the instance file.
const FILE: &str = "instance file";

fn built(opened: &Opened, file: &Path, described: &Descriptions) -> Result<Policy, AppError> {
    let url = opened.instance.automation.base_url.as_str();
    policy::build(&opened.instance.plugin, described, url).map_err(|problems| AppError::Mapping {
        path: file.display().to_string(),
        problems,
    })
}

pub(super) async fn first_policy(
    opened: &Opened,
    file: &Path,
    described: &Descriptions,
) -> Result<PolicyVersion, AppError> {
    let policy = built(opened, file, described)?;
    let version = PolicyVersion {
        version: 1,
        at: opened.clock.now(),
        author: FILE.to_owned(),
        policy,
        timetable: None,
    };
    let change = Change::PutPolicy(Box::new(version.clone()));
    opened.store.commit(Batch(vec![change])).await?;
    Ok(version)
}
