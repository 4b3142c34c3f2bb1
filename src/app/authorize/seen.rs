//! Whether we are let in, as far as it was seen, where a sync runs.

use super::{attempt, denied, kept, kept_secret, same_place, wanted};
use crate::app::compose::Opened;
use crate::app::config::{AutomationFlow, Instance, SalesforceFlow};
use crate::app::error::AppError;
use crate::app::house::House;
use crate::app::said;
use crate::domain::access::{Access, Entrant, Flow, SecretName, SecretWanted, Standing, Why};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::Side;
use crate::domain::time::Timestamp;

/// Asks a side who we are, by the running sync's own client: it alone may use the tokens.
pub(in crate::app) async fn check_served(house: &House, side: Side) -> Result<Entrant, AppError> {
    let checked = ask_served(house, side).await;
    remember(&house.connected.opened, side, checked.as_ref());
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
    let at = opened.clock.now();
    let standing = match seen {
        Ok(identity) => Standing::In {
            at,
            who: identity.clone(),
        },
        Err(error) => Standing::Out {
            at,
            why: said::why(error),
        },
    };
    opened.logins.remember(side, standing);
}

/// Since when and why the sync does not talk to a side, where it is not let in there.
fn stop_of(house: &House, side: Side) -> Option<(Timestamp, Why)> {
    let snapshot = house.handle.snapshots.borrow();
    let (failure, at) = (
        snapshot.stopped.get(&side)?,
        snapshot.stopped_at.get(&side)?,
    );
    let instance = &house.connected.opened.instance;
    let is_out = failure.kind == FailureKind::Unauthorised;
    is_out.then(|| (*at, refused(instance, side, failure)))
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

/// Else as both systems described themselves when the process connected.
fn known(house: &House, side: Side) -> Standing {
    let seen = house.connected.opened.logins.known(side);
    latest(stop_of(house, side), seen).unwrap_or_else(|| Standing::In {
        at: house.connected.described.at,
        who: described(house, side),
    })
}

/// What stopped the sync since the last look is newer than the look.
fn latest(stop: Option<(Timestamp, Why)>, seen: Option<Standing>) -> Option<Standing> {
    let looked = seen.as_ref().and_then(Standing::at);
    match stop {
        Some((at, why)) if looked.is_none_or(|looked| looked < at) => {
            Some(Standing::Out { at, why })
        }
        _ => seen,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_refusal_after_a_success_is_news_again() {
        let seen = |at: i64| {
            Some(Standing::In {
                at: Timestamp(at),
                who: Entrant::default(),
            })
        };
        let ended = || Why {
            says: "denied-login-ended".into(),
            gaps: Vec::new(),
        };
        let stop = |at: i64| Some((Timestamp(at), ended()));
        let out = |at: i64| {
            Some(Standing::Out {
                at: Timestamp(at),
                why: ended(),
            })
        };
        assert_eq!(latest(stop(10), None), out(10));
        assert_eq!(
            latest(stop(10), seen(20)),
            seen(20),
            "the sync did not try yet"
        );
        assert_eq!(latest(stop(30), seen(20)), out(30));
        assert_eq!(latest(None, seen(20)), seen(20));
        assert_eq!(latest(None, None), None);
    }
}
