//! One change by hand: what was typed, made in a draft or refused with what would do.

use crate::app::args::{
    Configuring, Direction, MappedKind, NewPair, Options, PairNames, PluginCommand, Switch,
};
use crate::app::error::{AppError, Refused};
use crate::console::{Language, Time, Tongue, objected};
use crate::domain::ids::{Kind, SalesforceObject};
use crate::domain::mapping::{Arrow, BlankTravel, Concurrent, FieldRule, Overwritten, Role};
use crate::domain::setup::{
    Draft, Pair, Set, Setting, Systems, Timetable, Unfit, Weight, is_namespace,
};

const SETTINGS: [(&str, Setting); 9] = [
    ("published", Setting::Published),
    ("objects", Setting::Objects),
    ("activities", Setting::Activities),
    ("activity_types", Setting::ActivityTypes),
    ("latest_do_not_contact", Setting::LatestDoNotContact),
    ("update_blanks", Setting::UpdateBlanks),
    ("sync_owners", Setting::SyncOwners),
    ("create_accounts", Setting::CreateAccounts),
    ("namespace", Setting::Namespace),
];

const TIMES: [(&str, Time); 5] = [
    ("schedule.enabled", Time::Schedule),
    ("schedule.pull", Time::Pull),
    ("schedule.push", Time::Push),
    ("schedule.activities", Time::Activities),
    ("schedule.overlap", Time::Overlap),
];

/// Makes it, and answers how it is to be saved.
pub(super) fn make<'a>(
    change: &'a PluginCommand,
    draft: &mut Draft,
    systems: Systems<'_>,
) -> Result<&'a Configuring, AppError> {
    match change {
        PluginCommand::Set {
            name,
            value,
            configuring,
        } => {
            set(draft, name, value)?;
            Ok(configuring)
        }
        PluginCommand::Add(asked) => {
            add(draft, asked, systems)?;
            Ok(&asked.configuring)
        }
        PluginCommand::Change {
            pair,
            options,
            configuring,
        } => {
            alter(draft, pair, options, systems)?;
            Ok(configuring)
        }
        PluginCommand::Remove { pair, configuring } => {
            let (kind, rule) = mapped(draft, pair)?;
            draft.remove(kind, rule.id);
            Ok(configuring)
        }
        _ => Err(AppError::Usage("this changes nothing by hand".to_owned())),
    }
}

fn add(draft: &mut Draft, asked: &NewPair, systems: Systems<'_>) -> Result<(), AppError> {
    let kind = kind_of(asked.kind);
    let field = asked.salesforce.as_str();
    let pair = Pair {
        salesforce: field.to_owned(),
        objects: wanted_objects(draft, kind, &asked.objects, field, systems)?,
        automation: asked.automation.clone(),
        arrow: arrow_of(asked.arrow),
        overwritten: overwritten(asked.review),
        blank: blank(asked.clear),
        concurrent: concurrent(asked.newest),
    };
    draft.add(kind, &pair, systems).map_err(refused)?;
    Ok(())
}

fn alter(
    draft: &mut Draft,
    names: &PairNames,
    options: &Options,
    systems: Systems<'_>,
) -> Result<(), AppError> {
    let (kind, rule) = mapped(draft, names)?;
    let mut wanted = Pair::of(&rule);
    if let Some(arrow) = options.arrow {
        wanted.arrow = arrow_of(arrow);
    }
    if !options.set_objects.is_empty() {
        wanted.objects = named_objects(kind, &options.set_objects)?;
    }
    let is_on = |switch| switch == Switch::On;
    if let Some(review) = options.review.map(is_on) {
        wanted.overwritten = overwritten(review);
    }
    if let Some(clear) = options.clear.map(is_on) {
        wanted.blank = blank(clear);
    }
    if let Some(newest) = options.newest.map(is_on) {
        wanted.concurrent = concurrent(newest);
    }
    let changed = draft.change(kind, rule.id, &wanted, systems);
    changed.map_err(refused)?;
    Ok(())
}

