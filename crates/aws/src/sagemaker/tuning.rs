//! Tuning jobs: one definition of their training jobs, and the ranges to search.

use super::training::{
    Parts, channel, checkpoints, environment, input_mode, metrics, output, resources, stopping, tag,
};
use super::{
    InvalidAnswer, SERVICE, SageMaker, count, counted, if_there, seconds_since, sorted, vpc,
};
use crate::classify::service_error;
use aws_sdk_sagemaker::operation::describe_hyper_parameter_tuning_job::DescribeHyperParameterTuningJobOutput;
use aws_sdk_sagemaker::types;
use contract::ServiceError;
use definition::{Goal, Scalar, TuningRange, TuningScale, TuningStrategy};
use sagemaker_ports::{
    BestJob, JobCounts, TrainingSpec, TuningInfo, TuningJobs, TuningSpec, TuningStatus,
};
use std::collections::BTreeMap;

const DESCRIBE: &str = "DescribeHyperParameterTuningJob";
const CREATE: &str = "CreateHyperParameterTuningJob";
const LIST: &str = "ListTrainingJobsForHyperParameterTuningJob";
/// Hyperparameters that the service adds to the fixed ones.
const ADDED: &str = "_tuning_objective_metric";
const REASONS: i32 = 10;

impl TuningJobs for SageMaker {
    async fn describe_tuning(&self, name: &str) -> Result<Option<TuningInfo>, ServiceError> {
        let request = self.client.describe_hyper_parameter_tuning_job();
        let request = request.hyper_parameter_tuning_job_name(name);
        match if_there(DESCRIBE, name, request.send()).await? {
            Some(job) => info(job)
                .map(Some)
                .map_err(|unfit| unfit.into_error(DESCRIBE, name)),
            None => Ok(None),
        }
    }

    async fn create_tuning(&self, spec: &TuningSpec) -> Result<(), ServiceError> {
        let request = self.client.create_hyper_parameter_tuning_job();
        let answer = request
            .hyper_parameter_tuning_job_name(&spec.name)
            .hyper_parameter_tuning_job_config(config(spec))
            .training_job_definition(definition(&spec.training))
            .set_tags(Some(spec.training.tags.iter().map(tag).collect()))
            .send()
            .await;
        answer
            .map(drop)
            .map_err(|error| service_error(SERVICE, CREATE, &spec.name, error))
    }

    async fn tuning_failures(&self, name: &str) -> Result<Vec<String>, ServiceError> {
        let request = self
            .client
            .list_training_jobs_for_hyper_parameter_tuning_job();
        let answer = request
            .hyper_parameter_tuning_job_name(name)
            .status_equals(types::TrainingJobStatus::Failed)
            .sort_by(types::TrainingJobSortByOptions::CreationTime)
            .sort_order(types::SortOrder::Descending)
            .max_results(REASONS)
            .send()
            .await
            .map_err(|error| service_error(SERVICE, LIST, name, error))?;
        let mut reasons = Vec::new();
        for job in answer.training_job_summaries() {
            let reason = job.failure_reason().map(str::to_owned);
            if let Some(reason) = reason.filter(|reason| !reasons.contains(reason)) {
                reasons.push(reason);
            }
        }
        Ok(reasons)
    }

    async fn stop_tuning(&self, name: &str) -> Result<(), ServiceError> {
        let request = self.client.stop_hyper_parameter_tuning_job();
        let request = request.hyper_parameter_tuning_job_name(name);
        let answer = request.send().await;
        answer
            .map(drop)
            .map_err(|error| service_error(SERVICE, "StopHyperParameterTuningJob", name, error))
    }
}

