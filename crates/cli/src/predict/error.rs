//! Why items were not predicted.

use super::CSV;
use crate::encode::EncodeError;
use crate::exit::{Exit, Explain, Kind};
use contract::{RunId, ServiceError};
use lake::DocumentError;

/// Why items were not predicted.
#[derive(Debug, thiserror::Error)]
pub enum PredictError {
    /// No model has served yet.
    #[error("pipeline `{pipeline}` has no champion: no model serves")]
    NoChampion {
        /// The pipeline.
        pipeline: String,
    },
    /// The pipeline scores in batches.
    #[error("pipeline `{pipeline}` has no endpoint: it scores in batches")]
    NoEndpoint {
        /// The pipeline.
        pipeline: String,
    },
    /// The endpoint does not exist.
    #[error("the endpoint {endpoint} does not exist any more")]
    Gone {
        /// The endpoint.
        endpoint: String,
    },
    /// The endpoint serves a model that would need other rows.
    #[error("the endpoint {endpoint} serves {config}, and the champion is {champion}")]
    OtherModel {
        /// The endpoint.
        endpoint: String,
        /// The configuration that it serves.
        config: String,
        /// The champion's configuration.
        champion: String,
    },
    /// The endpoint is asked in another form than CSV.
    #[error("the endpoint {endpoint} is asked in {content_type}, and items are encoded as {CSV}")]
    OtherForm {
        /// The endpoint.
        endpoint: String,
        /// The media type.
        content_type: String,
    },
    /// There is nothing to predict.
    #[error("there is no item to predict")]
    NoItems,
    /// The table has no item with this key.
    #[error("table {table} has no item {key}")]
    NoItem {
        /// The table.
        table: String,
        /// The key.
        key: String,
    },
    /// The key is not the table's.
    #[error("the key of {table} is {key}")]
    OtherKey {
        /// The table.
        table: String,
        /// The options that name an item.
        key: String,
    },
    /// The run has not read a table.
    #[error("the source of run {run} is no table with a key: give the item itself")]
    NoTable {
        /// The run.
        run: RunId,
    },
    /// The answer is not one prediction for each item.
    #[error("the endpoint {endpoint} gives no valid answer: {what}")]
    Answer {
        /// The endpoint.
        endpoint: String,
        /// What is wrong with it.
        what: String,
    },
    /// Items cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A record of the lake cannot be read.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// SageMaker, the table or its database refused or could not be reached.
    #[error(transparent)]
    Service(Box<ServiceError>),
}

impl From<ServiceError> for PredictError {
    fn from(error: ServiceError) -> Self {
        Self::Service(Box::new(error))
    }
}

impl Explain for PredictError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::NoChampion { .. }
            | Self::NoEndpoint { .. }
            | Self::NoTable { .. }
            | Self::NoItem { .. } => Kind::Is(Exit::Missing, None),
            Self::OtherKey { .. } => Kind::Is(
                Exit::Usage,
                Some("every column of the key, each as --key NAME=VALUE"),
            ),
            Self::Gone { .. } => Kind::Is(
                Exit::Missing,
                Some("`millrace start`, which deploys the next model"),
            ),
            Self::OtherModel { .. } => Kind::Is(
                Exit::No,
                Some("again, when the deployment is over; or `millrace rollback`"),
            ),
            Self::OtherForm { .. } | Self::Answer { .. } => Kind::Is(Exit::No, None),
            Self::NoItems => Kind::Is(
                Exit::Usage,
                Some("an item as JSON, --key NAME=VALUE, or items on standard input"),
            ),
            Self::Encode(error) => error.kind(),
            Self::Document(error) => error.kind(),
            Self::Service(error) => Kind::Service(error),
        }
    }
}
