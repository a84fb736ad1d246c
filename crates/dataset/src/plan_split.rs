//! Decides which rows validate and test. It must not see an item.

use crate::check::refuse;
use crate::columns::{SplitRule, TimeRule};
use crate::error::PlanError;
use crate::moment::Moment;
use crate::plan::present;
use crate::plan_column;
use crate::profile::Profile;
use contract::definition::{Dataset, TimeSplit};
use item::{Kind, Path};

/// The rule that a definition's split makes of a table.
pub(crate) fn rule(
    definition: &Dataset,
    key_attributes: &[String],
    profile: &Profile,
) -> Result<SplitRule, PlanError> {
    let split = &definition.split;
    let time = split.time.as_ref().map(|time| time_rule(time, profile));
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

fn time_rule(time: &TimeSplit, profile: &Profile) -> Result<TimeRule, PlanError> {
    let Some(attribute) = profile.attribute(&time.path) else {
        return Err(PlanError::Time {
            reason: format!(
                "`{}` occurs in no item; there are {}",
                time.path,
                present(&time.path, profile)
            ),
        });
    };
    if attribute.types.of(Kind::S) + attribute.types.of(Kind::N) == 0 {
        return Err(PlanError::Time {
            reason: format!("`{}` is never text or a number", time.path),
        });
    }
    let unit = time.unit.unwrap_or_else(|| plan_column::unit(attribute));
    let moment = |text: &Option<String>| {
        text.as_deref()
            .and_then(Moment::parse)
            .map(Moment::milliseconds)
    };
    let Some(validation_from) = moment(&time.validation_from) else {
        return Err(PlanError::Time {
            reason: "say from when on rows validate, as `validationFrom`".to_owned(),
        });
    };
    let test_from = moment(&time.test_from);
    Ok(TimeRule {
        path: time.path.clone(),
        unit,
        validation_from,
        test_from,
    })
}
