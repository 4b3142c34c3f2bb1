//! The webhook as Automation has it, compared with what this instance receives: what is missing or wrong,
//! and what would put it right. Pure.

use std::collections::BTreeSet;

use secrecy::ExposeSecret;
use url::Url;

use crate::adapters::automation::hook::TRIGGERS;
use crate::adapters::is_loopback;
use crate::app::config::{Instance, Webhook};
use crate::app::error::AppError;
use crate::ports::{Hook, HookDraft, HookId};

/// How ours is to be known among Automation's webhooks.
const NAME: &str = "passerelle";

/// What is to be registered, and as what.
#[derive(Debug, Clone)]
pub(in crate::app) struct Registration {
    pub(in crate::app) url: Url,
    draft: HookDraft,
}

/// Why webhooks do not arrive, or not all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::app) enum Flaw {
    Missing,
    /// By somebody, or by Automation itself after a hundred calls that failed.
    Unpublished(HookId),
    /// Calls come with a signature that is refused.
    OtherSecret(HookId),
    /// Types of events that it is not called for.
    NotCalledFor(HookId, Vec<String>),
    /// Each event is posted so many times.
    Several(Vec<HookId>),
}

/// What puts it right.
#[derive(Debug, Clone)]
pub(in crate::app) enum Step {
    Create(HookDraft),
    Edit(HookId, HookDraft),
    Remove(HookId),
}

impl Registration {
    /// Under the public address, or where both are on one machine under the one that is listened at.
    pub(in crate::app) fn of(instance: &Instance, webhook: &Webhook) -> Result<Self, AppError> {
        let url = match &webhook.public_url {
            Some(url) => url.clone(),
            None if webhook.listen.ip().is_loopback()
                && is_loopback(&instance.automation.base_url) =>
            {
                let here = format!("http://{}{}", webhook.listen, webhook.path);
                here.parse()
                    .map_err(|_| AppError::Usage(format!("{here} is no address")))?
            }
            None => {
                return Err(AppError::Usage(
                    "set [webhook] public_url to the https address under which Automation reaches \
                     your proxy; it cannot reach this machine's own address"
                        .to_owned(),
                ));
            }
        };
        let draft = HookDraft {
            name: format!("{NAME} {}", instance.name),
            url: url.to_string(),
            secret: webhook.secret.clone(),
            triggers: TRIGGERS.map(str::to_owned).into(),
        };
        Ok(Self { url, draft })
    }

    /// Ours among all of them: those that are posted to our address.
    pub(in crate::app) fn ours<'a>(&self, hooks: &'a [Hook]) -> Vec<&'a Hook> {
        let is_ours = |hook: &&Hook| {
            let url = Url::parse(&hook.url);
            url.is_ok_and(|url| url == self.url)
        };
        hooks.iter().filter(is_ours).collect()
    }

    /// What is wrong, for whoever shows it.
    pub(in crate::app) fn flaws(&self, hooks: &[Hook]) -> Vec<Flaw> {
        let ours = self.ours(hooks);
        let Some(first) = ours.first() else {
            return vec![Flaw::Missing];
        };
        let mut flaws = Vec::new();
        if ours.len() > 1 {
            flaws.push(Flaw::Several(ours.iter().map(|hook| hook.id).collect()));
        }
        if !first.is_published {
            flaws.push(Flaw::Unpublished(first.id));
        }
        if first.secret.expose_secret() != self.draft.secret.expose_secret() {
            flaws.push(Flaw::OtherSecret(first.id));
        }
        let lacking: Vec<String> = self.lacking(first).into_iter().collect();
        if !lacking.is_empty() {
            flaws.push(Flaw::NotCalledFor(first.id, lacking));
        }
        flaws
    }

    pub(in crate::app) fn lacking(&self, hook: &Hook) -> BTreeSet<String> {
        let lacking = self.draft.triggers.difference(&hook.triggers);
        lacking.cloned().collect()
    }

    /// What registering does: the first of ours is put right and keeps what else it is called for; the
    /// others are taken away. Nothing, if nothing is wrong.
    pub(in crate::app) fn steps(&self, hooks: &[Hook]) -> Vec<Step> {
        let ours = self.ours(hooks);
        let Some((first, others)) = ours.split_first() else {
            return vec![Step::Create(self.draft.clone())];
        };
        let mut steps: Vec<Step> = others.iter().map(|hook| Step::Remove(hook.id)).collect();
        let is_of_number = |flaw: &Flaw| matches!(flaw, Flaw::Several(_));
        if !self.flaws(hooks).iter().all(is_of_number) {
            let mut draft = self.draft.clone();
            draft.name.clone_from(&first.name);
            draft.triggers.extend(first.triggers.iter().cloned());
            steps.push(Step::Edit(first.id, draft));
        }
        steps
    }
}

