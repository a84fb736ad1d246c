//! What the planner says of fields: where each went, and how well.

use crate::report::Outcome;
use std::collections::{BTreeMap, BTreeSet};

/// The field of an object: the object's id and the field's name without `*`.
pub(crate) type Key = (String, String);

/// What became of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Use {
    pub outcome: Outcome,
    /// Where it is now.
    pub to: BTreeSet<String>,
    pub why: String,
}

impl Use {
    pub(crate) fn new(outcome: Outcome, why: impl Into<String>) -> Self {
        Self {
            outcome,
            to: BTreeSet::new(),
            why: why.into(),
        }
    }

    pub(crate) fn to(mut self, place: impl Into<String>) -> Self {
        self.to.insert(place.into());
        self
    }
}

/// All that is said, by field.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    uses: BTreeMap<Key, Use>,
}

impl Ledger {
    /// Says something of a field. If several exports use it, the worst outcome counts.
    pub(crate) fn mark(&mut self, object: &str, field: &str, new: Use) {
        let key = (object.to_owned(), field.trim_start_matches('*').to_owned());
        match self.uses.get_mut(&key) {
            None => {
                self.uses.insert(key, new);
            }
            Some(known) => {
                known.to.extend(new.to);
                if new.outcome > known.outcome {
                    known.outcome = new.outcome;
                    known.why = new.why;
                }
            }
        }
    }

    pub(crate) fn get(&self, object: &str, field: &str) -> Option<&Use> {
        self.uses.get(&(object.to_owned(), field.to_owned()))
    }
}
