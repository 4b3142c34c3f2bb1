//! Looking at the two simulated systems' set-up, and adding what is missing.

use std::sync::Arc;

use passerelle::domain::evidence::{Area, DefinedField, Part, SalesforceEvidence, Writer};
use passerelle::domain::failure::FailureKind;
use passerelle::domain::ids::Kind;
use passerelle::domain::ids::SalesforceObject::{Contact, Lead};
use passerelle::domain::mapping::Policy;
use passerelle::domain::remedy::{ID_FIELD, OPT_OUT_FIELD, Remedy};
use passerelle::domain::time::Span;
use passerelle::ports::{AutomationSetup as _, PortError, SalesforceSetup as _};
use passerelle::sim::faults::{CallMatcher, FaultKind};
use passerelle::sim::salesforce::coerce::Input;
use passerelle::sim::salesforce::org::ListedSite;
use passerelle::sim::salesforce::schema::{self, FieldAccess, UserRight};
use passerelle::sim::salesforce::{Call, OrgConfig};

use super::{automation, policy, salesforce};

const URL: &str = "https://acme.automation.example";

fn wanted() -> Arc<Policy> {
    Arc::new(Policy {
        automation_url: URL.to_owned(),
        ..policy()
    })
}

/// An organisation in which nobody set anything up.
fn bare() -> salesforce::Bench {
    let org = OrgConfig {
        timeline: None,
        ..OrgConfig::default()
    };
    salesforce::Bench::with(org, false)
}

impl salesforce::Bench {
    async fn evidence(&self) -> SalesforceEvidence {
        self.client.examine(wanted()).await.unwrap().value
    }

    /// Without what passes while a trial run is waited for, and what it takes of the limit.
    async fn still(&self) -> SalesforceEvidence {
        SalesforceEvidence {
            clock_ahead: Part::Read(Span::ZERO),
            limit: None,
            ..self.evidence().await
        }
    }

    /// Previews without a trace, makes it, and finds nothing to do afterwards.
    async fn mended(&self, remedy: Remedy) -> Vec<String> {
        let before = self.still().await;
        let preview = self.client.preview(wanted(), remedy.clone()).await;
        let preview = preview.unwrap().value;
        assert_eq!(preview.refusals, [] as [String; 0]);
        assert!(!preview.steps.is_empty());
        assert!(self.still().await == before, "a preview changes nothing");
        let mended = self.client.mend(wanted(), remedy.clone()).await.unwrap();
        let again = self.client.mend(wanted(), remedy.clone()).await.unwrap();
        assert_eq!(again.value.made, [] as [String; 0], "repeated");
        let preview = self.client.preview(wanted(), remedy).await.unwrap();
        assert_eq!(preview.value.steps, []);
        mended.value.made
    }
}

fn read<T>(part: &Part<T>) -> &T {
    match part {
        Part::Read(value) => value,
        Part::Unread(why) => panic!("unread: {why}"),
    }
}

#[tokio::test]
async fn a_good_organisation_shows_everything_in_some_fifteen_calls() {
    let bench = salesforce::Bench::with(OrgConfig::default(), false);
    let answered = bench.client.examine(wanted()).await.unwrap();
    assert!(answered.spent.calls <= 16, "{} calls", answered.spent.calls);
    let evidence = answered.value;
    let token = read(&evidence.token);
    assert!(token.scopes.as_ref().unwrap().iter().any(|s| s == "api"));
    assert!(read(&evidence.clock_ahead).0.abs() <= 1_000);
    assert_eq!(read(&evidence.namespace), "");
    let rights = evidence.rights["mautic_timeline__c"];
    assert!(rights.reads && rights.creates && rights.updates);
    let columns = evidence.timeline.as_ref().unwrap();
    let reference = columns.iter().find(|c| c.name == "ReferenceId__c").unwrap();
    assert_eq!((reference.kind.as_str(), reference.length), ("string", 255));
    assert!(reference.is_unique);
    let who = columns.iter().find(|c| c.name == "WhoId__c").unwrap();
    assert_eq!(who.refers_to, ["Lead"]);
    let tracked = read(&evidence.fields).iter().filter(|f| f.is_tracked);
    let tracked: Vec<&str> = tracked.map(|field| field.object.as_str()).collect();
    assert_eq!(tracked.len(), 2, "{tracked:?}");
    assert!(evidence.history.values().all(|part| part.read().is_some()));
    let layouts = read(&evidence.layouts);
    let is_lead = |layout: &&passerelle::domain::evidence::Layout| layout.object == Lead;
    let lead = layouts.iter().find(is_lead).unwrap();
    let shows = |list: &passerelle::domain::evidence::RelatedList| {
        list.name == "mautic_timeline__c.WhoId__c"
            && list
                .columns
                .iter()
                .any(|column| column == "ActivityDate__c")
    };
    assert!(lead.lists.iter().any(shows), "{lead:?}");
    assert_eq!(read(&evidence.queue_owned), &0);
    assert_eq!(read(&evidence.validation_rules), &[]);
    assert_eq!(read(&evidence.duplicate_rules), &[]);
    assert_eq!(read(&evidence.writers), &[]);
    assert!(evidence.grantable.contains("Lead.Phone"));
}

