//! A plan for tests of whatever reads one.

use crate::records::{DynamoDbPlan, Plan, SourcePlan};
use contract::RunId;
use contract::states::{Estimate, Route};
use serde_json::{Value, json};

/// A plan to scan one segment, with the fields of `definition` in place of a minimal definition's.
/// A test states what it needs otherwise: `Plan { segments: 3, ..plan(definition) }`.
///
/// # Panics
/// If the definition cannot be read.
pub fn plan(definition: Value) -> Plan {
    let mut whole = json!({
        "source": {"dynamodb": {"table": "t"}},
        "dataset": {"label": "n"},
        "training": {"image": "i"},
        "promotion": {"metric": "m", "goal": "minimize"},
    });
    if let (Some(whole), Value::Object(fields)) = (whole.as_object_mut(), definition) {
        whole.extend(fields);
    }
    Plan {
        run: RunId::parse("20261120-173000-1a2b3c4d").expect("it is a run's id"),
        execution: "arn:1".to_owned(),
        started: "2026-11-20T17:30:00Z".to_owned(),
        definition: contract::read::from_value(whole).expect("the definition can be read"),
        key_attributes: vec!["id".to_owned()],
        route: Route::Scan,
        reason: String::new(),
        segments: 1,
        tasks: Vec::new(),
        estimate: Estimate {
            items: 0,
            bytes: 0,
            read_units: 0,
            minutes: None,
            cost: None,
        },
        sample: None,
        source: Some(SourcePlan::DynamoDb(DynamoDbPlan {
            table_arn: Some("arn:t".to_owned()),
            table_id: None,
            changes: None,
            gap: false,
            capture: None,
            projection: Vec::new(),
            read: None,
        })),
    }
}
