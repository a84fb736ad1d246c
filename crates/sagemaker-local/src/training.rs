//! Training jobs as the API shows them. How one runs is [`crate::job`]'s.

use crate::app::App;
use crate::channels::Channel;
use crate::job;
use crate::listing::{self, Row};
use crate::metrics::{self, Metric, MetricDefinition};
use crate::protocol::{Refusal, parse, text};
use crate::s3_uri::S3Uri;
use crate::state::now;
use crate::tags;
use crate::validation::{self, Kind, NAME, ROLE, Rule, S3_URI, check, optional, required};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

const CHANNEL: Kind = validation::text(64, r"[A-Za-z0-9\.\-_]+");
const INSTANCE_TYPE: Kind = Kind::Text {
    min: 1,
    max: 64,
    pattern: r"ml\.[a-z0-9\-]+\.[a-z0-9]+",
};
// SageMaker has Pipe too; here it is refused by name, in `create`.
const MODES: Kind = Kind::OneOf(&["Pipe", "File", "FastFile"]);
const RULES: &[Rule] = &[
    required("TrainingJobName", validation::text(63, NAME)),
    required(
        "RoleArn",
        Kind::Text {
            min: 20,
            max: 2048,
            pattern: ROLE,
        },
    ),
    optional(
        "HyperParameters",
        Kind::TextMap {
            entries: 100,
            key: 256,
            value: 2500,
        },
    ),
    required("AlgorithmSpecification", Kind::Object),
    required(
        "AlgorithmSpecification.TrainingImage",
        validation::text(255, ""),
    ),
    required("AlgorithmSpecification.TrainingInputMode", MODES),
    optional(
        "AlgorithmSpecification.MetricDefinitions",
        Kind::List { min: 0, max: 40 },
    ),
    required(
        "AlgorithmSpecification.MetricDefinitions[].Name",
        validation::text(255, ".+"),
    ),
    required(
        "AlgorithmSpecification.MetricDefinitions[].Regex",
        validation::text(500, ".+"),
    ),
    optional("InputDataConfig", Kind::List { min: 1, max: 20 }),
    required("InputDataConfig[].ChannelName", CHANNEL),
    required("InputDataConfig[].DataSource", Kind::Object),
    required("InputDataConfig[].DataSource.S3DataSource", Kind::Object),
    required(
        "InputDataConfig[].DataSource.S3DataSource.S3DataType",
        Kind::OneOf(&["ManifestFile", "S3Prefix", "AugmentedManifestFile"]),
    ),
    required(
        "InputDataConfig[].DataSource.S3DataSource.S3Uri",
        validation::text(1024, S3_URI),
    ),
    optional(
        "InputDataConfig[].DataSource.S3DataSource.S3DataDistributionType",
        Kind::OneOf(&["FullyReplicated", "ShardedByS3Key"]),
    ),
    optional(
        "InputDataConfig[].CompressionType",
        Kind::OneOf(&["None", "Gzip"]),
    ),
    optional(
        "InputDataConfig[].RecordWrapperType",
        Kind::OneOf(&["None", "RecordIO"]),
    ),
    optional("InputDataConfig[].InputMode", MODES),
    required("OutputDataConfig", Kind::Object),
    required(
        "OutputDataConfig.S3OutputPath",
        validation::text(1024, S3_URI),
    ),
    optional(
        "OutputDataConfig.CompressionType",
        Kind::OneOf(&["GZIP", "NONE"]),
    ),
    required("ResourceConfig", Kind::Object),
    required("ResourceConfig.InstanceType", INSTANCE_TYPE),
    required(
        "ResourceConfig.InstanceCount",
        Kind::Integer {
            min: 1,
            max: i64::MAX,
        },
    ),
    required(
        "ResourceConfig.VolumeSizeInGB",
        Kind::Integer {
            min: 1,
            max: i64::MAX,
        },
    ),
    required("StoppingCondition", Kind::Object),
    optional(
        "StoppingCondition.MaxRuntimeInSeconds",
        Kind::Integer {
            min: 1,
            max: 2_419_200,
        },
    ),
    optional(
        "Environment",
        Kind::TextMap {
            entries: 100,
            key: 512,
            value: 512,
        },
    ),
];

/// What the job is doing, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    InProgress,
    Completed,
    Failed,
    Stopping,
    Stopped,
}

/// What the job is doing, in more detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Secondary {
    Starting,
    Downloading,
    Training,
    Uploading,
    Stopping,
    Stopped,
    MaxRuntimeExceeded,
    Completed,
    Failed,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Transition {
    status: Secondary,
    start_time: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<f64>,
    status_message: String,
}

