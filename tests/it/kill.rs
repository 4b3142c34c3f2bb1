//! A sync that is killed without warning, at a dozen moments, and run again: the end is as if
//! nothing had happened.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};

use passerelle::adapters::SystemClock;
use passerelle::domain::time::Span;
use passerelle::ports::Clock as _;
use passerelle::sim::automation::field::Subject;
use passerelle::sim::salesforce::Call;
use passerelle::sim::salesforce::ids::RecordId;
use passerelle::sim::salesforce::schema::{ACCOUNT, CONTACT, LEAD};

use crate::cli::Company;

const SEED: u64 = 3;
const PEOPLE: u32 = 50;

/// Calls to both systems after which the sync is killed; a sync of this company makes about fifty.
const MOMENTS: [u64; 12] = [1, 4, 7, 10, 13, 16, 19, 22, 26, 30, 35, 41];

/// Everything the sync may have changed, in an order of its own.
#[derive(Debug, PartialEq)]
struct End {
    salesforce: Vec<Vec<String>>,
    automation: Vec<Vec<String>>,
    /// The event, and the address of the person it is about.
    events: BTreeSet<(String, String)>,
    event_rows: usize,
}

impl Company {
    fn calls(&self) -> u64 {
        let site = &self.serving.site;
        let salesforce: u64 = site.with_brain(|brain| brain.calls().values().sum());
        salesforce + self.serving.automation.brain().calls().total()
    }

    fn sync(&self) -> Child {
        let mut command = self.command(&["sync", "--until-idle"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// Lets a sync make so many calls more, then kills it. Says whether it was still running.
    fn is_killed_after(&self, calls: u64) -> bool {
        let until = self.calls() + calls;
        let mut sync = self.sync();
        while self.calls() < until {
            if sync.try_wait().unwrap().is_some() {
                return false;
            }
            self.runtime
                .block_on(async { SystemClock.sleep(Span(1)).await });
        }
        sync.kill().unwrap();
        // SIGKILL leaves no status.
        sync.wait().unwrap().code().is_none()
    }

    fn end(&self) -> End {
        let (events, event_rows) = self.events();
        End {
            salesforce: self.salesforce(),
            automation: self.automation(),
            events,
            event_rows,
        }
    }

    fn salesforce(&self) -> Vec<Vec<String>> {
        const FIELDS: [&str; 10] = [
            "Email",
            "FirstName",
            "LastName",
            "Phone",
            "MobilePhone",
            "Title",
            "Description",
            "Name",
            "HasOptedOutOfEmail",
            "IsDeleted",
        ];
        self.serving.site.with_brain(|brain| {
            let mut rows = Vec::new();
            for object in [LEAD, CONTACT, ACCOUNT] {
                for (id, _) in brain.records(object) {
                    let shown = FIELDS.map(|field| format!("{:?}", brain.value(id, field)));
                    rows.push(shown.to_vec());
                }
            }
            rows.sort();
            rows
        })
    }

    fn automation(&self) -> Vec<Vec<String>> {
        const FIELDS: [&str; 12] = [
            "email",
            "firstname",
            "lastname",
            "lead_company",
            "company",
            "phone",
            "mobile",
            "position",
            "city",
            "crm_note",
            "interests",
            "crm_deleted",
        ];
        let brain = self.serving.automation.brain();
        let mut rows = Vec::new();
        for contact in brain.contacts().all() {
            let mut row = FIELDS.map(|alias| {
                let field = brain.fields().by_alias(Subject::Contact, alias).unwrap();
                format!("{:?}", contact.values.at(field.position))
            });
            row.sort();
            let dnc = contact.dnc_on("email").map(|dnc| dnc.reason.code());
            rows.push([&row[..], &[format!("{dnc:?}")]].concat());
        }
        rows.sort();
        rows
    }

    fn events(&self) -> (BTreeSet<(String, String)>, usize) {
        let now = self.serving.site.now();
        self.serving.site.with_brain(|brain| {
            let call = Call::new(now, brain.integration_user());
            let object = brain.find_object(&call, "mautic_timeline__c").unwrap();
            let mut events = BTreeSet::new();
            for (id, _) in brain.records(object) {
                let reference = brain.value(id, "ReferenceId__c");
                let (event, person) = reference.as_text().unwrap().rsplit_once('-').unwrap();
                let person = RecordId::parse(person).unwrap();
                let email = brain.value(person, "Email");
                let email = email.as_text().unwrap_or("").to_lowercase();
                events.insert((event.to_owned(), email));
            }
            (events, brain.count(object))
        })
    }
}

#[test]
fn a_sync_killed_at_any_moment_and_run_again_ends_as_an_undisturbed_one() {
    let calm = Company::new(SEED, PEOPLE);
    assert_eq!(calm.sync().wait().unwrap().code(), Some(3));
    let expected = calm.end();
    assert_eq!(expected.events.len(), expected.event_rows);
    let mut killed = 0;
    for moment in MOMENTS {
        let company = Company::new(SEED, PEOPLE);
        killed += u32::from(company.is_killed_after(moment));
        // And once more on the way back.
        killed += u32::from(company.is_killed_after(moment % 5 + 1));
        let status = company.sync().wait().unwrap().code();
        assert_eq!(status, Some(3), "after {moment} calls");
        assert_eq!(company.end(), expected, "killed after {moment} calls");
    }
    assert!(killed > 12, "only {killed} kills came in time");
}
