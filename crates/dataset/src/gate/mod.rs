//! The quality gate: checks every limit of the definition against the table, before training is
//! paid for. All limits are checked, also after one has failed.

pub(crate) mod quality;

use crate::columns::Columns;
use contract::states::RowCounts;
use contract::{ErrorName, Named, short_name};
use definition::{ColumnGate, Dataset, Gate, ItemGate, LabelEncoding};
use dynamodb_json::{Kind, Path};
use profile::Drift;
use profile::{AttributeStatistics, Statistics, share};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GateVerdict {
    /// The limit's name below `dataset.gate`: `drift.maximumPsi`. For the gate on items it includes
    /// that gate's name: `gate.minimumItems`.
    pub bound: String,
    /// The attribute, if the check is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What was measured.
    pub measure: String,
    /// The limit.
    pub limit: f64,
    /// The measured value; absent if there is nothing to measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Whether the data passes this check.
    pub passed: bool,
}

impl std::fmt::Display for GateVerdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { bound, measure, .. } = self;
        if let Some(column) = &self.column {
            write!(f, "{}: ", short_name(column))?;
        }
        match self.value {
            Some(value) => write!(f, "{measure} is {}", Figure(value))?,
            None => write!(f, "{measure} is unknown")?,
        }
        // The name of a column's own limit contains the column's path.
        let bound: String = bound.chars().take(160).collect();
        let below = if bound.starts_with(OF_ITEMS) {
            ""
        } else {
            "dataset.gate."
        };
        write!(f, ", and `{below}{bound}` is {}", self.limit_text())
    }
}

impl GateVerdict {
    /// The limit, formatted.
    pub fn limit_text(&self) -> String {
        let is_of_one = self.bound.starts_with("columns.") || self.bound.starts_with(OF_ITEMS);
        if self.bound.contains("allow") && !is_of_one {
            "false".to_owned()
        } else {
            Figure(self.limit).to_string()
        }
    }

    /// The measured value, formatted.
    pub fn value_text(&self) -> String {
        let none = || "none".to_owned();
        self.value
            .map_or_else(none, |value| Figure(value).to_string())
    }
}

/// Prefix of the limits of the gate on items.
const OF_ITEMS: &str = "gate.";

/// A formatted number: at most four decimals.
struct Figure(f64);

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rounded = (self.0 * 1e4).round() / 1e4;
        // A value just beyond a limit must not be rounded to the limit.
        let exact = rounded.is_infinite() || (rounded - self.0).abs() > self.0.abs() * 1e-3;
        write!(f, "{}", if exact { self.0 } else { rounded })
    }
}

/// The data fails checks of the quality gate.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "the data fails {} of the quality gate: {}",
    if failed.len() == 1 { "a check".to_owned() } else { format!("{} checks", failed.len()) },
    said(failed)
)]
pub struct GateFailed {
    /// All failed checks.
    pub failed: Vec<GateVerdict>,
}

/// Failed checks that a message names; `quality.json` has them all.
const SHOWN: usize = 5;

fn said(failed: &[GateVerdict]) -> String {
    let mut each: Vec<_> = failed.iter().take(SHOWN).map(ToString::to_string).collect();
    if failed.len() > SHOWN {
        let more = failed.len() - SHOWN;
        each.push(format!("and {more} more, which quality.json names"));
    }
    each.join("; ")
}

impl GateFailed {
    /// An error with all failed checks, if there are any.
    ///
    /// # Errors
    /// That error.
    pub fn check(verdicts: &[GateVerdict]) -> Result<(), Self> {
        let failed: Vec<_> = verdicts.iter().filter(|v| !v.passed).cloned().collect();
        if failed.is_empty() {
            Ok(())
        } else {
            Err(Self { failed })
        }
    }
}

impl Named for GateFailed {
    fn name(&self) -> ErrorName {
        ErrorName::QualityGateFailed
    }
}

/// The check of rejected items, possible once all rows are written. `mostly` is the most frequent
/// reason, with a value.
pub fn judge_rejected(gate: &Gate, rows: RowCounts, mostly: Option<&str>) -> GateVerdict {
    let rejected = share(rows.rejected, rows.total());
    let mostly = mostly.map_or_else(String::new, |reason| {
        let reason: String = reason.chars().take(400).collect();
        format!(", mostly {reason}")
    });
    let measure = format!("the share of items that cannot become a row (see rejected/{mostly})");
    at_most(
        "maximumRejected",
        None,
        &measure,
        gate.maximum_rejected,
        rejected,
    )
}

