//! What a label makes of training: its encoding, and XGBoost's objective and metric.

use super::candidates::MOST_CLASSES;
use dataset::Surveyed;
use definition::Encoding;
use dynamodb_json::Kind;
use profile::Profile;

/// What is learned.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// A number.
    Regression,
    /// One of two values.
    Binary {
        /// Whether the values are classes, and not the numbers 0 and 1 or booleans.
        are_classes: bool,
        /// The share of the rarer value among the sampled ones.
        rarest: f64,
    },
    /// One of several classes.
    Multiclass {
        /// How many the sample has.
        classes: u64,
        /// The share of the rarest.
        rarest: f64,
    },
}

impl Task {
    /// Of a label; `None` if it is text of too many values.
    pub fn of(label: &Surveyed, profile: &Profile) -> Option<Self> {
        let attribute = profile.attribute(&label.path)?;
        let are_texts = attribute.types.of(Kind::S) > 0;
        let encoding = match &label.inferred {
            Ok((encoding, _)) => *encoding,
            // Free text, or another text in each item.
            Err(_) if are_texts => return None,
            // What inference leaves out, such as large numbers, can still be a label.
            Err(_) => Encoding::Number,
        };
        let rarest = rarest(&label.path, profile);
        match (encoding, label.distinct) {
            (Encoding::Number, Some(2)) if !are_texts => Some(Self::Binary {
                are_classes: !is_zero_or_one(&label.path, profile),
                rarest,
            }),
            (Encoding::Number, _) => Some(Self::Regression),
            (Encoding::Boolean, _) => Some(Self::Binary {
                are_classes: false,
                rarest,
            }),
            (_, Some(2)) => Some(Self::Binary {
                are_classes: true,
                rarest,
            }),
            (_, Some(classes)) if classes <= MOST_CLASSES => {
                Some(Self::Multiclass { classes, rarest })
            }
            _ => None,
        }
    }

    /// Whether `dataset.labelEncoding` is `classes`.
    pub const fn has_classes(&self) -> bool {
        match self {
            Self::Regression => false,
            Self::Binary { are_classes, .. } => *are_classes,
            Self::Multiclass { .. } => true,
        }
    }

    /// The share of the rarest value, if the label has classes.
    pub const fn rarest(&self) -> Option<f64> {
        match self {
            Self::Regression => None,
            Self::Binary { rarest, .. } | Self::Multiclass { rarest, .. } => Some(*rarest),
        }
    }

    /// XGBoost's objective.
    pub const fn objective(&self) -> &'static str {
        match self {
            Self::Regression => "reg:squarederror",
            Self::Binary { .. } => "binary:logistic",
            Self::Multiclass { .. } => "multi:softprob",
        }
    }

    /// XGBoost's metric, whether less of it is better, and why it decides.
    pub const fn metric(&self) -> (&'static str, bool, &'static str) {
        match self {
            Self::Regression => ("rmse", true, "the error's size, in units of the label"),
            Self::Binary { .. } => (
                "auc",
                false,
                "how well the rows are ranked, whatever the share of the rarer value",
            ),
            Self::Multiclass { .. } => ("mlogloss", true, "how sure of the right class"),
        }
    }

    /// What the label is, as a phrase.
    pub fn phrase(&self) -> String {
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        match self {
            Self::Regression => "a number".to_owned(),
            Self::Binary { rarest, .. } => {
                format!("one of two values, the rarer in {}", percent(*rarest))
            }
            Self::Multiclass { classes, rarest } => {
                format!(
                    "one of {classes} classes, the rarest in {}",
                    percent(*rarest)
                )
            }
        }
    }
}

fn is_zero_or_one(path: &str, profile: &Profile) -> bool {
    let numbers = profile.attribute(path).and_then(|it| it.numbers.as_ref());
    numbers.is_some_and(|it| it.integers && it.minimum == 0.0 && (it.maximum - 1.0).abs() < 1e-9)
}

fn rarest(path: &str, profile: &Profile) -> f64 {
    let statistics = profile.statistics();
    statistics.attribute(path).map_or(0.0, |it| it.rarest)
}
