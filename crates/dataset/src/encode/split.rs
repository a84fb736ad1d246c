//! The side of a row, by a hash of some attributes, by its time, or by both. It needs no state, so
//! every shard decides alike.

use crate::columns::{SplitRule, TimeRule};
use crate::encode::moment::Moment;
use crate::encode::outcome::Side;
use crate::encode::reject::RejectReason;
use dynamodb_json::Value;
use profile::canonical;
use twox_hash::XxHash3_64;

#[derive(Debug, Clone)]
pub(crate) struct Splitter {
    /// Whether groups decide, and not time alone.
    by_group: bool,
    validation: f64,
    test: f64,
    seed: u64,
    time: Option<TimeRule>,
    /// The bytes of a group; reused between rows.
    group: Vec<u8>,
}

impl Splitter {
    pub(crate) fn new(rule: &SplitRule) -> Self {
        Self {
            by_group: rule.time.is_none() || !rule.by.is_empty(),
            validation: rule.validation,
            test: rule.test,
            seed: rule.seed,
            time: rule.time.clone(),
            group: Vec::new(),
        }
    }

    /// The side of the row with these values at the rule's paths and this time. `None` if its group
    /// is on another side than its time.
    pub(crate) fn side(
        &mut self,
        group: &[Option<Value<'_>>],
        time: Option<Value<'_>>,
    ) -> Result<Option<Side>, RejectReason> {
        let Some(rule) = &self.time else {
            return Ok(Some(self.side_of_group(group)));
        };
        let moment = time.and_then(|value| Moment::of_text_too(&value, rule.unit));
        let milliseconds = moment.ok_or(RejectReason::TimeUnknown)?.milliseconds();
        let side = if rule.test_from.is_some_and(|from| milliseconds >= from) {
            Side::Test
        } else if milliseconds >= rule.validation_from {
            Side::Validation
        } else {
            Side::Train
        };
        let agrees = !self.by_group || self.side_of_group(group) == side;
        Ok(agrees.then_some(side))
    }

    fn side_of_group(&mut self, values: &[Option<Value<'_>>]) -> Side {
        self.group.clear();
        for value in values {
            canonical::write(value.as_ref(), &mut self.group);
        }
        let hash = XxHash3_64::oneshot_with_seed(self.seed, &self.group);
        let share = (hash as f64) / 2f64.powi(64);
        if share < self.validation {
            Side::Validation
        } else if share < self.validation + self.test {
            Side::Test
        } else {
            Side::Train
        }
    }
}
