//! The operations of the API on companies.

use super::accept::{Verdict, judge};
use super::auth::Caller;
use super::author::AuthorId;
use super::call::Call;
use super::company::{Company, CompanyId};
use super::contact::{ContactId, Stamp};
use super::draft::Assigned;
use super::field::{Kind, Position, Subject};
use super::hook::{Payload, Trigger};
use super::instance::Automation;
use super::log::Details;
use super::php::Php;
use super::query::{Cell, Clause, Column, Direction};
use super::refusal::Refusal;
use super::user::{Right, UserId};
use super::value::{Input, Value, Values};
use super::write::php;
use crate::sim::clock::Timestamp;

/// A company's body.
#[derive(Clone, Debug, Default)]
pub struct CompanyInput {
    pub values: Vec<(String, Input)>,
    pub owner: Option<Input>,
    pub score: Option<i64>,
}

impl CompanyInput {
    pub fn named(name: &str) -> Self {
        Self::default().with("companyname", name)
    }

    #[must_use]
    pub fn with(mut self, alias: &str, value: impl Into<Input>) -> Self {
        self.values.push((alias.to_owned(), value.into()));
        self
    }
}

/// A list of companies to read.
#[derive(Clone, Debug)]
pub struct CompanyQuery {
    pub clauses: Vec<Clause>,
    /// Looked for anywhere in the name, or in one field (`alias:text`).
    pub search: Option<String>,
    pub order: Vec<(Column, Direction)>,
    pub start: usize,
    pub limit: Option<usize>,
}

impl Default for CompanyQuery {
    fn default() -> Self {
        Self {
            clauses: Vec::new(),
            search: None,
            order: Vec::new(),
            start: 0,
            limit: Some(30),
        }
    }
}

/// What not naming a field means for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Omitted {
    Kept,
    /// PUT, and a POST that finds the company by its name.
    Blanked,
}

impl Automation {
    /// One page, and the total.
    pub fn list_companies(
        &mut self,
        caller: Caller,
        query: &CompanyQuery,
    ) -> Result<(Vec<CompanyId>, usize), Refusal> {
        self.calls.note(Call::CompanyRead);
        self.may(caller, Right::ViewContacts)?;
        let fits = |company: &&Company| {
            let read = |column| self.company_cell(company, column);
            query.clauses.iter().all(|clause| clause.holds(&read))
                && query
                    .search
                    .iter()
                    .all(|text| self.company_found(company, text))
        };
        let mut found: Vec<&Company> = self.companies.all().filter(fits).collect();
        found.sort_by(|one, two| {
            let by_column = |(column, direction): &(Column, Direction)| {
                let order = self
                    .company_cell(one, *column)
                    .order(&self.company_cell(two, *column));
                if *direction == Direction::Ascending {
                    order
                } else {
                    order.reverse()
                }
            };
            let order = query
                .order
                .iter()
                .map(by_column)
                .find(|order| order.is_ne());
            order.unwrap_or_else(|| one.id.cmp(&two.id))
        });
        let total = found.len();
        let (start, limit) = query
            .limit
            .map_or((0, usize::MAX), |limit| (query.start, limit));
        Ok((
            found
                .into_iter()
                .skip(start)
                .take(limit)
                .map(|company| company.id)
                .collect(),
            total,
        ))
    }

    pub fn read_company(&mut self, caller: Caller, id: CompanyId) -> Result<&Company, Refusal> {
        self.calls.note(Call::CompanyRead);
        self.may(caller, Right::ViewContacts)?;
        self.companies.by_id(id).ok_or(Refusal::NotFound)
    }

    /// POST: the same name edits the company it finds, and blanks what is not named.
    pub fn create_company(
        &mut self,
        now: Timestamp,
        caller: Caller,
        input: &CompanyInput,
    ) -> Result<(CompanyId, bool), Refusal> {
        self.calls.note(Call::CompanyWrite);
        self.may(caller, Right::CreateContacts)?;
        let name = input
            .values
            .iter()
            .find(|(alias, _)| alias == "companyname");
        let name = name
            .and_then(|(_, value)| value.to_text())
            .unwrap_or_default();
        let known = self.companies.named(name.trim()).next();
        match known {
            Some(id) => {
                self.change_company(now, caller.by, id, input, Omitted::Blanked)?;
                Ok((id, false))
            }
            None => Ok((self.make_company(now, caller.by, input)?, true)),
        }
    }

