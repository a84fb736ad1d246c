//! A lake with sealed datasets, a fake account, and the three functions under test.

use crate::gate::Gate;
use crate::steps::{Ending, INVOCATION, Step, drive};
use aws::autoscaling::AutoScaling;
use aws::s3::S3Store;
use aws::sagemaker::SageMaker;
use contract::{Names, RunId};
use end_to_end::packages::Packages;
use end_to_end::{botocore, workspace};
use lake::records::{Champion, Checksum, TrainingRecord};
use lake::{ObjectStore as _, RunKeys, documents, keys};
use local_servers::runtime_api::Function;
use local_servers::s3::S3;
use millrace::progress::Progress;
use millrace::rollback::Request;
use millrace::{clean, rollback};
use sagemaker_local::{Config, Handle, Server};
use sagemaker_ports::Scaling as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const STACK: &str = "shop";
const PIPELINE: &str = "default";
const BUCKET: &str = "lake";
const ENDPOINT: &str = "films";
const IMAGE: &str = "program:local";
const ROWS: &str = "1,0,0.5\n2,1,0.5\n3,2,0.5\n";
/// The extra validation rows, if a model scores a batch.
const MORE_ROWS: &str = "4,7,0.25\n5,8,0.125\n";

pub struct World {
    // Both end when the world does.
    _s3: S3,
    _folder: tempfile::TempDir,
    pub store: S3Store,
    sagemaker: Handle,
    http: reqwest::Client,
    gate: Arc<Gate>,
    train: Function,
    judge: Function,
    deploy: Function,
    kills: u32,
    /// How often the execution was redriven.
    pub redrives: u32,
    /// How the endpoint of the next runs is scaled.
    pub autoscaling: Value,
    /// The batch that the next runs score instead of serving at an endpoint.
    pub batch: Value,
}

impl World {
    pub async fn start(caption: &str, packages: &Packages, record: PathBuf) -> Self {
        let s3 = S3::start(&[BUCKET]).await;
        let store = S3Store::new(&aws::local(s3.url()).await, BUCKET);
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new(folder.path().join("sagemaker"));
        config.s3_endpoint = Some(s3.url().to_owned());
        config.training_grace = Duration::from_secs(1);
        config.serving_grace = Duration::from_secs(1);
        // A frozen program is waited for so long; a busy machine needs some of it for a sound one.
        config.ping_timeout = Duration::from_secs(if caption.contains("ping") { 8 } else { 60 });
        config.longest_wait = Duration::from_secs(1);
        config.record = Some(record);
        let program = workspace::root().join("tests/python/number_program.py");
        let words = vec!["python3".to_owned(), program.display().to_string()];
        config.images.add_words(IMAGE, words).unwrap();
        let sagemaker = Server::start(config).await.unwrap();
        let gate = Arc::new(Gate::default());
        let at_sagemaker = gate.open(&sagemaker.url()).await;
        let at_s3 = gate.open(s3.url()).await;
        let environment = [
            ("LAKE_BUCKET", BUCKET),
            ("STACK_NAME", STACK),
            (
                "TRAINING_ROLE_ARN",
                "arn:aws:iam::000000000000:role/training",
            ),
            ("SERVING_ROLE_ARN", "arn:aws:iam::000000000000:role/serving"),
            (
                "LAKE_KEY_ARN",
                "arn:aws:kms:us-east-1:000000000000:key/lake",
            ),
            ("AWS_ENDPOINT_URL_S3", &at_s3),
            ("AWS_ENDPOINT_URL_SAGEMAKER", &at_sagemaker),
            ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", &at_sagemaker),
            ("AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING", &at_sagemaker),
            ("AWS_ENDPOINT_URL_CLOUDWATCH", &at_sagemaker),
            ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", &at_sagemaker),
            (
                "NOTICES_TOPIC_ARN",
                "arn:aws:sns:us-east-1:000000000000:notices",
            ),
        ];
        let environment = local_servers::environment().into_iter().chain(environment);
        let environment: Vec<_> = environment
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let log = folder.path().join("functions.log");
        let function = |name| Function::new(&packages.program(name), environment.clone(), &log);
        Self {
            train: function("start-training"),
            judge: function("judge-model"),
            deploy: function("deploy-endpoint"),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            _s3: s3,
            _folder: folder,
            store,
            sagemaker,
            gate,
            kills: 0,
            redrives: 0,
            autoscaling: Value::Null,
            batch: Value::Null,
        }
    }