#[tokio::test]
async fn the_timeline_is_made_whole_and_our_user_may_use_it() {
    let bench = bare();
    let made = bench.mended(Remedy::Timeline).await;
    assert!(made.iter().any(|name| name == "mautic_timeline__c"));
    let evidence = bench.evidence().await;
    let columns = evidence.timeline.unwrap();
    let custom = columns.iter().filter(|c| c.name.ends_with("__c"));
    assert_eq!(custom.count(), 7);
    let rights = evidence.rights["mautic_timeline__c"];
    assert!(rights.reads && rights.creates && rights.updates);
}

#[tokio::test]
async fn a_missing_field_is_added_and_the_others_stay_as_they_are() {
    let bench = salesforce::Bench::with(OrgConfig::default(), false);
    let now = bench.site.now();
    bench.site.with_brain(|brain| {
        let timeline = brain.schema().find("mautic_timeline__c", None).unwrap();
        assert!(brain.remove_field(timeline, "Mautic_url__c", now));
    });
    let before = bench.evidence().await.timeline.unwrap();
    let remedy = Remedy::TimelineFields(vec!["Mautic_url__c".to_owned()]);
    bench.mended(remedy).await;
    let mut after = bench.evidence().await.timeline.unwrap();
    let is_new = |column: &passerelle::domain::evidence::Column| column.name == "Mautic_url__c";
    assert!(after.iter().any(is_new));
    after.retain(|column| !is_new(column));
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_hidden_field_is_granted() {
    let bench = salesforce::Bench::with(OrgConfig::default(), false);
    let now = bench.site.now();
    bench.site.with_brain(|brain| {
        brain.grant(schema::CONTACT, OPT_OUT_FIELD, FieldAccess::Hidden, now);
    });
    let sees = |evidence: &SalesforceEvidence| {
        let fields = &evidence.description.objects["Contact"];
        fields.iter().any(|field| field.name == OPT_OUT_FIELD)
    };
    assert!(!sees(&bench.evidence().await));
    let fields = vec![("Contact".to_owned(), OPT_OUT_FIELD.to_owned())];
    bench.mended(Remedy::GrantFields(fields)).await;
    assert!(sees(&bench.evidence().await));
}

#[tokio::test]
async fn sites_are_listed_and_one_that_is_asleep_is_left_to_its_administrator() {
    let bench = bare();
    bench.site.with_brain(|brain| {
        brain.setup.remote_sites.clear();
        brain.setup.trusted_sites = vec![ListedSite {
            name: "Support".to_owned(),
            url: URL.to_owned(),
            is_active: false,
        }];
    });
    bench.mended(Remedy::RemoteSite(URL.to_owned())).await;
    let asleep = Remedy::TrustedSite(URL.to_owned());
    let refused = bench.client.mend(wanted(), asleep).await.unwrap_err();
    assert!(refused.failure.message.contains("Support"), "{refused}");
    let evidence = bench.evidence().await;
    let remote = read(&evidence.remote_sites);
    assert!(remote.len() == 1 && remote[0].is_active, "{remote:?}");
    let trusted = read(&evidence.trusted_sites);
    assert!(trusted.len() == 1 && !trusted[0].is_active, "{trusted:?}");
}

#[tokio::test]
async fn a_timeline_of_another_prefix_is_found_and_none_is_made_beside_it() {
    let org = OrgConfig {
        namespace: Some("acme".to_owned()),
        ..OrgConfig::default()
    };
    let bench = salesforce::Bench::with(org, false);
    let evidence = bench.evidence().await;
    assert_eq!(evidence.timeline, None);
    assert_eq!(read(&evidence.namespace), "acme");
    assert_eq!(read(&evidence.timelines), &["acme__mautic_timeline__c"]);
    let refused = bench.client.mend(wanted(), Remedy::Timeline).await;
    let refused = refused.unwrap_err();
    assert!(
        refused.failure.message.contains("acme__mautic_timeline__c"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_timeline_takes_the_prefix_of_its_organisation() {
    let org = OrgConfig {
        namespace: Some("acme".to_owned()),
        timeline: None,
        ..OrgConfig::default()
    };
    let bench = salesforce::Bench::with(org, false);
    let refused = bench.client.mend(wanted(), Remedy::Timeline).await;
    let refused = refused.unwrap_err();
    assert!(refused.failure.message.contains("“acme”"), "{refused}");
    let own = Arc::new(Policy {
        namespace: "acme".to_owned(),
        ..policy()
    });
    let made = bench.client.mend(own, Remedy::Timeline).await.unwrap();
    assert_eq!(made.value.refused, [] as [String; 0]);
    let evidence = bench.evidence().await;
    assert_eq!(read(&evidence.timelines), &["acme__mautic_timeline__c"]);
}

#[tokio::test]
async fn a_field_that_the_platform_works_out_is_shown_and_the_rest_of_a_grant_stays() {
    let bench = salesforce::Bench::with(OrgConfig::default(), false);
    let now = bench.site.now();
    bench.site.with_brain(|brain| {
        let mut formula = schema::FieldDef::text("Score__c", "Score", 80);
        formula.traits.set(schema::Trait::Calculated, true);
        brain.add_field(schema::LEAD, formula, now);
        brain.grant(schema::LEAD, "Score__c", FieldAccess::Hidden, now);
        brain.grant(schema::LEAD, "Phone", FieldAccess::Hidden, now);
    });
    let field = |name: &str| ("Lead".to_owned(), name.to_owned());
    let both = Remedy::GrantFields(vec![field("Phone"), field("Score__c")]);
    let mended = bench.client.mend(wanted(), both).await.unwrap().value;
    assert!(
        mended.made.iter().any(|made| made.contains("Lead.Phone")),
        "{mended:?}"
    );
    assert!(
        matches!(&mended.refused[..], [one] if one.contains("Lead.Score__c")),
        "{mended:?}"
    );
    let shown = bench
        .mended(Remedy::ShowFields(vec![field("Score__c")]))
        .await;
    assert!(
        shown.iter().any(|made| made.contains("Lead.Score__c")),
        "{shown:?}"
    );
}

#[tokio::test]
async fn rights_that_are_completed_are_refused_one_by_one_and_by_name() {
    let bench = salesforce::Bench::with(OrgConfig::default(), false);
    let now = bench.site.now();
    let names = ["Grade__c", "Phone", "Score__c"];
    bench.site.with_brain(|brain| {
        for name in ["Grade__c", "Score__c"] {
            let mut formula = schema::FieldDef::text(name, name, 80);
            formula.traits.set(schema::Trait::Calculated, true);
            brain.add_field(schema::LEAD, formula, now);
        }
        for name in names {
            brain.grant(schema::LEAD, name, FieldAccess::Hidden, now);
        }
    });
    let fields = names.map(|name| ("Lead".to_owned(), name.to_owned()));
    bench.mended(Remedy::ShowFields(fields.to_vec())).await;
    let written = Remedy::GrantFields(fields.to_vec());
    let mended = bench.client.mend(wanted(), written).await.unwrap().value;
    assert_eq!(mended.made, ["FieldPermissions Lead.Phone"]);
    assert!(
        matches!(&mended.refused[..], [one, other]
            if one.contains("Lead.Grade__c") && other.contains("Lead.Score__c")),
        "{mended:?}"
    );
}

#[tokio::test]
async fn others_are_found_behind_whatever_we_wrote_ourselves_and_owners_by_what_they_own() {
    let bench = salesforce::Bench::with(OrgConfig::default(), false);
    let evidence = bench.evidence().await;
    assert_eq!(read(&evidence.writers), &[]);
    assert!(evidence.limit.is_some());
    let now = bench.site.now();
    bench.site.with_brain(|org| {
        let ada = org.add_user(("Ada", "Roy"), "Ada@acme.example", now);
        org.add_user(("Paul", "Roy"), "paul@acme.example", now);
        let timeline = org.schema().find("mautic_timeline__c", None).unwrap();
        let row = vec![("Name".to_owned(), Input::text("x"))];
        let theirs = Call::person(now.plus_millis(-60_000), ada);
        org.insert(&theirs, timeline, &row).unwrap();
        let ours = Call::person(now, org.integration_user());
        // More than one look shows.
        for _ in 0..2_001 {
            org.insert(&ours, timeline, &row).unwrap();
        }
        let lead = ["LastName", "Company"].map(|name| (name.to_owned(), Input::text("Vega")));
        org.insert(&theirs, schema::LEAD, &lead.to_vec()).unwrap();
    });
    let evidence = bench.evidence().await;
    let ada = Writer {
        name: "Ada Roy".to_owned(),
        rows: 1,
    };
    assert_eq!(read(&evidence.writers), &[ada]);
    let owners: Vec<&String> = read(&evidence.owners).iter().collect();
    assert_eq!(owners, ["ada@acme.example"]);
}

#[tokio::test]
async fn a_look_that_fails_does_not_end_a_deployment() {
    let bench = bare();
    let looks = CallMatcher::path("/metadata/deployRequest/").with_method("GET");
    bench.site.gate.with_plan(|plan| {
        plan.script_times(looks, FaultKind::UnavailableBefore, 3);
    });
    let made = bench
        .client
        .mend(wanted(), Remedy::RemoteSite(URL.to_owned()));
    assert_eq!(made.await.unwrap().value.made.len(), 1);
}

#[tokio::test]
async fn the_history_of_opt_outs_is_tracked() {
    let bench = bare();
    bench.site.with_brain(|brain| {
        brain.track_history(schema::CONTACT, OPT_OUT_FIELD, false);
    });
    bench.mended(Remedy::TrackHistory(vec![Contact])).await;
    let evidence = bench.evidence().await;
    let tracked = read(&evidence.fields).iter().filter(|f| f.is_tracked);
    assert_eq!(tracked.count(), 2);
}

#[tokio::test]
async fn the_number_of_the_contact_gets_its_field_on_both_objects() {
    let bench = bare();
    bench.mended(Remedy::IdField(vec![Lead, Contact])).await;
    let evidence = bench.evidence().await;
    for object in ["Lead", "Contact"] {
        let fields = &evidence.description.objects[object];
        let field = fields.iter().find(|field| field.name == ID_FIELD).unwrap();
        assert!(field.is_upsert_key, "{object}");
    }
}

#[tokio::test]
async fn the_number_of_the_contact_takes_the_prefix_of_its_organisation() {
    let org = OrgConfig {
        namespace: Some("acme".to_owned()),
        ..OrgConfig::default()
    };
    let bench = salesforce::Bench::with(org, false);
    bench.mended(Remedy::IdField(vec![Lead])).await;
    let evidence = bench.evidence().await;
    let name = format!("acme__{ID_FIELD}");
    let is_there = |field: &DefinedField| field.object == "Lead" && field.name == name;
    assert!(read(&evidence.fields).iter().any(is_there));
    let fields = &evidence.description.objects["Lead"];
    let field = fields.iter().find(|field| field.name == name).unwrap();
    let writable = passerelle::domain::request::FieldAccess::Writable;
    assert_eq!(field.access, writable);
}

#[tokio::test]
async fn without_the_right_to_change_the_set_up_nothing_is_made_and_it_is_said() {
    let bench = bare();
    let now = bench.site.now();
    bench.site.with_brain(|brain| {
        brain.set_user_right(UserRight::ModifyMetadata, false, now);
        brain.set_user_right(UserRight::ModifyAllData, false, now);
    });
    let remedy = Remedy::RemoteSite(URL.to_owned());
    let refused = bench.client.preview(wanted(), remedy.clone()).await;
    let is_forbidden = |error: PortError| error.failure.kind == FailureKind::Forbidden;
    assert!(is_forbidden(refused.unwrap_err()));
    let refused = bench.client.mend(wanted(), remedy).await;
    assert!(is_forbidden(refused.unwrap_err()));
    assert_eq!(read(&bench.evidence().await.remote_sites), &[]);
}

#[tokio::test]
async fn an_instance_shows_what_the_role_opens() {
    let bench = automation::Bench::new();
    let answered = bench.client.examine(wanted()).await.unwrap();
    assert!(answered.spent.calls <= 24, "{} calls", answered.spent.calls);
    let evidence = answered.value;
    for (area, part) in &evidence.areas {
        assert!(part.read().is_some(), "{area:?}: {part:?}");
    }
    let fields = read(&evidence.fields);
    assert!(
        fields
            .iter()
            .any(|field| field.alias == "email" && field.is_published)
    );
    assert_eq!(read(&evidence.segments), &[]);
    assert_eq!(read(&evidence.writers), &[]);
    assert!(!read(&evidence.user).is_empty());
}

#[tokio::test]
async fn the_deleted_flag_and_its_segment_are_made_once() {
    let bench = automation::Bench::new();
    let alias = "deleted_in_salesforce".to_owned();
    let field = Remedy::DeletedField(Kind::Person, alias.clone());
    let segment = Remedy::DeletedSegment(alias.clone());
    for remedy in [field, segment] {
        let preview = bench.client.preview(wanted(), remedy.clone()).await;
        assert_eq!(preview.unwrap().value.steps.len(), 1);
        let made = bench.client.mend(wanted(), remedy.clone()).await.unwrap();
        assert_eq!(made.value.made.len(), 1);
        let again = bench.client.mend(wanted(), remedy).await.unwrap();
        assert_eq!(again.value.made, [] as [String; 0]);
    }
    let evidence = bench.client.examine(wanted()).await.unwrap().value;
    let is_it = |field: &&passerelle::domain::evidence::FieldState| field.alias == alias;
    assert!(
        read(&evidence.fields)
            .iter()
            .find(is_it)
            .unwrap()
            .is_published
    );
    let segments = read(&evidence.segments);
    assert!(segments[0].filters[0].is_set(&alias));
}

#[tokio::test]
async fn a_role_without_the_fields_shows_the_rest() {
    let bench = automation::Bench::new();
    bench.close_fields();
    let evidence = bench.client.examine(wanted()).await.unwrap().value;
    assert!(evidence.areas[&Area::Fields].read().is_none());
    assert!(evidence.contact_fields.read().is_none());
    assert_eq!(evidence.description(), None);
    assert!(!read(&evidence.version).is_empty());
    assert!(!read(&evidence.activity_types).is_empty());
    assert!(!read(&evidence.users).is_empty());
}

#[tokio::test]
async fn a_column_that_is_made_later_is_begun_and_its_field_is_not_published_by_us() {
    let bench = automation::Bench::new();
    bench.makes_columns_later();
    let remedy = Remedy::DeletedField(Kind::Person, "deleted_in_salesforce".to_owned());
    let made = bench
        .client
        .mend(wanted(), remedy)
        .await
        .unwrap()
        .value
        .made;
    assert!(
        matches!(&made[..], [one] if one.contains("begun")),
        "{made:?}"
    );
    let evidence = bench.client.examine(wanted()).await.unwrap().value;
    let fields = read(&evidence.fields);
    let field = fields
        .iter()
        .find(|field| field.alias == "deleted_in_salesforce");
    assert!(!field.unwrap().is_published);
}
