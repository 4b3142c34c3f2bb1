//! A week of what people did: e-mails sent and read, forms, points, page hits.

use super::stage::Stage;
use crate::sim::automation::acts::{Cookie, Visit};
use crate::sim::automation::contact::ContactId;
use crate::sim::automation::field::Subject;
use crate::sim::clock::{HOUR_MS, MINUTE_MS, Timestamp};

/// One person in three did something this week.
const ACTIVE_ONE_IN: u64 = 3;

enum Act {
    Mail,
    Form,
    Points,
    Hit,
}

/// The e-mail, the form and the page that everything is about.
struct Assets {
    mail: u32,
    form: u32,
    page: u32,
}

struct Entry {
    at: Timestamp,
    id: ContactId,
    act: Act,
    email: Option<String>,
}

pub(super) fn write(stage: &mut Stage) {
    let assets = Assets {
        mail: stage
            .automation
            .add_email("Actualités d'automne", "Les nouveautés de l'automne"),
        form: stage.automation.add_form("Demande de démonstration"),
        page: stage
            .automation
            .add_page("Tarifs", "https://orion.example/tarifs"),
    };
    let mut diary = diary(stage);
    diary.sort_by_key(|entry| (entry.at, entry.id));
    for entry in diary {
        act(stage, &assets, &entry);
    }
}

fn diary(stage: &mut Stage) -> Vec<Entry> {
    let field = stage
        .automation
        .fields()
        .by_alias(Subject::Contact, "email");
    let position = field.map(|field| field.position);
    let people: Vec<(ContactId, Option<String>)> = stage
        .automation
        .contacts()
        .all()
        .map(|contact| {
            let email = position.and_then(|position| contact.values.at(position).to_text());
            (contact.id, email)
        })
        .collect();
    let mut diary = Vec::new();
    for (id, email) in people {
        if stage.random.below(ACTIVE_ONE_IN) != 0 {
            continue;
        }
        for _ in 0..=stage.random.below(6) {
            let minutes = 5 + stage.random.below(7 * 24 * 60 - 60) as i64;
            let at = stage.now.plus_millis(-minutes * MINUTE_MS).whole_second();
            let act = match stage.random.below(4) {
                0 => Act::Mail,
                1 => Act::Form,
                2 => Act::Points,
                _ => Act::Hit,
            };
            diary.push(Entry {
                at,
                id,
                act,
                email: email.clone(),
            });
        }
    }
    diary
}

fn act(stage: &mut Stage, assets: &Assets, entry: &Entry) {
    let (at, id) = (entry.at, entry.id);
    let visit = Visit {
        url: "https://orion.example/tarifs",
        title: "Tarifs",
        referer: None,
        page: Some(assets.page),
        address: "198.51.100.7",
    };
    match entry.act {
        Act::Mail => {
            if let Some(sent) = stage.automation.send(at, assets.mail, id) {
                let read = at.plus_millis(HOUR_MS);
                if read < stage.now {
                    stage.automation.open(read, sent);
                }
            }
        }
        Act::Form => {
            let email = entry.email.as_deref();
            let values: Vec<(&str, &str)> = email.iter().map(|email| ("email", *email)).collect();
            stage
                .automation
                .submit(at, assets.form, Cookie::Kept(id), &values, &visit);
        }
        Act::Points => stage
            .automation
            .earn(at, id, "Visite des tarifs", "page.hit", 5),
        Act::Hit => {
            stage.automation.hit(at, id, &visit);
        }
    }
}
