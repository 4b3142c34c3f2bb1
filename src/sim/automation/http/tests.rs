//! The skin without a socket: what the reference says and no recording shows.

use serde_json::{Value as Json, json};

use super::super::auth::GrantRequest;
use super::super::instance::Automation;
use super::super::user::UserId;
use super::{Answer, Body, Request, respond};
use crate::sim::clock::Timestamp;

const NOW: Timestamp = Timestamp::from_seconds(1_795_383_567);

struct Client {
    brain: Automation,
    token: String,
}

impl Client {
    fn new() -> Self {
        let mut brain = Automation::new(5);
        brain.add_client("Sync", "key", "secret", UserId(1));
        let grant = brain.token(NOW, "1_key", "secret", &GrantRequest::ClientCredentials);
        let token = grant.unwrap().access_token;
        Self { brain, token }
    }

    fn send(&mut self, request: Request) -> (u16, Json) {
        let authorization = Some(format!("Bearer {}", self.token));
        let request = Request {
            authorization,
            ..request
        };
        shown(respond(&mut self.brain, NOW, &request))
    }

    fn get(&mut self, target: &str) -> (u16, Json) {
        self.send(Request::new("GET", target))
    }

    fn call(&mut self, method: &str, target: &str, body: &Json) -> (u16, Json) {
        let mut request = Request::new(method, target);
        request.content_type = "application/json".to_owned();
        request.body = body.to_string().into_bytes();
        self.send(request)
    }
}

fn shown(answer: Answer) -> (u16, Json) {
    match answer.body {
        Body::Json(body) => (answer.status, body),
        Body::Html(html) => (answer.status, json!(html)),
    }
}

fn form(method: &str, target: &str, kind: &str, body: &str) -> Request {
    let mut request = Request::new(method, target);
    request.content_type = kind.to_owned();
    request.body = body.as_bytes().to_vec();
    request
}

const URLENCODED: &str = "application/x-www-form-urlencoded";

#[test]
fn a_token_must_not_be_kept_by_a_cache() {
    let mut client = Client::new();
    let target =
        "/oauth/v2/token?grant_type=client_credentials&client_id=1_key&client_secret=secret";
    let answer = respond(&mut client.brain, NOW, &Request::new("GET", target));
    let wanted = ("Cache-Control", "no-store, private".to_owned());
    assert!(answer.headers.contains(&wanted), "{:?}", answer.headers);
}

#[test]
fn a_token_may_be_a_member_of_a_form() {
    let mut client = Client::new();
    let body = format!("access_token={}&email=zoe%40shop.example", client.token);
    let request = form("POST", "/api/contacts/new", URLENCODED, &body);
    let (status, body) = shown(respond(&mut client.brain, NOW, &request));
    assert_eq!(status, 201, "{body}");
    assert_eq!(
        body["contact"]["fields"]["all"]["email"],
        "zoe@shop.example"
    );
}

#[test]
fn a_multipart_form_is_read_like_any_other() {
    let mut client = Client::new();
    let body = "--b\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\nzoe@shop.example\r\n\
                --b\r\nContent-Disposition: form-data; name=\"tags[]\"\r\n\r\nvip\r\n--b--\r\n";
    let kind = "multipart/form-data; boundary=b";
    let (status, body) = client.send(form("POST", "/api/contacts/new", kind, body));
    assert_eq!(status, 201, "{body}");
    assert_eq!(
        body["contact"]["fields"]["all"]["email"],
        "zoe@shop.example"
    );
    assert_eq!(body["contact"]["tags"][0]["tag"], "vip");
}

#[test]
fn an_order_that_no_record_has_is_an_exception_everywhere() {
    let mut client = Client::new();
    client.brain.add_segment(NOW, "B", "b", Vec::new());
    client.brain.add_segment(NOW, "A", "a", Vec::new());
    for list in [
        "contacts",
        "companies",
        "fields/contact",
        "segments",
        "users",
    ] {
        let (status, _) = client.get(&format!("/api/{list}?orderBy=nonsense"));
        assert_eq!(status, 500, "{list}");
    }
    let (_, body) = client.get("/api/segments?orderBy=name&orderByDir=desc");
    let ids: Vec<&String> = body["lists"].as_object().unwrap().keys().collect();
    assert_eq!(ids, ["1", "2"]);
    let (_, body) = client.get("/api/fields/contact?orderBy=id&limit=2");
    assert_eq!(
        body["fields"].as_object().unwrap().keys().next().unwrap(),
        "1"
    );
}

