//! Errors of scoring changes. Each fails the batch, which Lambda then delivers again.

use contract::{ErrorName, Named, ServiceError};
use dataset::ColumnsError;
use lake::{DocumentError, VocabularyError};

/// Why a batch was not scored.
#[derive(Debug, thiserror::Error)]
pub enum ScoreChangesError {
    /// No model of the pipeline serves yet.
    #[error(
        "no model of the pipeline {pipeline} serves yet: run the pipeline, or correct the stack's \
         ScorePipeline"
    )]
    NoChampion {
        /// The pipeline.
        pipeline: String,
    },
    /// The model scores batches.
    #[error(
        "the model of the pipeline {pipeline} scores batches and has no endpoint: remove `batch` \
         from the definition and run it, or set ScoreStreamArn to nothing"
    )]
    NoEndpoint {
        /// The pipeline.
        pipeline: String,
    },
    /// The endpoint takes no CSV.
    #[error(
        "the endpoint {endpoint} takes {content_type}, and only text/csv can be asked: set \
         dataset.format of the pipeline to csv"
    )]
    NotCsv {
        /// The endpoint.
        endpoint: String,
        /// What it takes.
        content_type: String,
    },
    /// The endpoint does not serve the champion's model alone.
    #[error("the endpoint {endpoint} {why}; the batch is tried again")]
    Unsettled {
        /// The endpoint.
        endpoint: String,
        /// What it is at.
        why: String,
    },
    /// The endpoint's answer is not one prediction for each row.
    #[error("the endpoint {endpoint} answered wrongly: {what}; read its log")]
    Answer {
        /// The endpoint.
        endpoint: String,
        /// What is wrong.
        what: String,
    },
    /// The stream does not carry new images.
    #[error(
        "the stream {stream} carries {view} and no new images: turn it on again with the view type \
         NEW_IMAGE or NEW_AND_OLD_IMAGES, and give the stack its new ARN as ScoreStreamArn"
    )]
    NoImages {
        /// The stream's ARN.
        stream: String,
        /// Its view type.
        view: String,
    },
    /// The table of scores is the one whose items are scored.
    #[error(
        "ScoresTable names {table}, whose own changes are scored: name another table, with the same \
         key attributes"
    )]
    OwnTable {
        /// The table.
        table: String,
    },
    /// A key attribute has the name of an attribute of the score.
    #[error(
        "the key attribute `{name}` of the table has the name of a score's attribute: such a table \
         cannot be scored"
    )]
    KeyTaken {
        /// The name.
        name: String,
    },
    /// The dataset's columns cannot encode rows.
    #[error("the dataset {key} cannot encode items")]
    Columns {
        /// Its key.
        key: String,
        /// Why.
        source: ColumnsError,
    },
    /// The dataset's columns cannot be read.
    #[error("the dataset {key} has no readable columns")]
    Dataset {
        /// Its key.
        key: String,
        /// Why.
        source: contract::read::ReadError,
    },
    /// A vocabulary of the dataset cannot be read.
    #[error("the dataset's vocabularies cannot be read")]
    Vocabulary(#[source] Box<VocabularyError>),
    /// The lake cannot be read.
    #[error("the lake cannot be used")]
    Document(#[source] Box<DocumentError>),
    /// A service refused or failed.
    #[error(transparent)]
    Service(Box<ServiceError>),
}

impl From<VocabularyError> for ScoreChangesError {
    fn from(error: VocabularyError) -> Self {
        Self::Vocabulary(Box::new(error))
    }
}

impl From<DocumentError> for ScoreChangesError {
    fn from(error: DocumentError) -> Self {
        Self::Document(Box::new(error))
    }
}

impl From<ServiceError> for ScoreChangesError {
    fn from(error: ServiceError) -> Self {
        Self::Service(Box::new(error))
    }
}

impl Named for ScoreChangesError {
    fn name(&self) -> ErrorName {
        match self {
            Self::NoChampion { .. } => ErrorName::NotFound,
            Self::NoEndpoint { .. } | Self::NotCsv { .. } => ErrorName::InvalidDefinition,
            Self::Unsettled { .. } => ErrorName::ServiceUnavailable,
            Self::Answer { .. } => ErrorName::ServiceRejected,
            Self::NoImages { .. } | Self::OwnTable { .. } | Self::KeyTaken { .. } => {
                ErrorName::InvalidRequest
            }
            Self::Columns { .. } | Self::Dataset { .. } => ErrorName::DatasetInvalid,
            Self::Vocabulary(error) => error.name(),
            Self::Document(error) => error.name(),
            Self::Service(error) => error.name(),
        }
    }
}
