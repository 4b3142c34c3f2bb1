//! The webhook as Automation has it, compared with what this instance receives: what is missing or wrong,
//! and what would put it right. Pure.

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::secret;
use crate::adapters::automation::hook::TRIGGERS;
use crate::adapters::is_loopback;
use crate::app::config::{Instance, Webhook};
use crate::app::error::AppError;
use crate::domain::webhook::{Flaw, Registered, Registration};
use crate::ports::{Hook, HookChange, HookDraft};

/// How ours is to be known among Automation's webhooks.
const NAME: &str = "passerelle";

/// What is to be registered, and as what.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    url: Url,
    name: String,
    /// `None`: there is none yet.
    secret: Option<SecretString>,
}

/// What a look has found, and what was wanted.
#[derive(Debug)]
pub(in crate::app) struct Found {
    pub(in crate::app) registered: Registered,
    wanted: Wanted,
    /// Ours, as in `registered`.
    ours: Vec<Hook>,
}

impl Wanted {
    /// Under the public address, or where both are on one machine under the one that is listened at.
    pub(super) fn of(
        instance: &Instance,
        webhook: &Webhook,
        secret: Option<SecretString>,
    ) -> Result<Self, AppError> {
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
        Ok(Self {
            url,
            name: format!("{NAME} {}", instance.name),
            secret,
        })
    }

    /// Looks for ours among all of them.
    pub(super) fn among(self, hooks: Vec<Hook>) -> Found {
        let (mut ours, others): (Vec<Hook>, _) =
            hooks.into_iter().partition(|hook| self.is_at(hook));
        if ours.is_empty() {
            // The address was another one before, or somebody changed it there.
            let mut others = others.into_iter();
            ours.extend(others.find(|hook| hook.name == self.name));
        }
        let registered = Registered {
            address: self.url.to_string(),
            ours: ours.iter().map(|hook| self.seen(hook)).collect(),
        };
        Found {
            registered,
            wanted: self,
            ours,
        }
    }

    fn is_at(&self, hook: &Hook) -> bool {
        Url::parse(&hook.url).is_ok_and(|url| url == self.url)
    }

    fn seen(&self, hook: &Hook) -> Registration {
        let is_needed = |name: &&str| !hook.triggers.contains(*name);
        Registration {
            id: hook.id.0,
            elsewhere: (!self.is_at(hook)).then(|| hook.url.clone()),
            is_published: hook.is_published,
            is_signed: self
                .secret
                .as_ref()
                .is_some_and(|ours| ours.expose_secret() == hook.secret.expose_secret()),
            lacking: TRIGGERS
                .into_iter()
                .filter(is_needed)
                .map(str::to_owned)
                .collect(),
        }
    }
}

impl Found {
    /// Those that are ours.
    pub(in crate::app) fn ours(&self) -> &[Hook] {
        &self.ours
    }

    /// What registering does: the first of ours is put right and keeps what else it is called for; the
    /// others are taken away. Nothing, if nothing is wrong. Where there is no secret yet, one is made.
    pub(in crate::app) fn to_register(&self) -> Result<Vec<HookChange>, AppError> {
        let flaws = self.registered.flaws();
        if flaws.is_empty() {
            return Ok(Vec::new());
        }
        let secret = match &self.wanted.secret {
            Some(secret) => secret.clone(),
            None => secret::made()?,
        };
        let mut draft = HookDraft {
            name: self.wanted.name.clone(),
            url: self.wanted.url.to_string(),
            secret,
            triggers: TRIGGERS.map(str::to_owned).into(),
        };
        let Some((first, others)) = self.ours.split_first() else {
            return Ok(vec![HookChange::Create(draft)]);
        };
        let removed = others.iter().map(|hook| HookChange::Remove(hook.id));
        let mut changes: Vec<HookChange> = removed.collect();
        let is_of_number = |flaw: &Flaw| matches!(flaw, Flaw::Several(_));
        if !flaws.iter().all(is_of_number) {
            draft.name.clone_from(&first.name);
            draft.triggers.extend(first.triggers.iter().cloned());
            changes.push(HookChange::Edit(first.id, draft));
        }
        Ok(changes)
    }

    /// What having it post no more does.
    pub(in crate::app) fn to_unregister(&self) -> Vec<HookChange> {
        let ids = self.ours.iter().map(|hook| hook.id);
        ids.map(HookChange::Remove).collect()
    }
}

/// What is wrong in a sentence, with what to do.
pub(in crate::app) fn told(flaw: &Flaw) -> String {
    let seen = match flaw {
        Flaw::Missing => "Automation has no webhook to this address".to_owned(),
        Flaw::Elsewhere(id, address) => {
            format!("webhook {id} bears our name and is posted to {address}")
        }
        Flaw::Unpublished(id) => format!(
            "webhook {id} is unpublished: Automation does that itself after about a hundred failed \
             calls; see that it reaches the address"
        ),
        Flaw::OtherSecret(id) => {
            format!("webhook {id} signs with another secret than ours, so its calls are refused")
        }
        Flaw::NotCalledFor(id, lacking) => {
            format!("webhook {id} is not called for {}", lacking.join(", "))
        }
        Flaw::Several(ids) => {
            let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
            format!("webhooks {} are all posted to this address", ids.join(", "))
        }
    };
    format!("{seen}; run: passerelle webhook register")
}

