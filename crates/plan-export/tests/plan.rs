//! Planning over a lake in memory: what is planned, what is refused, and that asking again changes
//! nothing.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use contract::states::{Execution, PlanExportInput, PlanExportOutput, Route};
use contract::{ErrorName, Invocation, Named, ServiceError};
use lake::lease::Executions;
use lake::records::Plan;
use lake::{MemoryStore, ObjectStore};
use plan_export::{PlanExportError, handle};
use serde_json::{Value, json};
use std::time::SystemTime;
use table::{
    DescribeRecovery, DescribeTable, IndexInfo, PointInTimeRecovery, ReadCapacity, TableInfo,
};

struct Tables {
    bytes: u64,
    empty: bool,
    capacity: ReadCapacity,
    recovery: Recovery,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            bytes: 0,
            empty: false,
            capacity: ReadCapacity::Unknown,
            recovery: Recovery::Denied,
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Recovery {
    On,
    Off,
    Denied,
    Throttled,
}

impl DescribeRecovery for Tables {
    async fn recovery(&self, table: &str) -> Result<PointInTimeRecovery, ServiceError> {
        let name = match self.recovery {
            Recovery::On => return Ok(PointInTimeRecovery::On),
            Recovery::Off => return Ok(PointInTimeRecovery::Off),
            Recovery::Denied => ErrorName::AccessDenied,
            Recovery::Throttled => ErrorName::Throttled,
        };
        Err(ServiceError {
            name,
            service: "DynamoDB",
            operation: "DescribeContinuousBackups",
            subject: table.to_owned(),
            code: name.to_string(),
            message: "not you".to_owned(),
            source: None,
        })
    }
}

impl DescribeTable for Tables {
    async fn describe(&self, table: &str) -> Result<Option<TableInfo>, ServiceError> {
        Ok((table == "interactions").then(|| TableInfo {
            arn: Some("arn:interactions".to_owned()),
            key_attributes: vec!["user_id".to_owned(), "event_id".to_owned()],
            items: 1000,
            bytes: self.bytes,
            capacity: self.capacity,
            indexes: vec![
                IndexInfo {
                    name: "by-rating".to_owned(),
                    global: true,
                    key_attributes: vec!["rating".to_owned(), "user_id".to_owned()],
                    items: 10,
                    bytes: 8192,
                    capacity: ReadCapacity::Provisioned { units: 40 },
                },
                IndexInfo {
                    name: "by-time".to_owned(),
                    global: false,
                    key_attributes: vec!["user_id".to_owned(), "at.time".to_owned()],
                    items: 20,
                    bytes: 8192,
                    capacity: self.capacity,
                },
            ],
        }))
    }

    async fn holds_an_item(&self, _: &str, index: Option<&str>) -> Result<bool, ServiceError> {
        Ok(!self.empty && index != Some("by-time"))
    }
}

struct Running;

impl Executions for Running {
    async fn is_running(&self, arn: &str) -> Result<bool, ServiceError> {
        Ok(arn == "arn:running")
    }
}

fn definition() -> Value {
    json!({
        "source": {"dynamodb": {"table": "interactions"}},
        "dataset": {"label": "rating"},
        "training": {"image": "recommender", "metrics": [{"name": "rmse", "regex": "rmse=(.*)"}]},
        "promotion": {"metric": "rmse", "goal": "minimize"},
    })
}

async fn lake_with(definition: &Value) -> MemoryStore {
    let store = MemoryStore::new();
    store
        .put("config/default.json", definition.to_string().into())
        .await
        .unwrap();
    store
}

async fn plan_on(
    store: &MemoryStore,
    tables: &Tables,
    arn: &str,
    input: Value,
) -> Result<PlanExportOutput, PlanExportError> {
    let input = PlanExportInput {
        execution: Execution {
            id: arn.to_owned(),
            start_time: "2026-11-20T17:30:00Z".to_owned(),
        },
        input,
    };
    let invocation = Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now(),
    };
    handle(store, tables, &Running, input, invocation).await
}

async fn plan(definition: &Value, input: Value) -> Result<PlanExportOutput, PlanExportError> {
    let tables = Tables {
        bytes: 10 << 30,
        ..Tables::default()
    };
    plan_on(&lake_with(definition).await, &tables, "arn:1", input).await
}

