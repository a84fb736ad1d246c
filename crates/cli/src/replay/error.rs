//! Why something is not replayed.

use crate::exit::{Exit, Explain, Kind};
use lake::{DocumentError, StoreError};
use plan_export::PlanExportError;

/// Why something is not replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The lake's definition cannot be read.
    #[error("cannot read the definition of pipeline `{pipeline}`, which says what an event has")]
    Definition {
        /// The pipeline.
        pipeline: String,
        /// Why.
        source: Box<PlanExportError>,
    },
    /// The definition reads no events.
    #[error("the definition's source is {kind}, and events need a source `events`")]
    OtherSource {
        /// The kind of its source.
        kind: &'static str,
    },
    /// The definition's rules cannot be used.
    #[error("the definition's source.events.required")]
    Rules(#[from] events::RulesError),
    /// The lake refused or could not be reached.
    #[error("cannot replay; what is replayed stays, and the same command continues")]
    Store(#[from] StoreError),
    /// A record of the lake cannot be read or written.
    #[error("cannot replay; what is replayed stays, and the same command continues")]
    Document(#[from] DocumentError),
    /// Replayed lines cannot be compressed.
    #[error("cannot compress replayed events")]
    Compress(#[source] std::io::Error),
    /// Objects with changes stay.
    #[error("{} not replayed: the changes in them are missing in the lake", objects(*count))]
    Stays {
        /// The number of objects.
        count: usize,
    },
    /// Some records stay.
    #[error("{count} {} not replayed, for the reasons above", if *count == 1 { "record is" } else { "records are" })]
    Left {
        /// The number of records.
        count: usize,
    },
}

fn objects(number: usize) -> String {
    match number {
        1 => "one object is".to_owned(),
        number => format!("{number} objects are"),
    }
}

impl Explain for ReplayError {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::Definition { source, .. } => source.kind(),
            Self::OtherSource { .. } => Kind::Is(Exit::Usage, Some("--pipeline NAME")),
            Self::Store(error) => error.kind(),
            Self::Document(error) => error.kind(),
            Self::Rules(_) | Self::Compress(_) | Self::Stays { .. } | Self::Left { .. } => {
                Kind::Is(Exit::No, None)
            }
        }
    }
}
