//! A lake with a sealed dataset, a fake account, and the function under test.

#![allow(dead_code, reason = "not every test uses everything")]

use contract::states::{ExecutionContext, JobInput, StartTrainingOutput, Status};
use contract::{Invocation, Names, RunId};
use lake::records::{ChannelFile, DatasetRecord, Plan, TrainingRecord};
use lake::{MemoryStore, RunKeys, documents};
use sagemaker_ports::MemorySageMaker;
use serde_json::{Value, json};
use start_training::{Settings, StartTrainingError, handle};
use std::collections::BTreeMap;
use std::time::SystemTime;

pub const EXECUTION: &str = "arn:e";
pub const START: &str = "2026-11-20T17:30:00Z";
pub const PIPELINE: &str = "default";
pub const LAKE_KEY: &str = "arn:aws:kms:eu-central-1:000000000000:key/lake";

pub fn run() -> RunId {
    RunId::of_execution(EXECUTION, START).unwrap()
}

pub fn keys() -> RunKeys {
    RunKeys::new(PIPELINE, &run())
}

pub fn job() -> String {
    Names::run_resource(PIPELINE, &run())
}

/// A lake in which the dataset has just been sealed, and a fake account without a job.
pub struct World {
    pub store: MemoryStore,
    pub sagemaker: MemorySageMaker,
    /// How often the execution was redriven.
    pub redrives: u32,
}

impl World {
    pub async fn new(validation: u64) -> Self {
        let world = Self {
            store: MemoryStore::new(),
            sagemaker: MemorySageMaker::new(),
            redrives: 0,
        };
        world.plan(json!({})).await;
        world.dataset(validation).await;
        world
    }

    /// Writes the plan, with these extra fields of `training`.
    pub async fn plan(&self, more: Value) {
        let mut training = json!({
            "image": "recommender:1",
            "hyperparameters": {"factors": 16, "rate": 0.05, "biased": true, "loss": "rmse"},
            "metrics": [{"name": "validation:rmse", "regex": "rmse=(.*)"}],
        });
        for (field, value) in more.as_object().unwrap() {
            training[field] = value.clone();
        }
        let plan: Plan = serde_json::from_value(json!({
            "run": run(), "execution": EXECUTION, "started": START,
            "definition": {
                "pipeline": PIPELINE,
                "source": {"dynamodb": {"table": "interactions"}},
                "dataset": {"label": "rating"},
                "training": training,
                "promotion": {"metric": "validation:rmse", "goal": "minimize"},
            },
            "keyAttributes": ["user", "item"], "route": "Scan", "reason": "a test", "segments": 1,
            "tasks": [{"index": 0, "firstSegment": 0, "segmentCount": 1}],
            "estimate": {"items": 10, "bytes": 100, "readUnits": 1},
        }))
        .unwrap();
        documents::write(&self.store, &keys().plan(), &plan)
            .await
            .unwrap();
    }

    pub async fn dataset(&self, validation: u64) {
        let dataset = DatasetRecord {
            run: run(),
            rows: serde_json::from_value(
                json!({"train": 9, "validation": validation, "rejected": 0}),
            )
            .unwrap(),
            channels: vec!["train".to_owned()],
            content_type: "text/csv".to_owned(),
            features: None,
            classes: None,
            vocabularies: BTreeMap::new(),
            columns: json!([]),
            files: vec![ChannelFile {
                channel: "train".to_owned(),
                key: keys().channel_file("train", 0, "csv"),
                rows: 9,
                bytes: 90,
                digest: None,
                pieces: Vec::new(),
                checksum: None,
                objects: None,
            }],
            sample: None,
            rejected: Vec::new(),
        };
        documents::write(&self.store, &keys().dataset(), &dataset)
            .await
            .unwrap();
    }

    pub async fn call(&self) -> Result<StartTrainingOutput, StartTrainingError> {
        let settings = Settings {
            stack: "shop".to_owned(),
            role_arn: "arn:aws:iam::000000000000:role/training".to_owned(),
            lake_key: LAKE_KEY.to_owned(),
            region: "eu-central-1".to_owned(),
        };
        let input = JobInput {
            pipeline: PIPELINE.to_owned(),
            run: run(),
            execution: ExecutionContext {
                redrive_count: self.redrives,
            },
        };
        let invocation = Invocation {
            attempt: "a".to_owned(),
            deadline: SystemTime::now(),
        };
        let (store, sagemaker) = (&self.store, &self.sagemaker);
        handle(store, sagemaker, sagemaker, &settings, input, invocation).await
    }

    /// Redrives the execution, then calls as [`World::drive`].
    pub async fn redrive(&mut self) -> Result<StartTrainingOutput, StartTrainingError> {
        self.redrives += 1;
        self.drive().await
    }

    /// Calls as the state machine does, until it is done or fails.
    pub async fn drive(&self) -> Result<StartTrainingOutput, StartTrainingError> {
        for _ in 0..20 {
            let output = self.call().await?;
            if output.status == Status::Done {
                return Ok(output);
            }
            assert!((2..=900).contains(&output.wait_seconds), "{output:?}");
        }
        panic!("no end after 20 polls");
    }

    pub async fn record(&self) -> TrainingRecord {
        documents::read(&self.store, &keys().training(), "a record")
            .await
            .unwrap()
    }
}
