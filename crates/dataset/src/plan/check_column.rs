//! Checks a declared column's settings before any item is read.

use crate::encode::feature::constant;
use crate::error::PlanError;
use crate::plan::check::refuse;
use definition::{Column, Encoding, Missing, Precision};

/// Maximum number of hash buckets.
const MAX_BUCKETS: u32 = 1_000_000;

/// Every fault of the settings of the column at that position.
pub(crate) fn faults(at: usize, column: &Column) -> Vec<PlanError> {
    let mut faults = Vec::new();
    let mut refuse_if = |refused: bool, name: &str, reason: &str| {
        if refused {
            faults.push(refuse(&format!("columns[{at}].{name}"), reason));
        }
        refused
    };
    let is = |encodings: &[Encoding]| column.encoding.is_some_and(|own| encodings.contains(&own));
    let hashes = is(&[Encoding::Hash, Encoding::HashOneHot]);
    let members = is(&[Encoding::MultiHot]);
    let number = is(&[Encoding::Number]);
    let timestamp = is(&[Encoding::Timestamp]);
    if let Some(buckets) = column.buckets {
        let misplaced = !hashes && !members;
        let _ = refuse_if(
            misplaced,
            "buckets",
            "goes with `hash`, `hashOneHot` and `multiHot` only",
        ) || refuse_if(
            !(1..=MAX_BUCKETS).contains(&buckets),
            "buckets",
            "must be from 1 to 1000000",
        );
    } else {
        refuse_if(
            hashes,
            "buckets",
            "say into how many buckets values are hashed",
        );
    }
    if let Some(vocabulary) = &column.vocabulary {
        let misplaced = !members && !is(&[Encoding::Ordinal, Encoding::OneHot]);
        let _ = refuse_if(
            misplaced,
            "vocabulary",
            "goes with `ordinal`, `oneHot` and `multiHot` only",
        ) || refuse_if(
            column.buckets.is_some(),
            "vocabulary",
            "is not used beside `buckets`: leave one of them out",
        ) || refuse_if(
            is_empty_or_repeats(vocabulary),
            "vocabulary",
            "must have values, each once",
        );
    }
    refuse_if(
        column.scale.is_some() && !number,
        "scale",
        "goes with `number` only",
    );
    refuse_if(
        column.precision != Precision::Refuse && !number,
        "precision",
        "goes with `number` only",
    );
    refuse_if(
        column.unit.is_some() && !timestamp,
        "unit",
        "goes with `timestamp` only",
    );
    refuse_if(
        column.from_text && !number && !timestamp && !is(&[Encoding::Boolean]),
        "fromText",
        "goes with `number`, `timestamp` and `boolean` only",
    );
    if let Some(parts) = &column.parts {
        let _ = refuse_if(!timestamp, "parts", "goes with `timestamp` only")
            || refuse_if(
                is_empty_or_repeats(parts),
                "parts",
                "must have parts, each once",
            );
    }
    refuse_if(
        !constant_fits(column),
        "missing",
        "`constant` takes a number that float32 holds, in a column that declares an encoding of one slot",
    );
    faults
}

fn is_empty_or_repeats<T: Ord>(values: &[T]) -> bool {
    let mut sorted: Vec<_> = values.iter().collect();
    sorted.sort_unstable();
    sorted.is_empty() || sorted.windows(2).any(|pair| pair[0] == pair[1])
}

/// Whether a constant for missing values, if there is one, has a slot to stand in.
fn constant_fits(column: &Column) -> bool {
    let Missing::Constant(value) = column.missing else {
        return true;
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
    has_one_slot && constant(value).is_some()
}
