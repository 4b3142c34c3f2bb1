//! Who lets us in, and letting in: what is shown, what each key asks for, and that nothing secret is
//! recorded.

use super::Msg;
use super::bench::{Bench, NOW, World, start};
use super::tape::{player, recorded};
use crate::console::hidden::Hidden;
use crate::console::query::{Admit, Answer, Query, Ticket};
use crate::console::{Model, Outcome as Ended};
use crate::domain::access::{
    Access, Admitted, Entrant, Flow, Listens, Outcome, Progress, SecretName, SecretWanted,
    Standing, Why,
};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::Side;
use crate::domain::operator::Role;
use crate::domain::time::Span;

const REDIRECT: &str = "http://localhost:1717/OauthRedirect";
const CODE: &str = "aPrxCANARYuNl0ckEd";
const SECRET: &str = "canary-hunter2";

/// As long as Salesforce's are.
fn address() -> String {
    format!(
        "https://login.salesforce.com/services/oauth2/authorize?response_type=code&client_id=3MVG9{}\
         &state={}&code_challenge={}&code_challenge_method=S256\
         &redirect_uri=http%3A%2F%2Flocalhost%3A1717%2FOauthRedirect&scope=api+refresh_token",
        "k".repeat(80),
        "s".repeat(43),
        "c".repeat(43)
    )
}

fn salesforce() -> Entrant {
    Entrant {
        user: "integration@acme.example".to_owned(),
        user_name: "Integration".to_owned(),
        place: "00D000000000001EAA".to_owned(),
        place_name: "Acme".to_owned(),
        is_sandbox: Some(false),
        scopes: vec!["api".to_owned(), "refresh_token".to_owned()],
        version: "62.0".to_owned(),
    }
}

fn denied(says: &'static str) -> Why {
    let gaps = [("system", "Automation"), ("side", "automation")];
    Why {
        says: says.into(),
        gaps: gaps.map(|(gap, text)| (gap.into(), text.to_owned())).into(),
    }
}

fn doors() -> Vec<Access> {
    vec![
        Access {
            side: Side::Salesforce,
            flow: Flow::Person,
            address: "https://login.salesforce.com/".to_owned(),
            wanted: None,
            kept: 1,
            standing: Standing::In {
                at: NOW - Span::minutes(3),
                who: salesforce(),
            },
        },
        Access {
            side: Side::Automation,
            flow: Flow::ClientCredentials,
            address: "https://acme.automation.example/".to_owned(),
            wanted: Some(SecretWanted {
                name: SecretName::SecretKey,
                is_optional: false,
                is_kept: false,
            }),
            kept: 0,
            standing: Standing::Out {
                at: NOW,
                why: denied("denied-login-ended"),
            },
        },
    ]
}

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.world.access = doors();
    bench.keys("I");
    bench
}

fn as_role(role: Role) -> Bench {
    let mut begin = start();
    begin.instance.role = role;
    let mut bench = Bench::new();
    bench.model = Model::new(begin.settings().unwrap());
    bench.world.access = doors();
    bench.keys("I");
    bench
}

fn admits(bench: &mut Bench) -> Vec<(Ticket, Side, Admit)> {
    let asked = bench.asked().into_iter();
    asked
        .filter_map(|(ticket, query)| match query {
            Query::Admit(side, admit) => Some((ticket, side, admit)),
            _ => None,
        })
        .collect()
}

#[track_caller]
fn admit(bench: &mut Bench) -> (Ticket, Admit) {
    let mut asked = admits(bench);
    assert_eq!(asked.len(), 1, "{asked:?}");
    let (ticket, _, admit) = asked.remove(0);
    (ticket, admit)
}

fn tell(bench: &mut Bench, ticket: Ticket, side: Side, progress: Progress) {
    let admitted = Box::new(Admitted { side, progress });
    bench.send(Msg::Answered(ticket, Answer::Admitted(admitted)));
}

/// A login at the browser, after the reason was given.
fn at_browser(bench: &mut Bench, listens: Listens) -> Ticket {
    bench.keys("l tab").type_text("new user");
    bench.keys("enter enter");
    let (ticket, admit) = admit(bench);
    assert!(matches!(admit, Admit::LogIn { secret: None, reason } if reason == "new user"));
    let progress = Progress::AtBrowser {
        redirect: REDIRECT.to_owned(),
        address: address(),
        listens,
    };
    tell(bench, ticket, Side::Salesforce, progress);
    ticket
}

