//! From the instance file and the two systems' own descriptions to the rules the engine works by.

use crate::app::config::{Mapped, Plugin};
use crate::console::{Language, Tongue, objected};
use crate::domain::drift::Descriptions;
use crate::domain::ids::{FieldId, Kind};
use crate::domain::mapping::{FieldRule, Mapping, Policy, Role};
use crate::domain::setup::{Objection, Systems, Unfit, Weight, assume, objections, owners, rule};

/// What is wrong with the mapping: in which line of the file, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct MappingProblem {
    pub line: usize,
    pub problem: String,
}

/// Works out every rule, or says everything that is wrong at once.
pub fn build(
    plugin: &Plugin,
    described: &Descriptions,
    automation_url: &str,
) -> Result<Policy, Vec<MappingProblem>> {
    let systems = Systems {
        salesforce: &described.salesforce,
        automation: &described.automation,
    };
    let mut problems = Vec::new();
    let mut lines = Vec::new();
    let mut rules = |mapped: &[Mapped], kind| {
        let mut rules: Vec<FieldRule> = Vec::with_capacity(mapped.len());
        for mapped in mapped {
            lines.push(mapped.line);
            // Numbered as they stand in the file, from 1.
            let id = FieldId(u16::try_from(lines.len()).unwrap_or(u16::MAX));
            match rule(id, kind, &mapped.pair, &plugin.objects, systems) {
                Ok(rule) => rules.push(rule),
                Err(unfit) => problems.push(problem(mapped.line, unfit)),
            }
        }
        rules
    };
    let mut person = rules(&plugin.person, Kind::Person);
    let company = rules(&plugin.company, Kind::Company);
    if plugin.sync_owners && person.iter().all(|rule| rule.role != Role::Owner) {
        let id = FieldId(u16::try_from(lines.len() + 1).unwrap_or(u16::MAX));
        person.push(owners(id, &plugin.objects));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let policy = settled(plugin, Mapping { person, company }, automation_url);
    let against = objections(None, &policy, described).into_iter();
    let refused = against.filter(Objection::is_refusal).map(|objection| {
        let number = objection.about.map_or(0, |(_, id)| usize::from(id.0));
        let line = number.checked_sub(1).and_then(|index| lines.get(index));
        MappingProblem {
            line: line.copied().unwrap_or(1),
            problem: said(&objection),
        }
    });
    let refused: Vec<MappingProblem> = refused.collect();
    if refused.is_empty() {
        Ok(policy)
    } else {
        Err(refused)
    }
}

/// The same where it does not work yet: a pair that cannot be a rule is taken for the rule that it would
/// be, so that a set-up can be examined by what it should become.
pub fn assumed(plugin: &Plugin, described: Option<&Descriptions>, automation_url: &str) -> Policy {
    let systems = described.map(|described| Systems {
        salesforce: &described.salesforce,
        automation: &described.automation,
    });
    let mut next = 0;
    let mut rules = |mapped: &[Mapped], kind| -> Vec<FieldRule> {
        let pairs = mapped.iter().filter_map(|mapped| {
            next += 1;
            let (id, pair, objects) = (FieldId(next), &mapped.pair, &plugin.objects);
            let fits = systems.and_then(|systems| rule(id, kind, pair, objects, systems).ok());
            fits.or_else(|| assume(id, kind, pair, objects))
        });
        pairs.collect()
    };
    let mut person = rules(&plugin.person, Kind::Person);
    let company = rules(&plugin.company, Kind::Company);
    if plugin.sync_owners && person.iter().all(|rule| rule.role != Role::Owner) {
        person.push(owners(FieldId(next + 1), &plugin.objects));
    }
    settled(plugin, Mapping { person, company }, automation_url)
}

/// The settings alone: enough to ask the systems to describe themselves.
pub fn bare(plugin: &Plugin, automation_url: &str) -> Policy {
    settled(plugin, Mapping::default(), automation_url)
}

fn settled(plugin: &Plugin, mapping: Mapping, automation_url: &str) -> Policy {
    Policy {
        mapping,
        published: plugin.published,
        objects: plugin.objects.clone(),
        activities: plugin.activities,
        update_blanks: plugin.update_blanks,
        latest_do_not_contact: plugin.latest_do_not_contact,
        sync_owners: plugin.sync_owners,
        create_accounts: plugin.create_accounts,
        activity_types: plugin.activity_types.clone(),
        namespace: plugin.namespace.clone(),
        automation_url: automation_url.trim_end_matches('/').to_owned(),
    }
}

fn problem(line: usize, unfit: Unfit) -> MappingProblem {
    MappingProblem {
        line,
        problem: said(&unfit.about(None, Weight::Refused)),
    }
}

/// In the language of files and commands.
fn said(objection: &Objection) -> String {
    objected(&Language::new(Tongue::English), objection)
}
