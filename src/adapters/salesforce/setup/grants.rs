//! Our user's rights, through one permission set of ours. Made row by row and only added to: a
//! deployed permission set would take away what its file does not name.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::super::super::failures::{Effect, Fault};
use super::super::errors;
use super::super::org::{Org, QueryPage, SUBREQUESTS_MAX, Sub, missing};
use super::super::soql::{Condition, Literal, Name, Select};
use super::super::wire;
use crate::domain::ids::SalesforceId;
use crate::domain::request::Spent;

/// The permission set's name.
const SET: &str = "Passerelle";

/// Composites of one grant: a few hundred rows.
const ROUNDS_MAX: usize = 20;

/// What our user is to be allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Objects whose records are to be seen, made and changed.
    pub(super) objects: BTreeSet<String>,
    /// Object and field, to be seen and changed.
    pub(super) fields: BTreeSet<(String, String)>,
    /// To be seen. A formula or a number that the platform counts up takes no more than that.
    pub(super) shown: BTreeSet<(String, String)>,
}

/// What became of a grant, in the platform's names.
#[derive(Debug, Default)]
pub(super) struct Granted {
    pub(super) made: Vec<String>,
    pub(super) refused: Vec<String>,
}

/// A request for a right, and what it is the right to. The request alone does not tell: what is only
/// completed is addressed by the number of its row.
#[derive(Debug, Clone)]
pub(super) struct Missing {
    pub(super) request: Sub,
    name: String,
}

/// What is there already.
#[derive(Debug, Default)]
struct Standing {
    set: Option<SalesforceId>,
    objects: Vec<Json>,
    fields: Vec<Json>,
    is_assigned: bool,
}

/// The requests that are missing, the permission set's own first. Those of a set that is yet to be
/// made refer to it, so they only make sense in one Composite with it. Two calls, one if there is no
/// set yet.
pub(super) async fn missing_steps(
    org: &Org,
    spent: &mut Spent,
    user: SalesforceId,
    wanted: &Wanted,
) -> Result<Vec<Missing>, Fault> {
    let standing = look(org, spent, user).await?;
    Ok(steps(&standing, user, wanted))
}

/// Makes what is missing. A row that is refused leaves the others as they are. One more Composite for
/// each 25 rows.
pub(super) async fn grant(
    org: &Org,
    spent: &mut Spent,
    user: SalesforceId,
    wanted: &Wanted,
) -> Result<Granted, Fault> {
    let mut granted = Granted::default();
    let mut refused = BTreeSet::new();
    for _ in 0..ROUNDS_MAX {
        let looked = missing_steps(org, spent, user, wanted).await;
        let round = match looked {
            Ok(mut steps) => {
                steps.retain(|step| !refused.contains(&step.name));
                if steps.is_empty() {
                    return Ok(granted);
                }
                // The rest refers to the set by its id once it is there.
                steps.truncate(SUBREQUESTS_MAX);
                one_round(org, spent, &steps, (&mut granted, &mut refused)).await
            }
            Err(fault) => Err(fault),
        };
        match round {
            Ok(()) => {}
            Err(fault) if granted.made.is_empty() => return Err(fault),
            Err(fault) => {
                granted.refused.push(format!("the rest: {}", fault.failure));
                return Ok(granted);
            }
        }
    }
    let message = "the permissions that were made are not there when they are looked for";
    Err(Fault::broken("permissions", message))
}

async fn one_round(
    org: &Org,
    spent: &mut Spent,
    steps: &[Missing],
    (granted, refused): (&mut Granted, &mut BTreeSet<String>),
) -> Result<(), Fault> {
    let subs: Vec<Sub> = steps.iter().map(|step| step.request.clone()).collect();
    let replies = org.composite(spent, &subs, Effect::Writes).await?;
    for (step, reply) in steps.iter().zip(replies) {
        let reply = reply.ok_or_else(missing)?;
        let name = &step.name;
        if reply.is_success() {
            granted.made.push(name.clone());
        } else {
            let fault = errors::fault(reply.status, &reply.body, Effect::Writes);
            granted.refused.push(format!("{name}: {}", fault.failure));
            refused.insert(name.clone());
        }
    }
    Ok(())
}

