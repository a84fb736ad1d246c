//! Errors of deploying a model.

use contract::{ErrorName, Named};
use definition::FieldError;
use lake::StepError;
use lake::artifact::ArtifactReplaced;
use sagemaker_ports::{EndpointStatus, TransformStatus};

/// Why a run's model does not serve.
#[derive(Debug, thiserror::Error)]
pub enum DeployEndpointError {
    /// The verdict says that the model may not serve.
    #[error("this run's model was not promoted ({reason}), so it is not deployed")]
    NotPromoted {
        /// The verdict's reason.
        reason: String,
    },
    /// The champion is not the one that the verdict was reached against.
    #[error(
        "run {champion} brought its model into service after the verdict on run {run}: start a new \
         run instead, which is judged against it"
    )]
    Overtaken {
        /// This run.
        run: String,
        /// The champion's run.
        champion: String,
    },
    /// The definition does not fit this endpoint.
    #[error(transparent)]
    Definition(#[from] FieldError),
    /// Somebody else updated the endpoint to a third configuration during this run's update.
    #[error(
        "the endpoint {endpoint} was updated to {current} by somebody else during the update to {desired}: see who \
         updates it, then start a new run"
    )]
    UpdatedByOthers {
        /// The endpoint.
        endpoint: String,
        /// The configuration of this run's update.
        desired: String,
        /// The configuration in force.
        current: String,
    },
    /// The update was rolled back.
    #[error(
        "the endpoint {endpoint} was rolled back from {desired} to {current}: {reason}; the log of the \
         new model's container: {log}; redrive to try again{}",
        about_alarms(alarms, left_out)
    )]
    RolledBack {
        /// The endpoint.
        endpoint: Box<str>,
        /// The configuration of this run's update.
        desired: Box<str>,
        /// The configuration in force.
        current: Box<str>,
        /// SageMaker's reason.
        reason: Box<str>,
        /// A link to the endpoint's log.
        log: Box<str>,
        /// The alarms that could roll the update back, separated by commas.
        alarms: Box<str>,
        /// The alarms that could not, because they were in `ALARM` before.
        left_out: Box<str>,
    },
    /// The definition names alarms that do not exist, with which SageMaker refuses an update.
    #[error(
        "endpoint.guardrails.alarms names alarms that do not exist in this account and region: {}; create them, \
         then redrive; or start a run with other ones", alarms.join(", ")
    )]
    AlarmsMissing {
        /// The alarms.
        alarms: Vec<String>,
    },
    /// The endpoint is in a status that it does not leave by itself.
    #[error(
        "the endpoint {endpoint} is {}: {reason}; the container's log: {log}; {}",
        status.as_str(), advice(*status)
    )]
    EndpointUnusable {
        /// The endpoint.
        endpoint: String,
        /// Its status.
        status: EndpointStatus,
        /// SageMaker's reason.
        reason: String,
        /// A link to the endpoint's log.
        log: String,
    },
    /// The transform job ended otherwise than completed.
    #[error("the transform job {job} is {}: {reason}; its log: {log}; redrive to try again", status.as_str())]
    TransformFailed {
        /// The job.
        job: String,
        /// Its status.
        status: TransformStatus,
        /// SageMaker's reason.
        reason: String,
        /// A link to the job's log.
        log: String,
    },
    /// There are no rows to score.
    #[error(
        "{key} lists no row of the channel {channel} to score: set dataset.split, or another batch.input"
    )]
    NothingToScore {
        /// The key of the dataset's contract.
        key: String,
        /// The channel.
        channel: &'static str,
    },
    /// There is nothing below the prefix to score.
    #[error(
        "there is nothing to score below {input}: put rows of features there, a line each, and redrive"
    )]
    NothingBelow {
        /// The prefix.
        input: String,
    },
    /// An input object is not made of lines.
    #[error(
        "{key} below {input} is not made of lines, which is what a transform job splits: put rows of features \
         there as text, uncompressed, and redrive"
    )]
    NotLines {
        /// The prefix.
        input: String,
        /// The object.
        key: String,
    },
    /// The job completed, but its output is not one prediction for each row.
    #[error(
        "the transform job {job} is Completed, but {finding}: check what the model answers, and start a new run"
    )]
    PredictionsWrong {
        /// The job.
        job: String,
        /// What is wrong.
        finding: String,
    },
    /// The endpoint's answer to a real request is wrong.
    #[error("the endpoint {endpoint} failed a real request on {config}: {finding}; {now}")]
    SmokeTestFailed {
        /// The endpoint.
        endpoint: String,
        /// The configuration that failed.
        config: String,
        /// What is wrong with the answer.
        finding: String,
        /// The endpoint's configuration now, and what to do.
        now: String,
    },
    /// No image is small enough for a request.
    #[error(
        "{key} has only images of more than 4 MB where they were read, and a serverless endpoint takes no larger request: make them smaller by `resize` in `dataset.format`"
    )]
    ImagesTooLarge {
        /// The file's key.
        key: String,
    },
    /// The dataset has no row for a real request.
    #[error("{key} lists no row for a request to the endpoint")]
    NoRows {
        /// The key of the dataset's contract.
        key: String,
    },
    /// A row has no feature.
    #[error("{key} has a row without a feature: it holds the label alone")]
    NoFeatures {
        /// The key of the file.
        key: String,
    },
    /// The lake or a service failed, or a name is taken.
    #[error(transparent)]
    Step(#[from] StepError),
}

