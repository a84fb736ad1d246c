//! Attributes that no training row has: if an attribute only occurs in late items, and the latest
//! items validate, a model cannot learn from it.

use crate::columns::SplitRule;
use crate::encode::moment::Moment;
use crate::plan::table::Table;
use std::collections::{BTreeMap, BTreeSet};

/// From this number of late items on, an attribute that no early item has is not a coincidence.
const MANY: u64 = 3;

/// Attributes that sampled items have only in the validation period, with that as the reason.
pub(crate) fn late_attributes(table: &Table<'_>, split: &SplitRule) -> BTreeMap<String, String> {
    let Some(rule) = &split.time else {
        return BTreeMap::new();
    };
    let is_exact = table.sampled_items() == table.items();
    let mut early = BTreeSet::new();
    let mut late: BTreeMap<String, u64> = BTreeMap::new();
    for (copies, values) in table.sampled_rows() {
        let time = values.iter().find(|(path, _)| *path == rule.path);
        let moment = time.and_then(|(_, text)| Moment::parse_text(text, rule.unit));
        // An item without a timestamp is rejected.
        let Some(moment) = moment else { continue };
        let trains = moment.milliseconds() < rule.validation_from;
        for (path, _) in values {
            if trains {
                early.insert(path);
            } else {
                *late.entry(path).or_default() += copies;
            }
        }
    }
    let only_late = late
        .into_iter()
        .filter(|(path, count)| !early.contains(path) && (is_exact || *count >= MANY));
    only_late
        .map(|(path, _)| {
            let reason = "has values only from when on rows validate, so that no training row has one; it becomes a column when that moment has passed";
            (path, reason.to_owned())
        })
        .collect()
}