/// The check of the remaining rows, possible once all rows are written.
pub fn judge_left(gate: &Gate, rows: RowCounts) -> GateVerdict {
    let measure = "the number of remaining rows";
    let left = rows.train + rows.validation + rows.test;
    at_least(
        "minimumRows",
        None,
        measure,
        gate.minimum_rows as f64,
        left as f64,
    )
}

/// Checks the exported items against the gate on items; `drift` is their distance from those of an
/// earlier run.
pub fn judge_items(
    gate: &ItemGate,
    statistics: &Statistics,
    drift: Option<&Drift>,
) -> Vec<GateVerdict> {
    let bound = |name: &str| format!("{OF_ITEMS}{name}");
    let (items, measure) = (statistics.items as f64, "the number of items");
    let least = gate.minimum_items as f64;
    let mut verdicts = vec![at_least(
        &bound("minimumItems"),
        None,
        measure,
        least,
        items,
    )];
    if let Some(most) = gate.maximum_items {
        let bound = bound("maximumItems");
        verdicts.push(at_most(&bound, None, measure, most as f64, items));
    }
    if let Some((most, drift)) = gate.maximum_item_drop.zip(drift) {
        let measure = format!("the share of {} items that is gone", drift.items.before);
        let bound = bound("maximumItemDrop");
        verdicts.push(at_most(&bound, None, &measure, most, drift.row_drop()));
    }
    if let Some(most) = gate.maximum_quarantined {
        let quarantined = 1.0 - statistics.missing("quarantined");
        let measure = "the share of images that are quarantined";
        let bound = bound("maximumQuarantined");
        verdicts.push(at_most(&bound, None, measure, most, quarantined));
    }
    for (path, own) in &gate.attributes {
        let name = |name: &str| format!("{OF_ITEMS}attributes.{path}.{name}");
        if let Some(most) = own.maximum_missing {
            let missing = statistics.missing(path);
            let measure = "the share of items in which it is missing";
            let bound = name("maximumMissing");
            verdicts.push(at_most(&bound, Some(path), measure, most, missing));
        }
        verdicts.extend(ranges(statistics, path, *own, &name));
        let attribute = drift.and_then(|drift| drift.attributes.get(path));
        let psi = attribute.and_then(|attribute| attribute.psi);
        if let Some((most, psi)) = own.maximum_psi.zip(psi) {
            let measure = "the population stability index";
            let bound = name("maximumPsi");
            verdicts.push(at_most(&bound, Some(path), measure, most, psi));
        }
    }
    verdicts
}

/// The verdicts on the least and the greatest number of an attribute.
fn ranges(
    statistics: &Statistics,
    path: &str,
    own: ColumnGate,
    bound: &dyn Fn(&str) -> String,
) -> Vec<GateVerdict> {
    let numbers = statistics.attribute(path);
    let numbers = numbers.and_then(|attribute| attribute.numbers.as_ref());
    let bounds = [
        (
            "minimum",
            "the least number",
            own.minimum,
            numbers.map(|n| n.minimum),
        ),
        (
            "maximum",
            "the greatest number",
            own.maximum,
            numbers.map(|n| n.maximum),
        ),
    ];
    let verdicts = bounds
        .into_iter()
        .filter_map(|(name, measure, limit, value)| {
            let limit = limit?;
            let passed = match name {
                "minimum" => value.is_some_and(|value| value >= limit),
                _ => value.is_some_and(|value| value <= limit),
            };
            Some(GateVerdict {
                bound: bound(name),
                column: Some(path.to_owned()),
                measure: measure.to_owned(),
                limit,
                value,
                passed,
            })
        });
    verdicts.collect()
}

