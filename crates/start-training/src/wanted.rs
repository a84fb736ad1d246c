//! The training job that a run wants. It must not know what is there.

use crate::Settings;
use contract::definition::Distribution;
use lake::RunKeys;
use lake::records::{DatasetRecord, Plan};
use model::{Channel, TrainingSpec};
use std::collections::BTreeMap;

/// The run's training job, under this name.
pub fn spec(
    bucket: &str,
    keys: &RunKeys,
    plan: &Plan,
    dataset: &DatasetRecord,
    settings: &Settings,
    name: String,
) -> TrainingSpec {
    let training = &plan.definition.training;
    // SageMaker refuses a channel whose prefix is empty.
    let filled = [
        ("train", dataset.rows.train, training.distribution),
        // Every instance judges by the same rows. The test rows are nobody's to see.
        (
            "validation",
            dataset.rows.validation,
            Distribution::FullyReplicated,
        ),
    ];
    let channels =
        filled
            .into_iter()
            .filter(|(_, rows, _)| *rows > 0)
            .map(|(channel, _, distribution)| Channel {
                name: channel.to_owned(),
                prefix: format!("s3://{bucket}/{}", keys.channel(channel)),
                content_type: dataset.content_type.clone(),
                distribution,
            });
    TrainingSpec {
        name,
        image: training.image.clone(),
        role_arn: training
            .role_arn
            .clone()
            .unwrap_or_else(|| settings.role_arn.clone()),
        instance_type: training.instance_type.clone(),
        instance_count: training.instance_count,
        volume_gb: training.volume_gb,
        max_runtime_seconds: training.max_runtime_seconds,
        hyperparameters: training
            .hyperparameters
            .iter()
            .map(|(name, value)| (name.clone(), value.to_string()))
            .collect(),
        metrics: training.metrics.clone(),
        channels: channels.collect(),
        output: format!("s3://{bucket}/{}", keys.models()),
        tags: BTreeMap::from([
            ("millrace:pipeline".to_owned(), keys.pipeline().to_owned()),
            ("millrace:run".to_owned(), keys.run().to_string()),
        ]),
    }
}