async fn refused(definition: &Value, input: Value) -> (ErrorName, String) {
    let error = plan(definition, input).await.unwrap_err();
    let source = std::error::Error::source(&error)
        .map(ToString::to_string)
        .unwrap_or_default();
    (error.name(), format!("{error}: {source}"))
}

async fn plan_in(store: &MemoryStore, output: &PlanExportOutput) -> Plan {
    let key = output.tasks_key.replace("tasks.json", "plan.json");
    serde_json::from_slice(&store.get(&key).await.unwrap()).unwrap()
}

#[tokio::test]
async fn an_empty_input_plans_the_default_pipeline() {
    let store = lake_with(&definition()).await;
    let tables = Tables {
        bytes: 10 << 30,
        capacity: ReadCapacity::Provisioned { units: 40_000 },
        ..Tables::default()
    };
    let output = plan_on(&store, &tables, "arn:1", json!({})).await.unwrap();
    assert_eq!(output.pipeline, "default");
    assert_eq!(
        (output.segments, output.tasks),
        (80, 2),
        "10 GiB in 128 MiB segments, two functions for 10,000 RCU/s"
    );
    assert_eq!(output.estimate.read_units, (10 << 30) / 4096 / 2);

    let tasks: Value =
        serde_json::from_slice(&store.get(&output.tasks_key).await.unwrap()).unwrap();
    let covered: u64 = tasks
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["segmentCount"].as_u64().unwrap())
        .sum();
    assert_eq!(covered, 80, "every segment has a task");
    assert_eq!(
        tasks[1],
        json!({"index": 1, "firstSegment": 40, "segmentCount": 40})
    );
    let read = plan_in(&store, &output).await.read.unwrap();
    assert_eq!(read.rcu, Some(10_000.0));
    assert_eq!(
        read.decision,
        "reads at 10,000 RCU/s: 25 % of 40,000 provisioned, the default"
    );
}

#[tokio::test]
async fn tasks_are_as_many_as_the_budget_needs() {
    for (read, gib, segments, tasks) in [
        (json!({"rcu": 100}), 10, 64, 1),
        (json!({"rcu": 6000}), 1, 8, 1),
        (json!({"rcu": 40_000}), 100, 448, 7),
        (json!({"rcu": 40_000}), 10, 80, 5),
        (json!({"unlimited": true}), 10, 80, 5),
        (json!({"unlimited": true}), 10_000, 10_000, 625),
        (json!({"rcu": 4_000_000}), 10_000, 2560, 40),
    ] {
        let store = lake_with(&definition()).await;
        let tables = Tables {
            bytes: gib << 30,
            empty: false,
            capacity: ReadCapacity::Unknown,
            ..Tables::default()
        };
        let input = json!({"source": {"dynamodb": {"read": read}}});
        let output = plan_on(&store, &tables, "arn:1", input).await.unwrap();
        assert_eq!((output.segments, output.tasks), (segments, tasks), "{read}");
    }
}

#[tokio::test]
async fn asking_again_answers_the_same_though_the_definition_changed() {
    let store = lake_with(&definition()).await;
    let tables = Tables {
        bytes: 10 << 30,
        ..Tables::default()
    };
    let first = plan_on(&store, &tables, "arn:1", json!({})).await.unwrap();
    store
        .put("config/default.json", "no longer JSON".into())
        .await
        .unwrap();
    let second = plan_on(&store, &tables, "arn:1", json!({})).await.unwrap();
    assert_eq!(first, second);
}

#[tokio::test]
async fn the_input_overrides_any_part_and_the_plan_keeps_it() {
    let store = lake_with(&definition()).await;
    let tables = Tables {
        bytes: 100,
        ..Tables::default()
    };
    let input =
        json!({"source": {"dynamodb": {"segments": 8, "segmentsPerTask": 3, "read": {"rcu": 90}}}});
    let output = plan_on(&store, &tables, "arn:1", input).await.unwrap();
    assert_eq!((output.segments, output.tasks), (8, 3));
    let plan = plan_in(&store, &output).await;
    assert_eq!(plan.definition.source.dynamodb.table, "interactions");
    let read = plan.read.unwrap();
    assert_eq!((read.rcu, read.concurrency), (Some(90.0), 40));
    let sizes: Vec<_> = plan
        .tasks
        .iter()
        .map(|t| (t.first_segment, t.segment_count))
        .collect();
    assert_eq!(sizes, [(0, 3), (3, 3), (6, 2)]);
}