const fn kind_of(kind: MappedKind) -> Kind {
    match kind {
        MappedKind::People => Kind::Person,
        MappedKind::Companies => Kind::Company,
    }
}

const fn arrow_of(direction: Direction) -> Arrow {
    match direction {
        Direction::Salesforce => Arrow::Salesforce,
        Direction::Automation => Arrow::Automation,
        Direction::Both => Arrow::Both,
    }
}

const fn overwritten(review: bool) -> Overwritten {
    if review {
        Overwritten::Review
    } else {
        Overwritten::Keep
    }
}

const fn blank(clear: bool) -> BlankTravel {
    if clear {
        BlankTravel::Clears
    } else {
        BlankTravel::Never
    }
}

const fn concurrent(newest: bool) -> Concurrent {
    if newest {
        Concurrent::Newest
    } else {
        Concurrent::Conflict
    }
}

pub(super) fn refused(unfit: Unfit) -> AppError {
    let objection = unfit.about(None, Weight::Refused);
    let language = Language::new(Tongue::English);
    let said = format!("  {}", objected(&language, &objection));
    AppError::Refused(Refused::Objected(vec![said]))
}

fn set(draft: &mut Draft, name: &str, value: &str) -> Result<(), AppError> {
    let setting = SETTINGS.iter().find(|(known, _)| *known == name);
    if let Some((_, setting)) = setting {
        let value = match setting.of(&draft.policy) {
            Set::Switch(_) => Set::Switch(switch(name, value)?),
            Set::Names(_) if *setting == Setting::Objects => {
                let objects = named(value);
                check_objects(&objects)?;
                Set::Names(objects)
            }
            Set::Names(_) => Set::Names(named(value)),
            Set::Text(_) if !is_namespace(value.trim()) => {
                return Err(AppError::Usage(
                    "a prefix has at most 15 letters, digits and single underscores, and begins \
                     with a letter"
                        .to_owned(),
                ));
            }
            Set::Text(_) => Set::Text(value.trim().to_owned()),
        };
        draft.set(*setting, value);
        return Ok(());
    }
    let time = TIMES.iter().find(|(known, _)| *known == name);
    match time {
        Some((_, Time::Schedule)) => {
            draft.timetable.is_enabled = switch(name, value)?;
            Ok(())
        }
        Some((_, time)) => {
            let span = Timetable::typed(value).ok_or_else(|| {
                AppError::Usage(format!(
                    "{name} is a time like “20m”, “1h” or “2d”, 10 s at least"
                ))
            })?;
            time.set(&mut draft.timetable, span);
            Ok(())
        }
        None => {
            let settings = SETTINGS.iter().map(|(name, _)| *name);
            let known: Vec<&str> = settings.chain(TIMES.map(|(name, _)| name)).collect();
            Err(AppError::Usage(format!(
                "there is no setting “{name}”; known are: {}",
                known.join(", ")
            )))
        }
    }
}

fn switch(name: &str, value: &str) -> Result<bool, AppError> {
    match value {
        "on" | "true" | "yes" => Ok(true),
        "off" | "false" | "no" => Ok(false),
        _ => Err(AppError::Usage(format!(
            "{name} is on or off, not “{value}”"
        ))),
    }
}

fn named(value: &str) -> Vec<String> {
    let names = value.split(',').map(str::trim);
    let names = names.filter(|name| !name.is_empty());
    names.map(ToOwned::to_owned).collect()
}

fn check_objects(names: &[String]) -> Result<(), AppError> {
    names.iter().try_for_each(|name| object(name).map(|_| ()))
}

fn object(name: &str) -> Result<SalesforceObject, AppError> {
    let mut all = SalesforceObject::ALL.into_iter();
    let found = all.find(|object| object.name().eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        AppError::Usage(format!(
            "“{name}” is no object: Lead, Contact or Account (for Activity there is the setting \
             activities)"
        ))
    })
}