impl Flaw {
    /// In a sentence, with what to do.
    pub(in crate::app) fn words(&self) -> String {
        match self {
            Self::Missing => "Automation has no webhook to this address; run: passerelle webhook \
                              register"
                .to_owned(),
            Self::Unpublished(id) => format!(
                "webhook {} is unpublished: Automation does that itself after about a hundred failed \
                 calls; see that it reaches the address, then run: passerelle webhook register",
                id.0
            ),
            Self::OtherSecret(id) => format!(
                "webhook {} signs with another secret than [webhook] secret, so its calls are refused; \
                 run: passerelle webhook register",
                id.0
            ),
            Self::NotCalledFor(id, lacking) => format!(
                "webhook {} is not called for {}; run: passerelle webhook register",
                id.0,
                lacking.join(", ")
            ),
            Self::Several(ids) => {
                let ids: Vec<String> = ids.iter().map(|id| id.0.to_string()).collect();
                format!(
                    "webhooks {} are all posted to this address; run: passerelle webhook register",
                    ids.join(", ")
                )
            }
        }
    }
}

impl Step {
    /// What it does, as an order.
    pub(in crate::app) fn words(&self) -> String {
        match self {
            Self::Create(draft) => format!(
                "create a webhook to {} for {} types of events",
                draft.url,
                draft.triggers.len()
            ),
            Self::Edit(id, draft) => format!(
                "publish webhook {} to {} for {} types of events, signed with [webhook] secret",
                id.0,
                draft.url,
                draft.triggers.len()
            ),
            Self::Remove(id) => format!("remove webhook {}", id.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://hooks.acme.example/automation";

    fn registration() -> Registration {
        Registration {
            url: URL.parse().unwrap(),
            draft: HookDraft {
                name: "passerelle acme".to_owned(),
                url: URL.to_owned(),
                secret: "a secret of our own".to_owned().into(),
                triggers: TRIGGERS.map(str::to_owned).into(),
            },
        }
    }

    fn hook(id: u64) -> Hook {
        Hook {
            id: HookId(id),
            name: "ours".to_owned(),
            url: URL.to_owned(),
            secret: "a secret of our own".to_owned().into(),
            triggers: TRIGGERS.map(str::to_owned).into(),
            is_published: true,
        }
    }

    fn said(steps: &[Step]) -> Vec<String> {
        steps.iter().map(Step::words).collect()
    }

    #[test]
    fn a_webhook_that_is_right_needs_nothing_and_those_of_others_are_left_alone() {
        let other = Hook {
            url: "https://crm.other.example/".to_owned(),
            is_published: false,
            ..hook(1)
        };
        let hooks = [other.clone(), hook(2)];
        assert!(registration().flaws(&hooks).is_empty());
        assert!(registration().steps(&hooks).is_empty());
        assert_eq!(registration().flaws(&[other]), [Flaw::Missing]);
    }

    #[test]
    fn each_flaw_is_told_and_put_right() {
        let unpublished = Hook {
            is_published: false,
            ..hook(3)
        };
        let flaws = registration().flaws(std::slice::from_ref(&unpublished));
        assert_eq!(flaws, [Flaw::Unpublished(HookId(3))]);
        let other = Hook {
            secret: "another secret".to_owned().into(),
            ..hook(3)
        };
        let flaws = registration().flaws(std::slice::from_ref(&other));
        assert_eq!(flaws, [Flaw::OtherSecret(HookId(3))]);
        for hook in [unpublished, other] {
            let steps = registration().steps(&[hook]);
            assert!(matches!(steps[..], [Step::Edit(HookId(3), _)]), "{steps:?}");
        }
        let steps = registration().steps(&[hook(3), hook(4)]);
        assert_eq!(said(&steps), ["remove webhook 4"]);
    }

    #[test]
    fn what_a_webhook_is_called_for_besides_stays() {
        let mut hook = hook(3);
        hook.triggers = ["mautic.page_on_hit".to_owned()].into();
        let steps = registration().steps(&[hook]);
        let [Step::Edit(_, draft)] = &steps[..] else {
            panic!("{steps:?}");
        };
        assert_eq!(draft.triggers.len(), TRIGGERS.len() + 1);
        assert_eq!(draft.name, "ours");
    }

    #[test]
    fn no_words_hold_the_secret() {
        let registration = registration();
        let flaws = [hook(1), hook(2)];
        let words = format!("{:?} {:?}", registration, registration.flaws(&flaws));
        assert!(!words.contains("a secret of our own"), "{words}");
    }
}