#[tokio::test]
async fn a_mistake_names_its_field_and_nothing_is_left_behind() {
    let mut unknown = definition();
    unknown["dataset"]["lable"] = json!("rating");
    let (name, message) = refused(&unknown, json!({})).await;
    assert_eq!(name, ErrorName::InvalidDefinition);
    assert!(
        message.contains("dataset") && message.contains("lable"),
        "{message}"
    );

    let (name, message) = refused(
        &definition(),
        json!({"dataset": {"split": {"validation": 7}}}),
    )
    .await;
    assert_eq!(name, ErrorName::InvalidDefinition);
    assert!(message.contains("dataset.split.validation"), "{message}");

    let (name, message) = refused(&definition(), json!({"training": null})).await;
    assert_eq!(name, ErrorName::InvalidDefinition);
    assert!(message.contains("training"), "{message}");

    for input in [
        json!([]),
        json!({"pipeline": 7}),
        json!({"pipeline": "Not/Valid"}),
    ] {
        assert_eq!(
            refused(&definition(), input).await.0,
            ErrorName::InvalidDefinition
        );
    }
    let (name, message) = refused(&definition(), json!({"pipeline": "other"})).await;
    assert_eq!(name, ErrorName::DefinitionMissing);
    assert!(message.contains("config/other.json"), "{message}");
}

#[tokio::test]
async fn a_table_that_is_missing_or_empty_is_refused() {
    let input = json!({"source": {"dynamodb": {"table": "elsewhere"}}});
    assert_eq!(
        refused(&definition(), input).await.0,
        ErrorName::TableMissing
    );
    let store = lake_with(&definition()).await;
    let tables = Tables {
        bytes: 0,
        empty: true,
        ..Tables::default()
    };
    let error = plan_on(&store, &tables, "arn:1", json!({}))
        .await
        .unwrap_err();
    assert_eq!(error.name(), ErrorName::TableEmpty);
    assert!(
        store.list("current/").await.unwrap().is_empty(),
        "nothing is left behind"
    );
}