async fn look(org: &Org, spent: &mut Spent, user: SalesforceId) -> Result<Standing, Fault> {
    let named = Condition::Equal(Name::known("Name"), Literal::Text(SET.to_owned()));
    let sets = rows(org, spent, &[select("PermissionSet", &["Id"], named)]).await?;
    let Some(set) = sets.first().and_then(|rows| rows.first()) else {
        return Ok(Standing::default());
    };
    let id = wire::id_at(set, "Id")
        .ok_or_else(|| Fault::broken("permission-set", "a permission set has no readable Id"))?;
    let of_set = |field| Condition::Equal(Name::known(field), Literal::Id(id));
    let ours = Condition::All(vec![
        of_set("PermissionSetId"),
        Condition::Equal(Name::known("AssigneeId"), Literal::Id(user)),
    ]);
    let of_object = [
        "Id",
        "SobjectType",
        "PermissionsRead",
        "PermissionsCreate",
        "PermissionsEdit",
    ];
    let of_field = ["Id", "Field", "PermissionsRead", "PermissionsEdit"];
    let queries = [
        select("ObjectPermissions", &of_object, of_set("ParentId")),
        select("FieldPermissions", &of_field, of_set("ParentId")),
        select("PermissionSetAssignment", &["Id"], ours),
    ];
    let mut found = rows(org, spent, &queries).await?.into_iter();
    let mut next = || found.next().unwrap_or_default();
    Ok(Standing {
        set: Some(id),
        objects: next(),
        fields: next(),
        is_assigned: !next().is_empty(),
    })
}

fn select(from: &'static str, fields: &[&'static str], condition: Condition) -> Select {
    Select {
        fields: fields.iter().copied().map(Name::known).collect(),
        from: Name::known(from),
        condition: Some(condition),
        order: Vec::new(),
        limit: None,
    }
}

async fn rows(org: &Org, spent: &mut Spent, queries: &[Select]) -> Result<Vec<Vec<Json>>, Fault> {
    let subs: Vec<Sub> = queries.iter().map(Sub::query).collect();
    let replies = org.composite(spent, &subs, Effect::Reads).await?;
    let mut found = Vec::new();
    for reply in replies {
        found.push(QueryPage::read(reply.ok_or_else(missing)?)?.records);
    }
    Ok(found)
}

fn steps(standing: &Standing, user: SalesforceId, wanted: &Wanted) -> Vec<Missing> {
    let mut steps = Vec::new();
    let set = if let Some(id) = standing.set {
        id.to_string()
    } else {
        let body = json!({
            "Name": SET,
            "Label": "Passerelle",
            "Description": "What the sync with Automation reads and writes.",
        });
        steps.push(made("PermissionSet", SET, body));
        "@{r0.id}".to_owned()
    };
    for object in &wanted.objects {
        let full = ["PermissionsRead", "PermissionsCreate", "PermissionsEdit"];
        let key = ("SobjectType", object.as_str());
        let body = json!({ "ParentId": set, "SobjectType": object });
        steps.extend(raised(
            "ObjectPermissions",
            &standing.objects,
            (key, &full),
            body,
        ));
    }
    let full: &[&str] = &["PermissionsRead", "PermissionsEdit"];
    let written = wanted.fields.iter().map(|field| (field, full));
    let shown = wanted.shown.difference(&wanted.fields);
    for ((object, field), full) in written.chain(shown.map(|field| (field, &full[..1]))) {
        let field = format!("{object}.{field}");
        let key = ("Field", field.as_str());
        let body = json!({ "ParentId": set, "SobjectType": object, "Field": field });
        steps.extend(raised(
            "FieldPermissions",
            &standing.fields,
            (key, full),
            body,
        ));
    }
    if !standing.is_assigned {
        let body = json!({ "PermissionSetId": set, "AssigneeId": user.to_string() });
        steps.push(made("PermissionSetAssignment", SET, body));
    }
    steps
}

