//! What people type: accents, several alphabets, long texts, and now and then something nasty.

use super::super::names;
use crate::sim::random::Random;

/// Fields that people edit: in Salesforce on a lead, there on a contact, in Automation.
pub(super) const FIELDS: [(&str, &str, &str); 7] = [
    ("Phone", "Phone", "phone"),
    ("MobilePhone", "MobilePhone", "mobile"),
    ("Title", "Title", "position"),
    ("City", "MailingCity", "city"),
    ("Description", "Description", "crm_note"),
    ("FirstName", "FirstName", "firstname"),
    ("LastName", "LastName", "lastname"),
];

const NOTES: [&str; 8] = [
    "Rappeler après les congés d’été ; préfère le courriel.",
    "Vu au salon de l’Épicerie fine, très intéressée",
    "Déjà client chez un confrère → proposer l’offre « Découverte »",
    "Möchte ein Angebot für 200 Stück, Rückruf nächste Woche",
    "Привет из Гренобля: ждёт каталог",
    "会議は来週の火曜日です",
    "يرجى الاتصال بعد الظهر",
    "Pas de relance avant le 15 — budget gelé 😅",
];

/// A value for one of the fields above, by its name in Automation. Fits both systems, except for a
/// few notes that are longer than Automation's field.
pub(super) fn value(random: &mut Random, alias: &str) -> String {
    match alias {
        "phone" | "mobile" => names::phone(random),
        "position" => names::pick(random, &names::TITLES).to_owned(),
        "city" => names::pick(random, &names::CITIES).to_owned(),
        "firstname" => names::pick(random, &names::FIRST).to_owned(),
        "lastname" => last_name(random),
        _ => note(random),
    }
}

pub(super) fn last_name(random: &mut Random) -> String {
    match random.below(40) {
        0 => names::pick(random, &names::HOSTILE).to_owned(),
        1..8 => {
            let (one, other) = (
                names::pick(random, &names::LAST),
                names::pick(random, &names::LAST),
            );
            format!("{one}-{other}")
        }
        _ => names::pick(random, &names::LAST).to_owned(),
    }
}

fn note(random: &mut Random) -> String {
    let repeats = match random.below(12) {
        0 => 40,
        1 => 3,
        _ => 1,
    };
    let notes: Vec<&str> = (0..repeats).map(|_| names::pick(random, &NOTES)).collect();
    notes.join(" / ")
}

/// An address that nobody had before: the number of the act is in it.
pub(super) fn address(first: &str, last: &str, number: u64) -> String {
    let stem = format!("{}.{}", names::plain(first), names::plain(last));
    format!("{}{number}@nouveau.example", stem.trim_matches('.'))
}
