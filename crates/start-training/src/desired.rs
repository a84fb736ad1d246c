//! The desired training job or tuning job of a run.

use crate::job_state::Run;
use crate::{StartTrainingError, hyperparameters};
use definition::FieldError;
use definition::{
    Distribution, Format, InputMode, PartMissing, Scalar, Training, Tuning, TuningRange,
};
use lake::RunKeys;
use lake::records::{ChannelFile, DatasetRecord};
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
    check_shares(training, dataset)?;
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
    let format = &definition.dataset()?.format;
    let channels = filled.into_iter().filter(|(_, rows, _)| *rows > 0);
    let channels = channels.flat_map(|(name, _, distribution)| {
        let attributes = format.attributes();
        let channel = |key: String, distribution| Channel {
            prefix: format!("s3://{bucket}/{key}"),
            attributes: attributes.iter().map(ToString::to_string).collect(),
            content_type: dataset.content_type.clone(),
            distribution,
        };
        let algorithm = training.algorithm.as_ref().filter(|_| name == VALIDATION);
        let called = algorithm.map_or(name, |algorithm| algorithm.name.validation_channel());
        let rows = channel(place(keys, dataset, format, name), distribution);
        let list = format.list_channel(name).map(|list| {
            let key = keys.channel(&list);
            (list, channel(key, Distribution::FullyReplicated))
        });
        std::iter::once((called.to_owned(), rows)).chain(list)
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

/// Where a channel's rows are: its prefix, or the key of its augmented manifest.
fn place(keys: &RunKeys, dataset: &DatasetRecord, format: &Format, channel: &str) -> String {
    let mut files = dataset.files.iter().filter(|file| file.channel == channel);
    if let Some(objects) = files.find_map(|file| file.objects.as_ref()) {
        return objects.prefix.clone();
    }
    if format.attributes().is_empty() {
        keys.channel(channel)
    } else {
        keys.channel_whole(channel, format.extension())
    }
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
    let bytes = bytes_of_instance(training, dataset);
    let gigabytes = bytes.div_ceil(1 << 30);
    if training.input_mode != InputMode::File
        || gigabytes <= training.volume_gb.into()
        || has_own_disks(&training.instance_type)
    {
        return Ok(());
    }
    let whose = match shares(training) {
        1 => "the training files are".to_owned(),
        instances => format!("the share of each of {instances} instances in the training files is"),
    };
    Err(FieldError::new(
        "training.volumeGb",
        format!(
            "{whose} {gigabytes} GiB, which are copied to a volume of {}: make it larger, or set training.inputMode \
             to \"fastFile\"",
            training.volume_gb
        ),
    ))
}

/// Instances that get a share of the training files each; 1 if all get all.
fn shares(training: &Training) -> usize {
    match training.distribution {
        Distribution::FullyReplicated => 1,
        Distribution::ShardedByS3Key => (training.instance_count as usize).max(1),
    }
}

/// Bytes that some instance gets at least. Which of the files, only SageMaker knows: files are nearly
/// equal, and if they are not, no job is refused that could run.
fn bytes_of_instance(training: &Training, dataset: &DatasetRecord) -> u64 {
    let bytes_of = |channel: &'static str| {
        let files = dataset.files.iter();
        let files = files.filter(move |file| file.channel == channel);
        files.map(ChannelFile::object_bytes)
    };
    let mut train: Vec<u64> = bytes_of("train").collect();
    train.sort_unstable();
    let total: u64 = train.iter().sum();
    let shares = shares(training);
    if dataset.files.iter().any(|file| file.objects.is_some()) {
        // Of so many objects, each instance gets about the same.
        return total.div_ceil(shares as u64) + bytes_of(VALIDATION).sum::<u64>();
    }
    // One instance has this many files at least, and one the largest.
    let most_files = train.len().div_ceil(shares);
    let smallest: u64 = train.iter().take(most_files).sum();
    let largest = train.last().copied().unwrap_or_default();
    let share = smallest.max(largest).max(total.div_ceil(shares as u64));
    share + bytes_of(VALIDATION).sum::<u64>()
}

/// Whether an instance stores on disks of its own, whatever volume is asked for.
///
/// Source: SageMaker's API reference, `ResourceConfig`: of instances with `NVMe` storage all of it is
/// used, and no volume is created. Their families have a `d` behind the generation, or are named
/// here.
fn has_own_disks(instance_type: &str) -> bool {
    const FAMILIES: [&str; 12] = [
        "g5", "g6", "g6e", "gr6", "p5", "p5e", "p5en", "p6-b200", "p6-b300", "trn1", "trn1n",
        "trn2",
    ];
    let family = instance_type.split('.').nth(1).unwrap_or_default();
    let behind = family.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
    let behind = behind.trim_start_matches(|digit: char| digit.is_ascii_digit());
    behind.contains('d') || FAMILIES.contains(&family)
}

/// An instance without a file has nothing to train on, which SageMaker finds out after it is paid
/// for.
fn check_shares(training: &Training, dataset: &DatasetRecord) -> Result<(), FieldError> {
    let train = dataset.files.iter().filter(|file| file.channel == "train");
    let files: u64 = train
        .filter(|file| file.rows > 0)
        .map(ChannelFile::object_count)
        .sum();
    let instances = shares(training);
    let enough = files >= instances as u64;
    if training.distribution == Distribution::FullyReplicated || enough {
        return Ok(());
    }
    let smaller = match dataset.classes {
        Some(_) => "fileMb of dataset.format",
        None => "dataset.shardBytes",
    };
    Err(FieldError::new(
        "training.instanceCount",
        format!(
            "{files} files of training data are too few for {instances} instances: lower it, or lower {smaller}"
        ),
    ))
}
