//! Which rows of a dataset are kept where there are more than training needs.

use crate::faults::Faults;
use crate::{Dataset, LabelEncoding};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which rows are kept: those of least hash. More items do not change which of two rows is kept
/// first, so a row that was kept is only lost to others where a number limits them. At least one
/// field must be given; with several, all hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sample {
    /// The share of the rows, above 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub share: Option<f64>,
    /// Rows of each class, at most. Needs `labelEncoding` `classes`. One function then reads all
    /// items before any becomes a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub per_class: Option<u64>,
    /// Rows of all classes together, at most. One function then reads all items before any becomes
    /// a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 50_000_000))]
    pub maximum: Option<u64>,
}

impl Sample {
    /// Rows of a class that can be limited, at most.
    const MOST_PER_CLASS: u64 = 10_000_000;

    /// Rows that can be limited, at most: the hash of each is held in memory.
    pub const MOST: u64 = 50_000_000;

    /// Whether a number limits the rows, for which all must be known.
    pub const fn is_counted(&self) -> bool {
        self.per_class.is_some() || self.maximum.is_some()
    }

    pub(crate) fn validate(&self, dataset: &Dataset, faults: &mut Faults) {
        if self.share.is_none() && !self.is_counted() {
            faults.add(
                "dataset.sample",
                "says nothing: give `share`, `perClass` or `maximum`, or leave it out",
            );
        }
        if self
            .share
            .is_some_and(|share| !(share > 0.0 && share <= 1.0))
        {
            faults.add("dataset.sample.share", "must be above 0, and at most 1");
        }
        for (field, number, most) in [
            ("perClass", self.per_class, Self::MOST_PER_CLASS),
            ("maximum", self.maximum, Self::MOST),
        ] {
            if number.is_some_and(|number| !(1..=most).contains(&number)) {
                faults.add(
                    format!("dataset.sample.{field}"),
                    format!("must be 1 to {most}: the hashes of these rows are held in memory"),
                );
            }
        }
        if self.per_class.is_some() && dataset.label_encoding != LabelEncoding::Classes {
            faults.add(
                "dataset.sample.perClass",
                "needs classes: set `dataset.labelEncoding` to \"classes\", or give `maximum`",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn faults(sample: &Value, classes: bool) -> String {
        let encoding = if classes { "classes" } else { "number" };
        let dataset = json!({"label": "y", "labelEncoding": encoding, "sample": sample});
        let dataset: Dataset = serde_json::from_value(dataset).unwrap();
        let mut faults = Faults::default();
        dataset.validate(&mut faults);
        faults.to_string()
    }

    #[test]
    fn each_mistake_names_its_field_and_the_way_out() {
        for good in [
            json!({"share": 1}),
            json!({"perClass": 5000, "maximum": 200_000}),
            json!({"share": 0.1, "perClass": 1}),
        ] {
            assert_eq!(faults(&good, true), "", "{good}");
        }
        for (sample, classes, says) in [
            (json!({}), true, "give `share`, `perClass` or `maximum`"),
            (json!({"share": 0}), true, "dataset.sample.share"),
            (json!({"share": 1.1}), true, "at most 1"),
            (json!({"perClass": 0}), true, "dataset.sample.perClass"),
            (json!({"maximum": 50_000_001}), false, "held in memory"),
            (json!({"perClass": 10}), false, "needs classes"),
        ] {
            let said = faults(&sample, classes);
            assert!(said.contains(says), "{sample}: {said}");
        }
    }
}