    /// A run of this day in November, whose dataset has just been sealed.
    pub async fn run(&self, day: u32) -> RunId {
        self.run_with(day, &json!({})).await
    }

    /// The same, with these fields of the definition's `training` besides.
    pub async fn run_with(&self, day: u32, training: &Value) -> RunId {
        let run = id(day);
        let keys = RunKeys::new(PIPELINE, &run);
        let mut plan = json!({
            "run": run, "execution": "arn:e", "started": "2026-11-20T17:30:00Z",
            "definition": {
                "pipeline": PIPELINE,
                "source": {"dynamodb": {"table": "interactions"}},
                "dataset": {"label": "rating"},
                "training": {
                    "image": IMAGE,
                    "maxRuntimeSeconds": 20,
                    "capacityWaitMinutes": 0,
                    "metrics": [{"name": "validation:rmse", "regex": "rmse=([0-9.]+);"}],
                },
                // Equal is good enough: every run of the tests trains the same model.
                "promotion": {
                    "metric": "validation:rmse", "goal": "minimize", "minimumGain": -1.0,
                    "modelPackageGroup": PIPELINE,
                },
                "endpoint": {
                    "name": ENDPOINT,
                    "compute": {"instances": {"instanceType": "ml.m5.large", "count": 1}},
                    "autoscaling": self.autoscaling,
                },
            },
            "keyAttributes": ["user", "item"], "route": "Scan", "reason": "a test", "segments": 1,
            "tasks": [{"index": 0, "firstSegment": 0, "segmentCount": 1}],
            "estimate": {"items": 10, "bytes": 100, "readUnits": 1},
        });
        let mut channels = vec![("train", 0, ROWS), ("validation", 0, ROWS)];
        if !self.batch.is_null() {
            plan["definition"]["batch"] = self.batch.clone();
            plan["definition"]["endpoint"] = json!({"environment": {"ANSWER": "sum"}});
            channels.push(("validation", 1, MORE_ROWS));
        }
        for (field, value) in training.as_object().unwrap() {
            plan["definition"]["training"][field] = value.clone();
        }
        documents::write(&self.store, &keys.plan(), &plan)
            .await
            .unwrap();
        let mut files = Vec::new();
        for (channel, shard, rows) in channels {
            let key = keys.channel_file(channel, shard, "csv");
            self.store.put(&key, rows.into()).await.unwrap();
            files.push(json!({
                "channel": channel, "key": key, "rows": rows.lines().count(), "bytes": rows.len(),
                "checksum": Checksum::default(),
            }));
        }
        let dataset = json!({
            "run": run, "rows": {"train": 3, "validation": 3, "rejected": 0},
            "channels": ["train", "validation"], "contentType": "text/csv", "columns": [],
            "files": files,
            "sample": {"rows": 3, "contentType": "text/csv", "body": "0,0.5\n1,0.5\n2,0.5\n"},
        });
        documents::write(&self.store, &keys.dataset(), &dataset)
            .await
            .unwrap();
        run
    }

    /// What the state machine hands to each of the three.
    fn input(&self, run: &RunId) -> Value {
        let execution = json!({"RedriveCount": self.redrives});
        json!({"pipeline": PIPELINE, "run": run, "execution": execution})
    }

    /// Trains, judges and deploys, or fails at one of them.
    pub async fn go_through(&mut self, run: &RunId, killing: bool) -> Result<(), Ending> {
        let input = self.input(run);
        for (step, function) in [
            (Step::Train, &mut self.train),
            (Step::Judge, &mut self.judge),
            (Step::Deploy, &mut self.deploy),
        ] {
            let kills = &mut self.kills;
            drive(step, function, &self.gate, &input, killing, kills).await?;
        }
        Ok(())
    }

