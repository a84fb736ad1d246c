//! Checks a declared column's settings before any item is read.

use crate::encode::feature::constant;
use crate::error::PlanError;
use crate::plan::check::refuse;
use definition::{Column, Encoding, Missing, Precision};

/// Maximum number of hash buckets.
const MAX_BUCKETS: u32 = 1_000_000;

/// Checks the settings of the column at that position.
pub(crate) fn check(at: usize, column: &Column) -> Result<(), PlanError> {
    let refused = |name: &str, reason: &str| Err(refuse(&format!("columns[{at}].{name}"), reason));
    let is = |encodings: &[Encoding]| column.encoding.is_some_and(|own| encodings.contains(&own));
    let hashes = is(&[Encoding::Hash, Encoding::HashOneHot]);
    let members = is(&[Encoding::MultiHot]);
    match column.buckets {
        Some(_) if !hashes && !members => {
            return refused(
                "buckets",
                "goes with `hash`, `hashOneHot` and `multiHot` only",
            );
        }
        Some(buckets) if !(1..=MAX_BUCKETS).contains(&buckets) => {
            return refused("buckets", "must be from 1 to 1000000");
        }
        None if hashes => return refused("buckets", "say into how many buckets values are hashed"),
        _ => {}
    }
    if let Some(vocabulary) = &column.vocabulary {
        let mut sorted: Vec<_> = vocabulary.iter().collect();
        sorted.sort_unstable();
        if !members && !is(&[Encoding::Ordinal, Encoding::OneHot]) {
            return refused(
                "vocabulary",
                "goes with `ordinal`, `oneHot` and `multiHot` only",
            );
        }
        if column.buckets.is_some() {
            return refused(
                "vocabulary",
                "is not used beside `buckets`: leave one of them out",
            );
        }
        if sorted.is_empty() || sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            return refused("vocabulary", "must have values, each once");
        }
    }
    let number = is(&[Encoding::Number]);
    if column.scale.is_some() && !number {
        return refused("scale", "goes with `number` only");
    }
    if column.precision != Precision::Refuse && !number {
        return refused("precision", "goes with `number` only");
    }
    let timestamp = is(&[Encoding::Timestamp]);
    if column.unit.is_some() && !timestamp {
        return refused("unit", "goes with `timestamp` only");
    }
    if column.from_text && !number && !timestamp && !is(&[Encoding::Boolean]) {
        return refused(
            "fromText",
            "goes with `number`, `timestamp` and `boolean` only",
        );
    }
    if let Some(parts) = &column.parts {
        let mut sorted = parts.clone();
        sorted.sort_unstable();
        if !timestamp {
            return refused("parts", "goes with `timestamp` only");
        }
        if sorted.is_empty() || sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            return refused("parts", "must have parts, each once");
        }
    }
    check_constant(at, column)
}

fn check_constant(at: usize, column: &Column) -> Result<(), PlanError> {
    let Missing::Constant(value) = column.missing else {
        return Ok(());
    };
    let parts = column.parts.as_ref().map_or(0, Vec::len);
    let has_one_slot = match column.encoding {
        None | Some(Encoding::OneHot | Encoding::HashOneHot | Encoding::MultiHot) => false,
        Some(Encoding::Timestamp) => parts == 1,
        Some(
            Encoding::Number
            | Encoding::Boolean
            | Encoding::Ordinal
            | Encoding::Hash
            | Encoding::Length,
        ) => true,
    };
    if has_one_slot && constant(value).is_some() {
        return Ok(());
    }
    let reason = "`constant` takes a number that float32 holds, in a column that declares an encoding of one slot";
    Err(refuse(&format!("columns[{at}].missing"), reason))
}
