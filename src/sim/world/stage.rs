//! The two systems before anybody enters: fields, users, credentials, companies.

use super::{World, names};
use crate::sim::automation::Automation;
use crate::sim::automation::auth::Caller;
use crate::sim::automation::companies::CompanyInput;
use crate::sim::automation::company::CompanyId;
use crate::sim::automation::field::{Choice, Kind, NewField};
use crate::sim::automation::user::{NewUser, UserId, Users};
use crate::sim::clock::{DAY_MS, Timestamp};
use crate::sim::random::Random;
use crate::sim::salesforce::Salesforce;
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::oauth::App;
use crate::sim::salesforce::org::{ListedSite, OrgConfig};
use crate::sim::salesforce::schema::{ACCOUNT, CONTACT, FieldDef, FieldType, LEAD};
use crate::sim::salesforce::value::Value;

/// Keys of the practice instance: they open nothing but the simulators.
pub const SALESFORCE_KEY: &str = "practice-consumer-key";
pub const SALESFORCE_SECRET: &str = "practice-consumer-secret";
pub const AUTOMATION_KEY: &str = "1_practicepublickey";
pub const AUTOMATION_SECRET: &str = "practicesecretkey";

/// The name that the company's administrator gave both sites.
pub(super) const SITE: &str = "Orion";

const INTERESTS: [&str; 4] = ["Salon", "Newsletter", "Webinaire", "Démo"];

const STAFF: [(&str, &str, &str); 4] = [
    ("Claire", "Vasseur", "claire.vasseur@orion.example"),
    ("Malik", "Benhamou", "malik.benhamou@orion.example"),
    ("Sophie", "Renard", "sophie.renard@orion.example"),
    ("Paul", "Tessier", "paul.tessier@orion.example"),
];

/// Where Automation would be reached, for the sites that Salesforce lists.
pub const AUTOMATION_ADDRESS: &str = "https://orion.automation.example";

/// One company, on whichever side it is known.
pub(super) struct Firm {
    pub(super) name: String,
    pub(super) account: RecordId,
}

pub(super) struct Stage {
    pub(super) random: Random,
    pub(super) now: Timestamp,
    pub(super) salesforce: Salesforce,
    pub(super) automation: Automation,
    pub(super) staff: Vec<(RecordId, UserId)>,
    pub(super) firms: Vec<Firm>,
    pub(super) caller: Caller,
}

impl Stage {
    pub(super) fn new(seed: u64, people: u32, now: Timestamp) -> Self {
        let config = OrgConfig {
            seed,
            created: now.plus_millis(-3 * 365 * DAY_MS),
            ..OrgConfig::default()
        };
        let mut salesforce = Salesforce::new(config);
        let mut automation = Automation::new(seed);
        let long_ago = now.plus_millis(-800 * DAY_MS);
        add_salesforce_fields(&mut salesforce, long_ago);
        add_automation_fields(&mut automation, long_ago);
        let staff = add_staff(&mut salesforce, &mut automation, long_ago);
        let caller = add_credentials(&mut salesforce, &mut automation);
        add_sites(&mut salesforce);
        let mut stage = Self {
            random: Random::seeded(seed ^ 0x5EED_0F57),
            now,
            salesforce,
            automation,
            staff,
            firms: Vec::new(),
            caller,
        };
        stage.add_firms(people as usize / 12 + 3, long_ago);
        stage
    }

    pub(super) fn into_world(self) -> World {
        World {
            salesforce: self.salesforce,
            automation: self.automation,
        }
    }

    /// Some time in the last two years.
    pub(super) fn some_time_ago(&mut self) -> Timestamp {
        let days = 2 + self.random.below(700) as i64;
        let rest = self.random.below(DAY_MS as u64) as i64;
        self.now.plus_millis(-days * DAY_MS - rest).whole_second()
    }

    pub(super) fn some_staff(&mut self) -> (RecordId, UserId) {
        self.staff[self.random.below(self.staff.len() as u64) as usize]
    }

    pub(super) fn some_firm(&mut self) -> (String, RecordId) {
        let firm = &self.firms[self.random.below(self.firms.len() as u64) as usize];
        (firm.name.clone(), firm.account)
    }