    /// Trains and judges, with the functions killed between any two of their calls.
    pub async fn train_and_judge(&mut self, run: &RunId) -> Result<(), Ending> {
        let input = self.input(run);
        for (step, function) in [
            (Step::Train, &mut self.train),
            (Step::Judge, &mut self.judge),
        ] {
            drive(step, function, &self.gate, &input, true, &mut self.kills).await?;
        }
        Ok(())
    }

    /// What the endpoint answers to these rows.
    pub async fn predicted(&self, rows: String) -> Vec<f64> {
        let url = format!("{}/endpoints/{ENDPOINT}/invocations", self.sagemaker.url());
        let call = self.http.post(url).header("content-type", "text/csv");
        let answer = call.body(rows).send().await.unwrap();
        let text = answer.text().await.unwrap();
        text.lines().map(|line| line.parse().unwrap()).collect()
    }

    /// What `millrace rollback` does; the configuration that the endpoint came from.
    pub async fn roll_back(&self) -> Option<String> {
        let request = Request {
            pause: Duration::from_millis(100),
            ..Request::new(PIPELINE.to_owned(), None)
        };
        let step = Progress::quiet().step("rollback");
        let account = self.account().await;
        let scaling = self.auto_scaling().await;
        let back = rollback::roll_back(&self.store, &account, &scaling, &request, &step);
        let back = Box::pin(back).await;
        let back = back.unwrap();
        assert_eq!(back.smoke_rows, Some(3));
        back.from
    }

    /// What `millrace clean` does; the runs that went.
    pub async fn clean(&self, keep: usize) -> Vec<RunId> {
        let account = self.account().await;
        let plans = clean::plan(&self.store, &account, PIPELINE, keep).await;
        let plans = plans.unwrap();
        clean::remove(&self.store, &account, PIPELINE, &plans)
            .await
            .unwrap();
        plans.old.into_iter().map(|old| old.run).collect()
    }

    async fn auto_scaling(&self) -> AutoScaling {
        AutoScaling::new(&aws::local(&self.sagemaker.url()).await)
    }

    /// Between how many instances the endpoint is scaled, if it is.
    pub async fn scaled(&self) -> Option<(u32, u32)> {
        let scaling = self.auto_scaling().await;
        let there = scaling.describe_scaling(ENDPOINT).await.unwrap();
        there.map(|there| (there.min_instances, there.max_instances))
    }

    async fn account(&self) -> SageMaker {
        SageMaker::new(&aws::local(&self.sagemaker.url()).await)
    }

    /// The models and endpoint configurations that are there, by their names.
    pub async fn kept(&self) -> (Vec<String>, Vec<String>) {
        let models = self.ask("ListModels", json!({})).await;
        let configs = self.ask("ListEndpointConfigs", json!({})).await;
        (
            names(&models["Models"], "ModelName"),
            names(&configs["EndpointConfigs"], "EndpointConfigName"),
        )
    }

    /// Calls a function once; its error's name and message.
    pub async fn invoke(&mut self, verb: &str, payload: Value) -> Result<Value, (String, String)> {
        self.gate.arm(None);
        let function = match verb {
            "start-training" => &mut self.train,
            "judge-model" => &mut self.judge,
            "deploy-endpoint" => &mut self.deploy,
            other => panic!("there is no function {other} here"),
        };
        let answer = function.invoke(payload, INVOCATION).await;
        answer.map_err(|error| (error.name, error.message))
    }

    /// How often a function was killed.
    pub fn kills(&self) -> u32 {
        self.kills
    }

    pub async fn faults(&self, faults: Value) {
        let url = format!("{}/faults", self.sagemaker.url());
        let answer = self.http.put(url).body(faults.to_string()).send().await;
        assert_eq!(answer.unwrap().status(), 204);
    }

