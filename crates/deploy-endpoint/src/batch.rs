//! A transform job instead of an endpoint: the run's model scores a batch of rows.
//!
//! SageMaker never frees a job's name. After a failed job its output is removed, the failure is
//! reported until the execution is redriven, and then a job with the next name is created.

use crate::DeployEndpointError;
use contract::{Conflict, ErrorName, Named, Names};
use definition::{Batch, BatchInput, Format};
use lake::attempt::Attempts;
use lake::records::{ChannelFile, DatasetRecord, Plan, TransformRecord};
use lake::{ObjectStore, RunKeys, documents};
use sagemaker_ports::{Owner, TransformInfo, TransformSpec, TransformStatus, Transforms};

const CSV: &str = "text/csv";
/// One JSON request a line: what SageMaker's algorithms take that are not trained on CSV.
const JSON_LINES: &str = "application/jsonlines";
/// SageMaker's own default.
const PAYLOAD_MB: u32 = 6;
const STARTING: &str = "Starting";
/// File name endings that are not text lines.
const NOT_LINES: [&str; 9] = [
    ".avro", ".bz2", ".gz", ".orc", ".parquet", ".pbr", ".rec", ".zip", ".zst",
];

/// The desired job.
pub struct Job {
    /// The request to SageMaker.
    pub spec: TransformSpec,
    /// The run's own files that are scored; none where the definition names a prefix.
    pub files: Vec<ChannelFile>,
    attempt: u32,
}

/// State of the job.
pub enum JobState {
    /// Not finished.
    InProgress {
        /// SageMaker's status.
        phase: &'static str,
        /// Seconds since its creation.
        age_seconds: u64,
    },
    /// All rows are scored.
    Completed(TransformRecord),
}

impl Job {
    /// The job of the current attempt.
    pub async fn read<S: ObjectStore>(
        attempts: &Attempts<'_, S>,
        run: &RunKeys,
        plan: &Plan,
        batch: &Batch,
        lake_key: &str,
        stack: &str,
    ) -> Result<Self, DeployEndpointError> {
        let store = attempts.store;
        let attempt = attempts.current().await??.attempt;
        let dataset = plan.definition.dataset()?;
        let bucket = store.bucket();
        let (files, prefix, columns) = match &batch.input {
            BatchInput::Prefix(prefix) => (Vec::new(), prefix.clone(), None),
            BatchInput::Validation | BatchInput::Test => {
                let channel = batch.input.channel();
                let files = files(store, run, channel).await?;
                // A row of the dataset begins with its label, followed by its weight if there is
                // one.
                let weighed = dataset.weight.is_some();
                let columns = if weighed { "$[2:]" } else { "$[1:]" };
                (files, run.channel(channel), Some(columns.to_owned()))
            }
        };
        let content_type = match dataset.format {
            Format::Csv | Format::CsvWithHeader | Format::Parquet => CSV,
            // Images are scored by no definition that is valid.
            Format::RecordIo
            | Format::RecordIoSparse
            | Format::JsonLines(_)
            | Format::ImageRecordIo(_)
            | Format::WebDataset(_)
            | Format::AugmentedManifest
            | Format::ImageFolders(_)
            | Format::ImageList(_) => JSON_LINES,
        };
        let model = Names::run_resource(run.pipeline(), run.run());
        let own_tags = Owner::new(stack, run.pipeline()).run_tags(run.run());
        let training = plan.definition.training()?;
        let spec = TransformSpec {
            name: Names::job(run.pipeline(), run.run(), attempt),
            model,
            input: format!("s3://{bucket}/{prefix}"),
            content_type: content_type.to_owned(),
            columns,
            output: format!("s3://{bucket}/{}", run.predictions()),
            instance_type: batch.instance_type.clone(),
            instance_count: batch.count,
            // Always set: whether the service describes its own default is not documented.
            max_payload_mb: Some(batch.max_payload_mb.unwrap_or(PAYLOAD_MB)),
            volume_key: training.kms.volume_key.clone(),
            output_key: Some(
                training
                    .kms
                    .output_key
                    .clone()
                    .unwrap_or_else(|| lake_key.to_owned()),
            ),
            tags: training.tags.clone().into_iter().chain(own_tags).collect(),
        };
        Ok(Self {
            spec,
            files,
            attempt,
        })
    }
}

