//! A lake with a trained run, a registry, and the function under test.

#![allow(dead_code, reason = "not every test uses everything")]

use contract::states::{ExecutionContext, JudgeModelInput, JudgeModelOutput};
use contract::{Invocation, RunId};
use judge_model::{JudgeModelError, Settings, handle};
use lake::records::{Champion, Plan, TrainingRecord};
use lake::{MemoryStore, RunKeys, documents, keys};
use sagemaker_ports::MemorySageMaker;
use serde_json::{Value, json};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::SystemTime;

pub const BEFORE: &str = "20261119-173000-00000000";

pub fn run() -> RunId {
    RunId::parse("20261120-173000-1a2b3c4d").unwrap()
}

pub fn run_keys() -> RunKeys {
    RunKeys::new("default", &run())
}

pub mod pair;

pub struct World {
    pub store: MemoryStore,
    pub sagemaker: MemorySageMaker,
    redrives: AtomicU32,
}

impl World {
    /// A lake whose run has been trained, with this value of `validation:rmse` if any.
    pub async fn trained(rmse: Option<f64>) -> Self {
        Self::with(rmse, json!({})).await
    }

    /// The same, with these extra fields of `promotion`.
    pub async fn with(rmse: Option<f64>, more: Value) -> Self {
        let world = Self {
            store: MemoryStore::new(),
            sagemaker: MemorySageMaker::new(),
            redrives: AtomicU32::new(0),
        };
        let mut promotion = json!({
            "metric": "validation:rmse", "goal": "minimize", "modelPackageGroup": "default",
        });
        for (field, value) in more.as_object().unwrap() {
            promotion[field] = value.clone();
        }
        let plan: Plan = serde_json::from_value(json!({
            "run": run(), "execution": "arn:e", "started": "2026-11-20T17:30:00Z",
            "definition": {
                "source": {"dynamodb": {"table": "interactions"}},
                "dataset": {"label": "rating"},
                "training": {"image": "recommender:1"},
                "promotion": promotion,
                "endpoint": {"name": "e"},
            },
            "keyAttributes": ["user"], "route": "Scan", "reason": "a test", "segments": 1, "tasks": [],
            "estimate": {"items": 10, "bytes": 100, "readUnits": 1},
        }))
        .unwrap();
        let store = &world.store;
        documents::write(store, &run_keys().plan(), &plan)
            .await
            .unwrap();
        let mut metrics = json!({"validation:ndcg": 0.25});
        if let Some(rmse) = rmse {
            metrics["validation:rmse"] = json!(rmse);
        }
        let training: TrainingRecord = serde_json::from_value(json!({
            "job": "job", "image": "recommender:1", "artifact": "s3://a", "metrics": metrics,
        }))
        .unwrap();
        documents::write(store, &run_keys().training(), &training)
            .await
            .unwrap();
        world
    }

    /// Makes the run's model the champion, which serves at the endpoint `e`.
    pub async fn crown(&self, run: &str, rmse: f64) {
        self.sagemaker.plant_endpoint("e", "c");
        let champion: Champion = serde_json::from_value(json!({
            "run": run, "stack": "shop", "metric": "validation:rmse", "value": rmse, "model": "m",
            "endpointConfig": "c", "endpoint": "e", "dataset": "d",
        }))
        .unwrap();
        documents::write(&self.store, &keys::champion("default"), &champion)
            .await
            .unwrap();
    }

    /// Redrives the execution: later calls get the higher redrive count.
    #[allow(dead_code)] // not every test with this module redrives
    pub fn redrive(&self) {
        self.redrives.fetch_add(1, Relaxed);
    }

    pub async fn call(&self) -> Result<JudgeModelOutput, JudgeModelError> {
        self.call_with(None).await
    }

    pub async fn call_with(
        &self,
        token: Option<&str>,
    ) -> Result<JudgeModelOutput, JudgeModelError> {
        let input = JudgeModelInput {
            pipeline: "default".to_owned(),
            run: run(),
            execution: ExecutionContext {
                redrive_count: self.redrives.load(Relaxed),
            },
            task_token: token.map(str::to_owned),
        };
        let invocation = Invocation {
            attempt: "a".to_owned(),
            deadline: SystemTime::now(),
        };
        let settings = Settings {
            stack: "shop".to_owned(),
            role_arn: "arn:aws:iam::1:role/training".to_owned(),
            lake_key: "arn:aws:kms:eu-central-1:1:key/lake".to_owned(),
            region: "eu-central-1".to_owned(),
        };
        handle(&self.store, &self.sagemaker, &settings, input, invocation).await
    }
}