fn config(spec: &TuningSpec) -> types::HyperParameterTuningJobConfig {
    let strategy = match spec.strategy {
        TuningStrategy::Bayesian => types::HyperParameterTuningJobStrategyType::Bayesian,
        TuningStrategy::Random => types::HyperParameterTuningJobStrategyType::Random,
        TuningStrategy::Hyperband => types::HyperParameterTuningJobStrategyType::Hyperband,
        TuningStrategy::Grid => types::HyperParameterTuningJobStrategyType::Grid,
    };
    let goal = match spec.goal {
        Goal::Minimize => types::HyperParameterTuningJobObjectiveType::Minimize,
        Goal::Maximize => types::HyperParameterTuningJobObjectiveType::Maximize,
    };
    let early = if spec.early_stopping {
        types::TrainingJobEarlyStoppingType::Auto
    } else {
        types::TrainingJobEarlyStoppingType::Off
    };
    types::HyperParameterTuningJobConfig::builder()
        .strategy(strategy)
        .hyper_parameter_tuning_job_objective(
            types::HyperParameterTuningJobObjective::builder()
                .r#type(goal)
                .metric_name(&spec.metric)
                .build(),
        )
        .resource_limits(
            types::ResourceLimits::builder()
                .set_max_number_of_training_jobs(spec.max_jobs.map(count))
                .max_parallel_training_jobs(count(spec.max_parallel_jobs))
                .build(),
        )
        .training_job_early_stopping_type(early)
        .set_random_seed(spec.seed.map(count))
        .parameter_ranges(ranges(&spec.ranges))
        .build()
}

fn ranges(wanted: &BTreeMap<String, TuningRange>) -> types::ParameterRanges {
    let mut ranges = types::ParameterRanges::builder();
    for (name, range) in wanted {
        ranges = match range {
            TuningRange::Integer {
                minimum,
                maximum,
                scale,
            } => ranges.integer_parameter_ranges(
                types::IntegerParameterRange::builder()
                    .name(name)
                    .min_value(minimum.to_string())
                    .max_value(maximum.to_string())
                    .scaling_type(scaling(*scale))
                    .build(),
            ),
            TuningRange::Continuous {
                minimum,
                maximum,
                scale,
            } => ranges.continuous_parameter_ranges(
                types::ContinuousParameterRange::builder()
                    .name(name)
                    .min_value(minimum.to_string())
                    .max_value(maximum.to_string())
                    .scaling_type(scaling(*scale))
                    .build(),
            ),
            TuningRange::Categorical(values) => ranges.categorical_parameter_ranges(
                types::CategoricalParameterRange::builder()
                    .name(name)
                    .set_values(Some(values.iter().map(ToString::to_string).collect()))
                    .build(),
            ),
        };
    }
    ranges.build()
}

const fn scaling(scale: TuningScale) -> types::HyperParameterScalingType {
    match scale {
        TuningScale::Auto => types::HyperParameterScalingType::Auto,
        TuningScale::Linear => types::HyperParameterScalingType::Linear,
        TuningScale::Logarithmic => types::HyperParameterScalingType::Logarithmic,
        TuningScale::ReverseLogarithmic => types::HyperParameterScalingType::ReverseLogarithmic,
    }
}

fn definition(spec: &TrainingSpec) -> types::HyperParameterTrainingJobDefinition {
    let algorithm = types::HyperParameterAlgorithmSpecification::builder()
        .training_image(&spec.image)
        .training_input_mode(input_mode(spec.input_mode))
        .set_metric_definitions(metrics(spec))
        .build();
    types::HyperParameterTrainingJobDefinition::builder()
        .algorithm_specification(algorithm)
        .role_arn(&spec.role_arn)
        .set_static_hyper_parameters(Some(spec.hyperparameters.clone().into_iter().collect()))
        .set_input_data_config(Some(spec.channels.iter().map(channel).collect()))
        .output_data_config(output(spec))
        .resource_config(resources(spec))
        .stopping_condition(stopping(spec))
        .enable_managed_spot_training(spec.max_wait_seconds.is_some())
        .set_checkpoint_config(spec.checkpoints.as_ref().map(checkpoints))
        .set_environment(environment(spec))
        .set_vpc_config(spec.vpc.as_ref().map(vpc))
        .enable_network_isolation(spec.network_isolation)
        .enable_inter_container_traffic_encryption(spec.encrypt_traffic)
        .build()
}