/// The channel's files that hold rows; at least one.
async fn files(
    store: &impl ObjectStore,
    run: &RunKeys,
    channel: &'static str,
) -> Result<Vec<ChannelFile>, DeployEndpointError> {
    let key = run.dataset();
    let dataset: DatasetRecord = documents::read(store, &key, "a dataset").await?;
    let mut files = dataset.files;
    files.retain(|file| file.channel == channel && file.rows > 0);
    if files.is_empty() {
        return Err(DeployEndpointError::NothingToScore { key, channel });
    }
    Ok(files)
}

/// Polls the job, and creates it if it does not exist. Its model must exist.
pub async fn step<S: ObjectStore>(
    attempts: &Attempts<'_, S>,
    transforms: &impl Transforms,
    run: &RunKeys,
    job: &Job,
    region: &str,
) -> Result<JobState, DeployEndpointError> {
    let spec = &job.spec;
    let Some(info) = transforms.describe_transform(&spec.name).await? else {
        check_prefix(attempts.store, job).await?;
        if job.attempt > 1 {
            // A job that was stopped with its execution closed its attempt and left its output.
            remove_output(attempts.store, run).await?;
        }
        create(transforms, spec).await?;
        return Ok(JobState::InProgress {
            phase: STARTING,
            age_seconds: 0,
        });
    };
    let differences = sagemaker_ports::differences(spec, &info.spec);
    Conflict::check("transform job", &spec.name, &differences)?;
    match info.status {
        TransformStatus::InProgress | TransformStatus::Stopping => Ok(JobState::InProgress {
            phase: info.status.as_str(),
            age_seconds: info.age_seconds,
        }),
        TransformStatus::Completed => Ok(JobState::Completed(TransformRecord {
            job: spec.name.clone(),
            input: spec.input.clone(),
            output: spec.output.clone(),
            rows: None,
        })),
        TransformStatus::Failed | TransformStatus::Stopped => {
            Err(close(attempts, run, job, info, region).await?)
        }
    }
}

/// Creates the job. If another call created it first, or the model is not visible everywhere yet,
/// the next poll continues.
async fn create(
    transforms: &impl Transforms,
    spec: &TransformSpec,
) -> Result<(), DeployEndpointError> {
    match transforms.create_transform(spec).await {
        Ok(()) => tracing::info!(job = spec.name, "created the transform job"),
        Err(error) if matches!(error.name(), ErrorName::Conflict | ErrorName::NotFound) => {
            tracing::info!(job = spec.name, %error, "polls again later");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Checks that there are lines below the definition's prefix: found here, the mistake costs no
/// instance.
async fn check_prefix(store: &impl ObjectStore, job: &Job) -> Result<(), DeployEndpointError> {
    if !job.files.is_empty() {
        return Ok(());
    }
    let bucket = store.bucket();
    let prefix = job.spec.input.trim_start_matches("s3://");
    let prefix = prefix.strip_prefix(bucket).unwrap_or(prefix);
    let objects = store.list(prefix.trim_start_matches('/')).await?;
    let input = || job.spec.input.clone();
    if objects.iter().all(|object| object.size == 0) {
        return Err(DeployEndpointError::NothingBelow { input: input() });
    }
    let is_of_lines = |key: &str| !NOT_LINES.iter().any(|ending| key.ends_with(ending));
    match objects.into_iter().find(|object| !is_of_lines(&object.key)) {
        Some(object) => Err(DeployEndpointError::NotLines {
            input: input(),
            key: object.key,
        }),
        None => Ok(()),
    }
}

/// Removes what earlier attempts predicted.
async fn remove_output(store: &impl ObjectStore, run: &RunKeys) -> Result<(), DeployEndpointError> {
    for left in store.list(&format!("{}/", run.predictions())).await? {
        store.delete(&left.key).await?;
    }
    Ok(())
}

/// Closes the attempt of the failed job and removes its output, so that nobody takes it for
/// complete.
async fn close<S: ObjectStore>(
    attempts: &Attempts<'_, S>,
    run: &RunKeys,
    job: &Job,
    info: TransformInfo,
    region: &str,
) -> Result<DeployEndpointError, DeployEndpointError> {
    remove_output(attempts.store, run).await?;
    let name = job.spec.name.clone();
    let reason = info.failure_reason;
    let error = DeployEndpointError::TransformFailed {
        log: sagemaker_ports::log_link(region, "/aws/sagemaker/TransformJobs", &name),
        job: name,
        status: info.status,
        reason: reason.unwrap_or_else(|| "SageMaker gives no reason".to_owned()),
    };
    attempts.close(job.attempt + 1, &error).await?;
    Ok(error)
}
