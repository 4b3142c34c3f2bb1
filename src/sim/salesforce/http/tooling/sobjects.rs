//! Single rows of the setup tables: read by id, and for fields, validation rules and layouts
//! changed.

use serde_json::{Map, Value as Json, json};

use super::tables;
use crate::sim::salesforce::deploy::field::{self, Problem};
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};
use crate::sim::salesforce::http::routes::{Resource, method_not_allowed};
use crate::sim::salesforce::http::wire::Answer;
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::org::{RelatedList, Salesforce};
use crate::sim::salesforce::schema::{ObjectIndex, UserRight};
use crate::sim::salesforce::value::FieldIndex;

/// What related lists a layout may have besides lookups of custom objects.
const STANDARD_LISTS: [&str; 7] = [
    "RelatedActivityList",
    "RelatedHistoryList",
    "RelatedNoteList",
    "RelatedAttachmentList",
    "RelatedCampaignList",
    "RelatedContactList",
    "RelatedOpportunityList",
];

/// `/tooling/sobjects/{T}`: only custom fields are made here. Objects, remote and trusted sites
/// are made by deployment.
pub(super) fn create(
    org: &mut Salesforce,
    resource: &Resource<'_>,
    table: &str,
) -> Outcome<Answer> {
    if tables::rows(org, table, true).is_none() {
        return Err(ApiError::resource_missing());
    }
    if table != "customfield" || resource.asked.method != "POST" {
        return Err(method_not_allowed(&resource.asked.method));
    }
    check_may_customise(org)?;
    let body = resource.asked.json_object()?;
    check_columns(&body)?;
    let required = |name: &str| body.get(name).filter(|value| !value.is_null());
    let missing: Vec<&str> = ["FullName", "Metadata"]
        .into_iter()
        .filter(|name| required(name).is_none())
        .collect();
    if !missing.is_empty() {
        let message = format!("Required fields are missing: [{}]", missing.join(", "));
        let mut error = ApiError::new(ErrorCode::REQUIRED_FIELD_MISSING, message);
        error.fields = missing.into_iter().map(str::to_owned).collect();
        return Err(error);
    }
    let full_name = required("FullName")
        .and_then(Json::as_str)
        .unwrap_or_default();
    let (object_name, name) = full_name.split_once('.').unwrap_or((full_name, ""));
    let object = org.schema().find(object_name, None).ok_or_else(|| {
        let message = format!(
            "Entity Enumeration Or ID: bad value for restricted picklist field: {object_name}"
        );
        let code = ErrorCode::INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST;
        ApiError::new(code, message).on("TableEnumOrId")
    })?;
    if org.schema().object(object).find(name).is_some() {
        let definition = org.schema().object(object);
        let developer = name.trim_end_matches("__c");
        let message = format!(
            "There is already a field named {developer} on {}.",
            definition.label
        );
        return Err(ApiError::new(ErrorCode::DUPLICATE_DEVELOPER_NAME, message).on("DeveloperName"));
    }
    let from = metadata(&body)?;
    let index = org
        .define_field(object, name, &from, &resource.asked.call())
        .map_err(refused)?;
    let id = tables::field_id(object, index).to_string();
    let location = resource.url(&format!("tooling/sobjects/CustomField/{id}"));
    let made = json!({ "id": id, "success": true, "errors": [], "warnings": [], "infos": [] });
    Ok(Answer::json(201, made).with("Location", location))
}

/// *Customize Application*, which *Modify All Data* implies.
fn check_may_customise(org: &Salesforce) -> Outcome<()> {
    let may = [UserRight::CustomizeApplication, UserRight::ModifyAllData];
    if may.into_iter().any(|right| org.has_right(right)) {
        return Ok(());
    }
    let message = "insufficient access rights on object id";
    Err(ApiError::new(ErrorCode::INSUFFICIENT_ACCESS, message))
}

fn check_columns(body: &Map<String, Json>) -> Outcome<()> {
    let stray = body
        .keys()
        .find(|name| !["FullName", "Metadata"].contains(&name.as_str()));
    stray.map_or(Ok(()), |name| {
        let message = format!("No such column '{name}' on sobject of type CustomField");
        Err(ApiError::new(ErrorCode::INVALID_FIELD, message).on(name))
    })
}

fn refused(problem: Problem) -> ApiError {
    ApiError::new(ErrorCode(problem.code), problem.message).on(problem.field)
}

fn metadata(body: &Map<String, Json>) -> Outcome<crate::sim::salesforce::deploy::Element> {
    let given = body.get("Metadata").filter(|given| given.is_object());
    given
        .and_then(|given| field::element("Metadata", given))
        .ok_or_else(|| {
            let message = "The specified Metadata must be a JSON object";
            ApiError::new(ErrorCode::JSON_PARSER_ERROR, message)
        })
}

