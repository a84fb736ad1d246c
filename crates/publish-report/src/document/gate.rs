//! The checks of the quality gate, as sentences.

use crate::figures::{count, cut, of as counted, percent, short, whole};
use contract::short_name;
use dataset::{GateVerdict, Quality};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Checks in the document; `quality.json` has all.
const MOST: usize = 400;

/// A check of the quality gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GateDocument {
    /// What was found, and what is allowed.
    pub sentence: String,
    /// Whether the data passes.
    pub passed: bool,
    /// The limit's name below `dataset.gate`, or with `gate.` in front for the gate on items.
    pub bound: String,
}

/// The checks, those that failed first.
pub fn of(quality: &Quality) -> Vec<GateDocument> {
    let label = quality.label.as_deref();
    let mut all: Vec<GateDocument> = quality
        .gate
        .iter()
        .map(|verdict| GateDocument {
            sentence: sentence(verdict, label),
            passed: verdict.passed,
            bound: cut(&verdict.bound, 160),
        })
        .collect();
    all.sort_by_key(|it| it.passed);
    all.truncate(MOST);
    all
}

fn sentence(verdict: &GateVerdict, label: Option<&str>) -> String {
    let named = verdict.column.as_deref().map(short_name);
    let column = named.as_deref().unwrap_or("It");
    match verdict.value {
        Some(value) => of_items(verdict, value, label)
            .or_else(|| of_column(verdict, value, column))
            .unwrap_or_else(|| format!("{verdict}.")),
        None if named.is_none() => format!("Unknown is {}.", verdict.measure),
        None => format!("{column}: {} is unknown.", verdict.measure),
    }
}

fn at_most(what: &str, limit: f64) -> String {
    format!("{what}; up to {} is allowed.", percent(limit))
}

fn bound(verdict: &GateVerdict) -> &str {
    verdict.bound.rsplit('.').next().unwrap_or_default()
}

/// A check of all items or rows, if it is one.
fn of_items(verdict: &GateVerdict, value: f64, label: Option<&str>) -> Option<String> {
    let limit = verdict.limit;
    let things = |number: f64, thing: &str| counted(whole(number), thing);
    let whole = |number: f64| count(whole(number));
    // The earlier count, which the measure names.
    let earlier = verdict
        .measure
        .split_whitespace()
        .find_map(|it| it.parse::<u64>().ok());
    let mostly = verdict.measure.split_once(", mostly ");
    let mostly = mostly.map_or_else(String::new, |(_, reason)| {
        format!(" Mostly: {}.", cut(reason.trim_end_matches(')'), 300))
    });
    Some(match bound(verdict) {
        "minimumRows" if verdict.measure.contains("rows") => {
            format!(
                "{} are left; at least {} must be.",
                things(value, "row"),
                whole(limit)
            )
        }
        "minimumRows" | "minimumItems" => {
            format!(
                "There are {}; at least {} must be.",
                things(value, "item"),
                whole(limit)
            )
        }
        "maximumItems" => {
            format!(
                "There are {}; at most {} may be.",
                things(value, "item"),
                whole(limit)
            )
        }
        "maximumItemDrop" | "maximumRowDrop" => {
            let than =
                earlier.map_or_else(String::new, |it| format!(" than the {} before", count(it)));
            if value == 0.0 {
                format!(
                    "There are no fewer items{than}; up to {} fewer are allowed.",
                    percent(limit)
                )
            } else {
                at_most(
                    &format!("There are {} fewer items{than}", percent(value)),
                    limit,
                )
            }
        }
        "maximumMissingLabel" => {
            let label = label.map_or_else(|| "label".to_owned(), short_name);
            at_most(
                &format!("{} of the items have no usable {label}", percent(value)),
                limit,
            )
        }
        "allowConstantLabel" => {
            format!(
                "The label has {}; there must be at least 2.",
                things(value, "distinct value")
            )
        }
        "minimumClassShare" => format!(
            "{} of the items are of the rarest class; it must be at least {}.",
            percent(value),
            percent(limit)
        ),
        "maximumRejected" => {
            let what = format!("{} of the items cannot become a row", percent(value));
            format!("{}{mostly}", at_most(&what, limit))
        }
        _ => return None,
    })
}