/// A row with all of these rights: made, completed, or nothing if it is there.
fn raised(
    object: &'static str,
    known: &[Json],
    ((name, value), full): ((&str, &str), &[&str]),
    mut body: Json,
) -> Option<Missing> {
    let is_it = |row: &&Json| {
        let found = row[name].as_str();
        found.is_some_and(|found| found.eq_ignore_ascii_case(value))
    };
    let Some(row) = known.iter().find(is_it) else {
        for right in full {
            body[*right] = json!(true);
        }
        return Some(made(object, value, body));
    };
    let lacking = full
        .iter()
        .filter(|right| row[**right].as_bool() != Some(true));
    let lacking: Vec<(String, Json)> = lacking
        .map(|right| ((*right).to_owned(), json!(true)))
        .collect();
    let id = wire::id_at(row, "Id").filter(|_| !lacking.is_empty())?;
    let request = Sub {
        method: "PATCH",
        path: format!("/sobjects/{object}/{id}"),
        headers: Vec::new(),
        body: Some(Json::Object(lacking.into_iter().collect())),
    };
    let name = format!("{object} {value}");
    Some(Missing { request, name })
}

fn made(object: &'static str, of: &str, body: Json) -> Missing {
    let request = Sub {
        method: "POST",
        path: format!("/sobjects/{object}"),
        headers: Vec::new(),
        body: Some(body),
    };
    let name = format!("{object} {of}");
    Missing { request, name }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "005Q70000000T2eIAE";
    const ROW: &str = "01kQ70000000T2eIAE";

    fn wanted() -> Wanted {
        Wanted {
            objects: BTreeSet::from(["mautic_timeline__c".to_owned()]),
            fields: BTreeSet::from([("Lead".to_owned(), "Phone".to_owned())]),
            shown: BTreeSet::new(),
        }
    }

    fn paths(standing: &Standing) -> Vec<(&'static str, String)> {
        let steps = steps(standing, USER.parse().unwrap(), &wanted());
        steps
            .into_iter()
            .map(|step| (step.request.method, step.request.path))
            .collect()
    }

    #[test]
    fn without_a_set_everything_is_made_and_refers_to_it() {
        let steps = steps(&Standing::default(), USER.parse().unwrap(), &wanted());
        let parents: Vec<&Json> = steps[1..3]
            .iter()
            .map(|step| &step.request.body.as_ref().unwrap()["ParentId"])
            .collect();
        assert_eq!(parents, ["@{r0.id}", "@{r0.id}"]);
        assert_eq!(steps.len(), 4);
    }

    #[test]
    fn rights_are_added_and_never_taken_away() {
        let mut standing = Standing {
            set: Some(USER.parse().unwrap()),
            objects: vec![json!({"Id": ROW, "SobjectType": "mautic_timeline__c",
                "PermissionsRead": true, "PermissionsCreate": true, "PermissionsEdit": true})],
            fields: vec![
                json!({"Id": ROW, "Field": "Lead.Phone", "PermissionsRead": true,
                "PermissionsEdit": false}),
            ],
            is_assigned: true,
        };
        let path = format!("/sobjects/FieldPermissions/{ROW}");
        assert_eq!(paths(&standing), [("PATCH", path)]);
        standing.fields[0]["PermissionsEdit"] = json!(true);
        assert_eq!(paths(&standing), [], "nothing is left to do");
    }

    #[test]
    fn what_is_only_read_is_only_shown() {
        let wanted = Wanted {
            shown: BTreeSet::from([("Lead".to_owned(), "Score__c".to_owned())]),
            ..Wanted::default()
        };
        let steps = steps(&Standing::default(), USER.parse().unwrap(), &wanted);
        let body = steps[1].request.body.as_ref().unwrap();
        assert_eq!(body["PermissionsRead"], json!(true));
        assert_eq!(body.get("PermissionsEdit"), None);
    }
}
