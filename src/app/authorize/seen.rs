//! Whether we are let in, as far as it was seen; and what was done about it, put on record, where a sync
//! runs.

use tokio::sync::broadcast::error::RecvError;

use super::logins::Known;
use super::{attempt, denied, kept, kept_secret, same_place, stopped, wanted};
use crate::app::compose::Opened;
use crate::app::config::{AutomationFlow, Instance, SalesforceFlow};
use crate::app::door::Door;
use crate::app::error::{AppError, Refused};
use crate::app::house::House;
use crate::app::log::TOLD;
use crate::domain::access::{
    Access, AccessAct, Entrant, Flow, SecretName, SecretWanted, Standing, Why,
};
use crate::domain::command::{Command, Fact};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::Side;

/// Asks a side who we are, by the running sync's own client: it alone may use the tokens.
pub(in crate::app) async fn check_served(house: &House, side: Side) -> Result<Entrant, AppError> {
    let checked = ask_served(house, side).await;
    let stop = stop_of(house, side);
    let standing = standing(&house.connected.opened, checked.as_ref());
    let opened = &house.connected.opened;
    opened.logins.remember(side, Known { standing, stop });
    checked
}

async fn ask_served(house: &House, side: Side) -> Result<Entrant, AppError> {
    let opened = &house.connected.opened;
    let clients = &house.connected.identities;
    let identity = match side {
        Side::Salesforce => clients.salesforce.identity().await,
        Side::Automation => clients.automation.identity().await,
    };
    let attempt = attempt(&opened.instance, side);
    let identity = identity.map_err(|failure| AppError::NotLetIn(attempt.denial(&failure)))?;
    // The sync belongs to what it was connected to, and to nothing else.
    let described = &house.connected.described;
    let bound = match side {
        Side::Salesforce => &described.salesforce.organisation,
        Side::Automation => &described.automation.instance,
    };
    same_place(bound, &identity)?;
    Ok(identity)
}

/// What an attempt, or its end, has shown.
pub(super) fn remember(opened: &Opened, side: Side, seen: Result<&Entrant, &AppError>) {
    let stop = opened
        .served
        .as_ref()
        .and_then(|served| stop_of(&served.house, side));
    let standing = standing(opened, seen);
    opened.logins.remember(side, Known { standing, stop });
}

fn standing(opened: &Opened, seen: Result<&Entrant, &AppError>) -> Standing {
    let at = opened.clock.now();
    match seen {
        Ok(identity) => Standing::In {
            at,
            who: identity.clone(),
        },
        Err(error) => Standing::Out {
            at,
            why: stopped(error),
        },
    }
}

/// Why the sync does not talk to a side, where it is not let in there.
fn stop_of(house: &House, side: Side) -> Option<Failure> {
    let snapshot = house.handle.snapshots.borrow();
    let failure = snapshot.stopped.get(&side)?;
    (failure.kind == FailureKind::Unauthorised).then(|| failure.clone())
}

/// A side's door as it is known without asking anybody.
pub(in crate::app) async fn access(house: &House, side: Side) -> Access {
    let opened = &house.connected.opened;
    let instance = &opened.instance;
    let is_kept = kept_secret(opened, side).await;
    let secret = wanted(instance, side).map(|wanted| SecretWanted {
        name: secret_name(instance, side),
        is_optional: wanted.is_optional,
        is_kept,
    });
    let (flow, address) = flow_and_address(instance, side);
    Access {
        side,
        flow,
        address,
        wanted: secret,
        kept: kept(opened, side).await as u64,
        standing: known(house, side),
    }
}

/// 1. What stopped the sync since the last check is newer than the check.
/// 2. Else what the last check has shown.
/// 3. Else as both systems described themselves when the process connected.
fn known(house: &House, side: Side) -> Standing {
    let opened = &house.connected.opened;
    let known = opened.logins.known(side);
    let stop = stop_of(house, side);
    let is_newer = known.as_ref().is_none_or(|known| known.stop != stop);
    match (stop, known) {
        (Some(failure), _) if is_newer => Standing::Out {
            at: opened.clock.now(),
            why: refused(&opened.instance, side, &failure),
        },
        (_, Some(known)) => known.standing,
        (_, None) => Standing::In {
            at: house.connected.described.at,
            who: described(house, side),
        },
    }
}

fn refused(instance: &Instance, side: Side, failure: &Failure) -> Why {
    denied(&attempt(instance, side).denial(failure))
}

/// Without user and scopes: nobody asked for them.
fn described(house: &House, side: Side) -> Entrant {
    let described = &house.connected.described;
    match side {
        Side::Salesforce => Entrant {
            place: described.salesforce.organisation.clone(),
            place_name: described.salesforce.organisation_name.clone(),
            is_sandbox: Some(described.salesforce.is_sandbox),
            version: described.salesforce.api_version.clone(),
            ..Entrant::default()
        },
        Side::Automation => Entrant {
            place: described.automation.instance.clone(),
            place_name: described.automation.instance.clone(),
            version: described.automation.version.clone(),
            ..Entrant::default()
        },
    }
}

fn flow_and_address(instance: &Instance, side: Side) -> (Flow, String) {
    match side {
        Side::Salesforce => {
            let flow = match &instance.salesforce.flow {
                SalesforceFlow::AuthorizationCode { .. } => Flow::Person,
                SalesforceFlow::ClientCredentials { .. } => Flow::ClientCredentials,
                SalesforceFlow::JwtBearer { .. } => Flow::Assertion,
            };
            (flow, instance.salesforce.login_url.to_string())
        }
        Side::Automation => {
            let flow = match &instance.automation.flow {
                AutomationFlow::AuthorizationCode { .. } => Flow::Person,
                AutomationFlow::ClientCredentials { .. } => Flow::ClientCredentials,
                AutomationFlow::Basic { .. } => Flow::Password,
            };
            (flow, instance.automation.base_url.to_string())
        }
    }
}

const fn secret_name(instance: &Instance, side: Side) -> SecretName {
    match (side, &instance.automation.flow) {
        (Side::Salesforce, _) => SecretName::ConsumerSecret,
        (Side::Automation, AutomationFlow::Basic { .. }) => SecretName::Password,
        (Side::Automation, _) => SecretName::SecretKey,
    }
}

/// Puts on record what was done, by the running sync, which numbers the acts. Back once it is durable.
pub(in crate::app) async fn note(
    house: &House,
    door: &Door,
    (side, act): (Side, AccessAct),
    reason: &str,
) -> Result<(), AppError> {
    let operator = door.visitor.operator.name.as_str();
    let told = act.name();
    tracing::info!(target: TOLD, act = told, %side, operator, "access was changed");
    let command = Command::NoteAccess { side, act };
    let instruction = door.instruction(reason, command);
    let instruction = instruction.map_err(|needed| AppError::Denied {
        role: door.visitor.role,
        needed,
    })?;
    let mut facts = house.handle.facts();
    let unrecorded = || AppError::Unrecorded(act.name());
    let sent = house.handle.commands.send(instruction).await;
    sent.map_err(|_| unrecorded())?;
    loop {
        match facts.recv().await {
            Ok(told) if told.is_for(door.session) => match told.fact {
                Fact::Accepted(_) => return Ok(()),
                Fact::Refused(refusal) => return Err(AppError::Refused(Refused::from(refusal))),
                _ => {}
            },
            // What was missed may be the answer; it is durable before it is told, or the sync ended.
            Err(RecvError::Lagged(_)) => return Ok(()),
            Ok(_) => {}
            Err(RecvError::Closed) => return Err(unrecorded()),
        }
    }
}
