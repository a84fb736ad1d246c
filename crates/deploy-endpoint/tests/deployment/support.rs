//! A lake in which a run's model has been promoted, and a fake account to deploy it in.

use bytes::Bytes;
use contract::states::{DeployEndpointOutput, ExecutionContext, JobInput, Status};
use contract::{Invocation, Names, RunId};
use definition::Compute;
use deploy_endpoint::{DeployEndpointError, Settings, handle};
use lake::records::{Champion, DeploymentRecord};
use lake::{MemoryStore, ObjectStore, RunKeys, documents, keys};
use sagemaker_ports::{ConfigSpec, Endpoints, MemorySageMaker, ModelSpec, Tags};
use serde_json::{Value, json};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

pub const PIPELINE: &str = "default";
pub const LAKE_KEY: &str = "arn:aws:kms:eu-central-1:000000000000:key/lake";
pub const TOPIC: &str = "arn:aws:sns:eu-central-1:000000000000:notices";
/// The alarms of the pipeline's endpoint.
pub const ERRORS: &str = "shop/default/endpoint-errors";
pub const LATENCY: &str = "shop/default/endpoint-latency";
pub const RUN: &str = "20261120-173000-1a2b3c4d";

/// The id of the run of a day in November.
pub fn run_of(day: u32) -> RunId {
    RunId::parse(&format!("202611{day:02}-173000-1a2b3c4d")).unwrap()
}

pub fn name_of(day: u32) -> String {
    Names::run_resource(PIPELINE, &run_of(day))
}

pub struct World {
    pub store: MemoryStore,
    pub sagemaker: MemorySageMaker,
    pub run: RunId,
    pub settle: Duration,
    redrives: AtomicU32,
}

impl World {
    /// A world in which the run of this day has been promoted, without a champion.
    pub async fn new(day: u32) -> Self {
        let world = Self {
            store: MemoryStore::new(),
            sagemaker: MemorySageMaker::new(),
            run: run_of(day),
            settle: Duration::ZERO,
            redrives: AtomicU32::new(0),
        };
        world.promote(None).await;
        world
    }

    /// The next run on the same lake and account.
    pub async fn next(&self, day: u32) -> Self {
        let world = Self {
            store: self.store.clone(),
            sagemaker: self.sagemaker.clone(),
            run: run_of(day),
            settle: self.settle,
            redrives: AtomicU32::new(0),
        };
        let champion = world.champion().await.map(|champion| champion.run);
        world.promote(champion).await;
        world
    }

    pub fn keys(&self) -> RunKeys {
        RunKeys::new(PIPELINE, &self.run)
    }

    pub fn name(&self) -> String {
        Names::run_resource(PIPELINE, &self.run)
    }

    pub async fn put(&self, key: &str, document: &Value) {
        documents::write(&self.store, key, document).await.unwrap();
    }

    async fn promote(&self, champion: Option<RunId>) {
        let keys = self.keys();
        self.plan(json!({})).await;
        self.put(
            &keys.training(),
            &json!({"job": self.name(), "image": "recommender:1", "metrics": {"m": 0.5},
                "artifact": format!("s3://memory/{}/model.tar.gz", keys.models())}),
        )
        .await;
        let mut verdict = json!({
            "verdict": "Promote", "metric": "m", "value": 0.5, "reason": "better",
        });
        if let Some(champion) = champion {
            verdict["championRun"] = json!(champion);
        }
        self.put(&keys.verdict(), &verdict).await;
        self.dataset(7).await;
        let csv = Bytes::from_static(b"3,10,20\n4,11,21\n");
        self.store
            .put(&keys.channel_file("train", 0, "csv"), csv)
            .await
            .unwrap();
        let csv = (0..7).map(|row| format!("5,{row},0.5\n"));
        let csv = csv.collect::<Vec<_>>().concat();
        self.store
            .put(&keys.channel_file("validation", 1, "csv"), csv.into())
            .await
            .unwrap();
    }

    /// Writes the dataset's contract, with so many rows to validate on.
    pub async fn dataset(&self, validation: u64) {
        let keys = self.keys();
        let file = |channel, shard, rows| {
            json!({"channel": channel, "key": keys.channel_file(channel, shard, "csv"), "rows": rows, "bytes": 1,
                "checksum": "0"})
        };
        self.put(
            &keys.dataset(),
            &json!({
                "run": self.run, "rows": {"train": 2, "validation": validation, "rejected": 0},
                "channels": ["train", "validation"], "contentType": "text/csv", "columns": {},
                "files": [
                    file("train", 0, 2),
                    file("validation", 0, 0),
                    file("validation", 1, validation),
                ],
            }),
        )
        .await;
    }

