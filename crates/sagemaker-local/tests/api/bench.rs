//! What the tests share: S3, the server, its clients, polling.

use aws::s3::S3Store;
use aws_sdk_sagemaker::operation::create_training_job::builders::CreateTrainingJobFluentBuilder;
use aws_sdk_sagemaker::operation::describe_endpoint::DescribeEndpointOutput;
use aws_sdk_sagemaker::operation::describe_training_job::DescribeTrainingJobOutput;
use aws_sdk_sagemaker::types::{
    AlgorithmSpecification, Channel, ContainerDefinition, DataSource, EndpointStatus,
    MetricDefinition, OutputDataConfig, ProductionVariant, ProductionVariantInstanceType,
    ResourceConfig, S3DataSource, S3DataType, StoppingCondition, TrainingInputMode,
    TrainingInstanceType, TrainingJobStatus,
};
use lake::store::ObjectStore;
use local_servers::s3::S3;
use sagemaker_local::{Config, Handle, Server};
use std::future::Future;
use std::time::Duration;

pub const ROLE: &str = "arn:aws:iam::000000000000:role/sagemaker";
pub const IMAGE: &str = "program:local";
pub const BUCKET: &str = "lake";

pub struct Bench {
    pub s3: S3,
    pub store: S3Store,
    pub state: tempfile::TempDir,
    pub sagemaker: aws_sdk_sagemaker::Client,
    pub runtime: aws_sdk_sagemakerruntime::Client,
    pub server: Handle,
}

impl Bench {
    pub async fn start() -> Self {
        let s3 = S3::start(&[BUCKET]).await;
        let store = S3Store::new(&aws::local(s3.url()).await, BUCKET);
        store
            .put("data/train/part-0.csv", "1,2\n3,4\n".into())
            .await
            .unwrap();
        store
            .put("data/train/deep/part-1.csv", "5,6\n".into())
            .await
            .unwrap();
        let state = tempfile::tempdir().unwrap();
        let server = Server::start(config(&s3, &state)).await.unwrap();
        let (sagemaker, runtime) = clients(&server).await;
        Self {
            s3,
            store,
            state,
            sagemaker,
            runtime,
            server,
        }
    }

    /// Ends the server, and starts another one with the same state directory.
    pub async fn restart(self) -> Self {
        let Self {
            s3,
            store,
            state,
            server,
            ..
        } = self;
        server.shutdown().await;
        let server = Server::start(config(&s3, &state)).await.unwrap();
        let (sagemaker, runtime) = clients(&server).await;
        Self {
            s3,
            store,
            state,
            sagemaker,
            runtime,
            server,
        }
    }

    /// A valid request for a training job. `parameters` say what the program does.
    pub fn job(&self, name: &str, parameters: &[(&str, &str)]) -> CreateTrainingJobFluentBuilder {
        let mut job = self.sagemaker.create_training_job();
        for (name, value) in parameters {
            job = job.hyper_parameters(*name, *value);
        }
        job.training_job_name(name)
            .role_arn(ROLE)
            .algorithm_specification(algorithm(IMAGE))
            .input_data_config(channel("train", "s3://lake/data/train"))
            .output_data_config(
                OutputDataConfig::builder()
                    .s3_output_path("s3://lake/models/")
                    .build(),
            )
            .resource_config(
                ResourceConfig::builder()
                    .instance_type(TrainingInstanceType::MlM5Large)
                    .instance_count(1)
                    .volume_size_in_gb(1)
                    .build(),
            )
            .stopping_condition(
                StoppingCondition::builder()
                    .max_runtime_in_seconds(60)
                    .build(),
            )
    }

    pub async fn describe_job(&self, name: &str) -> DescribeTrainingJobOutput {
        self.sagemaker
            .describe_training_job()
            .training_job_name(name)
            .send()
            .await
            .unwrap()
    }

    /// Waits until the job has ended.
    pub async fn ended(&self, name: &str) -> DescribeTrainingJobOutput {
        until("the job's end", || async {
            let job = self.describe_job(name).await;
            let status = job.training_job_status().unwrap();
            let runs = [TrainingJobStatus::InProgress, TrainingJobStatus::Stopping];
            (!runs.contains(status)).then_some(job)
        })
        .await
    }

