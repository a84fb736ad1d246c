//! The desired training job or tuning job of a run.

use crate::job_state::Run;
use crate::{StartTrainingError, hyperparameters};
use definition::FieldError;
use definition::{Distribution, InputMode, PartMissing, Scalar, Training, Tuning, TuningRange};
use lake::records::DatasetRecord;
use sagemaker_ports::{Channel, Owner, TrainingSpec, TuningSpec};

/// The channel that is not trained on. Some algorithms call it by another name.
const VALIDATION: &str = "validation";

/// The run's training job, with this name.
///
/// # Errors
/// If the definition does not fit this region or this dataset.
pub fn training_job<S>(run: &Run<'_, S>, name: String) -> Result<TrainingSpec, StartTrainingError> {
    let Run {
        keys,
        dataset,
        bucket,
        settings,
        ..
    } = run;
    let definition = &run.plan.definition;
    let training = definition.training()?;
    let is_weighed = definition.dataset()?.weight.is_some();
    check_shares(training.distribution, training.instance_count, dataset)?;
    check_volume(training, dataset)?;
    // SageMaker refuses a channel whose prefix is empty.
    let filled = [
        ("train", dataset.rows.train, training.distribution),
        // Every instance validates on the same rows. No job gets the test rows.
        (
            VALIDATION,
            dataset.rows.validation,
            Distribution::FullyReplicated,
        ),
    ];
    let channels = filled.into_iter().filter(|(_, rows, _)| *rows > 0);
    let channels = channels.map(|(name, _, distribution)| {
        let channel = Channel {
            prefix: format!("s3://{bucket}/{}", keys.channel(name)),
            content_type: dataset.content_type.clone(),
            distribution,
        };
        let algorithm = training.algorithm.as_ref().filter(|_| name == VALIDATION);
        let name = algorithm.map_or(name, |algorithm| algorithm.name.validation_channel());
        (name.to_owned(), channel)
    });
    let owner = Owner::new(&settings.stack, keys.pipeline());
    let own_tags = owner.run_tags(keys.run());
    let output = format!("s3://{bucket}/{}", keys.models());
    Ok(TrainingSpec {
        name,
        image: training.image_in(&settings.region)?,
        role_arn: training
            .role_arn
            .clone()
            .unwrap_or_else(|| settings.role_arn.clone()),
        instance_type: training.instance_type.clone(),
        instance_count: training.instance_count,
        volume_gb: training.volume_gb,
        max_runtime_seconds: training.max_runtime_seconds,
        max_wait_seconds: training.spot.map(|spot| spot.max_wait_seconds),
        // Shared by all attempts, so the next one resumes where the last one was stopped.
        checkpoints: training
            .spot
            .filter(|spot| spot.checkpoints)
            .map(|_| format!("{output}/checkpoints")),
        input_mode: training.input_mode,
        hyperparameters: hyperparameters::resolve(training, is_weighed, dataset)?,
        metrics: training
            .metrics
            .iter()
            .map(|metric| (metric.name.clone(), metric.regex.clone()))
            .collect(),
        channels: channels.collect(),
        output,
        environment: training.environment.clone(),
        vpc: training.vpc.clone(),
        network_isolation: training.network_isolation,
        encrypt_traffic: training.encrypt_traffic,
        volume_key: training.kms.volume_key.clone(),
        output_key: Some(
            training
                .kms
                .output_key
                .clone()
                .unwrap_or_else(|| settings.lake_key.clone()),
        ),
        tags: training.tags.clone().into_iter().chain(own_tags).collect(),
    })
}

/// The run's tuning job, with this name.
///
/// # Errors
/// As [`training_job`].
pub fn tuning_job<S>(
    run: &Run<'_, S>,
    tuning: &Tuning,
    name: String,
) -> Result<TuningSpec, StartTrainingError> {
    let mut training = training_job(run, name.clone())?;
    // All training jobs would write their checkpoints to one folder and resume from one another's.
    training.checkpoints = None;
    let promotion = run.plan.definition.promotion.as_ref();
    let no_objective = PartMissing { part: "promotion" };
    let (metric, goal) = tuning.objective(promotion).ok_or(no_objective)?;
    let as_text = |range: &TuningRange| match range {
        // SageMaker only has text values.
        TuningRange::Categorical(values) => {
            let texts = values.iter().map(ToString::to_string);
            TuningRange::Categorical(texts.map(Scalar::Text).collect())
        }
        other => other.clone(),
    };
    Ok(TuningSpec {
        name,
        strategy: tuning.strategy,
        metric: metric.to_owned(),
        goal,
        max_jobs: tuning.max_jobs,
        max_parallel_jobs: tuning.max_parallel_jobs,
        early_stopping: tuning.early_stopping,
        seed: tuning.seed,
        ranges: tuning
            .ranges
            .iter()
            .map(|(name, range)| (name.clone(), as_text(range)))
            .collect(),
        training,
    })
}

/// In file mode the channels are copied to the volume before training starts; the job would fail
/// after its instance is paid for.
fn check_volume(training: &Training, dataset: &DatasetRecord) -> Result<(), FieldError> {
    let channels = dataset.files.iter();
    let channels = channels.filter(|file| ["train", VALIDATION].contains(&file.channel.as_str()));
    let bytes: u64 = channels.map(|file| file.bytes).sum();
    let gigabytes = bytes.div_ceil(1 << 30);
    if training.input_mode != InputMode::File || gigabytes <= training.volume_gb.into() {
        return Ok(());
    }
    Err(FieldError::new(
        "training.volumeGb",
        format!(
            "the training files are {gigabytes} GiB, which are copied to a volume of {}: make it larger, or set \
             training.inputMode to \"fastFile\"",
            training.volume_gb
        ),
    ))
}

/// An instance without a file has nothing to train on, which SageMaker finds out after it is paid
/// for.
fn check_shares(
    distribution: Distribution,
    instances: u32,
    dataset: &DatasetRecord,
) -> Result<(), FieldError> {
    let train = dataset.files.iter().filter(|file| file.channel == "train");
    let files = train.filter(|file| file.rows > 0).count();
    let enough = u32::try_from(files).is_ok_and(|files| files >= instances);
    if distribution == Distribution::FullyReplicated || enough {
        return Ok(());
    }
    Err(FieldError::new(
        "training.instanceCount",
        format!(
            "{files} files of training data are too few for {instances} instances: lower it, \
             or lower dataset.shardBytes"
        ),
    ))
}