/// Checks a table against every limit that can be checked before a row is written. `columns` are
/// the planned columns, if planning succeeded; `before` describes the run that `drift` compares
/// with.
pub fn judge(
    definition: &Dataset,
    columns: Option<&Columns>,
    statistics: &Statistics,
    drift: Option<(&Drift, &[String])>,
) -> Vec<GateVerdict> {
    let gate = &definition.gate;
    let mut judge = Judge {
        gate,
        statistics,
        verdicts: Vec::new(),
    };
    let measure = "the number of items";
    let (rows, least) = (statistics.items as f64, gate.minimum_rows as f64);
    judge
        .verdicts
        .push(at_least("minimumRows", None, measure, least, rows));
    // Invalid paths were refused before.
    let label = Path::parse(&definition.label).map(|path| path.to_string());
    let label = label.unwrap_or_else(|_| definition.label.clone());
    judge.label(&label, definition.label_encoding);
    let features = columns.iter().flat_map(|columns| &columns.columns);
    let features: BTreeSet<&str> = features.map(|column| column.path.as_str()).collect();
    let declared = gate.columns.keys().map(String::as_str);
    for path in features
        .iter()
        .copied()
        .chain(declared)
        .collect::<BTreeSet<_>>()
    {
        judge.column(path, features.contains(path));
    }
    if let Some((drift, before)) = drift {
        let compared = features.iter().copied().chain([label.as_str()]).chain(
            gate.columns
                .iter()
                .filter(|(_, gate)| gate.maximum_psi.is_some())
                .map(|(path, _)| path.as_str()),
        );
        judge.drift(drift, before, &compared.collect());
        if columns.is_some_and(|columns| columns.inferred) {
            judge.new_columns(before, &features);
        }
    }
    judge.verdicts
}

struct Judge<'a> {
    gate: &'a Gate,
    statistics: &'a Statistics,
    verdicts: Vec<GateVerdict>,
}