fn named_objects(kind: Kind, names: &[String]) -> Result<Vec<SalesforceObject>, AppError> {
    let objects: Result<Vec<SalesforceObject>, _> = names.iter().map(|name| object(name)).collect();
    let objects = objects?;
    if objects.iter().any(|object| object.kind() != kind) {
        return Err(AppError::Usage(
            "people are a Lead or a Contact, companies an Account".to_owned(),
        ));
    }
    Ok(objects)
}

/// Those that were named, else all that are synced and have the field.
fn wanted_objects(
    draft: &Draft,
    kind: Kind,
    names: &[String],
    field: &str,
    systems: Systems<'_>,
) -> Result<Vec<SalesforceObject>, AppError> {
    if !names.is_empty() {
        return named_objects(kind, names);
    }
    let synced = draft.policy.objects.iter().copied();
    let synced: Vec<SalesforceObject> = synced.filter(|object| object.kind() == kind).collect();
    let has_it = |object: &SalesforceObject| {
        let fields = systems.salesforce.objects.get(object.name());
        fields.is_some_and(|fields| fields.iter().any(|f| f.name.eq_ignore_ascii_case(field)))
    };
    let having: Vec<SalesforceObject> = synced.iter().copied().filter(has_it).collect();
    // None has it: the rule says so, and which name is near.
    Ok(if having.is_empty() { synced } else { having })
}

fn mapped(draft: &Draft, names: &PairNames) -> Result<(Kind, FieldRule), AppError> {
    let kind = kind_of(names.kind);
    let is_it = |rule: &&FieldRule| {
        rule.salesforce.eq_ignore_ascii_case(&names.salesforce)
            && rule.automation == names.automation
    };
    let rules = draft.policy.mapping.rules(kind);
    let found: Vec<&FieldRule> = rules.iter().filter(is_it).collect();
    let rule = chosen(&found, kind, names)?.clone();
    if rule.role == Role::Owner && draft.policy.sync_owners {
        return Err(AppError::Usage(
            "this pair belongs to the option for owners: passerelle plugin set sync_owners off"
                .to_owned(),
        ));
    }
    Ok((kind, rule))
}

/// The one of these pairs that is meant: the only one, or the one that is for exactly the named objects.
fn chosen<'a>(
    found: &[&'a FieldRule],
    kind: Kind,
    names: &PairNames,
) -> Result<&'a FieldRule, AppError> {
    let pair = format!("{} and {}", names.salesforce, names.automation);
    if found.is_empty() {
        return Err(AppError::Usage(format!(
            "{pair} are not mapped to each other; see: passerelle plugin"
        )));
    }
    let named = named_objects(kind, &names.objects)?;
    let is_for_them = |rule: &&&FieldRule| {
        let all = rule.objects.iter().all(|object| named.contains(object));
        all && named.iter().all(|object| rule.objects.contains(object))
    };
    let there: Vec<String> = found.iter().map(|rule| objects_of(rule, ",")).collect();
    match (named.is_empty(), found) {
        (true, [only]) => Ok(only),
        (true, _) => Err(AppError::Usage(format!(
            "{pair} are mapped to each other by {} pairs; say which one with --objects {}",
            found.len(),
            there.join(" or --objects ")
        ))),
        (false, _) => found.iter().find(is_for_them).copied().ok_or_else(|| {
            AppError::Usage(format!(
                "no pair of {pair} is for exactly {}; there is --objects {} (--set-objects changes \
                 what a pair is for)",
                names.objects.join(","),
                there.join(" and --objects ")
            ))
        }),
    }
}

/// The Salesforce objects that a pair is for.
pub(super) fn objects_of(rule: &FieldRule, between: &str) -> String {
    let names: Vec<&str> = rule.objects.iter().map(|object| object.name()).collect();
    names.join(between)
}