    /// A row of a batch never looks for the name: a second company of that name is refused.
    pub fn create_company_row(
        &mut self,
        now: Timestamp,
        caller: Caller,
        input: &CompanyInput,
    ) -> Result<CompanyId, Refusal> {
        self.may(caller, Right::CreateContacts)?;
        self.make_company(now, caller.by, input)
    }

    pub fn edit_company(
        &mut self,
        now: Timestamp,
        caller: Caller,
        id: CompanyId,
        input: &CompanyInput,
        omitted: Omitted,
    ) -> Result<(), Refusal> {
        self.calls.note(Call::CompanyWrite);
        self.may(caller, Right::EditContacts)?;
        self.companies.by_id(id).ok_or(Refusal::NotFound)?;
        self.change_company(now, caller.by, id, input, omitted)
    }

    pub fn delete_company(
        &mut self,
        now: Timestamp,
        caller: Caller,
        id: CompanyId,
    ) -> Result<Company, Refusal> {
        self.calls.note(Call::CompanyWrite);
        self.may(caller, Right::DeleteContacts)?;
        let company = self.companies.by_id(id).ok_or(Refusal::NotFound)?.clone();
        let name = self.company_name(&company);
        let members: Vec<ContactId> = self
            .companies
            .links()
            .filter(|(_, link)| link.company == id)
            .map(|(contact, _)| contact)
            .collect();
        self.notify(now, Trigger::CompanyDeleted, |_| {
            Some(Payload::CompanyDeleted(id, Box::new(company.clone())))
        });
        self.companies.remove(id, &name);
        for contact in members {
            self.copy_primary_name(contact);
        }
        self.logs.audit(
            now,
            caller.by,
            ("company", id.0),
            "delete",
            Details::Name(name),
        );
        Ok(company)
    }

    pub fn company_name(&self, company: &Company) -> String {
        let field = self.fields.by_alias(Subject::Company, "companyname");
        field
            .and_then(|field| company.values.at(field.position).to_text())
            .unwrap_or_default()
    }

    /// The company of that name, made if there is none.
    pub(super) fn company_of_name(
        &mut self,
        now: Timestamp,
        by: AuthorId,
        name: &str,
    ) -> CompanyId {
        if let Some(known) = self.companies.named(name).next() {
            return known;
        }
        let mut values = Values::default();
        if let Some(field) = self.fields.by_alias(Subject::Company, "companyname") {
            values.put(field.position, Value::text(name));
        }
        self.insert_company(now, by, name, (values, None, 0))
    }

    /// Links exactly the companies listed, as far as they exist; the last new one becomes primary.
    pub(super) fn match_companies(
        &mut self,
        now: Timestamp,
        id: ContactId,
        wanted: &[u32],
    ) -> Vec<(String, Php)> {
        let before = self.companies.links_of(id).to_vec();
        for link in before
            .iter()
            .filter(|link| !wanted.contains(&link.company.0))
        {
            self.companies.unlink(id, link.company);
        }
        for company in wanted.iter().map(|company| CompanyId(*company)) {
            let is_linked = before.iter().any(|link| link.company == company);
            if !is_linked && self.companies.by_id(company).is_some() {
                self.companies.link_primary(id, company, now);
            }
        }
        if self.companies.links_of(id) == before {
            Vec::new()
        } else {
            self.copy_primary_name(id)
        }
    }