impl Judge<'_> {
    fn label(&mut self, path: &str, encoding: LabelEncoding) {
        let usable = |label: &AttributeStatistics| {
            let numbers = label.types.of(Kind::N) + label.types.of(Kind::Bool);
            match encoding {
                LabelEncoding::Number => numbers,
                LabelEncoding::Classes => numbers + label.types.of(Kind::S),
            }
        };
        // A label that no item has, or none as a number, has an error of its own.
        let Some((label, usable)) = self
            .statistics
            .attribute(path)
            .map(|label| (label, usable(label)))
            .filter(|(_, usable)| *usable > 0)
        else {
            return;
        };
        let column = Some(path);
        let missing = 1.0 - share(usable, self.statistics.items);
        self.verdicts.push(at_most(
            "maximumMissingLabel",
            column,
            "the share of items without a usable label",
            self.gate.maximum_missing_label,
            missing,
        ));
        if !self.gate.allow_constant_label
            && let Some(values) = label_values(label, self.statistics.is_exact())
        {
            let measure = "the number of the label's values";
            let verdict = at_least("allowConstantLabel", column, measure, 2.0, values as f64);
            self.verdicts.push(GateVerdict {
                limit: 0.0,
                ..verdict
            });
        }
        if let Some(least) = self.gate.minimum_class_share {
            // A class that is not in the sample is rarer than any that is.
            let all = label_values(label, self.statistics.is_exact()).unwrap_or(label.seen);
            let rarest = if label.seen < all { 0.0 } else { label.rarest };
            let measure = if self.statistics.is_exact() {
                "the share of the rarest class".to_owned()
            } else {
                let sampled = label.sampled;
                format!("the share of the rarest class in a sample of {sampled} labels")
            };
            self.verdicts.push(at_least(
                "minimumClassShare",
                column,
                &measure,
                least,
                rarest,
            ));
        }
    }

    fn column(&mut self, path: &str, is_feature: bool) {
        let own = self.gate.columns.get(path).copied().unwrap_or_default();
        let of_all = self.gate.maximum_missing.filter(|_| is_feature);
        let maximum_missing = match own.maximum_missing {
            Some(most) => Some((own_bound(path, "maximumMissing"), most)),
            None => of_all.map(|most| ("maximumMissing".to_owned(), most)),
        };
        if let Some((bound, most)) = maximum_missing {
            let missing = self.statistics.missing(path);
            let measure = "the share of items in which it is missing";
            self.verdicts
                .push(at_most(&bound, Some(path), measure, most, missing));
        }
        let bound = |name: &str| own_bound(path, name);
        let ranges = ranges(self.statistics, path, own, &bound);
        self.verdicts.extend(ranges);
    }

    /// Inferred columns that the model in service does not have: clients of the endpoint would have
    /// to send more values than before.
    fn new_columns(&mut self, before: &[String], features: &BTreeSet<&str>) {
        const BOUND: &str = "drift.allowNewColumns";
        if self.gate.drift.allow_new_columns {
            return;
        }
        let known: BTreeSet<&str> = before.iter().map(String::as_str).collect();
        let mut new = features.difference(&known).peekable();
        if new.peek().is_none() {
            let measure = "the number of columns that the model in service does not have";
            self.verdicts.push(at_most(BOUND, None, measure, 0.0, 0.0));
        }
        for path in new {
            let measure = "the number of columns by which requests to the model in service would change (exclude it, or declare `dataset.columns`)";
            self.verdicts
                .push(at_most(BOUND, Some(path), measure, 0.0, 1.0));
        }
    }

    fn drift(&mut self, drift: &Drift, before: &[String], compared: &BTreeSet<&str>) {
        let gate = self.gate.drift;
        if !gate.allow_vanished_columns {
            let vanished = before.iter().filter(|path| drift.vanished.contains(path));
            let vanished: Vec<_> = vanished.collect();
            if vanished.is_empty() {
                let measure = "the number of columns that no item has any more";
                let bound = "drift.allowVanishedColumns";
                self.verdicts.push(at_most(bound, None, measure, 0.0, 0.0));
            }
            for path in vanished {
                let measure = "the number of its values, a column of the data compared with,";
                let bound = "drift.allowVanishedColumns";
                let verdict = at_least(bound, Some(path), measure, 1.0, 0.0);
                self.verdicts.push(GateVerdict {
                    limit: 0.0,
                    ..verdict
                });
            }
        }
        if let Some(most) = gate.maximum_row_drop {
            let measure = format!("the share of {} items that is gone", drift.items.before);
            let drop = drift.row_drop();
            self.verdicts
                .push(at_most("drift.maximumRowDrop", None, &measure, most, drop));
        }
        for &path in compared {
            let Some(attribute) = drift.attributes.get(path) else {
                continue;
            };
            let own = self.gate.columns.get(path).and_then(|own| own.maximum_psi);
            let most = match own {
                Some(most) => Some((own_bound(path, "maximumPsi"), most)),
                None => gate
                    .maximum_psi
                    .map(|most| ("drift.maximumPsi".to_owned(), most)),
            };
            if let Some(((bound, most), psi)) = most.zip(attribute.psi) {
                let measure = "the population stability index";
                self.verdicts
                    .push(at_most(&bound, Some(path), measure, most, psi));
            }
            if let Some(most) = gate.maximum_missing_rise {
                let rise = (attribute.missing.now - attribute.missing.before).max(0.0);
                let measure = "the rise of the share of items in which it is missing";
                let bound = "drift.maximumMissingRise";
                self.verdicts
                    .push(at_most(bound, Some(path), measure, most, rise));
            }
        }
    }
}

/// The number of values of a label, if it is known; booleans are counted by type, so only if the
/// sample is the whole table.
fn label_values(label: &AttributeStatistics, is_exact: bool) -> Option<u64> {
    if is_exact {
        return Some(label.seen);
    }
    let is_boolean = label.types.of(Kind::Bool) > 0;
    let distinct = label.distinct.map(|distinct| distinct.count);
    distinct.filter(|_| !is_boolean)
}

fn own_bound(path: &str, name: &str) -> String {
    format!("columns.{path}.{name}")
}

fn at_most(
    bound: &str,
    column: Option<&str>,
    measure: &str,
    limit: f64,
    value: f64,
) -> GateVerdict {
    GateVerdict {
        bound: bound.to_owned(),
        column: column.map(str::to_owned),
        measure: measure.to_owned(),
        limit,
        value: Some(value),
        passed: value <= limit,
    }
}

fn at_least(
    bound: &str,
    column: Option<&str>,
    measure: &str,
    limit: f64,
    value: f64,
) -> GateVerdict {
    GateVerdict {
        passed: value >= limit,
        ..at_most(bound, column, measure, limit, value)
    }
}
