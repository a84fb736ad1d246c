//! Replays what did not get into the lake and was kept: once, however often the command is run. What
//! cannot be replayed stays, with its reason.

pub mod changes;
mod error;
pub mod events;
mod events_document;

pub use changes::ReplayedChanges;
pub use error::ReplayError;
pub use events_document::{Left, ReplayedEvents};

use schemars::JsonSchema;
use serde::Serialize;

/// The result as JSON.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Document {
    /// Of `--changes`.
    Changes(ReplayedChanges),
    /// Of `--events`.
    Events(ReplayedEvents),
}

impl Document {
    /// The result as text.
    pub fn text(&self) -> String {
        match self {
            Self::Changes(document) => document.text(),
            Self::Events(document) => document.text(),
        }
    }

    /// Whether nothing stays.
    ///
    /// # Errors
    /// With the number of the objects or records that do.
    pub fn outcome(&self) -> Result<(), ReplayError> {
        match self {
            Self::Changes(document) => document.outcome(),
            Self::Events(document) => document.check(),
        }
    }
}
