//! A lake, SageMaker with really trained models, and a table of scores, around the function's own
//! program.

use aws::s3::S3Store;
use aws::sagemaker::SageMaker;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use contract::{Names, RunId};
use definition::Compute;
use end_to_end::workspace;
use lake::{ObjectStore as _, RunKeys, documents, keys};
use local_servers::dynamodb::DynamoDb;
use local_servers::runtime_api::{Function, InvocationError};
use local_servers::s3::S3;
use sagemaker_local::{Config, Handle, Server};
use sagemaker_ports::ensure_model;
use sagemaker_ports::{
    ConfigSpec, EndpointStatus, Endpoints as _, Ensured, ModelSpec, Tags, Update,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

pub const PIPELINE: &str = "default";
pub const SCORES: &str = "scores";
const ENDPOINT: &str = "orders";
const BUCKET: &str = "lake";
const IMAGE: &str = "program:local";
const ROLE: &str = "arn:aws:iam::000000000000:role/sagemaker";
const STREAM: &str =
    "arn:aws:dynamodb:us-east-1:000000000000:table/interactions/stream/2026-11-20T00:00:00.000";

/// The columns of every run's dataset.
pub fn columns() -> Value {
    json!({
        "label": "rating", "inferred": false,
        "columns": [
            {"path": "user_id", "encoding": "ordinal", "vocabulary": ["u1", "u2", "u3"]},
            {"path": "price", "encoding": "number"},
            {"path": "context.device", "encoding": "oneHot",
                "vocabulary": ["phone", "tv"]},
            {"path": "favourite", "encoding": "boolean", "missing": {"constant": 0}},
        ],
        "where": [{"path": "state", "op": "notEqual", "value": "draft"}],
        "split": {"by": ["user_id"], "validation": 0.1, "seed": 0},
    })
}

pub struct World {
    // They end when the world does.
    _s3: S3,
    _folder: tempfile::TempDir,
    pub store: S3Store,
    pub scores: DynamoDb,
    sagemaker: Handle,
    account: SageMaker,
    http: reqwest::Client,
    asked: Arc<Mutex<Vec<String>>>,
    environment: Vec<(String, String)>,
    log: std::path::PathBuf,
    function: Function,
    numbers: u64,
}

impl World {
    pub async fn start() -> Self {
        let s3 = S3::start(&[BUCKET]).await;
        let store = S3Store::new(&aws::local(s3.url()).await, BUCKET);
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new(folder.path().join("sagemaker"));
        config.s3_endpoint = Some(s3.url().to_owned());
        config.longest_wait = Duration::from_secs(1);
        let program = workspace::root().join("tests/python/number_program.py");
        let words = vec!["python3".to_owned(), program.display().to_string()];
        config.images.add_words(IMAGE, words).unwrap();
        let sagemaker = Server::start(config).await.unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let at_sagemaker = listen(&sagemaker.url(), asked.clone()).await;
        let scores = DynamoDb::start(1000).await;
        scores.create(SCORES, &[("user_id", "S"), ("item_id", "S")]);
        let environment = [
            ("LAKE_BUCKET", BUCKET),
            ("PIPELINE", PIPELINE),
            ("SCORES_TABLE", SCORES),
            ("AWS_ENDPOINT_URL_S3", s3.url()),
            ("AWS_ENDPOINT_URL_DYNAMODB", scores.url()),
            ("AWS_ENDPOINT_URL_SAGEMAKER", &at_sagemaker),
            ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", &at_sagemaker),
        ];
        let environment = local_servers::environment().into_iter().chain(environment);
        let environment: Vec<_> = environment
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let log = folder.path().join("function.log");
        Self {
            function: function(&environment, &log),
            account: SageMaker::new(&aws::local(&sagemaker.url()).await),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            _s3: s3,
            _folder: folder,
            store,
            scores,
            sagemaker,
            asked,
            environment,
            log,
            numbers: 0,
        }
    }

    /// Trains a model that answers so many times the sum of a row's cells, and makes its dataset.
    pub async fn train(&self, day: u32, number: &str) -> RunId {
        let run = id(day);
        let keys = RunKeys::new(PIPELINE, &run);
        let dataset = json!({
            "run": run, "rows": {"train": 1, "validation": 1, "rejected": 0},
            "channels": ["train", "validation"], "contentType": "text/csv",
            "columns": columns(), "files": [],
        });
        documents::write(&self.store, &keys.dataset(), &dataset)
            .await
            .unwrap();
        self.store
            .put("training/part.csv", "1,2\n".into())
            .await
            .unwrap();
        let name = name(day);
        let job = json!({
            "TrainingJobName": name,
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "RoleArn": ROLE,
            "HyperParameters": {"number": number},
            "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": {
                "S3DataType": "S3Prefix", "S3Uri": format!("s3://{BUCKET}/training/"),
                "S3DataDistributionType": "FullyReplicated"}}}],
            "OutputDataConfig": {"S3OutputPath": format!("s3://{BUCKET}/models/")},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1,
                "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        });
        self.call("CreateTrainingJob", &job).await;
        let artifact = loop {
            let job = self
                .call("DescribeTrainingJob", &json!({"TrainingJobName": name}))
                .await;
            match job["TrainingJobStatus"].as_str().unwrap() {
                "Completed" => break job["ModelArtifacts"]["S3ModelArtifacts"].clone(),
                "InProgress" => tokio::time::sleep(Duration::from_millis(100)).await,
                other => panic!("the job is {other}: {job}"),
            }
        };
        self.configure(&name, artifact.as_str().unwrap()).await;
        run
    }

    async fn configure(&self, name: &str, artifact: &str) {
        let model = ModelSpec {
            name: name.to_owned(),
            image: IMAGE.to_owned(),
            artifact: artifact.to_owned(),
            role_arn: ROLE.to_owned(),
            environment: BTreeMap::from([("ANSWER".to_owned(), "sum".to_owned())]),
            vpc: None,
            network_isolation: false,
            tags: Tags::new(),
        };
        let made = ensure_model(&self.account, &model).await.unwrap();
        assert_eq!(made, Ensured::Exists);
        let config = ConfigSpec {
            name: name.to_owned(),
            model: name.to_owned(),
            compute: Compute::Serverless {
                memory_mb: 2048,
                max_concurrency: 2,
            },
            capture: None,
            startup_seconds: None,
            volume_key: None,
            tags: Tags::new(),
        };
        self.account.create_config(&config).await.unwrap();
    }

    /// Brings the run's model into service, and waits for it.
    pub async fn serve(&self, day: u32) {
        let name = name(day);
        let there = self.account.describe_endpoint(ENDPOINT).await.unwrap();
        let begun = match there {
            None => {
                self.account
                    .create_endpoint(ENDPOINT, &name, &Tags::new())
                    .await
            }
            Some(_) => {
                self.account
                    .update_endpoint(ENDPOINT, &name, Update::default())
                    .await
            }
        };
        begun.unwrap();
        loop {
            let endpoint = self
                .account
                .describe_endpoint(ENDPOINT)
                .await
                .unwrap()
                .unwrap();
            match endpoint.status {
                EndpointStatus::InService if endpoint.config == name => return,
                EndpointStatus::Failed => panic!("{endpoint:?}"),
                _ => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    /// Makes the run champion.
    pub async fn promote(&self, day: u32) {
        let run = id(day);
        let champion = json!({
            "run": run, "stack": "shop", "metric": "rmse", "value": 0.5, "model": name(day),
            "endpointConfig": name(day), "endpoint": ENDPOINT,
            "dataset": RunKeys::new(PIPELINE, &run).dataset(),
        });
        let key = keys::champion(PIPELINE);
        documents::write(&self.store, &key, &champion)
            .await
            .unwrap();
    }

    /// A record of a stream, with the next number.
    pub fn record(&mut self, name: &str, item: &Value) -> Value {
        self.numbers += 1;
        let keys = json!({"user_id": item["user_id"], "item_id": item["item_id"]});
        let mut record = json!({
            "eventID": format!("{:032x}", self.numbers), "eventName": name, "eventVersion": "1.1",
            "eventSource": "aws:dynamodb", "awsRegion": "us-east-1", "eventSourceARN": STREAM,
            "dynamodb": {
                "ApproximateCreationDateTime": 1_795_195_800.0, "Keys": keys, "SizeBytes": 59,
                "SequenceNumber": format!("{:021}", self.numbers), "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        });
        if name != "REMOVE" {
            record["dynamodb"]["NewImage"] = item.clone();
        }
        record
    }

    /// Delivers a batch to the function.
    pub async fn deliver(&mut self, records: &[Value]) -> Result<Value, InvocationError> {
        self.deliver_within(records, Duration::from_mins(5)).await
    }

    /// The same, with so much time for the answer.
    pub async fn deliver_within(
        &mut self,
        records: &[Value],
        time: Duration,
    ) -> Result<Value, InvocationError> {
        self.function
            .invoke(json!({"Records": records}), time)
            .await
    }

    /// Another process of the function, with nothing read yet.
    pub fn twin(&self) -> Function {
        function(&self.environment, &self.log)
    }

    /// The rows of the table of scores by the items' ids.
    pub fn rows(&self) -> BTreeMap<String, Value> {
        let rows = self.scores.items(SCORES).into_iter();
        rows.map(|row| (row["item_id"]["S"].as_str().unwrap().to_owned(), row))
            .collect()
    }

    /// What the endpoint answers to a row, asked by hand.
    pub async fn predicted(&self, row: &str) -> f64 {
        let url = format!("{}/endpoints/{ENDPOINT}/invocations", self.sagemaker.url());
        let call = self.http.post(url).header("content-type", "text/csv");
        let answer = call.body(row.to_owned()).send().await.unwrap();
        answer.text().await.unwrap().trim().parse().unwrap()
    }

    /// The bodies that the function has asked the endpoint about.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub async fn faults(&self, faults: &Value) {
        let url = format!("{}/faults", self.sagemaker.url());
        let answer = self.http.put(url).body(faults.to_string()).send().await;
        assert_eq!(answer.unwrap().status(), 204);
    }

    async fn call(&self, operation: &str, request: &Value) -> Value {
        let call = self.http.post(self.sagemaker.url());
        let call = call.header("x-amz-target", format!("SageMaker.{operation}"));
        let answer = call.body(request.to_string()).send().await.unwrap();
        assert!(
            answer.status().is_success(),
            "{operation}: {}",
            answer.text().await.unwrap()
        );
        answer.json().await.unwrap()
    }
}

fn function(environment: &[(String, String)], log: &Path) -> Function {
    let program = Path::new(env!("CARGO_BIN_EXE_score-changes-under-test"));
    Function::new(program, environment.to_vec(), log)
}

pub fn name(day: u32) -> String {
    Names::run_resource(PIPELINE, &id(day))
}

pub fn id(day: u32) -> RunId {
    RunId::parse(&format!("202611{day:02}-173000-1a2b3c4d")).unwrap()
}

#[derive(Clone)]
struct Through {
    upstream: String,
    asked: Arc<Mutex<Vec<String>>>,
    client: reqwest::Client,
}

/// Opens a port that forwards to SageMaker and keeps the bodies of invocations.
async fn listen(upstream: &str, asked: Arc<Mutex<Vec<String>>>) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let through = Through {
        upstream: upstream.to_owned(),
        asked,
        client: reqwest::Client::builder().no_proxy().build().unwrap(),
    };
    let router = Router::new().fallback(pass).with_state(through);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn pass(
    State(through): State<Through>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if uri.path().ends_with("/invocations") {
        let text = String::from_utf8(body.to_vec()).unwrap();
        through.asked.lock().unwrap().push(text);
    }
    let url = format!("{}{uri}", through.upstream);
    let request = through.client.request(method, url).headers(headers);
    let answer = request.body(body).send().await.unwrap();
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    headers.remove("transfer-encoding");
    headers.remove("content-length");
    headers.remove("connection");
    (status, headers, answer.bytes().await.unwrap()).into_response()
}