#[tokio::test]
async fn what_is_above_a_cap_is_refused_with_the_numbers() {
    let (name, message) = refused(&definition(), json!({"limits": {"maxReadUnits": 1000}})).await;
    assert_eq!(name, ErrorName::LimitExceeded);
    assert!(
        message.contains("1310720") && message.contains("1000"),
        "{message}"
    );
    for limits in [json!({"maxMinutes": 5}), json!({"maxCost": 0.1})] {
        let (name, message) = refused(&definition(), json!({"limits": limits})).await;
        assert_eq!(name, ErrorName::LimitExceeded, "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_at_work_is_not_overlapped() {
    let store = lake_with(&definition()).await;
    let tables = Tables {
        bytes: 100,
        ..Tables::default()
    };
    plan_on(&store, &tables, "arn:running", json!({}))
        .await
        .unwrap();
    let error = plan_on(&store, &tables, "arn:2", json!({}))
        .await
        .unwrap_err();
    assert_eq!(error.name(), ErrorName::AlreadyRunning);
    assert!(error.to_string().contains("arn:running"), "{error}");
}

// ---- what of the table ----

fn source(fields: &Value) -> Value {
    json!({"source": {"dynamodb": fields}})
}

#[tokio::test]
async fn a_projection_is_planned_with_the_key_attributes_of_table_and_index() {
    let store = lake_with(&definition()).await;
    let tables = Tables {
        bytes: 10 << 30,
        ..Tables::default()
    };
    let fields = json!({"index": "by-rating", "projection": ["context.device", "user_id"]});
    let output = plan_on(&store, &tables, "arn:1", source(&fields))
        .await
        .unwrap();
    assert_eq!(
        (output.estimate.items, output.estimate.read_units),
        (10, 1),
        "it is the index that is read"
    );
    let plan = plan_in(&store, &output).await;
    assert_eq!(
        plan.read.as_ref().and_then(|read| read.rcu),
        Some(10.0),
        "25 % of the index's own 40"
    );
    assert_eq!(
        plan.projection,
        ["context.device", "user_id", "event_id", "rating"]
    );
    assert_eq!(
        plan.key_attributes,
        ["user_id", "event_id"],
        "through an index too the table's key tells items apart"
    );
}

#[tokio::test]
async fn what_does_not_fit_together_is_refused_by_its_field() {
    for (fields, name, says) in [
        (
            json!({"index": "by-film"}),
            ErrorName::TableMissing,
            "by-rating, by-time",
        ),
        (
            json!({"index": "by-rating", "consistentRead": true}),
            ErrorName::InvalidDefinition,
            "source.dynamodb.consistentRead",
        ),
        (
            json!({"index": "by-time", "consistentRead": true}),
            ErrorName::TableEmpty,
            "index \"by-time\" of table \"interactions\"",
        ),
        (
            json!({"projection": ["context"]}),
            ErrorName::InvalidDefinition,
            "`rating`, which dataset.label needs",
        ),
        (
            json!({"projection": ["rating", "context", "context.device"]}),
            ErrorName::InvalidDefinition,
            "`context.device` lies within `context`",
        ),
        (
            json!({"filter": {"expression": "rating > :x", "values": {":x": 3}}}),
            ErrorName::InvalidDefinition,
            "source.dynamodb.filter.values",
        ),
        (
            json!({"filter": {"expression": "rating > :x"}}),
            ErrorName::InvalidDefinition,
            "source.dynamodb.filter.values",
        ),
    ] {
        let (refusal, message) = refused(&definition(), source(&fields)).await;
        assert_eq!(refusal, name, "{fields}: {message}");
        assert!(message.contains(says), "{fields}: {message}");
    }
    let more = json!({
        "source": {"dynamodb": {"projection": ["rating", "context.device"]}},
        "dataset": {"columns": [{"path": "context.device"}, {"path": "favourite"}]},
    });
    let (_, message) = refused(&definition(), more).await;
    assert!(
        message.contains("`favourite`, which dataset.columns"),
        "{message}"
    );
}

// ---- the route ----

async fn route(
    recovery: Recovery,
    mode: &str,
    overrides: Value,
) -> Result<PlanExportOutput, PlanExportError> {
    let mut input = source(&json!({"mode": mode}));
    merge(&mut input, overrides);
    let tables = Tables {
        bytes: 10 << 30,
        recovery,
        ..Tables::default()
    };
    plan_on(&lake_with(&definition()).await, &tables, "arn:1", input).await
}

fn merge(target: &mut Value, more: Value) {
    match (target, more) {
        (Value::Object(target), Value::Object(more)) => {
            for (name, value) in more {
                merge(target.entry(name).or_insert(Value::Null), value);
            }
        }
        (target, more) => *target = more,
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let source = error.source().map(chain).unwrap_or_default();
    format!("{error}: {source}")
}

#[tokio::test]
async fn the_route_is_chosen_by_mode_limits_and_recovery() {
    let nothing = json!({});
    let few = json!({"limits": {"maxReadUnits": 1000}});
    let slow = json!({
        "source": {"dynamodb": {"read": {"rcu": 100}}}, "limits": {"maxMinutes": 60},
    });
    let filtered = json!({
        "source": {"dynamodb": {"filter": {"expression": "attribute_exists(rating)"}}},
    });
    let projected = json!({"source": {"dynamodb": {"projection": ["rating"]}}});
    for (recovery, mode, more, wanted, says) in [
        (
            Recovery::Denied,
            "scan",
            &nothing,
            Route::Scan,
            "mode is scan; it takes 1310720 read units",
        ),
        // Within the limits nobody is asked about recovery, so it does not matter who may ask.
        (
            Recovery::Denied,
            "auto",
            &nothing,
            Route::Scan,
            "within the limits",
        ),
        (
            Recovery::On,
            "auto",
            &nothing,
            Route::Scan,
            "a sixth of an export",
        ),
        (
            Recovery::On,
            "auto",
            &filtered,
            Route::Scan,
            "filter does not lower",
        ),
        (
            Recovery::On,
            "auto",
            &projected,
            Route::Scan,
            "projection does not lower",
        ),
        (
            Recovery::On,
            "auto",
            &few,
            Route::Export,
            "above limits.maxReadUnits of 1000",
        ),
        (
            Recovery::On,
            "auto",
            &slow,
            Route::Export,
            "218.5 minutes, above limits.maxMinutes of 60",
        ),
        (
            Recovery::On,
            "export",
            &nothing,
            Route::Export,
            "10737418240 bytes leave without a read unit",
        ),
        (
            Recovery::On,
            "export",
            &few,
            Route::Export,
            "mode is export",
        ),
    ] {
        let output = route(recovery, mode, more.clone()).await.unwrap();
        assert_eq!(output.route, wanted, "{mode} with {more}");
        assert!(
            output.reason.contains(says),
            "{mode} with {more}: {}",
            output.reason
        );
        if wanted == Route::Export {
            let none = (output.segments, output.tasks, output.estimate.read_units);
            assert_eq!(none, (0, 0, 0), "its segments are its files");
        } else {
            assert!(output.segments > 0);
        }
    }
}

#[tokio::test]
async fn a_route_that_is_not_open_is_refused_with_what_to_do() {
    let few = json!({"limits": {"maxReadUnits": 1000}});
    let brief = json!({"limits": {"maxReadUnits": 1000, "maxMinutes": 4}});
    let filtered = json!({
        "source": {"dynamodb": {"filter": {"expression": "attribute_exists(rating)"}}},
        "limits": {"maxReadUnits": 1000},
    });
    let nothing = json!({});
    for (recovery, mode, more, name, says) in [
        (
            Recovery::Off,
            "export",
            &nothing,
            ErrorName::InvalidDefinition,
            "update-continuous-backups --table-name interactions",
        ),
        (
            Recovery::Denied,
            "export",
            &nothing,
            ErrorName::AccessDenied,
            "DescribeContinuousBackups",
        ),
        (
            Recovery::On,
            "export",
            &brief,
            ErrorName::LimitExceeded,
            "limits.maxMinutes of 4",
        ),
        (
            Recovery::On,
            "scan",
            &few,
            ErrorName::LimitExceeded,
            "limits.maxReadUnits of 1000",
        ),
        (
            Recovery::On,
            "auto",
            &filtered,
            ErrorName::LimitExceeded,
            "limits.maxReadUnits of 1000",
        ),
        (
            Recovery::On,
            "auto",
            &brief,
            ErrorName::LimitExceeded,
            "5.0 minutes",
        ),
        (
            Recovery::Off,
            "auto",
            &few,
            ErrorName::LimitExceeded,
            "turn it on",
        ),
        (
            Recovery::Denied,
            "auto",
            &few,
            ErrorName::LimitExceeded,
            "not you",
        ),
        (
            Recovery::Throttled,
            "auto",
            &few,
            ErrorName::Throttled,
            "Throttled",
        ),
    ] {
        let error = route(recovery, mode, more.clone()).await.unwrap_err();
        assert_eq!(error.name(), name, "{mode} with {more}: {error}");
        let message = chain(&error);
        assert!(message.contains(says), "{mode} with {more}: {message}");
    }
    let error = route(Recovery::Off, "auto", few).await.unwrap_err();
    assert!(
        chain(&error).contains("limits.maxReadUnits of 1000"),
        "both are told"
    );
}

#[tokio::test]
async fn an_export_is_planned_without_tasks_and_with_the_tables_arn() {
    let store = lake_with(&definition()).await;
    let tables = Tables {
        bytes: 10 << 30,
        recovery: Recovery::On,
        ..Tables::default()
    };
    let input = source(&json!({"mode": "export"}));
    let output = plan_on(&store, &tables, "arn:1", input).await.unwrap();
    let key = output.tasks_key.replace("tasks.json", "plan.json");
    let plan: Plan = serde_json::from_slice(&store.get(&key).await.unwrap()).unwrap();
    assert_eq!(plan.table_arn.as_deref(), Some("arn:interactions"));
    assert_eq!((plan.route, plan.tasks.len()), (Route::Export, 0));
    assert_eq!(plan.reason, output.reason);
    assert!(
        store.get(&output.tasks_key).await.is_err(),
        "an empty list would be a Map without children"
    );
}