fn info(job: DescribeHyperParameterTuningJobOutput) -> Result<TuningInfo, InvalidAnswer> {
    use types::HyperParameterTuningJobStatus as Status;
    let status = match job.hyper_parameter_tuning_job_status() {
        Some(Status::InProgress) => TuningStatus::InProgress,
        Some(Status::Completed) => TuningStatus::Completed,
        Some(Status::Failed) => TuningStatus::Failed,
        // A job that is being deleted has no usable result.
        Some(Status::Stopping | Status::Deleting) => TuningStatus::Stopping,
        Some(Status::Stopped | Status::DeleteFailed) => TuningStatus::Stopped,
        Some(other) => return Err(InvalidAnswer::Unexpected(format!("the status {other}"))),
        None => return Err(InvalidAnswer::Missing("HyperParameterTuningJobStatus")),
    };
    let jobs = job.training_job_status_counters().map(|counts| JobCounts {
        completed: counted(counts.completed()),
        in_progress: counted(counts.in_progress()),
        failed: counted(counts.retryable_error()) + counted(counts.non_retryable_error()),
        stopped: counted(counts.stopped()),
    });
    let best = job.best_training_job().and_then(|best| {
        Some(BestJob {
            name: best.training_job_name()?.to_owned(),
            tuned: sorted(best.tuned_hyper_parameters().cloned()),
        })
    });
    Ok(TuningInfo {
        status,
        failure_reason: job.failure_reason().map(str::to_owned),
        jobs: jobs.unwrap_or_default(),
        best,
        age_seconds: seconds_since(job.creation_time()),
        spec: spec(job)?,
    })
}

fn spec(job: DescribeHyperParameterTuningJobOutput) -> Result<TuningSpec, InvalidAnswer> {
    use types::HyperParameterTuningJobObjectiveType as Objective;
    use types::HyperParameterTuningJobStrategyType as Strategy;
    let name = job.hyper_parameter_tuning_job_name.unwrap_or_default();
    let config = job
        .hyper_parameter_tuning_job_config
        .ok_or(InvalidAnswer::Missing("HyperParameterTuningJobConfig"))?;
    let strategy = match config.strategy {
        Some(Strategy::Bayesian) => TuningStrategy::Bayesian,
        Some(Strategy::Random) => TuningStrategy::Random,
        Some(Strategy::Hyperband) => TuningStrategy::Hyperband,
        Some(Strategy::Grid) => TuningStrategy::Grid,
        Some(other) => return Err(InvalidAnswer::Unexpected(format!("the strategy {other}"))),
        None => return Err(InvalidAnswer::Missing("Strategy")),
    };
    let objective = config
        .hyper_parameter_tuning_job_objective
        .ok_or(InvalidAnswer::Missing("HyperParameterTuningJobObjective"))?;
    let goal = match objective.r#type {
        Some(Objective::Minimize) => Goal::Minimize,
        Some(Objective::Maximize) => Goal::Maximize,
        Some(other) => return Err(InvalidAnswer::Unexpected(format!("the objective {other}"))),
        None => return Err(InvalidAnswer::Missing("Type")),
    };
    let limits = config
        .resource_limits
        .ok_or(InvalidAnswer::Missing("ResourceLimits"))?;
    let early = config.training_job_early_stopping_type;
    let definition = job
        .training_job_definition
        .ok_or(InvalidAnswer::Missing("TrainingJobDefinition"))?;
    Ok(TuningSpec {
        strategy,
        metric: objective.metric_name.unwrap_or_default(),
        goal,
        max_jobs: limits
            .max_number_of_training_jobs
            // The number of a grid's jobs is described as if it had been requested.
            .filter(|_| strategy != TuningStrategy::Grid)
            .map(|jobs| counted(Some(jobs))),
        max_parallel_jobs: counted(limits.max_parallel_training_jobs),
        early_stopping: early == Some(types::TrainingJobEarlyStoppingType::Auto),
        seed: config.random_seed.map(|seed| counted(Some(seed))),
        ranges: described_ranges(config.parameter_ranges)?,
        training: described_definition(name.clone(), definition)?,
        name,
    })
}