    /// Copies the primary company's name into the contact's `company` text.
    pub(super) fn copy_primary_name(&mut self, id: ContactId) -> Vec<(String, Php)> {
        let primary = self
            .companies
            .primary_of(id)
            .and_then(|company| self.companies.by_id(company));
        let name = primary.map(|company| Value::text(self.company_name(company)));
        let name = name.unwrap_or(Value::Null);
        let Some(field) = self.fields.by_alias(Subject::Contact, "company") else {
            return Vec::new();
        };
        let position = field.position;
        let old = self.edit(id, |contact| contact.values.put(position, name.clone()));
        let change = Php::change(old.as_ref().map_or(Php::Null, php), php(&name));
        vec![(
            "fields".to_owned(),
            Php::Map(vec![("company".to_owned(), change)]),
        )]
    }

    fn make_company(
        &mut self,
        now: Timestamp,
        by: AuthorId,
        input: &CompanyInput,
    ) -> Result<CompanyId, Refusal> {
        let (values, owner) = self.company_values(now, None, input, Omitted::Kept)?;
        let name = self.name_in(&values);
        if self.companies.named(&name).next().is_some() {
            return Err(Refusal::NotUnique(vec!["companyname".to_owned()]));
        }
        let owner = owner.over(None);
        Ok(self.insert_company(now, by, &name, (values, owner, input.score.unwrap_or(0))))
    }

    fn insert_company(
        &mut self,
        now: Timestamp,
        by: AuthorId,
        name: &str,
        (values, owner, score): (Values, Option<UserId>, i64),
    ) -> CompanyId {
        let added = Stamp {
            at: now.whole_second(),
            by,
        };
        let make = |id| Company {
            id,
            values,
            score,
            owner,
            added,
            modified: None,
        };
        let id = self.companies.insert(name, make);
        let change = Php::change(Php::Null, Php::text(name));
        let details = Details::Changes(vec![("companyname".to_owned(), change)]);
        self.logs
            .audit(now, by, ("company", id.0), "create", details);
        self.notify_company(now, id);
        id
    }

    fn change_company(
        &mut self,
        now: Timestamp,
        by: AuthorId,
        id: CompanyId,
        input: &CompanyInput,
        omitted: Omitted,
    ) -> Result<(), Refusal> {
        let Some(old) = self.companies.by_id(id).cloned() else {
            return Err(Refusal::NotFound);
        };
        let (values, owner) = self.company_values(now, Some(&old), input, omitted)?;
        let (old_name, name) = (self.company_name(&old), self.name_in(&values));
        if self.companies.named(&name).any(|other| other != id) {
            return Err(Refusal::NotUnique(vec!["companyname".to_owned()]));
        }
        let owner = owner.over(old.owner);
        let score = input.score.unwrap_or(old.score);
        if values == old.values && owner == old.owner && score == old.score {
            return Ok(());
        }
        self.companies.rename(id, &old_name, &name);
        if let Some(company) = self.companies.by_id_mut(id) {
            (company.values, company.owner, company.score) = (values, owner, score);
            company.modified = Some(Stamp {
                at: now.whole_second(),
                by,
            });
        }
        let change = Php::change(Php::text(old_name), Php::text(name));
        let details = Details::Changes(vec![("companyname".to_owned(), change)]);
        self.logs
            .audit(now, by, ("company", id.0), "update", details);
        self.notify_company(now, id);
        Ok(())
    }

    /// Unlike contacts, companies store every blank and every zero they are sent.
    fn company_values(
        &self,
        now: Timestamp,
        old: Option<&Company>,
        input: &CompanyInput,
        omitted: Omitted,
    ) -> Result<(Values, Assigned<UserId>), Refusal> {
        let mut values = match omitted {
            Omitted::Kept => old
                .map(|company| company.values.clone())
                .unwrap_or_default(),
            Omitted::Blanked => Values::default(),
        };
        let mut problems = Vec::new();
        for (alias, value) in &input.values {
            let Some(field) = self.fields.by_alias(Subject::Company, alias) else {
                continue;
            };
            if !field.is_published() {
                continue;
            }
            if value.is_blank() {
                values.put(field.position, Value::Null);
                continue;
            }
            match judge(field, value, now) {
                Verdict::Store(value) => drop(values.put(field.position, value)),
                Verdict::Ignore => {}
                Verdict::Refuse(message) => problems.push((alias.clone(), message)),
            }
        }
        if self.name_in(&values).is_empty() {
            problems.push((
                "companyname".to_owned(),
                "This field is required.".to_owned(),
            ));
        }
        let owner = input.owner.as_ref().map_or(Assigned::Kept, |owner| {
            let id = owner.to_number().map(|id| UserId(id as u32));
            let found = id.and_then(|id| self.users.by_id(id)).map(|user| user.id);
            if found.is_none() && !owner.is_blank() {
                problems.push(("owner".to_owned(), "This value is not valid.".to_owned()));
            }
            Assigned::Set(found)
        });
        if problems.is_empty() {
            Ok((values, owner))
        } else {
            Err(Refusal::Invalid(problems))
        }
    }

