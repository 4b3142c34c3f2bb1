//! Remedies as requests. Each looks at what is there first; a field that is there is published again
//! and shown to segments, otherwise never changed, and a segment of the same field is left as it is.

use reqwest::Method;
use serde_json::{Map, Value as Json, json};

use super::super::super::failures::Fault;
use super::super::super::values;
use super::super::api::{Api, Request};
use super::super::describe::{self, is_published};
use super::examine::{fields_path, is_listable, segment};
use crate::domain::failure::{FailureKind, Rejection};
use crate::domain::ids::Kind;
use crate::domain::remedy::{Mended, Preview, Remedy, Step};
use crate::domain::request::Spent;

/// What a new field or segment is called there; the set-up guide's own words.
const DELETED_LABEL: &str = "Supprimé de Salesforce";

/// The status of a field whose column is made by a job later.
const ACCEPTED: u16 = 202;

/// One request, and what it makes.
struct Wanted {
    method: Method,
    path: String,
    body: Json,
    made: String,
}

pub(super) async fn preview(
    api: &Api,
    spent: &mut Spent,
    remedy: &Remedy,
) -> Result<Preview, Fault> {
    let wanted = wanted(api, spent, remedy).await?;
    let step = |wanted: Wanted| Step {
        request: format!("{} /api{}", wanted.method, wanted.path),
        file: String::new(),
        content: wanted.body.to_string(),
    };
    Ok(Preview {
        steps: wanted.map(step).into_iter().collect(),
        ..Preview::default()
    })
}

pub(super) async fn mend(api: &Api, spent: &mut Spent, remedy: &Remedy) -> Result<Mended, Fault> {
    let Some(wanted) = wanted(api, spent, remedy).await? else {
        return Ok(Mended::default());
    };
    let mut request = Request::write(wanted.method.clone(), &wanted.path, wanted.body.clone());
    request.names_one = wanted.method == Method::PATCH;
    let reply = api.send(spent, request).await?;
    let is_begun = reply.status == ACCEPTED;
    let answer = reply.json()?;
    // A reserved or taken alias is renamed without a word: what would be mapped is not what was made.
    if let Some(asked) = wanted.body["alias"].as_str()
        && let Some(made) = answer["field"]["alias"].as_str()
        && made != asked
    {
        let kind = FailureKind::Rejected(Rejection::Values(Vec::new()));
        let message = format!("Automation named the field {made}, not {asked}; map that one");
        return Err(Fault::new(kind, "alias", message));
    }
    let made = if is_begun {
        // Publishing it now would be publishing a field that has no column yet.
        format!(
            "{} begun: Automation makes its column in the background and publishes it then",
            wanted.made
        )
    } else {
        wanted.made
    };
    Ok(Mended {
        made: vec![made],
        ..Mended::default()
    })
}

/// What is missing; nothing if all of it is there.
async fn wanted(api: &Api, spent: &mut Spent, remedy: &Remedy) -> Result<Option<Wanted>, Fault> {
    match remedy {
        Remedy::DeletedField(kind, alias) => {
            let path = fields_path(*kind);
            let known = describe::pages(api, spent, path, "fields").await?;
            let known = known.iter().find(|field| field["alias"] == alias.as_str());
            field(*kind, alias, known)
        }
        Remedy::DeletedSegment(alias) => {
            let known = describe::pages(api, spent, "/segments", "lists").await?;
            let is_it = |record: &&Json| {
                let mut filters = segment(record).filters.into_iter();
                filters.any(|filter| filter.is_set(alias))
            };
            if known.iter().filter(is_it).any(is_published) {
                return Ok(None);
            }
            Ok(Some(new_segment(alias)))
        }
        _ => Err(Fault::broken("remedy", "this is made in Salesforce")),
    }
}

fn field(kind: Kind, alias: &str, known: Option<&Json>) -> Result<Option<Wanted>, Fault> {
    let path = fields_path(kind);
    let Some(known) = known else {
        let body = json!({
            "label": DELETED_LABEL,
            "alias": alias,
            "type": "boolean",
            "group": "core",
            "isPublished": true,
            "isListable": true,
            "properties": { "no": "Non", "yes": "Oui" },
        });
        return Ok(Some(Wanted {
            method: Method::POST,
            path: format!("{path}/new"),
            body,
            made: format!("field {alias}"),
        }));
    };
    if known["type"] != "boolean" {
        let message = format!("the field {alias} is there and is no boolean; map another one");
        let kind = FailureKind::Rejected(Rejection::Values(Vec::new()));
        return Err(Fault::new(kind, "type", message));
    }
    let mut body = Map::new();
    if !is_published(known) {
        body.insert("isPublished".to_owned(), json!(true));
    }
    if !is_listable(known) {
        body.insert("isListable".to_owned(), json!(true));
    }
    if body.is_empty() {
        return Ok(None);
    }
    let made = if is_published(known) {
        format!("field {alias}, for segments")
    } else {
        format!("field {alias}, published")
    };
    let id = values::id(&known["id"])
        .ok_or_else(|| Fault::broken("field", "a field has no readable id"))?;
    Ok(Some(Wanted {
        method: Method::PATCH,
        path: format!("{path}/{id}/edit"),
        body: Json::Object(body),
        made,
    }))
}

fn new_segment(alias: &str) -> Wanted {
    Wanted {
        method: Method::POST,
        path: "/segments/new".to_owned(),
        body: json!({
            "name": DELETED_LABEL,
            "isPublished": true,
            "isGlobal": true,
            "filters": [{
                "glue": "and",
                "object": "lead",
                "field": alias,
                "type": "boolean",
                "operator": "=",
                "properties": { "filter": "1" },
            }],
        }),
        made: format!("segment {DELETED_LABEL}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_made_published_or_left_and_never_changed() {
        let wanted = |known: Option<Json>| {
            let wanted = field(Kind::Person, "gone", known.as_ref());
            wanted.map(|wanted| wanted.map(|wanted| (wanted.method, wanted.path)))
        };
        let made = (Method::POST, "/fields/contact/new".to_owned());
        assert_eq!(wanted(None).unwrap(), Some(made));
        let hidden = json!({"id": 60, "type": "boolean", "isPublished": 0});
        let published = (Method::PATCH, "/fields/contact/60/edit".to_owned());
        assert_eq!(wanted(Some(hidden)).unwrap(), Some(published));
        let there = json!({"id": 60, "type": "boolean", "isPublished": true});
        assert_eq!(wanted(Some(there)).unwrap(), None);
        let unlisted =
            json!({"id": 60, "type": "boolean", "isPublished": true, "isListable": false});
        let change = field(Kind::Person, "gone", Some(&unlisted))
            .unwrap()
            .unwrap();
        assert_eq!(change.body, json!({"isListable": true}));
        let text = json!({"id": 60, "type": "text", "isPublished": true});
        assert!(wanted(Some(text)).is_err());
    }
}
