//! What can go wrong on the way into service.

use contract::{ErrorName, Named};
use definition::FieldError;
use lake::StepError;
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
    /// The definition cannot be carried out at this endpoint.
    #[error(transparent)]
    Definition(#[from] FieldError),
    /// Somebody else brought the endpoint to a third configuration while it was on its way to ours.
    #[error(
        "the endpoint {endpoint} was brought to {there} by somebody else while {wanted} was on its \
         way: see who updates it, then start a new run"
    )]
    UpdatedByOthers {
        /// The endpoint.
        endpoint: String,
        /// The configuration that was asked for.
        wanted: String,
        /// The configuration in force.
        there: String,
    },
    /// The update was rolled back.
    #[error(
        "the endpoint {endpoint} was rolled back from {wanted} to {there}: {reason}; the log of the \
         new model's container: {log}; redrive to try again{}",
        without_alarms(alarms)
    )]
    RolledBack {
        /// The endpoint.
        endpoint: Box<str>,
        /// The configuration that was asked for.
        wanted: Box<str>,
        /// The configuration in force.
        there: Box<str>,
        /// SageMaker's reason.
        reason: Box<str>,
        /// A link to the endpoint's log.
        log: Box<str>,
        /// The alarms that could take the update back.
        alarms: Vec<String>,
    },
    /// The endpoint is in a status that nothing but a person's hand gets it out of.
    #[error(
        "the endpoint {endpoint} is {}: {reason}; the container's log: {log}; {}",
        status.as_str(), way_out(*status)
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
    /// The rows that are to be scored are none.
    #[error(
        "{key} lists no row of the channel {channel} to score: set dataset.split, or another batch.input"
    )]
    NothingToScore {
        /// The key of the dataset's contract.
        key: String,
        /// The channel.
        channel: &'static str,
    },
    /// Nothing is below the prefix that is to be scored.
    #[error(
        "there is nothing to score below {input}: put rows of features there, a line each, and redrive"
    )]
    NothingBelow {
        /// The prefix.
        input: String,
    },
    /// What is to be scored is not made of lines.
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
    /// The job completed, and left other than a prediction for each row.
    #[error(
        "the transform job {job} is Completed, but {finding}: see what the model answers, and start again"
    )]
    PredictionsWrong {
        /// The job.
        job: String,
        /// What is wrong.
        finding: String,
    },
    /// The endpoint does not answer as it must.
    #[error("the endpoint {endpoint} failed a real request on {config}: {finding}; {now}")]
    SmokeTestFailed {
        /// The endpoint.
        endpoint: String,
        /// The configuration that failed.
        config: String,
        /// What is wrong with the answer.
        finding: String,
        /// What the endpoint is on now, and what there is to do.
        now: String,
    },
    /// The dataset has no row to ask about.
    #[error("{key} lists no row to ask the endpoint about")]
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
    /// The lake, the service or a name stands in the way.
    #[error(transparent)]
    Step(#[from] StepError),
}

/// An alarm that the old model raised takes back the update that would repair it.
fn without_alarms(alarms: &[String]) -> String {
    if alarms.is_empty() {
        return String::new();
    }
    format!(
        "; if one of the alarms {} was in ALARM before the update, it takes back its own repair: \
         start a run with {{\"endpoint\": {{\"guardrails\": {{\"alarms\": []}}}}}}",
        alarms.join(", ")
    )
}

/// Where a failed smoke test leaves the endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AfterSmokeTest {
    /// Back on this configuration.
    Back(String),
    /// On the configuration that failed: no other one was verified.
    Stays,
    /// On the configuration that failed: this one, to which it should go back, does not exist.
    NoWayBack(String),
}

const fn way_out(status: EndpointStatus) -> &'static str {
    match status {
        EndpointStatus::Deleting => "redrive once it is gone",
        EndpointStatus::OutOfService => "see why it was taken out of service, then redrive",
        _ => "delete the endpoint, which alone frees its name, then redrive",
    }
}

impl DeployEndpointError {
    /// Of a smoke test on `config`.
    pub(crate) fn smoke(
        endpoint: &str,
        config: String,
        finding: String,
        after: &AfterSmokeTest,
    ) -> Self {
        let now = match after {
            AfterSmokeTest::Back(there) => {
                format!("it is back on {there}, which serves on; start a new run")
            }
            AfterSmokeTest::Stays => {
                "it stays on it, with no other verified model to go back to: redrive to ask again"
                    .to_owned()
            }
            AfterSmokeTest::NoWayBack(missing) => format!(
                "it could not go back, because the endpoint configuration {missing} no longer \
                 exists, so {config}, which is not verified, serves now: bring the endpoint to a \
                 configuration that works, or redrive to ask again"
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
            Self::Definition(_) => ErrorName::InvalidDefinition,
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
