//! What is said of a run's data before anybody pays for training on it. It must not know where it is
//! stored.

use crate::drift::Drift;
use crate::gate::GateVerdict;
use serde::{Deserialize, Serialize};

/// The verdicts on a run's data, and its drift.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Quality {
    /// The label's path.
    pub label: String,
    /// The paths of the feature columns, in order; empty if none could be planned.
    pub columns: Vec<String>,
    /// What every bound of the gate came to.
    pub gate: Vec<GateVerdict>,
    /// With what the data was compared, or why with nothing, in one line.
    pub comparison: String,
    /// How far it is from that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
}

impl Quality {
    /// Adds a verdict, in place of an earlier one on the same bound and column.
    pub fn add(&mut self, verdict: GateVerdict) {
        let same = |known: &GateVerdict| {
            (&known.bound, &known.column) == (&verdict.bound, &verdict.column)
        };
        self.gate.retain(|known| !same(known));
        self.gate.push(verdict);
    }

    /// Whether no bound is broken.
    pub fn passed(&self) -> bool {
        self.gate.iter().all(|verdict| verdict.passed)
    }
}