/// `/tooling/sobjects/{T}/{id}`
pub(super) fn row(org: &mut Salesforce, resource: &Resource<'_>, table: &str) -> Outcome<Answer> {
    let id = resource.path.get(3).copied().unwrap_or_default();
    let id = RecordId::parse(id).ok_or_else(ApiError::resource_missing)?;
    let shown = id.to_string();
    let rows = tables::rows(org, table, true).ok_or_else(ApiError::resource_missing)?;
    let found = rows.into_iter().find(|row| row["Id"] == shown);
    let mut found = found.ok_or_else(ApiError::resource_missing)?;
    match (resource.asked.method.as_str(), table) {
        ("GET", _) => {
            let kind = resource.path.get(2).copied().unwrap_or_default();
            let url = resource.url(&format!("tooling/sobjects/{kind}/{shown}"));
            if let Json::Object(row) = &mut found {
                // A row by itself holds columns, not what they refer to.
                row.remove("EntityDefinition");
                let attributes = json!({ "type": kind, "url": url });
                row.shift_insert(0, "attributes".to_owned(), attributes);
            }
            Ok(Answer::json(200, found))
        }
        ("PATCH", "customfield" | "validationrule" | "layout") => {
            check_may_customise(org)?;
            let body = resource.asked.json_object()?;
            check_columns(&body)?;
            match table {
                "customfield" => change_field(org, resource, id, &body),
                "validationrule" => change_rule(org, id, &body),
                _ => change_layout(org, id, &body),
            }?;
            Ok(Answer::empty(204))
        }
        ("DELETE", "customfield") => {
            check_may_customise(org)?;
            let (object, field) = located(org, id)?;
            let name = org.schema().object(object).field(field).name.clone();
            org.remove_field(object, &name, resource.asked.now);
            Ok(Answer::empty(204))
        }
        (other, _) => Err(method_not_allowed(other)),
    }
}

fn located(org: &Salesforce, id: RecordId) -> Outcome<(ObjectIndex, FieldIndex)> {
    let all = org.schema().objects().flat_map(|(object, definition)| {
        definition.fields().map(move |(field, _)| (object, field))
    });
    let mut all = all.filter(|(object, field)| tables::field_id(*object, *field) == id);
    all.next().ok_or_else(ApiError::resource_missing)
}

fn change_field(
    org: &mut Salesforce,
    resource: &Resource<'_>,
    id: RecordId,
    body: &Map<String, Json>,
) -> Outcome<()> {
    let (object, field) = located(org, id)?;
    let name = org.schema().object(object).field(field).name.clone();
    let from = metadata(body)?;
    org.define_field(object, &name, &from, &resource.asked.call())
        .map(drop)
        .map_err(refused)
}

fn integrity(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::FIELD_INTEGRITY_EXCEPTION, message).on("Metadata")
}

/// The whole of `Metadata` is replaced, so what must be there must be sent.
fn change_rule(org: &mut Salesforce, id: RecordId, body: &Map<String, Json>) -> Outcome<()> {
    let from = metadata(body)?;
    let must = |name: &str| {
        let missing = || integrity(format!("Required fields are missing: [{name}]"));
        from.text_of(name).map(str::to_owned).ok_or_else(missing)
    };
    let (formula, message) = (must("errorConditionFormula")?, must("errorMessage")?);
    let is_active = must("active")? == "true";
    let found = org.rules.validations.iter_mut().enumerate();
    let mut found = found.filter(|(at, _)| tables::validation_id(*at) == id);
    let (_, rule) = found.next().ok_or_else(ApiError::resource_missing)?;
    if formula != rule.formula {
        // Formulas are not read here: a rule keeps the one it was made with.
        return Err(integrity("The formula of this rule cannot be rewritten"));
    }
    rule.is_active = is_active;
    rule.message = message;
    rule.field = from.text_of("errorDisplayField").map(str::to_owned);
    Ok(())
}

/// 1. A related list is one of the standard ones, or a lookup at the layout's object.
/// 2. Its columns are fields of the object that looks.
fn change_layout(org: &mut Salesforce, id: RecordId, body: &Map<String, Json>) -> Outcome<()> {
    let place = (0..org.setup.layouts.len()).find(|at| tables::layout_id(*at) == id);
    let place = place.ok_or_else(ApiError::resource_missing)?;
    let from = metadata(body)?;
    let target = org
        .schema()
        .object(org.setup.layouts[place].object)
        .name
        .clone();
    let mut lists = Vec::new();
    for one in from.all("relatedLists") {
        let list = one.text_of("relatedList").unwrap_or_default();
        let fields: Vec<&str> = one.all("fields").map(|field| field.text.as_str()).collect();
        check_list(org, &target, list, &fields)?;
        lists.push(RelatedList::new(list, &fields));
    }
    org.setup.layouts[place].related_lists = lists;
    Ok(())
}

fn check_list(org: &Salesforce, target: &str, list: &str, fields: &[&str]) -> Outcome<()> {
    if STANDARD_LISTS.contains(&list) {
        return Ok(());
    }
    let looks = org.qualified(list).filter(|(object, field)| {
        let field = org.schema().object(*object).field(*field);
        field.reference_to.iter().any(|to| to == target)
    });
    let Some((object, _)) = looks else {
        let message = format!("In field: relatedList - no RelatedList named {list} found");
        return Err(integrity(message));
    };
    let definition = org.schema().object(object);
    let unknown = fields
        .iter()
        .find(|name| **name != "NAME" && definition.find(name).is_none());
    unknown.map_or(Ok(()), |name| {
        let message = format!("In field: fields - no CustomField named {name} found");
        Err(integrity(message))
    })
}