fn pasted() -> String {
    format!("{REDIRECT}?code={CODE}&state=s")
}

pub(super) fn answer(world: &World, query: &Query) -> Answer {
    match query {
        Query::Access => Answer::Access(world.access.clone()),
        _ => super::audit::answer(world, query),
    }
}

#[test]
fn each_side_says_as_whom_and_where_it_lets_us_in_or_why_not() {
    let mut bench = bench();
    bench.matches("access-in-80x24");
    bench.keys("j").matches("access-out-80x24");
    bench.keys("esc").speak_french();
    bench.send(Msg::Resized(60, 20));
    bench.keys("I").matches("access-out-fr-60x20");
    bench.keys("k").matches("access-in-fr-60x20");
    bench.keys("y");
    let copied = bench.copied().remove(0);
    assert!(copied.contains("integration@acme.example"), "{copied}");
    bench.keys("esc").lacks("integration@acme.example");
}

#[test]
fn where_a_side_is_shut_the_overview_and_the_doctor_lead_there_and_the_palette_anywhere() {
    let mut bench = Bench::new();
    bench.world.access = doors();
    bench.lacks("I access");
    bench.sync_reports_that(|snapshot| {
        let failure = Failure::new(FailureKind::Unauthorised, "401", "no");
        snapshot.stopped.insert(Side::Automation, failure);
    });
    bench.expect_screen("I access");
    bench.keys("I").expect_screen("Log in again with");
    bench.keys("esc :").type_text("authorize salesforce");
    bench
        .keys("enter")
        .expect_screen("integration@acme.example");
    let doctor = super::doctor::bench();
    doctor.expect_selected("Credentials and rights");
    doctor.expect_screen("I access");
}

#[test]
fn a_login_by_code_shows_both_addresses_whole_and_takes_the_one_that_comes_back() {
    let mut bench = bench();
    let ticket = at_browser(&mut bench, Listens::Here);
    bench.matches("access-browser-80x24");
    bench.keys("y c");
    assert_eq!(bench.copied(), [address(), REDIRECT.to_owned()]);
    bench.send(Msg::Pasted(pasted()));
    bench
        .lacks(CODE)
        .lacks(&CODE[..8])
        .expect_screen("http://l•");
    bench.keys("enter");
    let (_, admit) = admit(&mut bench);
    assert_eq!(admit, Admit::Redirected(Hidden::new(&pasted())));
    bench.expect_screen("looking at the address");
    let wrong = Progress::NotTheAnswer(denied("denied-wrong-state"));
    tell(&mut bench, ticket, Side::Salesforce, wrong);
    bench.expect_screen("not the answer to this login");
    tell(&mut bench, ticket, Side::Salesforce, Progress::Exchanging);
    bench.expect_screen("exchanging the code");
    tell(&mut bench, ticket, Side::Salesforce, Progress::Proving);
    bench.expect_screen("proving");
    let kept = Progress::Ended(Outcome::LetIn(salesforce()));
    tell(&mut bench, ticket, Side::Salesforce, kept);
    bench.expect_screen("kept encrypted; the sync uses it from its next request on");
    bench.expect_screen("Acme (00D000000000001EAA), production");
    bench.keys("esc").expect_screen("Who lets us in");
    assert!(bench.commands().is_empty(), "whoever does it records it");
}

#[test]
fn everything_of_a_login_fits_on_the_smallest_screen_in_french() {
    let mut bench = bench();
    bench.keys("esc").speak_french();
    bench.send(Msg::Resized(60, 20));
    bench.keys("I");
    let ticket = at_browser(&mut bench, Listens::Elsewhere);
    bench.matches("access-browser-fr-60x20");
    let expired = Progress::Ended(Outcome::Refused(denied("denied-code-expired")));
    tell(&mut bench, ticket, Side::Salesforce, expired);
    bench.expect_screen("a expiré");
}

#[test]
fn a_login_that_comes_back_at_another_port_says_so() {
    let mut bench = bench();
    at_browser(&mut bench, Listens::AtAnother);
    bench.expect_screen("The first port is taken");
}

