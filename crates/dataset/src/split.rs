//! Which side a row is on, by a hash of some attributes: no state, so every shard decides alike. It
//! must not see the label or the other columns.

use crate::canonical;
use crate::columns::SplitRule;
use crate::encode::Side;
use item::{Map, Path, PathError};
use twox_hash::XxHash3_64;

#[derive(Debug, Clone)]
pub(crate) struct Splitter {
    by: Vec<Path>,
    validation: f64,
    seed: u64,
}

impl Splitter {
    pub(crate) fn new(rule: &SplitRule) -> Result<Self, PathError> {
        Ok(Self {
            by: rule
                .by
                .iter()
                .map(|path| Path::parse(path))
                .collect::<Result<_, _>>()?,
            validation: rule.validation,
            seed: rule.seed,
        })
    }

    pub(crate) fn side(&self, item: &Map<'_>) -> Side {
        let mut group = Vec::with_capacity(64);
        for path in &self.by {
            canonical::write(item.path(path).as_ref(), &mut group);
        }
        let hash = XxHash3_64::oneshot_with_seed(self.seed, &group);
        if (hash as f64) / 2f64.powi(64) < self.validation {
            Side::Validation
        } else {
            Side::Train
        }
    }
}
