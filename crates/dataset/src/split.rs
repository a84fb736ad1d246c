//! Which side a row is on, by a hash of some attributes: no state, so every shard decides alike. It
//! must not see the label or the other columns.

use crate::canonical;
use crate::columns::SplitRule;
use crate::fate::Side;
use item::Value;
use twox_hash::XxHash3_64;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Splitter {
    validation: f64,
    seed: u64,
}

impl Splitter {
    pub(crate) const fn new(rule: &SplitRule) -> Self {
        Self {
            validation: rule.validation,
            seed: rule.seed,
        }
    }

    /// The side of the row whose values at the rule's paths are these.
    pub(crate) fn side(&self, values: &[Option<Value<'_>>]) -> Side {
        let mut group = Vec::with_capacity(64);
        for value in values {
            canonical::write(value.as_ref(), &mut group);
        }
        let hash = XxHash3_64::oneshot_with_seed(self.seed, &group);
        if (hash as f64) / 2f64.powi(64) < self.validation {
            Side::Validation
        } else {
            Side::Train
        }
    }
}
