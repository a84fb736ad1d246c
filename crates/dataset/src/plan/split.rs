//! Decides which rows are validation and test rows.

use crate::columns::{SplitRule, TimeRule};
use crate::encode::moment::Moment;
use crate::error::PlanError;
use crate::plan::check::refuse;
use crate::plan::closest::closest;
use crate::plan::column::unit;
use crate::plan::table::Table;
use definition::{Dataset, Split, TimeSplit, TimeUnit};
use dynamodb_json::{Kind, Path};

/// The split rule of a definition for a table.
pub(crate) fn rule(
    definition: &Dataset,
    key_attributes: &[String],
    table: &Table<'_>,
) -> Result<SplitRule, PlanError> {
    let split = &definition.split;
    let time = split
        .time
        .as_ref()
        .map(|time| time_rule(split, time, table));
    let time = time.transpose()?;
    let by: Vec<_> = if split.by.is_empty() && time.is_none() {
        key_attributes
            .iter()
            .map(|name| Path::attribute(name).to_string())
            .collect()
    } else {
        split.by.clone()
    };
    if by.is_empty() && time.is_none() {
        return Err(refuse(
            "split.by",
            "name the attributes to split by; the source has no key",
        ));
    }
    Ok(SplitRule {
        by,
        validation: split.validation,
        test: split.test,
        seed: split.seed,
        time,
    })
}

fn time_rule(split: &Split, time: &TimeSplit, table: &Table<'_>) -> Result<TimeRule, PlanError> {
    let Some(attribute) = table.attribute(&time.path) else {
        return Err(PlanError::Time {
            reason: format!(
                "`{}` occurs in no item; there are {}",
                time.path,
                closest(&time.path, table)
            ),
        });
    };
    if attribute.types.of(Kind::S) + attribute.types.of(Kind::N) == 0 {
        return Err(PlanError::Time {
            reason: format!("`{}` is never text or a number", time.path),
        });
    }
    let unit = time.unit.unwrap_or_else(|| unit(&time.path, true, table));
    let moment = |text: &Option<String>| {
        text.as_deref()
            .and_then(Moment::parse)
            .map(Moment::milliseconds)
    };
    let (validation_from, test_from) = match moment(&time.validation_from) {
        Some(validation) => (validation, moment(&time.test_from)),
        None => latest(split, &time.path, unit, table)?,
    };
    Ok(TimeRule {
        path: time.path.clone(),
        unit,
        validation_from,
        test_from,
    })
}

/// The moments from which on rows validate and test, so that the latest shares of the sampled items
/// do. The sample is the same for the same items, so the moments are.
fn latest(
    split: &Split,
    path: &str,
    unit: TimeUnit,
    table: &Table<'_>,
) -> Result<(i64, Option<i64>), PlanError> {
    // The texts include those of numbers.
    let texts = table.texts(path);
    let texts = texts.filter_map(|(text, copies)| Some((Moment::parse_text(text, unit)?, copies)));
    let mut moments: Vec<_> = texts.collect();
    moments.sort_unstable();
    let total: u64 = moments.iter().map(|(_, copies)| copies).sum();
    let from = |share: f64| {
        let wanted = (share * total as f64).round();
        let mut later = 0;
        let mut cut = i64::MAX;
        for (moment, copies) in moments.iter().rev() {
            if later as f64 >= wanted {
                break;
            }
            later += copies;
            cut = moment.milliseconds();
        }
        cut
    };
    let test_from = (split.test > 0.0).then(|| from(split.test));
    let validation_from = from(split.validation + split.test);
    let first = moments.first().map(|(moment, _)| moment.milliseconds());
    let trains = first.is_some_and(|first| first < validation_from);
    let validates = split.validation == 0.0 || test_from.is_none_or(|test| validation_from < test);
    if trains && validates {
        return Ok((validation_from, test_from));
    }
    Err(PlanError::Time {
        reason: format!(
            "`{path}` has too few different moments among {total} sampled ones to split by: set `validationFrom`"
        ),
    })
}
