//! The dates of consent, as both systems have them on record.

use crate::domain::consent::{Consent, Dated, Evidence, Proof};
use crate::domain::ids::{AutomationId, LinkId, RemoteId, Side};
use crate::domain::request::{AutomationRequest, Request};
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::engine::work::{Desk, Job};

impl Engine {
    pub(super) fn take_dated_consent(
        &mut self,
        desk: &mut Desk,
        now: Timestamp,
        id: LinkId,
        consent: Consent,
        at: Timestamp,
    ) {
        let Some(link) = desk.links.get_mut(&id) else {
            return;
        };
        let Some(view) = &mut link.consent.automation else {
            return;
        };
        let dated = Dated::exactly(at, Proof::DatedRecord);
        let mut evidence = Evidence::default();
        match consent {
            Consent::Out(_) => evidence.opted_out = Some(dated),
            Consent::In => evidence.opted_in = Some(dated),
            Consent::Bounced => return,
        }
        if merge_evidence(&mut view.evidence, evidence) {
            self.settle(desk, id, now);
        }
    }

    pub(super) fn take_evidence(
        &mut self,
        desk: &mut Desk,
        now: Timestamp,
        side: Side,
        links: &[LinkId],
        evidence: Vec<(RemoteId, Evidence)>,
    ) {
        for (record, evidence) in evidence {
            let Some(link) = desk.find(record).and_then(|id| desk.links.get_mut(&id)) else {
                continue;
            };
            let view = link.consent.on_mut(side);
            if let Some(view) = view {
                merge_evidence(&mut view.evidence, evidence);
            }
        }
        match side {
            Side::Salesforce => {
                let ids: Vec<AutomationId> = links
                    .iter()
                    .filter_map(|id| desk.links.get(id)?.automation.as_ref().map(|end| end.id))
                    .collect();
                for id in links {
                    desk.mark_changed(*id);
                }
                let request = AutomationRequest::Evidence { ids };
                desk.after.requests.push((
                    Job::Evidence {
                        side: Side::Automation,
                        links: links.to_vec(),
                    },
                    Request::Automation(request),
                ));
            }
            Side::Automation => {
                for id in links {
                    self.fresh.insert(*id);
                    self.settle(desk, *id, now);
                }
            }
        }
    }
}

/// Keeps the later of each date. Returns whether anything changed.
fn merge_evidence(known: &mut Evidence, new: Evidence) -> bool {
    let later = |known: Option<Dated>, new: Option<Dated>| match (known, new) {
        (Some(known), Some(new)) if new.latest < known.latest => Some(known),
        // The same event, dated more closely.
        (known, None) => known,
        (_, new) => new,
    };
    let merged = Evidence {
        opted_out: later(known.opted_out, new.opted_out),
        opted_in: later(known.opted_in, new.opted_in),
    };
    let is_news = merged != *known;
    *known = merged;
    is_news
}
