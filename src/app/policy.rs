//! From the instance file and the two systems' own descriptions to the rules the engine works by.

use crate::app::config::{Mapped, Plugin, Setup};
use crate::console::{Language, Tongue, objected};
use crate::domain::drift::Descriptions;
use crate::domain::ids::{FieldId, Kind};
use crate::domain::mapping::{FieldRule, Mapping, Policy, Role};
use crate::domain::setup::{
    Objection, Pair, Systems, Unfit, Weight, assume, objections, owners, rule,
};

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
    let (mapping, lines) = mapping(plugin, described, &Mapping::default())?;
    let automation_url = automation_url.trim_end_matches('/').to_owned();
    let policy = policy(plugin, mapping, automation_url);
    let against = objections(None, &policy, described);
    let refused = refused(&against, &lines);
    if refused.is_empty() {
        Ok(policy)
    } else {
        Err(refused)
    }
}

/// The configuration of a file, to be put in the place of one that is in force. Pairs that are in force
/// already are taken as they are: what became of their fields since is not the file's fault. What the
/// whole is worth is judged by whoever saves it.
pub fn on(
    before: &Policy,
    setup: &Setup,
    described: &Descriptions,
) -> Result<Policy, Vec<MappingProblem>> {
    let mut plugin = setup.plugin.clone().unwrap_or_else(|| settings(before));
    plugin.namespace.clone_from(&before.namespace);
    let Some([person, company]) = &setup.mapping else {
        let mapping = before.mapping.clone();
        return Ok(policy(&plugin, mapping, before.automation_url.clone()));
    };
    plugin.person.clone_from(person);
    plugin.company.clone_from(company);
    let (mapping, _) = mapping(&plugin, described, &before.mapping)?;
    Ok(policy(&plugin, mapping, before.automation_url.clone()))
}

/// What stands beside the mapping, as a file would say it.
fn settings(policy: &Policy) -> Plugin {
    Plugin {
        published: policy.published,
        objects: policy.objects.clone(),
        activities: policy.activities,
        sync_owners: policy.sync_owners,
        update_blanks: policy.update_blanks,
        latest_do_not_contact: policy.latest_do_not_contact,
        create_accounts: policy.create_accounts,
        activity_types: policy.activity_types.clone(),
        namespace: policy.namespace.clone(),
        person: Vec::new(),
        company: Vec::new(),
    }
}

fn policy(plugin: &Plugin, mapping: Mapping, automation_url: String) -> Policy {
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
        automation_url,
    }
}

/// The rules of a file, with the line of each.
fn mapping(
    plugin: &Plugin,
    described: &Descriptions,
    known: &Mapping,
) -> Result<(Mapping, Vec<usize>), Vec<MappingProblem>> {
    let systems = Systems {
        salesforce: &described.salesforce,
        automation: &described.automation,
    };
    let mut problems = Vec::new();
    let mut lines = Vec::new();
    let mapping = numbered(plugin, |id, kind, mapped| {
        lines.push(mapped.line);
        let mut known = known.rules(kind).iter();
        if let Some(known) = known.find(|rule| Pair::of(rule) == mapped.pair) {
            let known = known.clone();
            return Some(FieldRule { id, ..known });
        }
        match rule(id, kind, &mapped.pair, &plugin.objects, systems) {
            Ok(rule) => Some(rule),
            Err(unfit) => {
                problems.push(problem(mapped.line, unfit));
                None
            }
        }
    });
    if problems.is_empty() {
        Ok((mapping, lines))
    } else {
        Err(problems)
    }
}

/// Rules are numbered as they stand in the file, from 1, whether they can be made or not.
fn numbered(
    plugin: &Plugin,
    mut made: impl FnMut(FieldId, Kind, &Mapped) -> Option<FieldRule>,
) -> Mapping {
    let mut last = 0;
    let mut rules = |mapped: &[Mapped], kind| -> Vec<FieldRule> {
        let rules = mapped.iter().filter_map(|mapped| {
            last += 1;
            made(FieldId(last), kind, mapped)
        });
        rules.collect()
    };
    let mut person = rules(&plugin.person, Kind::Person);
    let company = rules(&plugin.company, Kind::Company);
    if plugin.sync_owners && person.iter().all(|rule| rule.role != Role::Owner) {
        person.push(owners(FieldId(last + 1), &plugin.objects));
    }
    Mapping { person, company }
}

/// Refusals with the line of the file that each is about.
fn refused(against: &[Objection], lines: &[usize]) -> Vec<MappingProblem> {
    let refused = against.iter().filter(|objection| objection.is_refusal());
    let refused = refused.map(|objection| {
        let number = objection.about.map_or(0, |(_, id)| usize::from(id.0));
        let line = number.checked_sub(1).and_then(|index| lines.get(index));
        MappingProblem {
            line: line.copied().unwrap_or(1),
            problem: said(objection),
        }
    });
    refused.collect()
}

/// The same where it does not work yet: a pair that cannot be a rule is taken for the rule that it would
/// be, so that a set-up can be examined by what it should become.
pub fn assumed(plugin: &Plugin, described: Option<&Descriptions>, automation_url: &str) -> Policy {
    let systems = described.map(|described| Systems {
        salesforce: &described.salesforce,
        automation: &described.automation,
    });
    let mapping = numbered(plugin, |id, kind, mapped| {
        let (pair, objects) = (&mapped.pair, &plugin.objects);
        let fits = systems.and_then(|systems| rule(id, kind, pair, objects, systems).ok());
        fits.or_else(|| assume(id, kind, pair, objects))
    });
    let automation_url = automation_url.trim_end_matches('/').to_owned();
    policy(plugin, mapping, automation_url)
}

/// The settings alone: enough to ask the systems to describe themselves.
pub fn bare(plugin: &Plugin, automation_url: &str) -> Policy {
    let automation_url = automation_url.trim_end_matches('/').to_owned();
    policy(plugin, Mapping::default(), automation_url)
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
