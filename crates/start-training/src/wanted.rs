//! The training job or tuning job that a run wants. It must not know what is there.

use crate::standing::Run;
use crate::{StartTrainingError, told};
use definition::FieldError;
use definition::{Distribution, Scalar, Tuning, TuningRange};
use lake::records::DatasetRecord;
use sagemaker_ports::{Channel, Owner, TrainingSpec, TuningSpec};

/// The channel that is not trained on. Some algorithms have another name for it.
const VALIDATION: &str = "validation";

/// The run's training job, under this name.
///
/// # Errors
/// If the definition cannot be carried out in this region, or with this dataset.
pub fn spec<S>(run: &Run<'_, S>, name: String) -> Result<TrainingSpec, StartTrainingError> {
    let Run {
        keys,
        dataset,
        bucket,
        settings,
        ..
    } = run;
    let training = &run.plan.definition.training;
    check_shares(training.distribution, training.instance_count, dataset)?;
    // SageMaker refuses a channel whose prefix is empty.
    let filled = [
        ("train", dataset.rows.train, training.distribution),
        // Every instance judges by the same rows. The test rows are nobody's to see.
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
        // Of all attempts, so that the next goes on where the last one was stopped.
        checkpoints: training
            .spot
            .filter(|spot| spot.checkpoints)
            .map(|_| format!("{output}/checkpoints")),
        input_mode: training.input_mode,
        hyperparameters: told::hyperparameters(&run.plan.definition, dataset)?,
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

/// The run's tuning job, under this name.
///
/// # Errors
/// As [`spec`].
pub fn tuning<S>(
    run: &Run<'_, S>,
    tuning: &Tuning,
    name: String,
) -> Result<TuningSpec, StartTrainingError> {
    let mut training = spec(run, name.clone())?;
    // All training jobs would write their checkpoints into the one folder, and go on from others'.
    training.checkpoints = None;
    let (metric, goal) = tuning.objective(&run.plan.definition.promotion);
    let as_told = |range: &TuningRange| match range {
        // SageMaker knows texts only.
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
            .map(|(name, range)| (name.clone(), as_told(range)))
            .collect(),
        training,
    })
}

/// An instance without a file has nothing to train on, which SageMaker finds out after it is paid for.
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
            "{files} files of training data cannot be shared out to {instances} instances: lower it, \
             or lower dataset.shardBytes"
        ),
    ))
}
