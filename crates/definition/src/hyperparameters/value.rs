//! The values that a hyperparameter accepts.

use crate::TuningRange;
use serde::Deserialize;

/// The values that a hyperparameter accepts, as the data files write them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Value {
    /// A whole number.
    Integer(Integers),
    /// A number.
    Number(Bounds),
    /// One of these words.
    OneOf(Vec<String>),
    /// Text that only the algorithm understands.
    Text {},
}

/// Bounds of a whole number, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Integers {
    min: i64,
    max: Option<i64>,
}

/// Bounds of a number. `min` and `max` are inclusive, `above` and `below` are not.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    min: Option<f64>,
    above: Option<f64>,
    max: Option<f64>,
    below: Option<f64>,
}

impl Value {
    /// Describes the accepted values if `text` is not one of them.
    pub fn refusal(&self, text: &str) -> Option<String> {
        let (accepted, expected) = match self {
            Self::Integer(bounds) => {
                let number = text.parse().ok();
                (number.is_some_and(|it| bounds.hold(it)), bounds.words())
            }
            Self::Number(bounds) => {
                let number = text.parse().ok();
                (number.is_some_and(|it| bounds.hold(it)), bounds.words())
            }
            Self::OneOf(words) => (
                words.iter().any(|word| word == text),
                format!("one of {}", words.join(", ")),
            ),
            Self::Text {} => return None,
        };
        (!accepted).then_some(expected)
    }

    /// The kind of range that the hyperparameter takes, if `range` is of another kind.
    pub const fn other_kind(&self, range: &TuningRange) -> Option<&'static str> {
        match (self, range) {
            (Self::Integer(_), TuningRange::Integer { .. })
            | (Self::Number(_), TuningRange::Continuous { .. })
            | (Self::OneOf(_) | Self::Text {}, TuningRange::Categorical(_)) => None,
            (Self::Integer(_), _) => Some("an integer"),
            (Self::Number(_), _) => Some("a continuous"),
            (Self::OneOf(_) | Self::Text {}, _) => Some("a categorical"),
        }
    }
}

impl Integers {
    fn hold(self, number: i64) -> bool {
        number >= self.min && self.max.is_none_or(|max| number <= max)
    }

    fn words(self) -> String {
        let min = self.min;
        match self.max {
            Some(max) => format!("a whole number, {min} to {max}"),
            None => format!("a whole number, {min} or more"),
        }
    }
}

impl Bounds {
    /// NaN is never within bounds, infinity only where there is no bound.
    fn hold(self, number: f64) -> bool {
        !number.is_nan()
            && self.min.is_none_or(|min| number >= min)
            && self.above.is_none_or(|least| number > least)
            && self.max.is_none_or(|max| number <= max)
            && self.below.is_none_or(|most| number < most)
    }

    fn words(self) -> String {
        let least = match (self.min, self.above) {
            (Some(min), _) => Some((min, "")),
            (None, Some(above)) => Some((above, "above ")),
            (None, None) => None,
        };
        let most = match (self.max, self.below) {
            (Some(max), _) => Some((max, "")),
            (None, Some(below)) => Some((below, "below ")),
            (None, None) => None,
        };
        match (least, most) {
            (None, None) => "a number".to_owned(),
            (Some((least, "")), None) => format!("a number, {least} or more"),
            (Some((least, above)), None) => format!("a number, {above}{least}"),
            (None, Some((most, below))) => format!("a number, {below}{most} at most"),
            (Some((least, above)), Some((most, below))) => {
                format!("a number, {above}{least} to {below}{most}")
            }
        }
    }
}
