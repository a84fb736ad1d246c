//! Why an endpoint is not rolled back.

use contract::ServiceError;
use definition::FieldError;
use lake::DocumentError;
use sagemaker_ports::EndpointStatus;

/// Why an endpoint is not rolled back.
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    /// No model has served yet.
    #[error("pipeline `{pipeline}` has no champion: there is nothing to roll back")]
    NoChampion {
        /// The pipeline.
        pipeline: String,
    },
    /// The champion scores in one go.
    #[error(
        "pipeline `{pipeline}` has no endpoint to roll back: its models score in one go, and what earlier runs scored \
         is still below {predictions} of the lake"
    )]
    NoEndpoint {
        /// The pipeline.
        pipeline: String,
        /// The prefix of its predictions.
        predictions: String,
    },
    /// The champion is the first model.
    #[error(
        "the endpoint {endpoint} has no verified configuration from before {config}: there is nothing to go back \
         to; --to names another run whose model has served"
    )]
    NothingBefore {
        /// The endpoint.
        endpoint: String,
        /// The champion's configuration.
        config: String,
    },
    /// The run that was asked for was not deployed.
    #[error("run {run} has no record of a deployment: its model was never verified at an endpoint")]
    NeverServed {
        /// The run.
        run: String,
    },
    /// The endpoint or a configuration is not there.
    #[error(
        "there is no {what} {name}: it was removed; --to names another run whose model has served"
    )]
    Missing {
        /// `endpoint` or `endpoint configuration`.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The configuration before is not of a run of this pipeline.
    #[error(
        "{config} is no configuration of a run of pipeline `{pipeline}`: bring it back by hand"
    )]
    NotARuns {
        /// The pipeline.
        pipeline: String,
        /// The configuration.
        config: String,
    },
    /// AWS does not take the endpoint there.
    #[error("the endpoint cannot go back")]
    Refused(#[from] FieldError),
    /// The endpoint is in a status that it does not get out of, or went elsewhere.
    #[error(
        "the endpoint {endpoint} is {} on {config}, not in service on {wanted}: {reason}",
        status.as_str()
    )]
    NotBack {
        /// The endpoint.
        endpoint: String,
        /// Its status.
        status: EndpointStatus,
        /// The configuration in force.
        config: String,
        /// Where it should be.
        wanted: String,
        /// SageMaker's reason.
        reason: String,
    },
    /// It is back, and wrong.
    #[error(
        "the endpoint {endpoint} is in service on {config} and fails a real request: {finding}; the champion's \
         record is as it was; --to names another run whose model has served"
    )]
    DoesNotAnswer {
        /// The endpoint.
        endpoint: String,
        /// The configuration in force.
        config: String,
        /// What is wrong with the answer.
        finding: String,
    },
    /// SageMaker refused or could not be reached.
    #[error(transparent)]
    Service(Box<ServiceError>),
    /// The lake could not be read or written.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl From<ServiceError> for RollbackError {
    fn from(error: ServiceError) -> Self {
        Self::Service(Box::new(error))
    }
}