    async fn ask(&self, operation: &str, request: Value) -> Value {
        let call = self.http.post(self.sagemaker.url());
        let call = call.header("x-amz-target", format!("SageMaker.{operation}"));
        let answer = call.body(request.to_string()).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// Whether the run of this day is champion, and serves.
    pub async fn is_champion(&self, day: u32) -> Result<(), String> {
        let name = name(day);
        let champion: Champion =
            documents::read(&self.store, &keys::champion(PIPELINE), "the champion")
                .await
                .map_err(|error| error.to_string())?;
        let endpoint = self
            .ask("DescribeEndpoint", json!({"EndpointName": ENDPOINT}))
            .await;
        let url = format!("{}/endpoints/{ENDPOINT}/invocations", self.sagemaker.url());
        let answer = self.http.post(url).body("1,2\n").send().await.unwrap();
        let is_answered = answer.status().is_success();
        let holds = champion.run == id(day)
            && champion.endpoint_config.as_ref() == Some(&name)
            && endpoint["EndpointStatus"] == "InService"
            && endpoint["EndpointConfigName"] == *name
            && is_answered;
        if holds {
            return Ok(());
        }
        Err(format!(
            "the champion is {champion:?}, answering: {is_answered}, and the endpoint {endpoint}"
        ))
    }

    /// The champion's record.
    pub async fn champion(&self) -> Champion {
        documents::read(&self.store, &keys::champion(PIPELINE), "the champion")
            .await
            .unwrap()
    }

    /// How many transform jobs there are.
    pub async fn transform_jobs(&self) -> usize {
        let list = self.ask("ListTransformJobs", json!({})).await;
        list["TransformJobSummaries"].as_array().unwrap().len()
    }

    /// What the run's model has scored: the lines of each file.
    pub async fn predictions(&self, run: &RunId) -> BTreeMap<String, Vec<f64>> {
        let prefix = RunKeys::new(PIPELINE, run).predictions();
        let mut predictions = BTreeMap::new();
        for object in self.store.list(&prefix).await.unwrap() {
            let text = self.store.get(&object.key).await.unwrap();
            let lines = std::str::from_utf8(&text).unwrap().lines();
            let name = object.key.trim_start_matches(&prefix).to_owned();
            predictions.insert(name, lines.map(|line| line.parse().unwrap()).collect());
        }
        predictions
    }

    /// What a model of this number answers to the rows to validate on, without their labels.
    pub fn answers(number: f64) -> BTreeMap<String, Vec<f64>> {
        let answer = |row: &str| {
            let features = row.split(',').skip(1);
            let sum: f64 = features.map(|cell| cell.parse::<f64>().unwrap()).sum();
            number * sum
        };
        [("0", ROWS), ("1", MORE_ROWS)]
            .map(|(shard, rows)| {
                let answers = rows.lines().map(answer).collect();
                (format!("/part-0000{shard}.csv.out"), answers)
            })
            .into()
    }

    async fn jobs(&self) -> Vec<Value> {
        let list = self
            .ask("ListTrainingJobs", json!({"MaxResults": 100}))
            .await;
        list["TrainingJobSummaries"].as_array().unwrap().clone()
    }

    /// What the step of training committed.
    pub async fn trained(&self, run: &RunId) -> TrainingRecord {
        let key = RunKeys::new(PIPELINE, run).training();
        documents::read(&self.store, &key, "the record of a training job")
            .await
            .unwrap()
    }

    /// How many training jobs there are.
    pub async fn training_jobs(&self) -> usize {
        self.jobs().await.len()
    }

    /// How many training jobs have completed.
    pub async fn completed_jobs(&self) -> usize {
        let jobs = self.jobs().await;
        let completed = jobs
            .iter()
            .filter(|job| job["TrainingJobStatus"] == "Completed");
        completed.count()
    }

    /// What a person does with an endpoint that failed.
    pub async fn delete_endpoint(&self) {
        self.ask("DeleteEndpoint", json!({"EndpointName": ENDPOINT}))
            .await;
        while self
            .ask("DescribeEndpoint", json!({"EndpointName": ENDPOINT}))
            .await["EndpointName"]
            .is_string()
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn names(listed: &Value, field: &str) -> Vec<String> {
    let listed = listed.as_array().unwrap().iter();
    let mut names: Vec<String> = listed
        .map(|it| it[field].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

pub fn name(day: u32) -> String {
    Names::run_resource(PIPELINE, &id(day))
}

pub fn id(day: u32) -> RunId {
    RunId::parse(&format!("202611{day:02}-173000-1a2b3c4d")).unwrap()
}

/// All that the functions have asked is what the real services take, and what they created is their
/// own.
pub fn hold(record: &Path) {
    botocore::hold_of(record, STACK, PIPELINE);
}