/// A check of one column, or of which there are, if it is one.
fn of_column(verdict: &GateVerdict, value: f64, column: &str) -> Option<String> {
    let limit = verdict.limit;
    Some(match bound(verdict) {
        "maximumMissing" => at_most(
            &format!("{column} is missing in {} of the items", percent(value)),
            limit,
        ),
        "maximumMissingRise" if value == 0.0 => {
            format!("{column} is missing no more often than before.")
        }
        "maximumMissingRise" => at_most(
            &format!(
                "{column} is missing in {} more of the items than before",
                percent(value)
            ),
            limit,
        ),
        "minimum" => format!(
            "The least {column} is {}; it must not be below {}.",
            short(value),
            short(limit)
        ),
        "maximum" => format!(
            "The greatest {column} is {}; it must not be above {}.",
            short(value),
            short(limit)
        ),
        "maximumPsi" => format!(
            "{column} has changed by a PSI of {}; up to {} is allowed.",
            short(value),
            short(limit)
        ),
        "allowNewColumns" if verdict.passed => {
            "The model in service has all columns that this one has.".to_owned()
        }
        "allowNewColumns" => format!(
            "The model in service does not have the column {column}: exclude it, or declare dataset.columns."
        ),
        "allowVanishedColumns" if verdict.passed => {
            "No column of the data compared with is gone.".to_owned()
        }
        "allowVanishedColumns" => {
            format!("No item has {column} any more, a column of the data compared with.")
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(bound: &str, measure: &str, limit: f64, value: f64) -> GateVerdict {
        GateVerdict {
            bound: bound.to_owned(),
            column: Some("age".to_owned()),
            measure: measure.to_owned(),
            limit,
            value: Some(value),
            passed: value <= limit,
        }
    }

    #[test]
    fn checks_are_sentences_with_rounded_figures() {
        for (bound, measure, limit, value, text) in [
            (
                "maximumMissingLabel",
                "",
                0.05,
                0.003_750_000_000_000_031,
                "0.4 % of the items have no usable `rating`; up to 5 % is allowed.",
            ),
            (
                "columns.age.maximumMissing",
                "",
                0.2,
                0.031,
                "`age` is missing in 3.1 % of the items; up to 20 % is allowed.",
            ),
            (
                "drift.maximumRowDrop",
                "the share of 20000 items that is gone",
                0.5,
                0.1,
                "There are 10 % fewer items than the 20,000 before; up to 50 % is allowed.",
            ),
            (
                "allowConstantLabel",
                "",
                0.0,
                10.0,
                "The label has 10 distinct values; there must be at least 2.",
            ),
            (
                "maximumRejected",
                "the share of items that cannot become a row (see rejected/, mostly rating is missing)",
                0.1,
                0.2,
                "20 % of the items cannot become a row; up to 10 % is allowed. Mostly: rating is missing.",
            ),
            (
                "drift.maximumPsi",
                "",
                0.25,
                0.312_345,
                "`age` has changed by a PSI of 0.3123; up to 0.25 is allowed.",
            ),
        ] {
            let verdict = verdict(bound, measure, limit, value);
            assert_eq!(sentence(&verdict, Some("rating")), text);
        }
    }

    #[test]
    fn a_check_that_was_not_made_says_why() {
        let leak = "the share of validation and test images that look like one of an earlier side";
        let why = "(not compared: the function's time is over)";
        let unknown = GateVerdict {
            column: None,
            value: None,
            passed: false,
            ..verdict("maximumLeak", &format!("{leak} {why}"), 0.01, 0.0)
        };
        let quality = Quality {
            gate: vec![verdict("maximumRejected", "", 0.1, 0.0), unknown],
            ..Quality::default()
        };
        let checks = of(&quality);
        // First, as what failed is.
        assert_eq!(checks[0].sentence, format!("Unknown is {leak} {why}."));
        assert!(!checks[0].passed && checks[1].passed);
    }
}
