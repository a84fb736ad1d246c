//! What the tests share: S3, the server, calls in JSON, polling.

use aws::s3::S3Store;
use lake::store::ObjectStore;
use local_servers::s3::S3;
use sagemaker_local::{Config, Handle, Server};
use serde_json::{Value, json};
use std::future::Future;
use std::time::Duration;

pub const ROLE: &str = "arn:aws:iam::000000000000:role/sagemaker";
pub const IMAGE: &str = "program:local";

pub struct Bench {
    // Its drop ends the S3 server.
    _s3: S3,
    pub store: S3Store,
    _state: tempfile::TempDir,
    pub server: Handle,
    http: reqwest::Client,
}

impl Bench {
    pub async fn start() -> Self {
        // A busy machine starts a program within this time.
        Self::with_patience(Duration::from_mins(1)).await
    }

    /// Starts a server with this timeout for `/ping`.
    pub async fn with_patience(ping_timeout: Duration) -> Self {
        let s3 = S3::start(&["lake"]).await;
        let store = S3Store::new(&aws::local(s3.url()).await, "lake");
        let rows = "1,2\n3,4\n".into();
        store.put("data/train/part-0.csv", rows).await.unwrap();
        let state = tempfile::tempdir().unwrap();
        let mut config = Config::new(state.path());
        config.s3_endpoint = Some(s3.url().to_owned());
        config.training_grace = Duration::from_millis(500);
        config.serving_grace = Duration::from_millis(500);
        config.ping_timeout = ping_timeout;
        let program = format!("{}/tests/api/program.py", env!("CARGO_MANIFEST_DIR"));
        let words = vec!["python3".to_owned(), program];
        config.images.add_words(IMAGE, words).unwrap();
        Self {
            server: Server::start(config).await.unwrap(),
            _s3: s3,
            store,
            _state: state,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// The answer, or the code and message of the error.
    pub async fn ask(&self, operation: &str, request: &Value) -> Result<Value, (String, String)> {
        let scaling = operation.contains("Scal");
        let service = if scaling {
            "AnyScaleFrontendService"
        } else {
            "SageMaker"
        };
        let call = self
            .http
            .post(self.server.url())
            .header("x-amz-target", format!("{service}.{operation}"))
            .header("content-type", "application/x-amz-json-1.1");
        let answer = call.body(request.to_string()).send().await.unwrap();
        let is_success = answer.status().is_success();
        let body: Value = answer.json().await.unwrap();
        if is_success {
            return Ok(body);
        }
        let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
        Err((text("__type"), text("message")))
    }

    /// The answer of a call that must succeed.
    pub async fn call(&self, operation: &str, request: Value) -> Value {
        let answer = self.ask(operation, &request).await;
        answer.unwrap_or_else(|error| panic!("{operation}: {error:?}"))
    }

    pub async fn faults(&self, faults: Value) {
        let url = format!("{}/faults", self.server.url());
        let answer = self.http.put(url).body(faults.to_string()).send().await;
        assert_eq!(answer.unwrap().status(), 204);
    }

    /// The number of times that each fault has struck.
    pub async fn struck(&self) -> Vec<u64> {
        let url = format!("{}/faults", self.server.url());
        let faults: Vec<Value> = self
            .http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        faults
            .iter()
            .map(|fault| fault["struck"].as_u64().unwrap())
            .collect()
    }

    /// Waits until the job has ended.
    pub async fn ended(&self, job: &str) -> Value {
        let request = json!({"TrainingJobName": job});
        self.until("DescribeTrainingJob", &request, |job| {
            !["InProgress", "Stopping"].contains(&job["TrainingJobStatus"].as_str().unwrap())
        })
        .await
    }

    /// Waits until the endpoint is in service or has failed.
    pub async fn settled(&self, endpoint: &str) -> Value {
        let request = json!({"EndpointName": endpoint});
        self.until("DescribeEndpoint", &request, |endpoint| {
            ["InService", "Failed"].contains(&endpoint["EndpointStatus"].as_str().unwrap())
        })
        .await
    }

    /// Polls until the answer meets the condition.
    pub async fn until(
        &self,
        operation: &str,
        request: &Value,
        is_so: impl Fn(&Value) -> bool,
    ) -> Value {
        until(operation, || async {
            let answer = self.ask(operation, request).await.ok();
            answer.filter(|answer| is_so(answer))
        })
        .await
    }

    /// Trains a model, and creates a SageMaker model of the same name from it.
    pub async fn model(&self, name: &str) {
        let job = job(name, json!({"name": name}));
        self.call("CreateTrainingJob", job).await;
        let job = self.ended(name).await;
        assert_eq!(job["TrainingJobStatus"], "Completed", "{job}");
        let container = json!({
            "Image": IMAGE,
            "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"],
        });
        let model =
            json!({"ModelName": name, "ExecutionRoleArn": ROLE, "PrimaryContainer": container});
        self.call("CreateModel", model).await;
    }

    /// Creates a model and an endpoint configuration with three instances, both of this name.
    pub async fn servable(&self, name: &str, capture: Option<Value>) {
        self.model(name).await;
        let variant = json!({
            "VariantName": "AllTraffic", "ModelName": name,
            "InitialInstanceCount": 3, "InstanceType": "ml.m5.large",
        });
        let mut config = json!({"EndpointConfigName": name, "ProductionVariants": [variant]});
        if let Some(capture) = capture {
            config["DataCaptureConfig"] = capture;
        }
        self.call("CreateEndpointConfig", config).await;
    }

    /// Creates an endpoint, and waits until it is in service.
    pub async fn serving(&self, endpoint: &str, config: &str) {
        let request = json!({"EndpointName": endpoint, "EndpointConfigName": config});
        self.call("CreateEndpoint", request).await;
        let endpoint = self.settled(endpoint).await;
        assert_eq!(endpoint["EndpointStatus"], "InService", "{endpoint}");
    }

    /// The endpoint's answer to `body`: status and JSON.
    pub async fn invoke(&self, endpoint: &str, body: &str) -> (u16, Value) {
        let url = format!("{}/endpoints/{endpoint}/invocations", self.server.url());
        let call = self.http.post(url).header("content-type", "text/csv");
        let answer = call.body(body.to_owned()).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

/// A valid request for a training job.
pub fn job(name: &str, parameters: Value) -> Value {
    let mut job = definition();
    job["TrainingJobName"] = json!(name);
    job["HyperParameters"] = parameters;
    job
}

/// A training job without its name and hyperparameters.
pub fn definition() -> Value {
    let source = json!({"S3DataType": "S3Prefix", "S3Uri": "s3://lake/data/train"});
    let metric = json!({"Name": "rmse", "Regex": "rmse=([0-9.]+);"});
    json!({
        "RoleArn": ROLE,
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [metric],
        },
        "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
        "OutputDataConfig": {"S3OutputPath": "s3://lake/models/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    })
}

/// Polls until there is a value.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    for _ in 0..2400 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what} is not so within 2 min");
}