/// A training job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrainingJob {
    /// The request, which `DescribeTrainingJob` repeats.
    request: Value,
    created: f64,
    modified: f64,
    started: Option<f64>,
    ended: Option<f64>,
    pub status: Status,
    secondary: Secondary,
    transitions: Vec<Transition>,
    pub failure_reason: Option<String>,
    pub metrics: Vec<Metric>,
}

/// What a job's run needs of the request.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TrainingRequest {
    pub training_job_name: String,
    #[serde(default)]
    pub hyper_parameters: BTreeMap<String, String>,
    pub algorithm_specification: AlgorithmSpecification,
    #[serde(default)]
    pub input_data_config: Vec<Channel>,
    output_data_config: OutputDataConfig,
    pub resource_config: ResourceConfig,
    pub stopping_condition: StoppingCondition,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AlgorithmSpecification {
    pub training_image: String,
    pub training_input_mode: String,
    #[serde(default)]
    pub metric_definitions: Vec<MetricDefinition>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OutputDataConfig {
    s3_output_path: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResourceConfig {
    pub instance_type: String,
    instance_count: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StoppingCondition {
    pub max_runtime_in_seconds: Option<u64>,
}

impl TrainingRequest {
    /// Where the file `name` of the job's output goes.
    pub fn output(&self, name: &str) -> Result<S3Uri, Refusal> {
        let base = S3Uri::parse(&self.output_data_config.s3_output_path)?;
        Ok(base.join(&format!("{}/output/{name}", self.training_job_name)))
    }
}

impl TrainingJob {
    fn new(request: Value) -> Self {
        let time = now();
        let mut job = Self {
            request,
            created: time,
            modified: time,
            started: None,
            ended: None,
            status: Status::InProgress,
            secondary: Secondary::Starting,
            transitions: Vec::new(),
            failure_reason: None,
            metrics: Vec::new(),
        };
        job.enter(
            Status::InProgress,
            Secondary::Starting,
            "Starting the training job",
        );
        job
    }

    /// Goes on to a status, and keeps when.
    pub fn enter(&mut self, status: Status, secondary: Secondary, message: &str) {
        let time = now();
        if let Some(last) = self.transitions.last_mut() {
            last.end_time = Some(time);
        }
        (self.status, self.secondary, self.modified) = (status, secondary, time);
        if secondary == Secondary::Downloading {
            self.started = Some(time);
        }
        let has_ended = self.has_ended();
        if has_ended {
            self.ended = Some(time);
        }
        self.transitions.push(Transition {
            status: secondary,
            start_time: time,
            end_time: has_ended.then_some(time),
            status_message: message.to_owned(),
        });
    }

    pub fn has_ended(&self) -> bool {
        matches!(
            self.status,
            Status::Completed | Status::Failed | Status::Stopped
        )
    }
}

/// `CreateTrainingJob`.
pub fn create(app: &Arc<App>, request: &Value) -> Result<Value, Refusal> {
    check(request, RULES)?;
    check(request, tags::RULES)?;
    refuse_what_is_not_here(request)?;
    let wanted: TrainingRequest = parse(request)?;
    wanted.output("")?;
    metrics::compile(&wanted.algorithm_specification.metric_definitions)?;
    let mut names = HashSet::new();
    for channel in &wanted.input_data_config {
        let name = channel.name.as_str();
        if !names.insert(name) || matches!(name, "." | "..") {
            return Err(Refusal::validation(format!(
                "InputDataConfig has invalid or duplicate channel name: {name}"
            )));
        }
    }
    if wanted.resource_config.instance_count > 1 {
        return Err(Refusal::limit(format!(
            "The account-level service limit '{} for training job usage' is 1 Instances, with \
             current utilization of 0 Instances and a request delta of {} Instances: \
             sagemaker-local trains on one.",
            wanted.resource_config.instance_type, wanted.resource_config.instance_count
        )));
    }
    let name = wanted.training_job_name.clone();
    let arn = app.arn("training-job", &name);
    if app
        .jobs
        .insert(&name, TrainingJob::new(request.clone()))?
        .is_some()
    {
        return Err(Refusal::in_use(format!(
            "Training job names must be unique within an AWS account and region, and a training \
             job with this name already exists ({arn})"
        )));
    }
    tags::keep(app, "training-job", &name, request)?;
    job::spawn(app, wanted);
    Ok(json!({"TrainingJobArn": arn}))
}

/// What SageMaker would do and this server would not must not pass as done.
fn refuse_what_is_not_here(request: &Value) -> Result<(), Refusal> {
    let algorithm = &request["AlgorithmSpecification"];
    let channels = request["InputDataConfig"].as_array().into_iter().flatten();
    let mut modes = channels.clone().map(|channel| &channel["InputMode"]);
    let mut sources = channels
        .clone()
        .map(|channel| &channel["DataSource"]["S3DataSource"]);
    let mut compressions = channels.map(|channel| &channel["CompressionType"]);
    let found = if algorithm["TrainingInputMode"] == "Pipe" || modes.any(|mode| mode == "Pipe") {
        "input mode Pipe (File and FastFile are both served as files)"
    } else if sources.any(|source| source["S3DataType"] == "AugmentedManifestFile") {
        "AugmentedManifestFile, which takes input mode Pipe"
    } else if compressions.any(|compression| compression == "Gzip") {
        "channels of CompressionType Gzip, which take input mode Pipe"
    } else if request["OutputDataConfig"]["CompressionType"] == "NONE" {
        "OutputDataConfig without compression"
    } else if !algorithm["ContainerEntrypoint"].is_null() {
        "ContainerEntrypoint: the mapping of the image says what is run"
    } else if !algorithm["ContainerArguments"].is_null() {
        "ContainerArguments: the mapping of the image says what is run"
    } else {
        return Ok(());
    };
    Err(Refusal::validation(format!(
        "sagemaker-local does not support {found}"
    )))
}

/// `DescribeTrainingJob`.
pub fn describe(app: &App, request: &Value) -> Result<Value, Refusal> {
    let name = text(request, "TrainingJobName")?;
    let job = app.jobs.get(name).ok_or_else(not_found)?;
    let wanted: TrainingRequest = parse(&job.request)?;
    let mut answer = job.request;
    if let Some(members) = answer.as_object_mut() {
        members.remove("Tags");
    }
    answer["TrainingJobArn"] = json!(app.arn("training-job", name));
    answer["TrainingJobStatus"] = json!(job.status);
    answer["SecondaryStatus"] = json!(job.secondary);
    answer["SecondaryStatusTransitions"] = json!(job.transitions);
    answer["CreationTime"] = json!(job.created);
    answer["LastModifiedTime"] = json!(job.modified);
    let artifact = wanted.output("model.tar.gz")?.to_string();
    answer["ModelArtifacts"] = json!({"S3ModelArtifacts": artifact});
    if let Some(reason) = job.failure_reason {
        answer["FailureReason"] = json!(reason);
    }
    if let Some(started) = job.started {
        answer["TrainingStartTime"] = json!(started);
    }
    if let Some(ended) = job.ended {
        answer["TrainingEndTime"] = json!(ended);
        // A job that ended before its start on an instance costs nothing.
        let seconds = json!(
            job.started
                .map_or(0, |started| seconds_between(started, ended))
        );
        answer["TrainingTimeInSeconds"] = seconds.clone();
        answer["BillableTimeInSeconds"] = seconds;
        let metric = |metric: &Metric| json!({"MetricName": metric.name, "Value": metric.value, "Timestamp": ended});
        answer["FinalMetricDataList"] = job.metrics.iter().map(metric).collect();
    }
    Ok(answer)
}

/// Whole seconds, as they are billed: begun ones count.
fn seconds_between(start: f64, end: f64) -> u64 {
    let time = Duration::try_from_secs_f64(end - start).unwrap_or_default();
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

fn not_found() -> Refusal {
    Refusal::validation("Requested resource not found.")
}

/// `StopTrainingJob`.
pub fn stop(app: &App, request: &Value) -> Result<Value, Refusal> {
    let name = text(request, "TrainingJobName")?;
    let asked = app.jobs.update(name, |job| {
        if job.status != Status::InProgress {
            let status = job.status;
            return Err(Refusal::validation(format!(
                "The request was rejected because the training job is in status {status:?}."
            )));
        }
        job.enter(
            Status::Stopping,
            Secondary::Stopping,
            "Stopping the training job",
        );
        Ok(())
    })?;
    asked.ok_or_else(not_found)?;
    if let Some(stop) = app.stops().get(name) {
        stop.cancel();
    }
    Ok(json!({}))
}

/// `ListTrainingJobs`.
pub fn list(app: &App, request: &Value) -> Result<Value, Refusal> {
    let row = |(name, job): (String, TrainingJob)| {
        let mut summary = json!({
            "TrainingJobName": name,
            "TrainingJobArn": app.arn("training-job", &name),
            "CreationTime": job.created,
            "LastModifiedTime": job.modified,
            "TrainingJobStatus": job.status,
            "SecondaryStatus": job.secondary,
        });
        if let Some(ended) = job.ended {
            summary["TrainingEndTime"] = json!(ended);
        }
        let status = format!("{:?}", job.status);
        Row {
            name,
            created: job.created,
            modified: job.modified,
            status,
            summary,
        }
    };
    let rows = app.jobs.all().into_iter().map(row).collect();
    listing::page(request, "TrainingJobSummaries", "Ascending", rows)
}
