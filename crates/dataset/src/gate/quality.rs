//! The report on a run's data, before training is paid for.

use crate::gate::GateVerdict;
use profile::{AttributeDrift, Drift};
use serde::{Deserialize, Serialize};

/// The gate's checks of a run's data, and its drift.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Quality {
    /// The label's path; absent where no dataset is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The paths of the feature columns, in order; empty if there are none, or none could be planned.
    pub columns: Vec<String>,
    /// Decisions that a user may want to change, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The results of all checks of the gate.
    pub gate: Vec<GateVerdict>,
    /// What the data was compared with, or why with nothing, in one line.
    pub comparison: String,
    /// The drift from that data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
}

impl Quality {
    /// Adds a result; replaces an earlier one of the same check and column.
    pub fn add(&mut self, verdict: GateVerdict) {
        let same = |known: &GateVerdict| {
            (&known.bound, &known.column) == (&verdict.bound, &verdict.column)
        };
        self.gate.retain(|known| !same(known));
        self.gate.push(verdict);
    }

    /// Whether all checks passed.
    pub fn passed(&self) -> bool {
        self.gate.iter().all(|verdict| verdict.passed)
    }
}

/// From this value on, a population stability index is commonly called drift.
const DRIFT: f64 = 0.1;

/// Change of a missing share, or share of new or vanished values, from which on it is reported.
const NOTABLE: f64 = 0.1;

/// Paths that one line names.
const NAMED: usize = 8;

impl Quality {
    /// The notable changes, a line for each attribute, the greatest first.
    pub fn changes(&self) -> Vec<String> {
        let Some(drift) = &self.drift else {
            return Vec::new();
        };
        let mut lines = vec![format!(
            "{} items, {} before",
            drift.items.now, drift.items.before
        )];
        for (what, paths) in [("new", &drift.new), ("vanished", &drift.vanished)] {
            if !paths.is_empty() {
                lines.push(format!("{what}: {}", named(paths)));
            }
        }
        let mut moved: Vec<_> = drift
            .attributes
            .iter()
            .filter_map(|(path, change)| Some((path, change, notable(change)?)))
            .collect();
        moved.sort_by(|left, right| {
            let psi = |change: &AttributeDrift| change.psi.unwrap_or(0.0);
            psi(right.1)
                .total_cmp(&psi(left.1))
                .then(left.0.cmp(right.0))
        });
        let each = moved
            .iter()
            .map(|(path, _, what)| format!("`{path}`: {what}"));
        lines.extend(each);
        lines
    }
}

fn named(paths: &[String]) -> String {
    let mut names: Vec<_> = paths
        .iter()
        .take(NAMED)
        .map(|path| format!("`{path}`"))
        .collect();
    if paths.len() > NAMED {
        names.push(format!("{} more", paths.len() - NAMED));
    }
    names.join(", ")
}

/// The notable parts of an attribute's change, if any.
fn notable(change: &AttributeDrift) -> Option<String> {
    let mut all = Vec::new();
    if let Some(types) = &change.types {
        all.push(format!(
            "{} became {}",
            types.before.join("+"),
            types.now.join("+")
        ));
    }
    if let Some(psi) = change.psi.filter(|psi| *psi > DRIFT) {
        all.push(format!("PSI {psi:.2}"));
        if let Some(mean) = change.mean {
            all.push(format!("mean {:.4} from {:.4}", mean.now, mean.before));
        }
    }
    if (change.missing.now - change.missing.before).abs() > NOTABLE {
        let (now, before) = (change.missing.now * 100.0, change.missing.before * 100.0);
        all.push(format!("missing in {now:.1} % from {before:.1} %"));
    }
    for (what, share) in [
        ("new", change.new_values),
        ("vanished", change.vanished_values),
    ] {
        if let Some(share) = share.filter(|share| *share > NOTABLE) {
            all.push(format!("{:.0} % of its values {what}", share * 100.0));
        }
    }
    (!all.is_empty()).then(|| all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::RunId;
    use profile::Change;

    fn change(psi: f64, missing: f64) -> AttributeDrift {
        AttributeDrift {
            psi: Some(psi),
            missing: Change {
                before: 0.0,
                now: missing,
            },
            types: None,
            minimum: None,
            maximum: None,
            mean: Some(Change {
                before: 1.0,
                now: 2.5,
            }),
            mean_shift: None,
            new_values: Some(missing),
            vanished_values: None,
        }
    }

    #[test]
    fn what_is_notable_is_told_and_the_greatest_first() {
        let drift = Drift {
            run: RunId::parse("20261120-173000-1a2b3c4d").expect("a run's id"),
            items: Change { before: 5, now: 4 },
            new: (0..10).map(|n| format!("n{n}")).collect(),
            vanished: Vec::new(),
            attributes: [
                ("a", change(0.11, 0.0)),
                ("b", change(0.1, 0.1)),
                ("c", change(0.3, 0.5)),
            ]
            .map(|(path, change)| (path.to_owned(), change))
            .into(),
        };
        let quality = Quality {
            drift: Some(drift),
            ..Quality::default()
        };
        assert_eq!(
            quality.changes(),
            [
                "4 items, 5 before",
                "new: `n0`, `n1`, `n2`, `n3`, `n4`, `n5`, `n6`, `n7`, 2 more",
                "`c`: PSI 0.30, mean 2.5000 from 1.0000, missing in 50.0 % from 0.0 %, 50 % of its values new",
                "`a`: PSI 0.11, mean 2.5000 from 1.0000",
            ]
        );
        assert!(Quality::default().changes().is_empty());
    }
}