#[test]
fn what_a_terminal_types_instead_of_pasting_goes_to_the_address_and_escape_ends_the_login() {
    let mut bench = bench();
    let ticket = at_browser(&mut bench, Listens::Taken);
    bench.expect_screen("callback_ports");
    bench.type_text("http://localhost/?code=x").keys("enter");
    let (_, taken) = admit(&mut bench);
    assert_eq!(
        taken,
        Admit::Redirected(Hidden::new("http://localhost/?code=x"))
    );
    bench.keys("esc");
    assert!(admits(&mut bench).is_empty(), "it was the field's");
    bench.keys("esc");
    assert_eq!(admit(&mut bench).1, Admit::BreakOff);
    let ended = Progress::Ended(Outcome::BrokenOff);
    tell(&mut bench, ticket, Side::Salesforce, ended);
    bench.expect_screen("nothing was kept");
    // Told to one that is not waited for any more, nothing changes.
    bench.keys("esc");
    tell(&mut bench, ticket, Side::Salesforce, Progress::Proving);
    bench.expect_screen("Who lets us in");
}

#[test]
fn a_missing_secret_is_asked_for_and_seen_nowhere() {
    let mut bench = bench();
    bench
        .keys("j l tab")
        .type_text("new key")
        .keys("enter enter");
    assert!(admits(&mut bench).is_empty());
    bench.keys("enter").expect_screen("It cannot be left out");
    bench.type_text(SECRET).matches("access-secret-80x24");
    bench.keys("enter");
    let (ticket, admit) = admit(&mut bench);
    assert!(!format!("{admit:?}").contains(SECRET), "{admit:?}");
    let Admit::LogIn { secret, reason } = admit else {
        panic!("{admit:?}");
    };
    assert_eq!(
        (secret, reason.as_str()),
        (Some(Hidden::new(SECRET)), "new key")
    );
    bench.send(Msg::Unanswered(ticket, Why::raw("the store is busy")));
    bench.expect_screen("It was not begun: the store is busy");
}

#[test]
fn neither_secret_nor_code_is_on_the_tape_which_shows_the_same_screens() {
    let mut bench = bench();
    at_browser(&mut bench, Listens::Here);
    bench.send(Msg::Pasted(format!("{}\r\n", pasted())));
    let browser = (bench.heard.len(), bench.buffer());
    bench.keys("enter esc esc").type_text(&pasted());
    let typed = (bench.heard.len(), bench.buffer());
    let mut secret = self::bench();
    secret.keys("j l tab").type_text("why").keys("enter enter");
    secret.type_text(&SECRET[..6]);
    secret.send(Msg::Pasted(SECRET[6..].to_owned()));
    let seen = (secret.heard.len(), secret.buffer());
    for (heard, shown) in [
        (&bench.heard, vec![browser, typed]),
        (&secret.heard, vec![seen]),
    ] {
        let tape = recorded(heard);
        for canary in [CODE, SECRET, "CANARY", "unter2"] {
            assert!(!tape.contains(canary), "{canary}");
        }
        // Letter by letter neither.
        let letters: String = tape
            .split("\"Char\":\"")
            .skip(1)
            .filter_map(|part| part.chars().next())
            .collect();
        assert!(
            !letters.contains("CANARY") && !letters.contains("canary"),
            "{letters}"
        );
        let mut player = player(&tape);
        for (number, screen) in shown {
            player.go_to(number);
            assert_eq!(player.screen(), screen);
        }
    }
}

#[test]
fn a_login_is_ended_by_the_word_and_a_reason_and_what_came_of_it_is_said() {
    let mut bench = bench();
    bench.keys("R").expect_screen("[> Cancel <]");
    bench.expect_screen("The sync stops at this system until somebody logs in again");
    bench
        .keys("tab")
        .type_text("the contract ended")
        .keys("enter");
    bench.type_text("no").keys("enter enter");
    bench.expect_screen("That is not the word shown");
    assert!(admits(&mut bench).is_empty());
    bench.keys("backspace backspace").type_text("revoke");
    bench.keys("enter enter");
    let (ticket, admit) = admit(&mut bench);
    let reason = "the contract ended".to_owned();
    assert_eq!(admit, Admit::Revoke { reason });
    bench.expect_screen("ending the login");
    let revoked = Outcome::Revoked {
        there: Some(true),
        forgotten: 2,
    };
    bench.keys("esc");
    tell(
        &mut bench,
        ticket,
        Side::Salesforce,
        Progress::Ended(revoked),
    );
    bench.expect_screen("2 kept secrets were forgotten. The login is ended at Salesforce.");
}

