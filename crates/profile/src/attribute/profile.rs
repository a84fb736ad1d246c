//! What is known of an attribute, and which dictionary has its distinct values.

use crate::attribute::Attribute;
use crate::number::Decimal;
use crate::values::dictionary::Dictionaries;
use dynamodb_json::{Kind, ValueSpan};

/// What is known of an attribute, and the index of its dictionary.
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

    /// Takes the values at these spans of `text` into account.
    pub(crate) fn observe(
        &mut self,
        text: &str,
        spans: &[ValueSpan],
        dictionaries: &mut Dictionaries,
    ) {
        let attribute = &mut self.attribute;
        dictionaries.change(self.dictionary, |values| {
            for span in spans {
                match span.kind() {
                    Kind::S => attribute.observe_text(&span.decoded(text), values),
                    Kind::N => attribute.observe_number(&Decimal::read(span.raw(text)), values),
                    kind => attribute.count_other(kind),
                }
            }
        });
    }
}
