//! Why an endpoint was not rolled back.

use contract::{Conflict, ServiceError};
use definition::FieldError;
use lake::DocumentError;
use lake::artifact::ArtifactReplaced;
use sagemaker_ports::EndpointStatus;

/// Why an endpoint was not rolled back.
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    /// No model has served yet.
    #[error("pipeline `{pipeline}` has no champion: there is nothing to roll back")]
    NoChampion {
        /// The pipeline.
        pipeline: String,
    },
    /// The pipeline scores in batches.
    #[error(
        "pipeline `{pipeline}` has no endpoint to roll back: it scores in batches, and the predictions of earlier \
         runs are below {predictions} in the lake"
    )]
    NoEndpoint {
        /// The pipeline.
        pipeline: String,
        /// The prefix of its predictions.
        predictions: String,
    },
    /// The champion is the first model.
    #[error(
        "the endpoint {endpoint} has no verified configuration before {config}, so there is nothing to roll back \
         to: name a run whose model has served with --to"
    )]
    NoPrevious {
        /// The endpoint.
        endpoint: String,
        /// The champion's configuration.
        config: String,
    },
    /// The requested run was never deployed.
    #[error("run {run} has no record of a deployment: its model was never verified at an endpoint")]
    NeverServed {
        /// The run.
        run: String,
    },
    /// The endpoint or a configuration does not exist.
    #[error(
        "the {what} {name} does not exist any more: name another run whose model has served with --to"
    )]
    Missing {
        /// `endpoint` or `endpoint configuration`.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The previous configuration belongs to no run of this pipeline.
    #[error("{config} belongs to no run of pipeline `{pipeline}`: update the endpoint by hand")]
    ForeignConfig {
        /// The pipeline.
        pipeline: String,
        /// The configuration.
        config: String,
    },
    /// The endpoint belongs to another stack or pipeline.
    #[error(transparent)]
    Foreign(#[from] Conflict),
    /// The artifact of the run to roll back to was replaced.
    #[error(transparent)]
    Artifact(#[from] ArtifactReplaced),
    /// SageMaker does not allow the update.
    #[error("the endpoint cannot be updated to the previous configuration")]
    Refused(#[from] FieldError),
    /// The endpoint is in a final status, or in service on another configuration.
    #[error(
        "the endpoint {endpoint} is {} on {config}, not in service on {expected}: {reason}",
        status.as_str()
    )]
    NotInService {
        /// The endpoint.
        endpoint: String,
        /// Its status.
        status: EndpointStatus,
        /// The configuration it serves.
        config: String,
        /// The configuration it should serve.
        expected: String,
        /// SageMaker's reason.
        reason: String,
    },
    /// The endpoint is in service and fails a request.
    #[error(
        "the endpoint {endpoint} is in service on {config} and fails a real request: {finding}. The champion's \
         record is unchanged: name another run whose model has served with --to"
    )]
    DoesNotAnswer {
        /// The endpoint.
        endpoint: String,
        /// The configuration it serves.
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
