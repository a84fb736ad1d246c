//! The sample that is read before a plan is frozen.

use crate::support::{Tables, definition, lake_with, plan_in, plan_on};
use contract::{ErrorName, Named};
use lake::records::{ItemSample, Plan};
use plan_export::{PlanExportError, sample_table};
use serde_json::{Value, json};

fn lines(count: usize, item: &Value) -> Vec<String> {
    vec![format!("{}\n", json!({"Item": item})); count]
}

fn rated() -> Value {
    json!({"user_id": {"S": "u"}, "Rating": {"N": "3"}, "device": {"S": "tv"}})
}

async fn plan(tables: &Tables, definition: &Value) -> Result<Plan, PlanExportError> {
    let store = lake_with(definition).await;
    let output = plan_on(&store, tables, "arn:1", json!({})).await?;
    Ok(plan_in(&store, &output).await)
}

async fn refused(tables: &Tables, definition: &Value) -> String {
    let error = plan(tables, definition).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::AttributeMissing, "{error}");
    contract::chain(&error)
}

#[tokio::test]
async fn a_misspelt_label_is_refused_with_the_closest_names() {
    let tables = Tables {
        lines: lines(230, &rated()),
        ..Tables::default()
    };
    let error = refused(&tables, &definition()).await;
    let expected = "field `dataset.label`: names `rating`, which none of 230 sampled items has; there are `Rating`, ";
    assert!(error.contains(expected), "{error}");
    assert!(error.contains("`dataset.rare`"), "{error}");
    assert_eq!(*tables.read.lock().unwrap(), [(0, 1); 3], "the whole table");
}

#[tokio::test]
async fn what_is_rare_by_the_definition_is_not_refused() {
    let tables = Tables {
        lines: lines(3, &rated()),
        ..Tables::default()
    };
    let mut definition = definition();
    definition["dataset"]["rare"] = json!(["rating"]);
    let plan = plan(&tables, &definition).await.unwrap();
    let expected = ItemSample {
        items: 3,
        read_units: 0.5,
    };
    assert_eq!(plan.sample, Some(expected));
}

#[tokio::test]
async fn a_large_table_is_sampled_in_random_segments() {
    let tables = Tables {
        items: 1_000_000,
        lines: lines(100, &rated()),
        ..Tables::default()
    };
    let mut definition = definition();
    definition["dataset"] = json!({
        "label": "Rating",
        "weight": "wieght",
        "columns": [{"path": "device"}, {"path": "context.devcie"}],
    });
    let error = refused(&tables, &definition).await;
    for expected in [
        "2 faults: field `dataset.weight`: names `wieght`, which none of 1000 sampled items has",
        "field `dataset.columns[1].path`: names `context.devcie`, which none of 1000 sampled items has",
    ] {
        assert!(error.contains(expected), "{error}");
    }
    let read = tables.read.lock().unwrap().clone();
    assert_eq!(read.len(), 10);
    assert!(read.iter().all(|(_, total)| *total == 10_000), "{read:?}");
    let mut segments: Vec<_> = read.iter().map(|(segment, _)| segment).collect();
    segments.sort_unstable();
    segments.dedup();
    assert_eq!(segments.len(), 10, "no segment twice: {read:?}");
}

#[tokio::test]
async fn no_segment_is_sampled_twice_and_only_what_is_exported() {
    let tables = Tables {
        items: 1050,
        lines: lines(100, &rated()),
        ..Tables::default()
    };
    let mut definition = definition();
    definition["source"]["dynamodb"]["projection"] = json!(["Rating"]);
    definition["dataset"] = json!({"label": "Rating"});
    let planned = plan(&tables, &definition).await.unwrap();
    assert_eq!(planned.sample.unwrap().items, 1000);
    let mut read = tables.read.lock().unwrap().clone();
    read.sort_unstable();
    let each_once: Vec<_> = (0..10).map(|segment| (segment, 10)).collect();
    assert_eq!(read, each_once);
    // The projection, and the key attributes.
    let projections = tables.projections.lock().unwrap().clone();
    let expected = Some("#a0, #a1, #a2".to_owned());
    assert!(
        projections.iter().all(|it| *it == expected),
        "{projections:?}"
    );
}

#[tokio::test]
async fn too_few_items_refuse_nothing() {
    // As with a filter that few items pass: each page holds one of them.
    let tables = Tables {
        items: 1_000_000,
        lines: lines(1, &rated()),
        ..Tables::default()
    };
    let planned = plan(&tables, &definition()).await.unwrap();
    assert_eq!(planned.sample.unwrap().items, 40);
    assert_eq!(tables.read.lock().unwrap().len(), 40, "no more pages");
}

#[tokio::test]
async fn a_busy_table_and_an_export_alone_are_not_sampled() {
    let busy = Tables {
        lines: lines(3, &rated()),
        busy: true,
        ..Tables::default()
    };
    assert_eq!(plan(&busy, &definition()).await.unwrap().sample, None);
    let export = json!({"source": {"dynamodb": {"table": "interactions"}}});
    let tables = Tables {
        lines: lines(3, &rated()),
        ..Tables::default()
    };
    assert_eq!(plan(&tables, &export).await.unwrap().sample, None);
    assert!(tables.read.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_sample_for_a_proposal_has_its_profile() {
    let tables = Tables {
        items: 1_000_000,
        lines: lines(100, &rated()),
        ..Tables::default()
    };
    let sample = sample_table(&tables, "interactions", 250).await.unwrap();
    assert_eq!((sample.sample.items, sample.is_whole), (300, false));
    assert_eq!(sample.profile.items(), 300);
    assert_eq!(sample.profile.sampled_items(), 300, "with their values");
    assert_eq!(tables.read.lock().unwrap().len(), 3);
    let missing = sample_table(&tables, "films", 250).await.unwrap_err();
    assert_eq!(missing.name(), ErrorName::TableMissing);
    let empty = Tables {
        items: 0,
        empty: true,
        ..Tables::default()
    };
    let empty = sample_table(&empty, "interactions", 250).await.unwrap_err();
    assert_eq!(empty.name(), ErrorName::TableEmpty);
    let busy = Tables {
        busy: true,
        ..Tables::default()
    };
    let busy = sample_table(&busy, "interactions", 250).await.unwrap_err();
    assert_eq!(busy.name(), ErrorName::Throttled);
}
