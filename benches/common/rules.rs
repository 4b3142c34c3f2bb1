//! The rules of the practice company.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use passerelle::app::config;
use passerelle::app::policy;
use passerelle::domain::drift::Descriptions;
use passerelle::domain::mapping::{Mapping, Policy};
use passerelle::pool::Outside;
use passerelle::ports;
use passerelle::sim::world::MAPPING;

const INSTANCE: &str = r#"
[instance]
name = "measurement"
[salesforce]
login_url = "http://127.0.0.1"
flow = "client_credentials"
client_id = "app"
client_secret = { env = "SECRET" }
[automation]
base_url = "http://127.0.0.1"
flow = "client_credentials"
client_id = "1_random"
client_secret = { env = "SECRET" }
[plugin]
activity_types = ["page.hit"]
"#;

/// The rules of the practice company, checked against what both systems say of themselves.
pub(crate) async fn rules(folder: &Path, outside: &Outside) -> (Arc<Policy>, Descriptions) {
    let file = folder.join("instance.toml");
    std::fs::write(&file, [INSTANCE, MAPPING].concat()).expect("a file");
    let env = BTreeMap::from([
        ("SECRET".to_owned(), "secret".to_owned()),
        ("HOME".to_owned(), folder.display().to_string()),
    ]);
    let instance = config::load(&file, &env).expect("an instance");
    let asked = Arc::new(Policy {
        mapping: Mapping::default(),
        published: true,
        objects: instance.plugin.objects.clone(),
        activities: instance.plugin.activities,
        update_blanks: instance.plugin.update_blanks,
        latest_do_not_contact: instance.plugin.latest_do_not_contact,
        sync_owners: instance.plugin.sync_owners,
        create_accounts: instance.plugin.create_accounts,
        activity_types: instance.plugin.activity_types.clone(),
        namespace: instance.plugin.namespace.clone(),
        automation_url: String::new(),
    });
    let salesforce = ports::Salesforce::describe(&*outside.salesforce, Arc::clone(&asked)).await;
    let automation = ports::Automation::describe(&*outside.automation, asked).await;
    let described = Descriptions {
        at: outside.clock.now(),
        salesforce: salesforce.expect("Salesforce").value,
        automation: automation.expect("Automation").value,
    };
    let policy = policy::build(&instance.plugin, &described, "http://127.0.0.1");
    let policy = policy.expect("rules without a problem");
    (Arc::new(policy), described)
}
