//! The checks of the data before training is paid for. The crate `dataset` has the measures.

use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The checks of the exported items, whatever is made of them. An absent limit is not checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemGate {
    /// Minimum number of items.
    #[serde(default = "default_minimum_rows")]
    pub minimum_items: u64,
    /// Maximum number of items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_items: Option<u64>,
    /// Maximum share of the items that may have vanished since the run that the data is compared
    /// with, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub maximum_item_drop: Option<f64>,
    /// Maximum share of the images that are quarantined, 0 to 1; for `source.images`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub maximum_quarantined: Option<f64>,
    /// Limits for single attributes, by path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, ColumnGate>,
}

impl Default for ItemGate {
    fn default() -> Self {
        Self {
            minimum_items: default_minimum_rows(),
            maximum_items: None,
            maximum_item_drop: None,
            maximum_quarantined: None,
            attributes: BTreeMap::new(),
        }
    }
}

impl ItemGate {
    pub(crate) fn validate(&self, faults: &mut Faults) {
        if let Some(reason) = outside(self.maximum_item_drop, 1.0) {
            faults.add("gate.maximumItemDrop", reason);
        }
        if let Some(reason) = outside(self.maximum_quarantined, 1.0) {
            faults.add("gate.maximumQuarantined", reason);
        }
        if let Some(most) = self.maximum_items.filter(|most| *most < self.minimum_items) {
            faults.add(
                "gate.maximumItems",
                format!("{most} is below minimumItems {}", self.minimum_items),
            );
        }
        validate_columns("gate.attributes", &self.attributes, faults);
    }
}

/// The checks of the data before training is paid for. An absent limit is not checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gate {
    /// Minimum number of rows after `where`, `deduplicate` and rejection.
    #[serde(default = "default_minimum_rows")]
    pub minimum_rows: u64,
    /// Maximum share of items without a usable label, 0 to 1.
    #[serde(default = "default_maximum_missing_label")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub maximum_missing_label: f64,
    /// Maximum share of items in which a feature column is missing or null, 0 to 1, unless
    /// `columns` has a limit for the column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub maximum_missing: Option<f64>,
    /// Whether the label may have a single value, from which nothing can be learned.
    #[serde(default)]
    pub allow_constant_label: bool,
    /// Minimum share of labels of the rarest class, 0 to 0.5; for labels that are classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 0.5))]
    pub minimum_class_share: Option<f64>,
    /// Maximum share of rejected items, 0 to 1.
    #[serde(default = "default_maximum_rejected")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub maximum_rejected: f64,
    /// Maximum share of validation and test images that look like an image of an earlier side,
    /// training before validation before test, 0 to 1; for `source.images`. Two images look alike
    /// if their `differenceHash` differs in at most 3 bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub maximum_leak: Option<f64>,
    /// Limits for single attributes by path: columns, the label, or any other.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, ColumnGate>,
    /// Maximum distance of the data from the champion's; without `promotion`, from the newest good
    /// data of the pipeline.
    #[serde(default)]
    pub drift: DriftGate,
}

/// Limits for one attribute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ColumnGate {
    /// Maximum share of items in which it is missing or null, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub maximum_missing: Option<f64>,
    /// Minimum value of its numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    /// Maximum value of its numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
    /// Maximum population stability index against the champion's data; without `promotion`, against
    /// the newest good data of the pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub maximum_psi: Option<f64>,
}

/// Maximum distance of the data from the champion's, or, without `promotion`, from the newest good
/// data of the pipeline; checked only if there is such data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DriftGate {
    /// Whether an attribute that was a column may vanish from all items.
    #[serde(default)]
    pub allow_vanished_columns: bool,
    /// Whether inference may add a column that the champion does not have: clients of the endpoint
    /// must then send one more value, at the end.
    #[serde(default)]
    pub allow_new_columns: bool,
    /// Maximum population stability index of the label and of every column, unless `columns` has a
    /// limit for the column. Above 0.25 the distribution is commonly called another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub maximum_psi: Option<f64>,
    /// Maximum share of the items that may have vanished, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub maximum_row_drop: Option<f64>,
    /// Maximum rise of the share of items in which a column is missing, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub maximum_missing_rise: Option<f64>,
}

const fn default_minimum_rows() -> u64 {
    1
}

const fn default_maximum_missing_label() -> f64 {
    0.5
}

const fn default_maximum_rejected() -> f64 {
    0.5
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            minimum_rows: default_minimum_rows(),
            maximum_missing_label: default_maximum_missing_label(),
            maximum_missing: None,
            allow_constant_label: false,
            minimum_class_share: None,
            maximum_rejected: default_maximum_rejected(),
            maximum_leak: None,
            columns: BTreeMap::new(),
            drift: DriftGate::default(),
        }
    }
}

impl Gate {
    pub(crate) fn validate(&self, faults: &mut Faults) {
        let drift = &self.drift;
        for (path, value, most) in [
            (
                "dataset.gate.maximumMissingLabel",
                Some(self.maximum_missing_label),
                1.0,
            ),
            ("dataset.gate.maximumMissing", self.maximum_missing, 1.0),
            (
                "dataset.gate.minimumClassShare",
                self.minimum_class_share,
                0.5,
            ),
            (
                "dataset.gate.maximumRejected",
                Some(self.maximum_rejected),
                1.0,
            ),
            ("dataset.gate.maximumLeak", self.maximum_leak, 1.0),
            ("dataset.gate.drift.maximumPsi", drift.maximum_psi, f64::MAX),
            (
                "dataset.gate.drift.maximumRowDrop",
                drift.maximum_row_drop,
                1.0,
            ),
            (
                "dataset.gate.drift.maximumMissingRise",
                drift.maximum_missing_rise,
                1.0,
            ),
        ] {
            if let Some(reason) = outside(value, most) {
                faults.add(path, reason);
            }
        }
        validate_columns("dataset.gate.columns", &self.columns, faults);
    }
}

fn validate_columns(field: &str, columns: &BTreeMap<String, ColumnGate>, faults: &mut Faults) {
    for (path, column) in columns {
        for (name, value, most) in [
            ("maximumMissing", column.maximum_missing, 1.0),
            ("maximumPsi", column.maximum_psi, f64::MAX),
        ] {
            if let Some(reason) = outside(value, most) {
                faults.add(field, format!("`{path}`: {name}: {reason}"));
            }
        }
        if let (Some(least), Some(greatest)) = (column.minimum, column.maximum)
            && least > greatest
        {
            faults.add(
                field,
                format!("`{path}`: minimum {least} is above maximum {greatest}"),
            );
        }
    }
}

/// Why a bound is refused: it must lie from 0 to `most`.
fn outside(value: Option<f64>, most: f64) -> Option<String> {
    let value = value.filter(|value| !(0.0..=most).contains(value))?;
    Some(if most < f64::MAX {
        format!("{value} is not a share from 0 to {most}")
    } else {
        format!("{value} is below 0")
    })
}