    fn name_in(&self, values: &Values) -> String {
        let field = self.fields.by_alias(Subject::Company, "companyname");
        field
            .and_then(|field| values.at(field.position).to_text())
            .unwrap_or_default()
    }

    fn notify_company(&mut self, now: Timestamp, id: CompanyId) {
        self.notify(now, Trigger::CompanySaved, |brain| {
            Some(Payload::Company(Box::new(
                brain.companies.by_id(id)?.clone(),
            )))
        });
    }

    fn company_cell<'a>(&'a self, company: &'a Company, column: Column) -> Cell<'a> {
        let number = |number: Option<u32>| number.map_or(Cell::Null, |n| Cell::Number(n.into()));
        let text = |by: AuthorId| Cell::Text(self.authors.of(by).name.as_str().into());
        let user = |by: AuthorId| number(self.authors.of(by).user.map(|user| user.0));
        match column {
            Column::Id => Cell::Number(company.id.0.into()),
            Column::Added => Cell::Time(company.added.at),
            Column::Modified => company.modified.map_or(Cell::Null, |m| Cell::Time(m.at)),
            Column::Owner => number(company.owner.map(|user| user.0)),
            Column::Points => Cell::Number(company.score as f64),
            Column::Published => Cell::Number(1.0),
            Column::CreatedBy => user(company.added.by),
            Column::CreatedByUser => text(company.added.by),
            Column::ModifiedBy => company.modified.map_or(Cell::Null, |m| user(m.by)),
            Column::ModifiedByUser => company.modified.map_or(Cell::Null, |m| text(m.by)),
            Column::Identified | Column::LastActive | Column::Stage => Cell::Null,
            Column::Field(position, _) => self.company_field_cell(company, position),
        }
    }

    fn company_field_cell<'a>(&'a self, company: &'a Company, position: Position) -> Cell<'a> {
        let kind = self
            .fields
            .at(Subject::Company, position)
            .map(|field| &field.kind);
        match (company.values.at(position), kind) {
            (Value::Null, _) => Cell::Null,
            (Value::Text(text), _) => Cell::Text((&**text).into()),
            (value, Some(Kind::Number(_))) => value.as_number().map_or(Cell::Null, Cell::Number),
            (value, _) => value
                .to_text()
                .map_or(Cell::Null, |text| Cell::Text(text.into())),
        }
    }

    /// Company searches are "contains", in the name or in the field a command names. `!` before it
    /// turns it round, `+` before the value wants all of it.
    fn company_found(&self, company: &Company, text: &str) -> bool {
        let text = text.to_lowercase();
        let (is_wanted, text) = match text.strip_prefix('!') {
            Some(rest) => (false, rest),
            None => (true, text.as_str()),
        };
        let (alias, wanted) = text.split_once(':').unwrap_or(("companyname", text));
        let Some(field) = self.fields.by_alias(Subject::Company, alias) else {
            return false;
        };
        let value = company
            .values
            .at(field.position)
            .to_text()
            .unwrap_or_default()
            .to_lowercase();
        let is_found = match wanted.trim_matches('"').strip_prefix('+') {
            Some(exact) => value == exact.trim_matches('"'),
            None => value.contains(wanted.trim_matches('"')),
        };
        is_found == is_wanted
    }
}
