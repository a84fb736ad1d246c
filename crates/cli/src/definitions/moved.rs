//! What became of definitions that were pushed or pulled, as the commands print it.

use super::{Pulled, Pushed};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write as _;

/// The definitions that were pushed, in order, up to one that was not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AllPushed {
    /// One entry for each.
    pub definitions: Vec<OnePushed>,
}

/// A definition that was pushed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OnePushed {
    /// The pipeline.
    pub pipeline: String,
    /// The file.
    pub file: String,
    /// Where it is in the lake, `s3://…`.
    pub address: String,
    /// What became of it.
    pub outcome: Pushed,
}

/// The definitions that were pulled, in order, up to one that was not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AllPulled {
    /// One entry for each.
    pub definitions: Vec<OnePulled>,
}

/// A definition that was pulled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OnePulled {
    /// The file.
    pub file: String,
    /// What became of it.
    pub outcome: Pulled,
}

impl AllPushed {
    /// A line for each.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for OnePushed {
            address, outcome, ..
        } in &self.definitions
        {
            let outcome = match outcome {
                Pushed::Created => "created",
                Pushed::Replaced => "replaced",
                Pushed::Unchanged => "unchanged",
            };
            // Writing to memory cannot fail.
            let _ = writeln!(text, "{outcome} {address}");
        }
        text
    }
}

impl AllPulled {
    /// A line for each.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for OnePulled { file, outcome } in &self.definitions {
            let outcome = match outcome {
                Pulled::Created => "created",
                Pulled::Replaced => "replaced",
                Pulled::Unchanged => "unchanged",
            };
            // Writing to memory cannot fail.
            let _ = writeln!(text, "{outcome} {file}");
        }
        text
    }
}
