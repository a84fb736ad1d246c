//! A transform job instead of an endpoint: the run's model scores rows in one go.
//!
//! A job's name is used once, so one that ended badly is followed by one of another name: what it left is
//! removed, its failure told until the execution is redriven, and then the next is asked for.

use crate::DeployEndpointError;
use contract::{Conflict, ErrorName, Named, Names};
use definition::{Batch, BatchInput, Format};
use lake::attempt::Attempts;
use lake::records::{ChannelFile, DatasetRecord, Plan, TransformRecord};
use lake::{ObjectStore, RunKeys, documents};
use sagemaker_ports::{Owner, TransformInfo, TransformSpec, TransformStatus, Transforms};

const CSV: &str = "text/csv";
/// A request in JSON for each line: what SageMaker's algorithms take that are trained on other than CSV.
const JSON_LINES: &str = "application/jsonlines";
/// SageMaker's own default.
const PAYLOAD_MB: u32 = 6;
const STARTING: &str = "Starting";
/// Endings of files that are not made of lines.
const NOT_LINES: [&str; 9] = [
    ".avro", ".bz2", ".gz", ".orc", ".parquet", ".pbr", ".rec", ".zip", ".zst",
];

/// The job that is wanted.
pub struct Job {
    /// What SageMaker is asked for.
    pub spec: TransformSpec,
    /// The run's own files that are scored; none where the definition names a prefix.
    pub files: Vec<ChannelFile>,
    attempt: u32,
}

/// Where the job stands.
pub enum Scoring {
    /// On its way.
    Moving {
        /// SageMaker's status.
        phase: &'static str,
        /// Seconds since its creation.
        age_seconds: u64,
    },
    /// All is scored.
    Done(TransformRecord),
}

impl Job {
    /// The job of the attempt that is on.
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
        let definition = &plan.definition;
        let bucket = store.bucket();
        let (files, prefix, columns) = match &batch.input {
            BatchInput::Prefix(prefix) => (Vec::new(), prefix.clone(), None),
            BatchInput::Validation | BatchInput::Test => {
                let channel = batch.input.channel();
                let files = files(store, run, channel).await?;
                // A row of the dataset begins with its label, and with its weight after that.
                let weighed = definition.dataset.weight.is_some();
                let columns = if weighed { "$[2:]" } else { "$[1:]" };
                (files, run.channel(channel), Some(columns.to_owned()))
            }
        };
        let content_type = match definition.dataset.format {
            Format::Csv | Format::CsvWithHeader | Format::Parquet => CSV,
            Format::RecordIo | Format::RecordIoSparse | Format::JsonLines(_) => JSON_LINES,
        };
        let model = Names::run_resource(run.pipeline(), run.run());
        let own_tags = Owner::new(stack, run.pipeline()).run_tags(run.run());
        let training = &definition.training;
        let spec = TransformSpec {
            name: if attempt == 1 {
                model.clone()
            } else {
                format!("{model}-{attempt}")
            },
            model,
            input: format!("s3://{bucket}/{prefix}"),
            content_type: content_type.to_owned(),
            columns,
            output: format!("s3://{bucket}/{}", run.predictions()),
            instance_type: batch.instance_type.clone(),
            instance_count: batch.count,
            // Stated in any case: whether the service tells its own default is not documented.
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

/// The channel's files that hold rows, of which there must be one.
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

/// Looks, and asks for the job if it is not there. The model must be.
pub async fn step<S: ObjectStore>(
    attempts: &Attempts<'_, S>,
    transforms: &impl Transforms,
    run: &RunKeys,
    job: &Job,
    region: &str,
) -> Result<Scoring, DeployEndpointError> {
    let spec = &job.spec;
    let Some(info) = transforms.describe_transform(&spec.name).await? else {
        check_prefix(attempts.store, job).await?;
        create(transforms, spec).await?;
        return Ok(Scoring::Moving {
            phase: STARTING,
            age_seconds: 0,
        });
    };
    let differences = sagemaker_ports::differences(spec, &info.spec);
    Conflict::check("transform job", &spec.name, &differences)?;
    match info.status {
        TransformStatus::InProgress | TransformStatus::Stopping => Ok(Scoring::Moving {
            phase: info.status.as_str(),
            age_seconds: info.age_seconds,
        }),
        TransformStatus::Completed => Ok(Scoring::Done(TransformRecord {
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

/// Asks for the job. Taken since the look before, or of a model that does not show everywhere yet: the next
/// look tells.
async fn create(
    transforms: &impl Transforms,
    spec: &TransformSpec,
) -> Result<(), DeployEndpointError> {
    match transforms.create_transform(spec).await {
        Ok(()) => tracing::info!(job = spec.name, "created the transform job"),
        Err(error) if matches!(error.name(), ErrorName::Conflict | ErrorName::NotFound) => {
            tracing::info!(job = spec.name, %error, "will look again");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Whether there are lines below a prefix that the definition names: found here, it costs no instance.
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

/// The failure of the job, whose attempt is closed: nobody shall take for whole what it left.
async fn close<S: ObjectStore>(
    attempts: &Attempts<'_, S>,
    run: &RunKeys,
    job: &Job,
    info: TransformInfo,
    region: &str,
) -> Result<DeployEndpointError, DeployEndpointError> {
    let left = format!("{}/", run.predictions());
    for left in attempts.store.list(&left).await? {
        attempts.store.delete(&left.key).await?;
    }
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
