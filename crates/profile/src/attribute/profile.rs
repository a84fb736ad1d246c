//! An attribute among others of a profile, and where its distinct values are.

use crate::attribute::Attribute;
use crate::number::Decimal;
use crate::values::dictionary::Known;
use dynamodb_json::{Kind, Mark};

/// What is known of an attribute, and the place of its dictionary.
#[derive(Debug, Clone)]
pub(crate) struct AttributeProfile {
    pub(crate) attribute: Attribute,
    pub(crate) dictionary: usize,
}

impl AttributeProfile {
    pub(crate) const fn new(attribute: Attribute, dictionary: usize) -> Self {
        Self {
            attribute,
            dictionary,
        }
    }

    /// Takes values of the attribute into account; marks are places in `text`.
    pub(crate) fn observe(&mut self, text: &str, marks: &[Mark], known: &mut Known) {
        let attribute = &mut self.attribute;
        known.change(self.dictionary, |values| {
            for mark in marks {
                match mark.kind() {
                    Kind::S => attribute.observe_text(&mark.decoded(text), values),
                    Kind::N => attribute.observe_number(&Decimal::read(mark.raw(text)), values),
                    kind => attribute.count_other(kind),
                }
            }
        });
    }
}
