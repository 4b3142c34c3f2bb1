//! Who logged in, and where: asked of the API itself, so that no scope beyond it is needed.

use serde_json::Value as Json;

use super::super::failures::{Effect, Fault};
use super::describe::{first_record, organisation_query};
use super::org::{Org, Sub, missing};
use super::soql::{Condition, Literal, Name, Select};
use crate::domain::access::Entrant;
use crate::domain::ids::SalesforceId;
use crate::domain::request::Spent;

pub(super) async fn identity(org: &Org) -> Result<Entrant, Fault> {
    let facts = org.token().await?.facts;
    let ids = facts.organisation_and_user();
    let user: Option<SalesforceId> = ids.and_then(|(_, user)| user.parse().ok());
    let mut subs = vec![Sub::query(&organisation_query())];
    subs.extend(user.map(|user| Sub::query(&user_query(user))));
    let replies = org
        .composite(&mut Spent::default(), &subs, Effect::Reads)
        .await?;
    let mut replies = replies.into_iter().flatten();
    let organisation = first_record(replies.next().ok_or_else(missing)?)?;
    // Who may not see users learns the organisation all the same.
    let user = replies.next().and_then(|reply| first_record(reply).ok());
    let text = |json: &Json, name: &str| json[name].as_str().unwrap_or_default().to_owned();
    Ok(Entrant {
        user: user
            .as_ref()
            .map_or_else(String::new, |user| text(user, "Username")),
        user_name: user
            .as_ref()
            .map_or_else(String::new, |user| text(user, "Name")),
        place: text(&organisation, "Id"),
        place_name: text(&organisation, "Name"),
        is_sandbox: organisation["IsSandbox"].as_bool(),
        scopes: facts.scopes,
        version: org.version().await?.to_owned(),
    })
}

fn user_query(user: SalesforceId) -> Select {
    Select {
        fields: ["Id", "Username", "Name"].map(Name::known).to_vec(),
        from: Name::known("User"),
        condition: Some(Condition::Equal(Name::known("Id"), Literal::Id(user))),
        order: Vec::new(),
        limit: None,
    }
}