#[test]
fn what_nobody_uses_is_an_empty_list_and_not_an_unknown_address() {
    let mut client = Client::new();
    let (_, made) = client.call("POST", "/api/contacts/new", &json!({ "tags": ["vip"] }));
    let id = &made["contact"]["id"];
    for what in ["notes", "devices", "campaigns"] {
        let (status, body) = client.get(&format!("/api/contacts/{id}/{what}"));
        assert_eq!((status, &body[what]), (200, &json!([])), "{body}");
        let (status, _) = client.get(&format!("/api/contacts/77/{what}"));
        assert_eq!(status, 404);
    }
    let (_, body) = client.get("/api/campaigns");
    assert_eq!(body, json!({ "total": 0, "campaigns": [] }));
    let tag = json!({ "id": 1, "tag": "vip", "description": null });
    let (_, body) = client.get("/api/tags");
    assert_eq!(body, json!({ "total": 1, "tags": { "1": tag } }));
    assert_eq!(client.get("/api/tags/1"), (200, json!({ "tag": tag })));
    assert_eq!(client.get("/api/tags/2").0, 404);
}

#[test]
fn a_field_with_choices_needs_them_and_a_text_is_short_unless_told() {
    let mut client = Client::new();
    for kind in ["boolean", "select", "multiselect"] {
        let (status, _) = client.call(
            "POST",
            "/api/fields/contact/new",
            &json!({ "label": "Choice", "type": kind }),
        );
        assert_eq!(status, 400, "{kind}");
    }
    let new = json!({ "label": "Short", "type": "text" });
    assert_eq!(client.call("POST", "/api/fields/contact/new", &new).0, 201);
    for (length, status) in [(64, 201), (65, 400)] {
        let body = json!({ "short": "x".repeat(length) });
        assert_eq!(client.call("POST", "/api/contacts/new", &body).0, status);
    }
}

#[test]
fn an_address_loses_what_has_no_place_in_it() {
    let mut client = Client::new();
    let body = json!({ "email": "hélène (pro)@shop.example" });
    let (status, body) = client.call("POST", "/api/contacts/new", &body);
    assert_eq!(status, 201);
    assert_eq!(
        body["contact"]["fields"]["all"]["email"],
        "hlnepro@shop.example"
    );
    let (status, _) = client.call("POST", "/api/contacts/new", &json!({ "email": "é@" }));
    assert_eq!(status, 400);
}

#[test]
fn the_first_day_of_1970_counts_as_no_date() {
    let mut client = Client::new();
    let new = json!({ "label": "Born", "type": "date" });
    assert_eq!(client.call("POST", "/api/fields/contact/new", &new).0, 201);
    let body = json!({ "born": "1980-05-06" });
    let (_, made) = client.call("POST", "/api/contacts/new", &body);
    let target = format!("/api/contacts/{}/edit", made["contact"]["id"]);
    let (status, body) = client.call("PATCH", &target, &json!({ "born": "1970-01-01" }));
    assert_eq!(status, 200);
    assert_eq!(body["contact"]["fields"]["all"]["born"], "1980-05-06");
}

#[test]
fn a_company_search_can_be_turned_round_and_be_exact() {
    let mut client = Client::new();
    for name in ["Acme", "Acme Sud", "Zénith"] {
        client.call(
            "POST",
            "/api/companies/new",
            &json!({ "companyname": name }),
        );
    }
    for (search, count) in [
        ("acme", 2),
        ("companyname:acme", 2),
        ("!companyname:acme", 1),
        ("companyname:%2Bacme", 1),
        ("!companyname:%2B%22acme%22", 2),
        ("nothing:acme", 0),
    ] {
        let (_, body) = client.get(&format!("/api/companies?search={search}"));
        assert_eq!(body["total"], json!(count.to_string()), "{search}");
    }
}

