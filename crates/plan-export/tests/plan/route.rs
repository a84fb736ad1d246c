//! Selection and route: what is chosen, and what is refused.

use crate::support::{
    Recovery, Tables, definition, lake_with, of_table, plan_in, plan_on, refused,
};
use contract::states::{PlanExportOutput, Route};
use contract::{ErrorName, Named};
use lake::ObjectStore;
use lake::records::Plan;
use plan_export::PlanExportError;
use serde_json::{Value, json};

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
        of_table(&plan).read.as_ref().and_then(|read| read.rcu),
        Some(10.0),
        "25 % of the index's own 40"
    );
    assert_eq!(
        of_table(&plan).projection,
        ["context.device", "user_id", "event_id", "rating"]
    );
    assert_eq!(
        plan.key_attributes,
        ["user_id", "event_id"],
        "through an index too the table's key tells items apart"
    );
}

#[tokio::test]
async fn a_contradictory_selection_is_refused_by_its_field() {
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
            "`rating`, which `dataset.label` names",
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
        message.contains("`favourite`, which `dataset.columns[1].path` names"),
        "{message}"
    );
}

#[tokio::test]
async fn every_path_of_the_definition_must_be_read() {
    let projected = json!({"projection": ["rating"]});
    let index = json!({"index": "by-rating"});
    let fields = [
        (json!({"weight": "w.x"}), "dataset.weight"),
        (json!({"exclude": ["w.x"]}), "dataset.exclude[0]"),
        (
            json!({"where": [{"path": "w.x", "op": "absent"}]}),
            "dataset.where[0].path",
        ),
        (
            json!({"deduplicate": {"by": ["w.x"]}}),
            "dataset.deduplicate.by[0]",
        ),
        (
            json!({"deduplicate": {"by": ["rating"], "latest": "w.x"}}),
            "dataset.deduplicate.latest",
        ),
        (json!({"split": {"by": ["w.x"]}}), "dataset.split.by[0]"),
        (
            json!({"split": {"time": {"path": "w.x"}}}),
            "dataset.split.time.path",
        ),
        (
            json!({"gate": {"columns": {"w.x": {}}}}),
            "dataset.gate.columns",
        ),
    ];
    for (dataset, field) in fields {
        for read in [&projected, &index] {
            let input = json!({"source": {"dynamodb": read}, "dataset": dataset});
            let (refusal, message) = refused(&definition(), input).await;
            assert_eq!(refusal, ErrorName::InvalidDefinition);
            let says = format!("`w.x`, which `{field}` names");
            assert!(message.contains(&says), "{read} with {dataset}: {message}");
        }
    }
    let absent = json!({
        "source": {"dynamodb": {"projection": ["rating", "context.device"]}},
        "dataset": {
            "where": [{"path": "deleted", "op": "absent"}], "exclude": ["context"],
            "mayBeAbsent": ["deleted"],
        },
    });
    plan_on(
        &lake_with(&definition()).await,
        &Tables::default(),
        "arn:1",
        absent,
    )
    .await
    .unwrap();
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
        // Within the limits recovery is not described, so a missing permission does not matter.
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
async fn an_impossible_route_is_refused_with_what_to_do() {
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
    assert_eq!(
        of_table(&plan).table_arn.as_deref(),
        Some("arn:interactions")
    );
    assert_eq!((plan.route, plan.tasks.len()), (Route::Export, 0));
    assert_eq!(plan.reason, output.reason);
    assert!(
        store.get(&output.tasks_key).await.is_err(),
        "an empty list would be a Map without children"
    );
}
