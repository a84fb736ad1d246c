//! What the value of a hyperparameter may be. It must not know whose it is.

use crate::TuningRange;

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub enum Value {
    /// One of the words, or a whole number of at least and at most.
    Integer(&'static [&'static str], i64, i64),
    /// One of the words, or a number within the bounds.
    Number(&'static [&'static str], Bounds),
    /// One of these.
    OneOf(&'static [&'static str]),
    /// Text that is understood by the algorithm alone.
    Text,
}

/// Bounds of a number.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    least: f64,
    most: f64,
    /// Whether the least belongs to it.
    with_least: bool,
    /// Whether the most belongs to it.
    with_most: bool,
}

/// No most whole number.
pub const MOST: i64 = i64::MAX;
/// No most number.
pub const ANY: f64 = f64::INFINITY;
/// 0 or 1.
pub const FLAG: Value = integer(0, 1);
/// True or false.
pub const TRUTH: Value = Value::OneOf(&["true", "false", "True", "False"]);

/// A whole number.
pub const fn integer(least: i64, most: i64) -> Value {
    Value::Integer(&[], least, most)
}

/// A number.
pub const fn number(bounds: Bounds) -> Value {
    Value::Number(&[], bounds)
}

/// From the least to the most.
pub const fn closed(least: f64, most: f64) -> Bounds {
    Bounds {
        least,
        most,
        with_least: true,
        with_most: true,
    }
}

/// Above the least, up to the most.
pub const fn above(least: f64, most: f64) -> Bounds {
    Bounds {
        with_least: false,
        ..closed(least, most)
    }
}

/// From the least to below the most.
pub const fn below(least: f64, most: f64) -> Bounds {
    Bounds {
        with_most: false,
        ..closed(least, most)
    }
}

/// Above the least and below the most.
pub const fn between(least: f64, most: f64) -> Bounds {
    Bounds {
        with_least: false,
        with_most: false,
        ..closed(least, most)
    }
}

impl Value {
    /// The same, or one of the words.
    pub const fn or(self, words: &'static [&'static str]) -> Self {
        match self {
            Self::Integer(_, least, most) => Self::Integer(words, least, most),
            Self::Number(_, bounds) => Self::Number(words, bounds),
            other => other,
        }
    }

    /// What it should be, if the text is not.
    pub fn refusal(&self, text: &str) -> Option<String> {
        let (fits, wanted) = match self {
            Self::Integer(words, least, most) => {
                let number = text.parse::<i64>().ok();
                let fits = number.is_some_and(|it| it >= *least && it <= *most);
                let wanted = if *most == MOST {
                    format!("a whole number, {least} or more")
                } else {
                    format!("a whole number, {least} to {most}")
                };
                (fits || words.contains(&text), or_words(words, wanted))
            }
            Self::Number(words, bounds) => {
                let number = text.parse::<f64>().ok();
                let fits = number.is_some_and(|it| bounds.hold(it));
                (
                    fits || words.contains(&text),
                    or_words(words, bounds.words()),
                )
            }
            Self::OneOf(values) => (
                values.contains(&text),
                format!("one of {}", values.join(", ")),
            ),
            Self::Text => return None,
        };
        (!fits).then_some(wanted)
    }

    /// The kind of range that it takes, if this is none.
    pub const fn other_kind(&self, range: &TuningRange) -> Option<&'static str> {
        match (self, range) {
            (Self::Integer(..), TuningRange::Integer { .. })
            | (Self::Number(..), TuningRange::Continuous { .. })
            | (Self::OneOf(_) | Self::Text, TuningRange::Categorical(_)) => None,
            (Self::Integer(..), _) => Some("an integer"),
            (Self::Number(..), _) => Some("a continuous"),
            (Self::OneOf(_) | Self::Text, _) => Some("a categorical"),
        }
    }
}

fn or_words(words: &[&str], wanted: String) -> String {
    if words.is_empty() {
        wanted
    } else {
        format!("{}, or {wanted}", words.join(", "))
    }
}

impl Bounds {
    /// Whether the number is within; what is no number is not.
    fn hold(self, number: f64) -> bool {
        let is_least = if self.with_least {
            number >= self.least
        } else {
            number > self.least
        };
        let is_most = if self.with_most {
            number <= self.most
        } else {
            number < self.most
        };
        is_least && is_most
    }

    fn words(self) -> String {
        let Self { least, most, .. } = self;
        let above = if self.with_least { "" } else { "above " };
        let below = if self.with_most { "" } else { "below " };
        match (least.is_infinite(), most.is_infinite()) {
            (true, true) => "a number".to_owned(),
            (_, true) if self.with_least => format!("a number, {least} or more"),
            (_, true) => format!("a number, above {least}"),
            _ => format!("a number, {above}{least} to {below}{most}"),
        }
    }
}