    /// Trains a model, and creates a SageMaker model and an endpoint configuration from it. All
    /// have this name.
    pub async fn servable(&self, name: &str, mode: &str) {
        self.job(name, &[("name", name)]).send().await.unwrap();
        let job = self.ended(name).await;
        assert_eq!(
            job.training_job_status(),
            Some(&TrainingJobStatus::Completed)
        );
        let artifact = job.model_artifacts().unwrap().s3_model_artifacts().unwrap();
        let container = ContainerDefinition::builder()
            .image(IMAGE)
            .model_data_url(artifact)
            .environment("MODE", mode)
            .build();
        let model = self
            .sagemaker
            .create_model()
            .model_name(name)
            .execution_role_arn(ROLE);
        model.primary_container(container).send().await.unwrap();
        let config = self
            .sagemaker
            .create_endpoint_config()
            .endpoint_config_name(name);
        config
            .production_variants(variant(name))
            .send()
            .await
            .unwrap();
    }

    pub async fn describe_endpoint(&self, name: &str) -> DescribeEndpointOutput {
        self.sagemaker
            .describe_endpoint()
            .endpoint_name(name)
            .send()
            .await
            .unwrap()
    }

    /// Waits until the endpoint is in service or has failed.
    pub async fn settled(&self, name: &str) -> DescribeEndpointOutput {
        until("the endpoint's settling", || async {
            let endpoint = self.describe_endpoint(name).await;
            let still = [EndpointStatus::InService, EndpointStatus::Failed];
            still
                .contains(endpoint.endpoint_status().unwrap())
                .then_some(endpoint)
        })
        .await
    }

    /// The endpoint's answer to `body`.
    pub async fn invoke(&self, endpoint: &str, body: &str) -> serde_json::Value {
        let request = self.runtime.invoke_endpoint().endpoint_name(endpoint);
        let request = request.content_type("text/csv").accept("application/json");
        let answer = request
            .body(body.as_bytes().to_vec().into())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.invoked_production_variant(), Some("AllTraffic"));
        assert_eq!(answer.content_type(), Some("application/json"));
        serde_json::from_slice(answer.body().unwrap().as_ref()).unwrap()
    }
}

fn config(s3: &S3, state: &tempfile::TempDir) -> Config {
    let mut config = Config::new(state.path());
    config.s3_endpoint = Some(s3.url().to_owned());
    config.training_grace = Duration::from_secs(1);
    config.serving_grace = Duration::from_secs(1);
    config.ping_timeout = Duration::from_secs(5);
    config
        .images
        .add_words(IMAGE, vec!["python3".to_owned(), program()])
        .unwrap();
    config
        .images
        .add("absent:local", "/no/such/program")
        .unwrap();
    config
}

/// The Python program of the image.
pub fn program() -> String {
    format!("{}/tests/api/program.py", env!("CARGO_MANIFEST_DIR"))
}

async fn clients(server: &Handle) -> (aws_sdk_sagemaker::Client, aws_sdk_sagemakerruntime::Client) {
    let sdk = aws::local(&server.url()).await;
    (
        aws_sdk_sagemaker::Client::new(&sdk),
        aws_sdk_sagemakerruntime::Client::new(&sdk),
    )
}

pub fn algorithm(image: &str) -> AlgorithmSpecification {
    let rmse = MetricDefinition::builder()
        .name("rmse")
        .regex("rmse=([0-9.]+);");
    AlgorithmSpecification::builder()
        .training_image(image)
        .training_input_mode(TrainingInputMode::File)
        .metric_definitions(rmse.build())
        .build()
}

pub fn channel(name: &str, uri: &str) -> Channel {
    let s3 = S3DataSource::builder()
        .s3_data_type(S3DataType::S3Prefix)
        .s3_uri(uri);
    let source = DataSource::builder().s3_data_source(s3.build()).build();
    Channel::builder()
        .channel_name(name)
        .data_source(source)
        .build()
}

pub fn variant(model: &str) -> ProductionVariant {
    ProductionVariant::builder()
        .variant_name("AllTraffic")
        .model_name(model)
        .initial_instance_count(1)
        .instance_type(ProductionVariantInstanceType::MlM5Large)
        .build()
}

/// Polls until there is a value.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    for _ in 0..600 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what} did not happen within 30 s");
}

/// Whether a process runs.
pub fn is_alive(pid: i64) -> bool {
    let mut ps = std::process::Command::new("ps");
    let answer = ps
        .args(["-o", "stat=", "-p", &pid.to_string()])
        .output()
        .unwrap();
    let state = String::from_utf8(answer.stdout).unwrap();
    // A zombie has ended; its exit status is not yet fetched.
    !state.trim().is_empty() && !state.starts_with('Z')
}