#[test]
fn only_put_takes_triggers_away_from_a_webhook() {
    let mut client = Client::new();
    let hook = json!({ "name": "Ours", "webhookUrl": "https://hooks.acme.example/",
        "triggers": ["mautic.lead_post_delete"] });
    let (status, made) = client.call("POST", "/api/hooks/new", &hook);
    assert_eq!(status, 201, "{made}");
    let path = format!("/api/hooks/{}/edit", made["hook"]["id"]);
    let mut triggers = |method: &str, body: Json| {
        let (_, answer) = client.call(method, &path, &body);
        answer["hook"]["triggers"].clone()
    };
    let both = json!(["mautic.lead_post_delete", "mautic.page_on_hit"]);
    let hit = json!({ "triggers": ["mautic.page_on_hit"] });
    assert_eq!(triggers("PATCH", hit.clone()), both);
    assert_eq!(triggers("PATCH", json!({ "triggers": [] })), both);
    assert_eq!(triggers("PUT", hit), json!(["mautic.page_on_hit"]));
}

#[test]
fn segments_take_filters_on_fields_that_are_there_and_offer_them() {
    let mut client = Client::new();
    let field = json!({ "label": "Supprimé", "alias": "crm_deleted", "type": "boolean", "properties": { "no": "Non", "yes": "Oui" } });
    let (status, made) = client.call("POST", "/api/fields/contact/new", &field);
    assert_eq!(status, 201, "{made}");
    let filter = |field: &str, operator: &str, value: &str| {
        json!({ "name": "Partis", "filters": [{
            "glue": "and", "object": "lead", "field": field, "type": "boolean",
            "operator": operator, "properties": { "filter": value },
        }] })
    };
    let good = filter("crm_deleted", "=", "1");
    for bad in [
        filter("nope", "=", "1"),
        filter("crm_deleted", "gt", "1"),
        filter("crm_deleted", "=", "perhaps"),
    ] {
        let (status, answer) = client.call("POST", "/api/segments/new", &bad);
        assert_eq!(status, 400, "{answer}");
        assert_eq!(
            answer["errors"][0]["details"]["filters"][0],
            "This value is not valid."
        );
    }
    let path = format!("/api/fields/contact/{}/edit", made["field"]["id"]);
    client.call("PATCH", &path, &json!({ "isPublished": false }));
    assert_eq!(client.call("POST", "/api/segments/new", &good).0, 400);
    client.call("PATCH", &path, &json!({ "isPublished": true }));
    let (status, segment) = client.call("POST", "/api/segments/new", &good);
    assert_eq!(status, 201, "{segment}");

    for (email, gone) in [("a@shop.example", true), ("b@shop.example", false)] {
        let contact = json!({ "email": email, "crm_deleted": gone });
        assert_eq!(client.call("POST", "/api/contacts/new", &contact).0, 201);
    }
    let id = super::super::segment::SegmentId(1);
    client.brain.rebuild_segment(NOW, id);
    let members = client.brain.segments().by_id(id).unwrap().members().count();
    assert_eq!(members, 1);
}

#[test]
fn a_role_refuses_what_it_does_not_allow_even_to_tokens_that_are_out() {
    use super::super::user::Right;
    let mut client = Client::new();
    let rights = vec![Right::ViewContacts, Right::EditContacts, Right::ViewFields];
    let role = client.brain.add_role(NOW, "API", "", rights);
    client.brain.auth_mut().set_role(1, role);
    assert_eq!(client.get("/api/fields/contact").0, 200);
    assert_eq!(client.get("/api/contacts").0, 200);
    let field = json!({ "label": "X", "type": "text" });
    for (status, answer) in [
        client.call("POST", "/api/fields/contact/new", &field),
        client.get("/api/users"),
        client.get("/api/roles"),
        client.get("/api/hooks"),
        client.get("/api/segments"),
        client.call(
            "POST",
            "/api/contacts/new",
            &json!({ "email": "z@shop.example" }),
        ),
    ] {
        assert_eq!(status, 403, "{answer}");
        let message = "You do not have access to the requested area/action.";
        let error = json!({ "code": 403, "message": message, "details": [] });
        assert_eq!(answer["errors"][0], error);
    }
    let (_, me) = client.get("/api/users/self");
    assert_eq!(
        (&me["role"]["name"], &me["role"]["isAdmin"]),
        (&json!("API"), &json!(false))
    );
    client
        .brain
        .auth_mut()
        .set_role(1, super::super::user::Users::ADMINISTRATOR);
    let (status, shown) = client.get(&format!("/api/roles/{}", role.0));
    assert_eq!(status, 200, "{shown}");
    let permissions = &shown["role"]["rawPermissions"];
    assert_eq!(permissions["lead:fields"], json!(["view"]));
    assert_eq!(client.get("/api/roles/99").0, 404);
}