/// What a change does, as an order.
pub(in crate::app) fn ordered(change: &HookChange) -> String {
    match change {
        HookChange::Create(draft) => format!(
            "create a webhook to {} for {} types of events",
            draft.url,
            draft.triggers.len()
        ),
        HookChange::Edit(id, draft) => format!(
            "publish webhook {} to {} for {} types of events, signed with our secret",
            id.0,
            draft.url,
            draft.triggers.len()
        ),
        HookChange::Remove(id) => format!("remove webhook {}", id.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::HookId;

    const URL: &str = "https://hooks.acme.example/automation";

    fn wanted() -> Wanted {
        Wanted {
            url: URL.parse().unwrap(),
            name: "passerelle acme".to_owned(),
            secret: Some("a secret of our own".to_owned().into()),
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

    fn others(id: u64) -> Hook {
        Hook {
            url: "https://crm.other.example/".to_owned(),
            is_published: false,
            ..hook(id)
        }
    }

    fn flaws(hooks: &[Hook]) -> Vec<Flaw> {
        wanted().among(hooks.to_vec()).registered.flaws()
    }

    fn orders(hooks: &[Hook]) -> Vec<String> {
        let changes = wanted().among(hooks.to_vec()).to_register().unwrap();
        changes.iter().map(ordered).collect()
    }

    #[test]
    fn a_webhook_that_is_right_needs_nothing_and_those_of_others_are_left_alone() {
        let hooks = [others(1), hook(2)];
        assert_eq!(flaws(&hooks), []);
        assert_eq!(orders(&hooks), [""; 0]);
        assert_eq!(flaws(&hooks[..1]), [Flaw::Missing]);
        let gone = wanted().among(hooks.to_vec()).to_unregister();
        assert_eq!(
            gone.iter().map(ordered).collect::<Vec<_>>(),
            ["remove webhook 2"]
        );
    }

    #[test]
    fn each_flaw_is_told_and_put_right() {
        let unpublished = Hook {
            is_published: false,
            ..hook(3)
        };
        let other = Hook {
            secret: "another secret".to_owned().into(),
            ..hook(3)
        };
        let moved = Hook {
            name: "passerelle acme".to_owned(),
            url: "https://old.acme.example/".to_owned(),
            ..hook(3)
        };
        let order = format!(
            "publish webhook 3 to {URL} for {} types of events, signed with our secret",
            TRIGGERS.len()
        );
        let elsewhere = Flaw::Elsewhere(3, moved.url.clone());
        for (wrong, flaw) in [
            (unpublished, Flaw::Unpublished(3)),
            (other, Flaw::OtherSecret(3)),
            (moved.clone(), elsewhere),
        ] {
            assert_eq!(flaws(std::slice::from_ref(&wrong)), [flaw]);
            assert_eq!(orders(&[wrong]), [order.as_str()]);
        }
        let twice = [hook(3), hook(4)];
        assert_eq!(flaws(&twice), [Flaw::Several(vec![3, 4])]);
        assert_eq!(orders(&twice), ["remove webhook 4"]);
        // Whose address is right is ours; a namesake elsewhere may be another process's.
        assert_eq!(flaws(&[moved, hook(4)]), []);
    }

    #[test]
    fn what_a_webhook_is_called_for_besides_stays() {
        let mut hook = hook(3);
        hook.triggers = ["mautic.page_on_hit".to_owned()].into();
        let changes = wanted().among(vec![hook]).to_register().unwrap();
        let [HookChange::Edit(_, draft)] = &changes[..] else {
            panic!("{changes:?}");
        };
        assert_eq!(draft.triggers.len(), TRIGGERS.len() + 1);
        assert_eq!(draft.name, "ours");
    }

    #[test]
    fn without_a_secret_one_is_made_that_nobody_can_guess() {
        let made = || {
            let wanted = Wanted {
                secret: None,
                ..wanted()
            };
            let found = wanted.among(vec![hook(3)]);
            assert_eq!(found.registered.flaws(), [Flaw::OtherSecret(3)]);
            let changes = found.to_register().unwrap();
            let [HookChange::Edit(_, draft)] = &changes[..] else {
                panic!("{changes:?}");
            };
            draft.secret.expose_secret().to_owned()
        };
        assert_eq!(made().len(), 40);
        assert_ne!(made(), made());
    }

    #[test]
    fn no_words_hold_the_secret() {
        let found = wanted().among(vec![hook(1), others(2)]);
        let words = format!("{found:?} {:?}", found.to_register());
        assert!(!words.contains("a secret of our own"), "{words}");
    }
}
