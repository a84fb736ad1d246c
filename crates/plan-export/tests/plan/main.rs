//! Planning over a lake in memory: what is planned, what is refused, and that a repeated call
//! changes nothing.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

mod alarms;
mod captured;
mod changes;
mod ready;
mod route;
mod sample;
mod support;

use contract::{ErrorName, Named};
use lake::ObjectStore;
use serde_json::{Value, json};
use source::ReadCapacity;
use support::{Tables, definition, lake_with, of_table, plan_in, plan_on, refused};

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
    let read = of_table(&plan_in(&store, &output).await)
        .read
        .clone()
        .unwrap();
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
async fn called_again_it_answers_the_same_though_the_definition_changed() {
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
async fn the_input_overrides_any_part_and_the_plan_records_it() {
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
    assert_eq!(plan.definition.source.name(), "interactions");
    let read = of_table(&plan).read.clone().unwrap();
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
async fn an_estimate_above_a_limit_is_refused_with_the_numbers() {
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

#[tokio::test]
async fn an_endpoint_on_instances_is_not_planned_to_become_serverless() {
    let scores = json!({"batch": {"input": "validation"}});
    for (there, endpoint, input, allowed) in [
        ("instances", "shop-default", json!({}), false),
        ("serverless", "shop-default", json!({}), true),
        ("instances", "another", json!({}), true),
        // The endpoint is unchanged.
        ("instances", "shop-default", scores, true),
    ] {
        let store = lake_with(&definition()).await;
        let champion = json!({
            "run": "20261119-173000-1a2b3c4d", "stack": "shop", "metric": "rmse", "value": 0.5, "model": "m",
            "endpointConfig": "c", "endpoint": endpoint, "compute": there, "dataset": "d",
        });
        let champion = champion.to_string().into();
        store.put("champion/default.json", champion).await.unwrap();
        let planned = plan_on(&store, &Tables::default(), "arn:1", input).await;
        match planned {
            Ok(_) => assert!(allowed, "{there} at {endpoint}"),
            Err(error) => {
                assert!(!allowed, "{error}");
                assert_eq!(error.name(), ErrorName::InvalidDefinition);
                assert!(store.list("current/").await.unwrap().is_empty());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_running_pipeline_is_not_overlapped() {
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

// ---- the selection ----