    fn add_firms(&mut self, count: usize, at: Timestamp) {
        for number in 0..count {
            let name = names::company(number);
            let phone = names::phone(&mut self.random);
            let city = names::pick(&mut self.random, &names::CITIES);
            let owner = self.some_staff().0;
            let fields = [
                ("Name", Value::text(name.as_str())),
                ("Phone", Value::text(phone.as_str())),
                ("BillingCity", Value::text(city)),
                ("OwnerId", Value::Id(owner)),
            ];
            let account = self.salesforce.seed(ACCOUNT, &fields, owner, at);
            if number % 5 != 4 {
                let input = CompanyInput::named(&name)
                    .with("companyphone", phone.as_str())
                    .with("companycity", city);
                let made: Option<CompanyId> = self
                    .automation
                    .create_company_row(at, self.caller, &input)
                    .ok();
                debug_assert!(made.is_some(), "an invented company is acceptable");
            }
            self.firms.push(Firm { name, account });
        }
    }
}

/// Automation's address as remote site and as trusted site, as the set-up guide asks.
fn add_sites(salesforce: &mut Salesforce) {
    let site = ListedSite {
        name: SITE.to_owned(),
        url: AUTOMATION_ADDRESS.to_owned(),
        is_active: true,
    };
    salesforce.setup.remote_sites.push(site.clone());
    salesforce.setup.trusted_sites.push(site);
}

/// Moves the sites that are listed to where Automation is really served.
pub fn address_sites(salesforce: &mut Salesforce, address: &str) {
    let setup = &mut salesforce.setup;
    let sites = setup
        .remote_sites
        .iter_mut()
        .chain(&mut setup.trusted_sites);
    for site in sites.filter(|site| site.name == SITE) {
        address.clone_into(&mut site.url);
    }
}

fn add_salesforce_fields(salesforce: &mut Salesforce, at: Timestamp) {
    for object in [LEAD, CONTACT] {
        let fields = [
            FieldDef::new("Timeline_Link__c", "Timeline Webmecanik", FieldType::Url),
            FieldDef::number("ID_Webmecanik__c", "ID Webmecanik", 18, 0).external_id(),
            FieldDef::number("Loyalty__c", "Fidélité", 6, 2),
            FieldDef::new(
                "Interests__c",
                "Centres d'intérêt",
                FieldType::MultiPicklist,
            )
            .with_values(&INTERESTS),
        ];
        for field in fields {
            salesforce.add_field(object, field, at);
        }
        salesforce.track_history(object, "HasOptedOutOfEmail", true);
    }
}

fn add_automation_fields(automation: &mut Automation, at: Timestamp) {
    let choices = INTERESTS
        .iter()
        .map(|value| Choice {
            label: (*value).to_owned(),
            value: (*value).to_owned(),
        })
        .collect();
    let yes_no = Kind::Boolean {
        no: "Non".to_owned(),
        yes: "Oui".to_owned(),
    };
    let fields = [
        NewField::contact("crm_deleted", "Supprimé de Salesforce", yes_no),
        NewField::contact("lead_company", "Société du prospect", Kind::Text),
        NewField::contact("crm_note", "Note commerciale", Kind::Textarea),
        NewField::contact("loyalty", "Fidélité", Kind::Number(Some(2))),
        NewField::contact("interests", "Centres d'intérêt", Kind::Multiselect(choices)),
    ];
    for field in fields {
        let added = automation.add_field(
            at,
            NewField {
                length_limit: Some(191),
                ..field
            },
        );
        debug_assert!(added.is_some(), "the alias is free");
    }
}

fn add_staff(
    salesforce: &mut Salesforce,
    automation: &mut Automation,
    at: Timestamp,
) -> Vec<(RecordId, UserId)> {
    STAFF
        .iter()
        .map(|(first_name, last_name, email)| {
            let user = salesforce.add_user((first_name, last_name), email, at);
            let new = NewUser {
                username: email.split('@').next().unwrap_or(email),
                first_name,
                last_name,
                email,
                password: "practice",
                role: Users::ADMINISTRATOR,
            };
            (user, automation.add_user(at, &new))
        })
        .collect()
}

/// Where a login at this machine's browser comes back to.
const CALLBACK: &str = "http://localhost:1717/OauthRedirect";

fn add_credentials(salesforce: &mut Salesforce, automation: &mut Automation) -> Caller {
    let mut app = App::new(SALESFORCE_KEY, SALESFORCE_SECRET);
    app.run_as = Some(salesforce.integration_user());
    app.callbacks.push(CALLBACK.to_owned());
    salesforce.add_app(app);
    let random = AUTOMATION_KEY
        .split_once('_')
        .map_or("", |(_, random)| random);
    let client = automation.add_client("passerelle", random, AUTOMATION_SECRET, UserId(1));
    automation.add_redirect(client.number, CALLBACK);
    automation
        .caller_for_client(client.number)
        .unwrap_or_else(|| {
            // The client was made on the line above.
            unreachable!("a client that was just added is known")
        })
}
