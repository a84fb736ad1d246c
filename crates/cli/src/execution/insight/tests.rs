use super::*;
use crate::execution::{Row, RowKind};
use bytes::Bytes;
use lake::MemoryStore;
use sagemaker_ports::conformance::job_spec;
use sagemaker_ports::{TrainingInfo, TrainingSpec, TrainingStatus};
use serde_json::{Value, json};
use std::sync::Mutex;

const RUN: &str = "20261120-173000-1a2b3c4d";

/// A job whose metric has another value whenever it is looked at, until it has no more.
struct Jobs(Mutex<Vec<f64>>);

impl TrainingJobs for Jobs {
    async fn describe(&self, name: &str) -> Result<Option<TrainingInfo>, ServiceError> {
        let value = self.0.lock().unwrap().pop();
        Ok(Some(TrainingInfo {
            spec: job_spec(name, "s3://lake"),
            status: TrainingStatus::InProgress,
            secondary: "Training".to_owned(),
            failure_reason: None,
            artifact: None,
            metrics: value
                .map(|value| ("validation:rmse".to_owned(), value))
                .into_iter()
                .collect(),
            age_seconds: 600,
            billable_seconds: None,
        }))
    }

    async fn create(&self, _: &TrainingSpec) -> Result<(), ServiceError> {
        unreachable!("watching creates nothing")
    }

    async fn stop(&self, _: &str) -> Result<(), ServiceError> {
        unreachable!("watching stops nothing")
    }
}

fn row(state: &str, output: Option<&Value>) -> Row {
    Row {
        state: state.to_owned(),
        kind: RowKind::Task,
        entered: SystemTime::now() - Duration::from_mins(2),
        over: None,
        visits: 1,
        failures: 0,
        items: None,
        map_run: None,
        output: output.map(Value::to_string),
    }
}

fn planned() -> Value {
    json!({
        "status": "Done", "waitSeconds": 0, "pipeline": "films", "run": RUN, "route": "Scan", "reason": "r", "segments": 4, "tasks": 2,
        "tasksKey": "k", "concurrency": 40,
        "estimate": {"items": 100, "bytes": 100, "readUnits": 10, "minutes": 12.0},
    })
}

async fn put(store: &MemoryStore, key: String) {
    store.put(&key, Bytes::from_static(b"{}")).await.unwrap();
}

#[tokio::test]
async fn segments_are_counted_by_their_manifests() {
    let store = MemoryStore::new();
    let keys = RunKeys::new("films", &contract::RunId::parse(RUN).unwrap());
    let mut resources = Resources::new(store.clone(), Jobs(Mutex::default()));
    let view = View {
        rows: vec![
            row("PlanExport", Some(&planned())),
            row("ExportSegments", None),
        ],
    };
    let shown = resources.look(&view).await.unwrap();
    assert_eq!(shown.done, Some((0, 4)));
    // By the plan, of which two minutes are over.
    assert!(shown.text.starts_with("segments, about 9m 5"), "{shown:?}");
    put(&store, keys.segment_manifest(2)).await;
    put(&store, keys.checkpoint(1, 1)).await;
    put(&store, keys.part(1, 0, "a")).await;
    let shown = resources.look(&view).await.unwrap();
    assert_eq!(shown.done, Some((1, 4)));
    // By the speed so far.
    assert!(shown.text.starts_with("segments, about 6m"), "{shown:?}");
    for segment in [0, 1, 3] {
        put(&store, keys.segment_manifest(segment)).await;
    }
    let shown = resources.look(&view).await.unwrap();
    assert_eq!((shown.done, &*shown.text), (Some((4, 4)), "segments"));
}

#[tokio::test]
async fn segments_of_merged_changes_are_not_those_of_the_export_that_follows() {
    let store = MemoryStore::new();
    let keys = RunKeys::new("films", &contract::RunId::parse(RUN).unwrap());
    let mut resources = Resources::new(store.clone(), Jobs(Mutex::default()));
    let view = View {
        rows: vec![
            row("PlanExport", Some(&planned())),
            row("ExportSegments", None),
        ],
    };
    // Four that changes were merged into, and that of the changed items.
    put(&store, keys.segment_manifest(4)).await;
    let shown = resources.look(&view).await.unwrap();
    assert_eq!(shown.done, Some((0, 4)));
    for segment in 0..4 {
        put(&store, keys.segment_manifest(segment)).await;
    }
    let export = json!({"arn": "a", "items": 9, "firstSegment": 5, "files": [], "tasks": []});
    let export = Bytes::from(export.to_string());
    store.put(&keys.native_export(), export).await.unwrap();
    put(&store, keys.segment_manifest(6)).await;
    let shown = resources.look(&view).await.unwrap();
    assert_eq!(shown.done, Some((1, 4)));
}

#[tokio::test]
async fn the_metric_of_the_training_job_is_a_line_of_blocks() {
    let store = MemoryStore::new();
    let keys = RunKeys::new("films", &contract::RunId::parse(RUN).unwrap());
    let plan = json!({
        "run": RUN, "execution": "arn:e", "started": "2026-11-20T17:30:00Z",
        "definition": {
            "pipeline": "films", "source": {"dynamodb": {"table": "films"}},
            "dataset": {"label": "rating"},
            "training": {"algorithm": {"name": "xgboost"}, "maxRuntimeSeconds": 3600},
            "promotion": {"metric": "validation:rmse", "goal": "minimize"},
        },
        "keyAttributes": [], "route": "Scan", "reason": "r", "segments": 4, "tasks": [],
        "estimate": {"items": 100, "bytes": 100, "readUnits": 10},
    });
    let plan = Bytes::from(plan.to_string());
    store.put(&keys.plan(), plan).await.unwrap();
    let jobs = Jobs(Mutex::new(vec![0.25, 0.5, 0.5, 1.0]));
    let mut resources = Resources::new(store, jobs);
    let output = json!({
        "status": "InProgress", "pipeline": "films", "run": RUN, "trainingJob": "films-1",
        "phase": "Starting", "then": "Continue", "waitSeconds": 30,
    });
    let view = View {
        rows: vec![row("StartTraining", Some(&output))],
    };
    for expected in [
        "Training, validation:rmse ▄ 1, at most 50m left",
        "Training, validation:rmse █▁ 0.5, at most 50m left",
        "Training, validation:rmse █▁ 0.5, at most 50m left",
        "Training, validation:rmse █▃▁ 0.25, at most 50m left",
        "Training, at most 50m left",
    ] {
        let shown = resources.look(&view).await.unwrap();
        assert_eq!((shown.done, &*shown.text), (None, expected));
    }
    assert_eq!(resources.look(&View::default()).await, None);
    resources.jobs = Jobs(Mutex::new(vec![0.125]));
    let result = resources.result(&view.rows[0]).await;
    assert_eq!(result.as_deref(), Some("validation:rmse █▄▂▁ 0.125"));
    assert_eq!(resources.result(&row("PlanExport", None)).await, None);
}

#[tokio::test]
async fn what_cannot_be_read_is_said_and_watching_continues() {
    let mut resources = Resources::new(MemoryStore::new(), Jobs(Mutex::default()));
    let output = json!({
        "status": "InProgress", "pipeline": "films", "run": RUN, "trainingJob": "films-1",
        "phase": "Starting", "then": "Continue", "waitSeconds": 30,
    });
    let view = View {
        rows: vec![row("StartTraining", Some(&output))],
    };
    let shown = resources.look(&view).await.unwrap();
    assert!(shown.text.starts_with("not known: "), "{shown:?}");
}