fn described_definition(
    name: String,
    definition: types::HyperParameterTrainingJobDefinition,
) -> Result<TrainingSpec, InvalidAnswer> {
    let algorithm = definition
        .algorithm_specification
        .ok_or(InvalidAnswer::Missing("AlgorithmSpecification"))?;
    let mut hyperparameters = definition.static_hyper_parameters.unwrap_or_default();
    hyperparameters.remove(ADDED);
    let parts = Parts {
        name: Some(name),
        image: algorithm.training_image,
        input_mode: algorithm.training_input_mode,
        metrics: algorithm.metric_definitions,
        role_arn: definition.role_arn,
        hyperparameters: Some(hyperparameters),
        resources: definition.resource_config,
        stopping: definition.stopping_condition,
        output: definition.output_data_config,
        channels: definition.input_data_config,
        checkpoints: definition.checkpoint_config,
        environment: definition.environment,
        vpc: definition.vpc_config,
        spot: definition.enable_managed_spot_training,
        isolation: definition.enable_network_isolation,
        encryption: definition.enable_inter_container_traffic_encryption,
    };
    parts.into_spec()
}

fn described_ranges(
    ranges: Option<types::ParameterRanges>,
) -> Result<BTreeMap<String, TuningRange>, InvalidAnswer> {
    let Some(ranges) = ranges else {
        return Ok(BTreeMap::new());
    };
    let mut described = BTreeMap::new();
    for range in ranges.integer_parameter_ranges.unwrap_or_default() {
        let found = TuningRange::Integer {
            minimum: number(range.min_value)?,
            maximum: number(range.max_value)?,
            scale: described_scale(range.scaling_type)?,
        };
        described.insert(range.name.unwrap_or_default(), found);
    }
    for range in ranges.continuous_parameter_ranges.unwrap_or_default() {
        let found = TuningRange::Continuous {
            minimum: number(range.min_value)?,
            maximum: number(range.max_value)?,
            scale: described_scale(range.scaling_type)?,
        };
        described.insert(range.name.unwrap_or_default(), found);
    }
    for range in ranges.categorical_parameter_ranges.unwrap_or_default() {
        let values = range.values.unwrap_or_default().into_iter();
        let found = TuningRange::Categorical(values.map(Scalar::Text).collect());
        described.insert(range.name.unwrap_or_default(), found);
    }
    Ok(described)
}

fn number<T: std::str::FromStr>(text: Option<String>) -> Result<T, InvalidAnswer> {
    let text = text.ok_or(InvalidAnswer::Missing("a range's end"))?;
    let end = text.parse();
    end.map_err(|_| InvalidAnswer::Unexpected(format!("the end {text:?} of a range")))
}

fn described_scale(
    scale: Option<types::HyperParameterScalingType>,
) -> Result<TuningScale, InvalidAnswer> {
    use types::HyperParameterScalingType as Scale;
    match scale {
        None | Some(Scale::Auto) => Ok(TuningScale::Auto),
        Some(Scale::Linear) => Ok(TuningScale::Linear),
        Some(Scale::Logarithmic) => Ok(TuningScale::Logarithmic),
        Some(Scale::ReverseLogarithmic) => Ok(TuningScale::ReverseLogarithmic),
        Some(other) => Err(InvalidAnswer::Unexpected(format!("the scale {other}"))),
    }
}
