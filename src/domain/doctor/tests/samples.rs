//! Evidence of a good set-up.

use std::collections::{BTreeMap, BTreeSet};

use super::NOW;
use crate::domain::drift::Descriptions;
use crate::domain::evidence::{
    Area, AutomationEvidence, Column, DefinedField, Evidence, FieldState, Files, Filter, Layout,
    Machine, ObjectRights, Part, RelatedList, SalesforceEvidence, Segment, Site, TokenFacts,
};
use crate::domain::ids::{Kind, SalesforceObject};
use crate::domain::record::Binding;
use crate::domain::remedy::OPT_OUT_FIELD;
use crate::domain::time::Span;
use crate::domain::value::ValueType;
use crate::domain::webhook::{Registered, Registration};

const URL: &str = "https://acme.automation.example";

pub(super) fn evidence(described: Descriptions) -> Evidence {
    Evidence {
        at: NOW,
        salesforce: Ok(salesforce(&described)),
        automation: Ok(automation(described)),
        webhook: Some(Part::Read(Registered {
            address: "https://hooks.acme.example/automation".to_owned(),
            ours: vec![registration()],
        })),
    }
}

fn registration() -> Registration {
    Registration {
        id: 7,
        elsewhere: None,
        is_published: true,
        is_signed: true,
        lacking: Vec::new(),
    }
}

pub(super) fn bound() -> Binding {
    Binding {
        organisation: "00DQ70000000Xy1MAE".to_owned(),
        is_sandbox: false,
        automation: URL.to_owned(),
    }
}

pub(super) fn machine() -> Machine {
    Machine {
        files: Part::Read(Files {
            checked: 12,
            ..Files::default()
        }),
        is_served: true,
        unit: Part::Read(true),
    }
}

fn salesforce(described: &Descriptions) -> SalesforceEvidence {
    let site = Site {
        name: "Support".to_owned(),
        url: format!("{URL}/"),
        is_active: true,
    };
    let full = ObjectRights {
        reads: true,
        creates: true,
        updates: true,
        deletes: false,
    };
    let objects = ["Lead", "Account", "ns__mautic_timeline__c"];
    SalesforceEvidence {
        description: described.salesforce.clone(),
        clock_ahead: Part::Read(Span(-800)),
        limit: None,
        token: Part::Read(TokenFacts {
            user: "005Q70000000T2eIAE".to_owned(),
            user_name: "sync@acme.example".to_owned(),
            scopes: Some(vec!["refresh_token".to_owned(), "api".to_owned()]),
        }),
        namespace: Part::Read("ns".to_owned()),
        rights: objects.map(|name| (name.to_owned(), full)).into(),
        grantable: BTreeSet::from(["Lead.LastName".to_owned()]),
        picklists: BTreeMap::new(),
        fields: Part::Read(vec![DefinedField {
            object: "Lead".to_owned(),
            name: OPT_OUT_FIELD.to_owned(),
            is_tracked: true,
        }]),
        history: BTreeMap::from([(SalesforceObject::Lead, Part::Read(()))]),
        timelines: Part::Read(vec!["ns__mautic_timeline__c".to_owned()]),
        timeline: Some(columns()),
        layouts: Part::Read(vec![Layout {
            object: SalesforceObject::Lead,
            name: "Lead Layout".to_owned(),
            lists: vec![RelatedList {
                name: "ns__mautic_timeline__c.ns__WhoId__c".to_owned(),
                columns: vec!["NAME".to_owned(), "ns__ActivityDate__c".to_owned()],
            }],
        }]),
        remote_sites: Part::Read(vec![site.clone()]),
        trusted_sites: Part::Read(vec![site]),
        validation_rules: Part::Read(Vec::new()),
        duplicate_rules: Part::Read(Vec::new()),
        queue_owned: Part::Read(0),
        owners: Part::Read(BTreeSet::from(["claire@acme.example".to_owned()])),
        writers: Part::Read(Vec::new()),
    }
}

fn columns() -> Vec<Column> {
    let column = |name: &str, kind: &str, length| Column {
        name: format!("ns__{name}"),
        kind: kind.to_owned(),
        length,
        ..Column::default()
    };
    let lookup = |name, to: &str| Column {
        refers_to: vec![to.to_owned()],
        ..column(name, "reference", 18)
    };
    vec![
        column("ActivityDate__c", "datetime", 0),
        lookup("contact_id__c", "Contact"),
        column("Description__c", "textarea", 131_072),
        lookup("WhoId__c", "Lead"),
        Column {
            precision: 18,
            is_external_id: true,
            ..column("MauticLead__c", "double", 0)
        },
        column("Mautic_url__c", "url", 255),
        Column {
            is_unique: true,
            ..column("ReferenceId__c", "string", 255)
        },
    ]
}

fn automation(described: Descriptions) -> AutomationEvidence {
    let state = |kind, alias: &str, value_type| FieldState {
        kind,
        alias: alias.to_owned(),
        value_type: Some(value_type),
        is_published: true,
        is_listable: true,
    };
    let described = described.automation;
    AutomationEvidence {
        instance: described.instance,
        version: Part::Read(described.version),
        activity_types: Part::Read(described.activity_types),
        contact_fields: Part::Read(described.contact_fields),
        company_fields: Part::Read(described.company_fields),
        users: Part::Read(described.users),
        clock_ahead: Part::Read(Span(300)),
        user: Part::Read("sync [1]".to_owned()),
        areas: Area::ALL.map(|area| (area, Part::Read(()))).into(),
        fields: Part::Read(vec![
            state(Kind::Person, "email", ValueType::Email),
            state(Kind::Person, "lastname", ValueType::Text),
            state(Kind::Person, "crm_deleted", ValueType::Bool),
            state(Kind::Company, "companyname", ValueType::Text),
            state(Kind::Company, "gone", ValueType::Bool),
        ]),
        segments: Part::Read(vec![Segment {
            name: "Deleted".to_owned(),
            is_published: true,
            filters: vec![Filter {
                field: "crm_deleted".to_owned(),
                operator: "=".to_owned(),
                value: "1".to_owned(),
            }],
        }]),
        writers: Part::Read(Vec::new()),
    }
}
