//! Mapping two more fields: found by typing, taken from the usual pairs, or refused with a sentence.

use super::configure::bench;
use super::plugin::field;
use crate::console::Safe;
use crate::domain::value::ValueType;

#[test]
fn a_usual_pair_is_taken_at_once() {
    let mut bench = bench();
    bench.keys("+").expect_screen("Fax → fax");
    bench.expect_screen("Contact · usual pair");
    bench.keys("enter");
    bench
        .expect_screen("draft: 1 change, not saved")
        .expect_selected("Fax");
    bench.expect_screen("* Contact   Fax                 → fax");
}

#[test]
fn two_fields_are_found_by_typing_and_what_does_not_fit_is_said() {
    let mut bench = bench();
    bench.keys("+").type_text("createddate");
    bench.expect_screen("Lead, Contact · date and time; read-only");
    bench
        .keys("enter")
        .expect_screen("CreatedDate: Automation's field");
    bench.type_text("points");
    bench.keys("enter");
    bench.expect_screen("“CreatedDate” is of type date and time and “points” of type");
    bench.keys("esc").lacks("draft:");
}

#[test]
fn two_fields_onto_one_are_refused_on_the_line() {
    let mut bench = bench();
    bench.keys("+").type_text("fax lead");
    bench.keys("enter").type_text("mobile");
    bench.keys("enter");
    bench
        .expect_screen("! 1 refused")
        .expect_screen("! refused: two pairs would write “mobile” in Automation");
    let screen = bench.screen();
    let line = screen.lines().find(|line| line.contains("Fax")).unwrap();
    assert!(line.starts_with('!') && line.contains("refused:"), "{line}");
}

#[test]
fn every_pair_that_cannot_be_is_refused_with_a_sentence() {
    let mut bench = bench();
    let described = &mut bench.world.plugin.described;
    let contact = &mut described.automation.contact_fields;
    let mut id = field("id", ValueType::Number);
    id.label = "Internal".to_owned();
    contact.push(id);
    contact.push(field("created", ValueType::Moment));
    contact.push(field("company", ValueType::Text));
    let lead = described.salesforce.objects.get_mut("Lead").unwrap();
    lead.push(field("Company", ValueType::Text));
    let mut address = field("Address", ValueType::Text);
    address.value_type = None;
    lead.push(address);
    bench.keys("r");
    for (salesforce, automation, words) in [
        (
            "fax lead",
            "internal",
            "“id” (“ID du contact”) is no working field; map",
        ),
        (
            "isdeleted",
            "fax",
            "“Deleted” needs a boolean; “IsDeleted” is of type text",
        ),
        ("hasoptedout", "fax", "belong to each"),
        ("fax lead", "@do_not", "belong to each"),
        (
            "fax lead",
            "points",
            "of type text and “points” of type number",
        ),
        ("address", "fax", "is of a type that cannot be mapped"),
    ] {
        bench.keys("+").type_text(salesforce);
        bench.keys("enter").type_text(automation);
        bench.keys("enter").expect_screen(words);
        bench.keys("esc").lacks("draft:");
    }
    bench.keys("+").type_text("company lead");
    bench.keys("enter").type_text("company");
    bench
        .keys("enter")
        .expect_screen("! warning: a Lead's company on the core field");
    bench.keys("+").type_text("createddate");
    bench.keys("enter").type_text("created");
    bench.keys("enter").expect_selected("CreatedDate");
    bench
        .keys("enter")
        .expect_screen("New: an example is shown once");
    bench
        .keys("a")
        .expect_screen("refused: “CreatedDate” cannot be written in Salesforce");
}

#[test]
fn a_special_name_takes_the_arrow_that_it_can_have() {
    let mut bench = bench();
    bench.keys("+").type_text("fax lead");
    bench.keys("enter").type_text("@timeline");
    bench
        .keys("enter")
        .expect_screen("Fax                 ← @timeline_link");
}

/// The words of the screen in their order, whatever lines they stand on.
fn flat(screen: &str) -> String {
    let inside = screen.replace('│', " ");
    inside.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_usual_pair_says_which_values_a_closed_list_would_not_take() {
    for tongue in ["en", "fr"] {
        let mut bench = bench();
        bench.keys(":").type_text(&format!("lang {tongue}"));
        bench.keys("enter");
        let described = &mut bench.world.plugin.described;
        let list = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        for fields in described.salesforce.objects.values_mut() {
            for fax in fields.iter_mut().filter(|field| field.name == "Fax") {
                fax.value_type = Some(ValueType::Choice);
                fax.choices = list(&["Hot", "Lukewarm", "Cold"]);
            }
        }
        let theirs = described.automation.contact_fields.iter_mut();
        for fax in theirs.filter(|field| field.name == "fax") {
            fax.value_type = Some(ValueType::Choice);
            fax.choices = list(&["Hot"]);
        }
        bench.keys("r +");
        let screen = flat(&bench.screen());
        assert!(screen.contains("Lukewarm"), "{}", bench.screen());
        bench.keys("esc");
        let theirs = bench
            .world
            .plugin
            .described
            .automation
            .contact_fields
            .iter_mut();
        for fax in theirs.filter(|field| field.name == "fax") {
            fax.choices = None;
        }
        bench.keys("r +");
        let told = bench.model.shell.language.text("picker-closed");
        let told = flat(Safe::new(told).as_str());
        let screen = flat(&bench.screen());
        assert!(screen.contains(&told), "{}", bench.screen());
    }
}