    /// Writes the plan, with this `endpoint` part of the definition.
    pub async fn plan(&self, endpoint: Value) {
        self.define(json!({"endpoint": endpoint})).await;
    }

    /// Writes the plan, with these parts of the definition.
    pub async fn define(&self, parts: Value) {
        let mut definition = json!({
            "pipeline": PIPELINE,
            "source": {"dynamodb": {"table": "interactions"}},
            "dataset": {"label": "rating"},
            "training": {"image": "recommender:1"},
            "promotion": {"metric": "m", "goal": "minimize"},
        });
        for (part, value) in parts.as_object().unwrap() {
            definition[part] = value.clone();
        }
        // A plan names the endpoint, whether or not the definition does.
        if definition.get("batch").is_none() && definition["endpoint"].get("name").is_none() {
            definition["endpoint"]["name"] = PIPELINE.into();
        }
        self.put(
            &self.keys().plan(),
            &json!({
                "run": self.run, "execution": "arn:e", "started": "2026-11-20T17:30:00Z",
                "definition": definition,
                "keyAttributes": ["user"], "route": "Scan", "reason": "a test", "segments": 1, "tasks": [],
                "estimate": {"items": 10, "bytes": 100, "readUnits": 1},
            }),
        )
        .await;
    }

    pub async fn call(&self) -> Result<DeployEndpointOutput, DeployEndpointError> {
        let settings = Settings {
            stack: "shop".to_owned(),
            role_arn: "arn:aws:iam::000000000000:role/training".to_owned(),
            lake_key: LAKE_KEY.to_owned(),
            settle: self.settle,
            topic: TOPIC.to_owned(),
            region: "eu-central-1".to_owned(),
        };
        let input = JobInput {
            pipeline: PIPELINE.to_owned(),
            run: self.run.clone(),
            execution: ExecutionContext {
                redrive_count: self.redrives.load(Relaxed),
            },
        };
        let invocation = Invocation {
            attempt: "a".to_owned(),
            deadline: SystemTime::now(),
        };
        let (store, sagemaker) = (&self.store, &self.sagemaker);
        handle(
            store, sagemaker, sagemaker, sagemaker, &settings, input, invocation,
        )
        .await
    }

    /// Redrives the execution: later calls get the higher redrive count.
    pub fn redrive(&self) {
        self.redrives.fetch_add(1, Relaxed);
    }

    /// Calls as the state machine does, until it is done or fails.
    pub async fn drive(&self) -> Result<DeployEndpointOutput, DeployEndpointError> {
        for _ in 0..20 {
            let output = self.call().await?;
            if output.status == Status::Done {
                return Ok(output);
            }
            assert!((2..=60).contains(&output.wait_seconds), "{output:?}");
        }
        panic!("no end after 20 polls");
    }

    /// Calls until the run's update was requested.
    pub async fn drive_until_update(&self) {
        while self.count("UpdateEndpoint") == 0 {
            self.call().await.unwrap();
        }
    }

    pub async fn champion(&self) -> Option<Champion> {
        let key = keys::champion(PIPELINE);
        documents::read_if_there(&self.store, &key, "a champion")
            .await
            .unwrap()
    }

    pub async fn record(&self) -> Option<DeploymentRecord> {
        let key = self.keys().deployment();
        documents::read_if_there(&self.store, &key, "a deployment")
            .await
            .unwrap()
    }

    /// The configuration in force.
    pub async fn config(&self) -> String {
        let info = self.sagemaker.describe_endpoint(PIPELINE).await.unwrap();
        info.unwrap().config
    }

    /// How often an operation took effect.
    pub fn count(&self, operation: &str) -> usize {
        let log = self.sagemaker.log();
        log.iter()
            .filter(|line| line.starts_with(operation))
            .count()
    }

    /// Creates a configuration and its model, as a person would.
    pub async fn plant(&self, name: &str) {
        let model = ModelSpec {
            name: name.to_owned(),
            image: "other".to_owned(),
            artifact: "s3://other".to_owned(),
            role_arn: "arn".to_owned(),
            environment: std::collections::BTreeMap::new(),
            vpc: None,
            network_isolation: false,
            tags: Tags::new(),
        };
        let config = ConfigSpec {
            name: name.to_owned(),
            model: name.to_owned(),
            compute: Compute::default(),
            capture: None,
            startup_seconds: None,
            volume_key: None,
            tags: Tags::new(),
        };
        self.sagemaker.create_model(&model).await.unwrap();
        self.sagemaker.create_config(&config).await.unwrap();
    }
}
