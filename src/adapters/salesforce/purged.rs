//! Records that were deleted and left the Recycle Bin: no query shows them any more, only the platform's
//! list of what was deleted, for fifteen days.
//!
//! The list also holds what is in the bin, and may hold what came back: what a query by id still shows
//! is not gone.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::super::failures::{Effect, Fault};
use super::errors;
use super::org::{Org, Sub, SubReply, missing};
use super::read::object_of;
use super::soql::{Condition, Literal, Name, Select};
use super::wire;
use crate::domain::ids::{RemoteId, SalesforceId, SalesforceObject};
use crate::domain::request::{Spent, Window};

/// The request for the list that goes with a window, if one does.
pub(super) fn listing(window: &Window) -> Result<Option<Sub>, Fault> {
    let Some(since) = window.lists_deleted_since() else {
        return Ok(None);
    };
    if window.from < window.until - Window::DELETED_REACH {
        let stream = window.stream;
        tracing::warn!(
            ?stream,
            "nothing was read for more than fifteen days: what was deleted and purged before is not told"
        );
    }
    let object = object_of(window.stream)?;
    let bound = |at| Literal::Moment(at).to_string().replace(':', "%3A");
    Ok(Some(Sub::get(format!(
        "/sobjects/{object}/deleted/?start={}&end={}",
        bound(since),
        bound(window.until)
    ))))
}

/// The ids of a list. One that is refused does not keep anything else from being read: the next one
/// covers its time too.
pub(super) fn listed(window: &Window, reply: Option<SubReply>) -> Vec<SalesforceId> {
    let read = reply.ok_or_else(missing).and_then(|reply| {
        if !reply.is_success() {
            return Err(errors::fault(reply.status, &reply.body, Effect::Reads));
        }
        let records = reply.body["deletedRecords"].as_array();
        let ids = records.map(|records| {
            let ids = records
                .iter()
                .filter_map(|record| wire::id_at(record, "id"));
            ids.collect()
        });
        ids.ok_or_else(|| Fault::broken("deleted", "the answer holds no list of deleted records"))
    });
    read.unwrap_or_else(|fault| {
        let (stream, code) = (window.stream, fault.failure.plain_code());
        tracing::warn!(?stream, code, "what was deleted for good cannot be listed");
        Vec::new()
    })
}

/// Those of them that are not there by their id. No call if there are none.
pub(super) async fn gone(
    org: &Org,
    spent: &mut Spent,
    object: SalesforceObject,
    listed: Vec<SalesforceId>,
) -> Result<Vec<RemoteId>, Fault> {
    let mut gone: BTreeSet<SalesforceId> = listed.into_iter().collect();
    let ids: Vec<SalesforceId> = gone.iter().copied().collect();
    let queries: Vec<Sub> = ids
        .chunks(org.portion())
        .map(|ids| by_id(object, ids))
        .collect();
    for record in org.whole_queries(spent, &queries).await?.iter().flatten() {
        gone.remove(&id(record)?);
    }
    let gone = gone.into_iter();
    Ok(gone.map(|id| RemoteId::Salesforce(object, id)).collect())
}

fn id(record: &Json) -> Result<SalesforceId, Fault> {
    wire::id_at(record, "Id").ok_or_else(|| Fault::broken("row", "a record has no readable Id"))
}

fn by_id(object: SalesforceObject, ids: &[SalesforceId]) -> Sub {
    let ids = ids.iter().copied().map(Literal::Id).collect();
    Sub::query_all(&Select {
        fields: vec![Name::known("Id")],
        from: Name::known(object.name()),
        condition: Some(Condition::In(Name::known("Id"), ids)),
        order: Vec::new(),
        limit: None,
    })
}
