//! Whether a row is in the sample: by a hash of its key, which does not depend on other rows.

use crate::columns::{HashBound, SampleRule};
use dynamodb_json::Value;
use profile::canonical;
use twox_hash::XxHash3_64;

/// Makes the hash another one than the split's, whose seed it shares: a sample of little hashes
/// would otherwise be the validation rows.
const SALT: u64 = 0x73_616d_706c_6531;

#[derive(Debug, Clone)]
pub(crate) struct Sampler {
    seed: u64,
    most: u64,
    classes: Vec<u64>,
}

impl Sampler {
    pub(crate) fn new(rule: &SampleRule) -> Self {
        Self {
            seed: rule.seed,
            most: rule.most.0,
            classes: rule.classes.iter().map(|HashBound(most)| *most).collect(),
        }
    }

    pub(crate) fn hash(&self, values: &[Option<Value<'_>>]) -> u64 {
        let mut bytes = Vec::with_capacity(64);
        for value in values {
            canonical::write(value.as_ref(), &mut bytes);
        }
        XxHash3_64::oneshot_with_seed(self.seed ^ SALT, &bytes)
    }

    /// Whether a row with these values and this label is kept.
    pub(crate) fn keeps(&self, values: &[Option<Value<'_>>], label: f32) -> bool {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "only labels that are classes have bounds: whole numbers from 0"
        )]
        let of_class = self.classes.get(label as usize);
        let hash = self.hash(values);
        hash <= self.most && of_class.is_none_or(|most| hash <= *most)
    }
}