#[test]
fn who_only_looks_sees_the_state_and_only_an_admin_changes_it() {
    let mut bench = as_role(Role::Viewer);
    bench
        .expect_screen("integration@acme.example")
        .lacks("log in");
    for key in ["t", "l", "R"] {
        bench.keys(key).expect_screen("viewer");
    }
    let mut bench = as_role(Role::Operator);
    bench.keys("l").expect_screen("admin");
    bench.keys("t").expect_screen("asking who we are");
    let (ticket, admit) = admit(&mut bench);
    assert_eq!(admit, Admit::Check);
    let checked = Progress::Ended(Outcome::Checked(salesforce()));
    tell(&mut bench, ticket, Side::Salesforce, checked);
    bench.expect_screen("Salesforce lets us in");
}

#[test]
fn on_lines_the_same_acts_are_words_and_what_they_ask_for_is_typed() {
    let mut bench = Bench::lines();
    bench.world.access = doors();
    let said = bench.types(&["authorize automation"]);
    assert!(said.contains("Log in again with"), "{said}");
    assert!(said.contains("check-access, log-in, revoke"), "{said}");
    let said = bench.types(&["log-in", "new key", "yes"]);
    assert!(said.contains("Automation: secret key"), "{said}");
    assert_eq!(
        bench.model.outcome(),
        Ended::Failed,
        "a secret is asked for"
    );
    bench.send(Msg::Typed(SECRET.to_owned()));
    assert!(!bench.model.takes_line(), "it is being proven");
    let (ticket, admit) = admit(&mut bench);
    assert!(
        matches!(admit, Admit::LogIn { secret: Some(secret), .. } if secret == Hidden::new(SECRET))
    );
    assert!(!recorded(&bench.heard).contains("hunter2"));
    let kept = Outcome::LetIn(Entrant::default());
    tell(&mut bench, ticket, Side::Automation, Progress::Ended(kept));
    let said = bench.said();
    assert!(said.contains("Automation: kept encrypted"), "{said}");
    assert!(!said.contains(SECRET));
    bench.types(&["cancel", "status"]);
    assert!(bench.model.takes_line());
    let said = bench.types(&["authorize nowhere"]);
    assert!(said.contains("salesforce, automation"), "{said}");
}

#[test]
fn a_terminal_that_shows_what_is_typed_takes_no_secret() {
    let mut bench = Bench::new();
    bench.world.access = doors();
    bench.begin_lines(Some(80));
    bench.types(&["authorize automation", "log-in", "new key", "yes"]);
    let said = bench.types(&[SECRET]);
    assert!(said.contains("use the screens, or passerelle"), "{said}");
    assert!(admits(&mut bench).is_empty());
}

#[test]
fn an_address_that_comes_too_late_for_its_field_is_on_no_tape_either() {
    for progress in [
        Progress::Exchanging,
        Progress::Proving,
        Progress::Ended(Outcome::LetIn(salesforce())),
    ] {
        let mut bench = bench();
        let ticket = at_browser(&mut bench, Listens::Here);
        tell(&mut bench, ticket, Side::Salesforce, progress);
        bench.send(Msg::Pasted(pasted()));
        let tape = recorded(&bench.heard);
        assert!(!tape.contains(CODE) && !tape.contains("CANARY"), "{tape}");
    }
}

#[test]
fn ending_a_login_says_what_it_ends_by_how_we_are_let_in() {
    let question = |change: fn(&mut Access)| {
        let mut bench = Bench::new();
        bench.world.access = doors();
        change(&mut bench.world.access[0]);
        bench.keys("I R");
        bench.expect_screen("End the login to Salesforce");
        bench.screen()
    };
    let person = question(|_| {});
    assert!(person.contains("until somebody logs in again"), "{person}");
    let typed = question(|access| {
        access.flow = Flow::ClientCredentials;
        access.wanted = Some(SecretWanted {
            name: SecretName::ConsumerSecret,
            is_optional: false,
            is_kept: true,
        });
    });
    assert!(typed.contains("until the secret is typed again"), "{typed}");
    let given = question(|access| {
        access.flow = Flow::Assertion;
        access.kept = 0;
    });
    assert!(given.contains("given in the instance file"), "{given}");
    assert!(!given.contains("The sync stops"), "{given}");
}