/// The alarms of a rollback, and the way out if one of them is not about the new model.
fn about_alarms(alarms: &str, left_out: &str) -> String {
    let mut text = String::new();
    if !alarms.is_empty() {
        text = format!(
            "; its alarms: {alarms}; if one goes off whatever the model does, mend it or start a run with \
             {{\"endpoint\": {{\"guardrails\": {{\"alarms\": []}}}}}}"
        );
    }
    if !left_out.is_empty() {
        text += "; in ALARM before the update, and left out of it: ";
        text += left_out;
    }
    text
}

/// The endpoint's configuration after a failed smoke test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AfterSmokeTest {
    /// Rolled back to this configuration.
    RolledBack(String),
    /// On the configuration that failed: no other one was verified.
    Stays,
    /// The configuration that failed: this one, to roll back to, does not exist.
    RollbackMissing(String),
    /// The configuration that failed: the artifact of the one to roll back to was replaced.
    RollbackRefused(ArtifactReplaced),
}

const fn advice(status: EndpointStatus) -> &'static str {
    match status {
        EndpointStatus::Deleting => "redrive once it is gone",
        EndpointStatus::OutOfService => "see why it was taken out of service, then redrive",
        _ => "delete the endpoint, which alone frees its name, then redrive",
    }
}

impl DeployEndpointError {
    /// The error of a smoke test on `config`.
    pub(crate) fn smoke(
        endpoint: &str,
        config: String,
        finding: String,
        after: &AfterSmokeTest,
    ) -> Self {
        let now = match after {
            AfterSmokeTest::RolledBack(current) => {
                format!("it was rolled back to {current}, which serves; start a new run")
            }
            AfterSmokeTest::Stays => {
                "it stays on it, because there is no other verified model to roll back to: redrive to repeat the request"
                    .to_owned()
            }
            AfterSmokeTest::RollbackMissing(missing) => format!(
                "it could not be rolled back, because the endpoint configuration {missing} no longer \
                 exists, so {config}, which is not verified, serves now: update the endpoint to a \
                 configuration that works, or redrive to repeat the request"
            ),
            AfterSmokeTest::RollbackRefused(replaced) => format!(
                "it was not rolled back, so {config}, which is not verified, serves now: {replaced}"
            ),
        };
        Self::SmokeTestFailed {
            endpoint: endpoint.to_owned(),
            config,
            finding,
            now,
        }
    }
}

lake::from_step_causes!(DeployEndpointError);

impl Named for DeployEndpointError {
    fn name(&self) -> ErrorName {
        match self {
            Self::NotPromoted { .. } => ErrorName::InvalidRequest,
            Self::Overtaken { .. } | Self::UpdatedByOthers { .. } => ErrorName::Conflict,
            Self::Definition(_) | Self::AlarmsMissing { .. } | Self::ImagesTooLarge { .. } => {
                ErrorName::InvalidDefinition
            }
            Self::RolledBack { .. } => ErrorName::RolledBack,
            Self::EndpointUnusable { .. } => ErrorName::DeploymentFailed,
            Self::SmokeTestFailed { .. } => ErrorName::SmokeTestFailed,
            Self::TransformFailed { .. } | Self::PredictionsWrong { .. } => {
                ErrorName::TransformFailed
            }
            Self::NoRows { .. }
            | Self::NoFeatures { .. }
            | Self::NothingToScore { .. }
            | Self::NothingBelow { .. }
            | Self::NotLines { .. } => ErrorName::DatasetInvalid,
            Self::Step(error) => error.name(),
        }
    }
}
