//! The company routes.

use serde_json::{Map, Value as Json, json};

use super::super::companies::{CompanyInput, CompanyQuery, Omitted};
use super::super::company::CompanyId;
use super::super::contact::ContactId;
use super::super::field::Subject;
use super::super::operate::Verb;
use super::super::refusal::Refusal;
use super::super::user::Right;
use super::answer::{Answer, Failed, row_error, row_missing};
use super::filter::{clauses, order, paging};
use super::record::{company, without_id};
use super::request::{input, php_array, scalar_number};
use super::route::Context;

pub(super) fn list(cx: &mut Context<'_>) -> Result<Answer, Failed> {
    let (start, limit) = paging(&cx.request.query, 30)?;
    let fields = cx.brain.fields();
    let query = CompanyQuery {
        clauses: clauses(fields, Subject::Company, &cx.request.query)?,
        search: cx.request.query.text("search").map(str::to_owned),
        order: order(fields, Subject::Company, &cx.request.query)?,
        start,
        limit,
    };
    let (ids, total) = cx.brain.list_companies(cx.caller, &query)?;
    let found = ids.iter().filter_map(|id| cx.brain.companies().by_id(*id));
    let companies: Map<String, Json> = found
        .map(|found| (found.id.0.to_string(), company(cx.brain, found)))
        .collect();
    Ok(Answer::ok(
        json!({ "total": total.to_string(), "companies": companies }),
    ))
}

pub(super) fn read(cx: &mut Context<'_>, id: CompanyId) -> Result<Answer, Failed> {
    cx.brain.read_company(cx.caller, id)?;
    Ok(Answer::ok(one(cx, id)))
}

pub(super) fn create(cx: &mut Context<'_>) -> Result<Answer, Failed> {
    let body = company_input(cx.request.members()?);
    let (id, is_new) = cx.brain.create_company(cx.now, cx.caller, &body)?;
    let body = one(cx, id);
    Ok(if is_new {
        Answer::created(format!("/api/companies/{}", id.0), body)
    } else {
        Answer::ok(body)
    })
}

/// PUT to an unknown id makes a company under its own id, as for contacts.
pub(super) fn edit(cx: &mut Context<'_>, verb: Verb, id: CompanyId) -> Result<Answer, Failed> {
    let body = company_input(cx.request.members()?);
    if verb == Verb::Put && cx.brain.companies().by_id(id).is_none() {
        return create(cx);
    }
    cx.brain
        .edit_company(cx.now, cx.caller, id, &body, omitted(verb))?;
    Ok(Answer::ok(one(cx, id)))
}

pub(super) fn delete(cx: &mut Context<'_>, id: CompanyId) -> Result<Answer, Failed> {
    let gone = cx.brain.delete_company(cx.now, cx.caller, id)?;
    Ok(Answer::ok(
        json!({ "company": without_id(company(cx.brain, &gone)) }),
    ))
}

pub(super) fn link(
    cx: &mut Context<'_>,
    id: CompanyId,
    contact: ContactId,
    is_added: bool,
) -> Result<Answer, Failed> {
    cx.brain
        .set_company(cx.now, cx.caller, id, contact, is_added)?;
    Ok(Answer::success())
}

pub(super) fn batch_create(cx: &mut Context<'_>) -> Result<Answer, Failed> {
    let mut rows = Rows::default();
    for (key, members) in batch_rows(cx)? {
        let outcome = cx
            .brain
            .create_company_row(cx.now, cx.caller, &company_input(members));
        rows.note(
            cx,
            key,
            201,
            outcome.map_err(|refusal| (refusal.status(), row_error(&refusal))),
        );
    }
    Ok(rows.answer(201))
}

pub(super) fn batch_edit(cx: &mut Context<'_>, verb: Verb) -> Result<Answer, Failed> {
    let mut rows = Rows::default();
    for (key, members) in batch_rows(cx)? {
        let id = members.iter().find(|(key, _)| key == "id");
        let id = id
            .and_then(|(_, value)| scalar_number(value))
            .map(|id| CompanyId(id as u32));
        let outcome = match id.filter(|id| cx.brain.companies().by_id(*id).is_some()) {
            None => Err((404, row_missing())),
            Some(id) => {
                let body = company_input(members);
                let edited = cx
                    .brain
                    .edit_company(cx.now, cx.caller, id, &body, omitted(verb));
                edited
                    .map(|()| id)
                    .map_err(|refusal| (refusal.status(), row_error(&refusal)))
            }
        };
        rows.note(cx, key, 200, outcome);
    }
    Ok(rows.answer(200))
}

pub(super) fn batch_delete(cx: &mut Context<'_>) -> Result<Answer, Failed> {
    cx.brain.may(cx.caller, Right::DeleteContacts)?;
    let ids = cx.request.query.text("ids").unwrap_or_default().to_owned();
    let mut gone = Vec::new();
    for id in ids
        .split(',')
        .filter_map(|id| id.trim().parse().ok())
        .map(CompanyId)
    {
        // Unknown ids are passed over.
        if let Ok(deleted) = cx.brain.delete_company(cx.now, cx.caller, id) {
            gone.push(company(cx.brain, &deleted));
        }
    }
    Ok(Answer::ok(json!({ "companies": gone })))
}

#[derive(Default)]
struct Rows {
    companies: Vec<(String, Json)>,
    codes: Vec<(String, Json)>,
    errors: Vec<(String, Json)>,
}

impl Rows {
    fn note(
        &mut self,
        cx: &Context<'_>,
        key: String,
        done: u16,
        outcome: Result<CompanyId, (u16, Json)>,
    ) {
        let code = match outcome {
            Ok(id) => {
                let found = cx.brain.companies().by_id(id);
                let shown = found
                    .map(|found| company(cx.brain, found))
                    .unwrap_or_default();
                self.companies.push((key.clone(), shown));
                done
            }
            Err((code, error)) => {
                self.errors.push((key.clone(), error));
                code
            }
        };
        self.codes.push((key, json!(code)));
    }

    fn answer(self, status: u16) -> Answer {
        let codes = php_array(self.codes);
        let mut body = json!({ "companies": php_array(self.companies), "statusCodes": codes });
        if !self.errors.is_empty() {
            body["errors"] = php_array(self.errors);
        }
        Answer::json(status, body)
    }
}

/// A row's key in the body, and its members.
type KeyedRow = (String, Vec<(String, Json)>);

fn batch_rows(cx: &Context<'_>) -> Result<Vec<KeyedRow>, Failed> {
    let rows = cx.request.members()?;
    let max = cx.brain.settings.batch_max;
    if rows.len() > max {
        return Err(Refusal::TooMany(max).into());
    }
    let rows = rows.into_iter().map(|(key, row)| match row {
        Json::Object(members) => Ok((key, members.into_iter().collect())),
        _ => Err(Refusal::Broken.into()),
    });
    rows.collect()
}

fn one(cx: &Context<'_>, id: CompanyId) -> Json {
    let found = cx
        .brain
        .companies()
        .by_id(id)
        .map(|found| company(cx.brain, found));
    json!({ "company": found })
}

const fn omitted(verb: Verb) -> Omitted {
    match verb {
        Verb::Patch => Omitted::Kept,
        Verb::Put => Omitted::Blanked,
    }
}

fn company_input(members: Vec<(String, Json)>) -> CompanyInput {
    let mut out = CompanyInput::default();
    for (key, value) in members {
        match key.as_str() {
            "owner" => out.owner = Some(input(&value)),
            "score" => out.score = scalar_number(&value),
            _ => out.values.push((key, input(&value))),
        }
    }
    out
}
