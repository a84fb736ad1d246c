//! Computes a metric from predictions and labels, row by row. Pure.
//!
//! The definitions are those of XGBoost's evaluation metrics, which for rows of equal weight are
//! those of scikit-learn: <https://xgboost.readthedocs.io/en/stable/parameter.html>, `eval_metric`.

#![expect(
    clippy::float_cmp,
    reason = "classes are whole numbers, and ties are equal ones"
)]

use definition::RowMetric;

/// A row's label, and the row's weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Truth {
    pub label: f32,
    pub weight: f32,
}

/// Probabilities are clamped to at least this, as XGBoost does.
const LEAST: f64 = 1e-16;

/// Why the metric is undefined for these labels, whatever is predicted, or `None`.
pub fn check_labels(metric: RowMetric, truths: &[Truth]) -> Result<(), String> {
    let name = metric.as_str();
    let all = |is: fn(f32) -> bool| truths.iter().all(|truth| is(truth.label));
    match metric {
        RowMetric::Rmse | RowMetric::Mse | RowMetric::Mae => {}
        RowMetric::LogLoss | RowMetric::Error | RowMetric::Auc => {
            if !all(is_binary) {
                return Err(format!("{name} is of labels 0 and 1, and there are others"));
            }
        }
        RowMetric::Accuracy | RowMetric::MError | RowMetric::MLogLoss => {
            if !all(|label| label >= 0.0 && label.fract() == 0.0) {
                return Err(format!(
                    "{name} is of whole labels from 0, and there are others"
                ));
            }
        }
    }
    let weight_of = |is: fn(f32) -> bool| {
        let of = truths.iter().filter(|truth| is(truth.label));
        of.map(|truth| f64::from(truth.weight)).sum::<f64>()
    };
    if metric == RowMetric::Auc
        && (weight_of(|label| label == 0.0) <= 0.0 || weight_of(|label| label == 1.0) <= 0.0)
    {
        return Err("auc is of labels 0 and 1, and all are the same".to_owned());
    }
    if weight_of(|_| true) <= 0.0 {
        return Err("the sum of the rows' weights is 0".to_owned());
    }
    Ok(())
}

const fn is_binary(label: f32) -> bool {
    label == 0.0 || label == 1.0
}

/// The metric of the rows added so far.
#[derive(Debug, Clone)]
pub struct Tally {
    metric: RowMetric,
    /// Whether a single prediction is a probability and not the number of a class.
    is_binary: bool,
    weight: f64,
    loss: f64,
    /// For the area under the curve: predictions, with their truths.
    ranked: Vec<(f64, Truth)>,
}

impl Tally {
    /// Starts without rows; `truths` are those of all rows to come.
    pub fn new(metric: RowMetric, truths: &[Truth]) -> Self {
        Self {
            metric,
            is_binary: truths.iter().all(|truth| is_binary(truth.label)),
            weight: 0.0,
            loss: 0.0,
            ranked: Vec::new(),
        }
    }

    /// Adds a row and its prediction: a number, or a probability for each class.
    pub fn add(&mut self, truth: Truth, predicted: &[f64]) -> Result<(), String> {
        if let Some(bad) = predicted.iter().find(|number| !number.is_finite()) {
            return Err(format!("a prediction is {bad}"));
        }
        let label = f64::from(truth.label);
        let loss = match self.metric {
            RowMetric::Rmse | RowMetric::Mse => (single(predicted)? - label).powi(2),
            RowMetric::Mae => (single(predicted)? - label).abs(),
            RowMetric::LogLoss => {
                let positive = probability(binary(predicted)?)?;
                let of = |share: f64| -share.max(LEAST).ln();
                label * of(positive) + (1.0 - label) * of(1.0 - positive)
            }
            RowMetric::Error => f64::from(u8::from((binary(predicted)? > 0.5) != (label > 0.5))),
            RowMetric::Accuracy => f64::from(u8::from(self.is_class(predicted, truth.label)?)),
            RowMetric::MError => f64::from(u8::from(!self.is_class(predicted, truth.label)?)),
            RowMetric::MLogLoss => {
                let classes = predicted.len();
                let share = predicted.iter().zip(0_u16..);
                let share = share.clone().find(|(_, class)| f64::from(*class) == label);
                let (share, _) = share
                    .filter(|_| classes > 1)
                    .ok_or_else(|| format!("a row of class {label} has {classes} probabilities"))?;
                -probability(*share)?.max(LEAST).ln()
            }
            RowMetric::Auc => {
                self.ranked.push((binary(predicted)?, truth));
                0.0
            }
        };
        let weight = f64::from(truth.weight);
        self.weight += weight;
        self.loss += weight * loss;
        Ok(())
    }

    /// The metric of all rows.
    pub fn finish(self) -> f64 {
        let mean = self.loss / self.weight;
        match self.metric {
            RowMetric::Rmse => mean.sqrt(),
            RowMetric::Auc => area(self.ranked),
            _ => mean,
        }
    }

    /// Whether the predicted class is this one: the likeliest, or the one whose number is
    /// predicted.
    fn is_class(&self, predicted: &[f64], label: f32) -> Result<bool, String> {
        let label = f64::from(label);
        if let [one] = predicted {
            let class = if self.is_binary && *one <= 1.0 {
                f64::from(u8::from(*one > 0.5))
            } else {
                *one
            };
            return Ok(class == label);
        }
        let mut likeliest: Option<(f64, u16)> = None;
        for (share, class) in predicted.iter().zip(0_u16..) {
            // Of equal probabilities the first wins, as in argmax.
            if likeliest.is_none_or(|(most, _)| *share > most) {
                likeliest = Some((*share, class));
            }
        }
        let (_, class) = likeliest.ok_or("a row has no prediction")?;
        Ok(f64::from(class) == label)
    }
}

fn single(predicted: &[f64]) -> Result<f64, String> {
    match predicted {
        [one] => Ok(*one),
        several => Err(format!(
            "a row has {} predictions instead of one",
            several.len()
        )),
    }
}

/// The predicted probability of class 1: alone, or beside that of class 0.
fn binary(predicted: &[f64]) -> Result<f64, String> {
    match predicted {
        [_, positive] => Ok(*positive),
        other => single(other),
    }
}

fn probability(number: f64) -> Result<f64, String> {
    if (0.0..=1.0).contains(&number) {
        return Ok(number);
    }
    Err(format!("a prediction is {number}, which is no probability"))
}

/// The share of pairs of a row of class 1 and a row of class 0 in which the former is predicted
/// higher; equals count half.
fn area(mut ranked: Vec<(f64, Truth)>) -> f64 {
    ranked.sort_unstable_by(|(one, _), (other, _)| one.total_cmp(other));
    let (mut negatives, mut positives, mut area) = (0.0, 0.0, 0.0);
    for equals in ranked.chunk_by(|(one, _), (other, _)| one == other) {
        let weight_of = |class: f32| {
            let of = equals.iter().filter(|(_, truth)| truth.label == class);
            of.map(|(_, truth)| f64::from(truth.weight)).sum::<f64>()
        };
        let (negative, positive) = (weight_of(0.0), weight_of(1.0));
        area += positive * (negatives + negative / 2.0);
        negatives += negative;
        positives += positive;
    }
    area / (negatives * positives)
}

#[cfg(test)]
mod tests {
    use super::*;
    use RowMetric::{Accuracy, Auc, Error, LogLoss, MError, MLogLoss, Mae, Mse, Rmse};

    fn truths(labels: &[f32], weights: &[f32]) -> Vec<Truth> {
        let weights = weights.iter().chain(std::iter::repeat(&1.0));
        let pairs = labels.iter().zip(weights);
        pairs
            .map(|(label, weight)| Truth {
                label: *label,
                weight: *weight,
            })
            .collect()
    }

    fn value(metric: RowMetric, truths: &[Truth], predicted: &[&[f64]]) -> Result<f64, String> {
        check_labels(metric, truths)?;
        assert_eq!(truths.len(), predicted.len());
        let mut tally = Tally::new(metric, truths);
        for (truth, predicted) in truths.iter().zip(predicted) {
            tally.add(*truth, predicted)?;
        }
        Ok(tally.finish())
    }

    fn assert_value(metric: RowMetric, truths: &[Truth], predicted: &[&[f64]], expected: f64) {
        let value = value(metric, truths, predicted).unwrap();
        assert!((value - expected).abs() < 1e-12, "{metric:?}: {value}");
    }

    /// scikit-learn's user guide has these figures for `mean_squared_error` and
    /// `mean_absolute_error`.
    #[test]
    fn errors_of_numbers() {
        let labels = truths(&[3.0, -0.5, 2.0, 7.0], &[]);
        let predicted: [&[f64]; 4] = [&[2.5], &[0.0], &[2.0], &[8.0]];
        assert_value(Mse, &labels, &predicted, 0.375);
        assert_value(Rmse, &labels, &predicted, 0.375_f64.sqrt());
        assert_value(Mae, &labels, &predicted, 0.5);
        // Squares 0.25, 0.25, 0 and 1, of which the last counts three times.
        let weighed = truths(&[3.0, -0.5, 2.0, 7.0], &[1.0, 1.0, 1.0, 3.0]);
        assert_value(Mse, &weighed, &predicted, 3.5 / 6.0);
    }

    /// `log_loss([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.99])` of scikit-learn is 0.1738...
    #[test]
    fn likelihoods() {
        let labels = truths(&[0.0, 0.0, 1.0, 1.0], &[]);
        let alone: [&[f64]; 4] = [&[0.1], &[0.2], &[0.7], &[0.99]];
        let expected = -(0.9_f64.ln() + 0.8_f64.ln() + 0.7_f64.ln() + 0.99_f64.ln()) / 4.0;
        assert!((expected - 0.173_807_336_691_069_87).abs() < 1e-12);
        assert_value(LogLoss, &labels, &alone, expected);
        let pairs: [&[f64]; 4] = [&[0.9, 0.1], &[0.8, 0.2], &[0.3, 0.7], &[0.01, 0.99]];
        assert_value(LogLoss, &labels, &pairs, expected);
        assert_value(MLogLoss, &labels, &pairs, expected);
        // A certain and wrong prediction gives no infinity.
        let wrong = truths(&[1.0], &[]);
        assert_value(LogLoss, &wrong, &[&[0.0]], -LEAST.ln());
        let classes = truths(&[0.0, 2.0], &[]);
        let shares: [&[f64]; 2] = [&[0.5, 0.25, 0.25], &[0.1, 0.1, 0.8]];
        assert_value(
            MLogLoss,
            &classes,
            &shares,
            -(0.5_f64.ln() + 0.8_f64.ln()) / 2.0,
        );
    }

    #[test]
    fn classes_that_are_right_and_wrong() {
        let labels = truths(&[0.0, 1.0, 1.0, 0.0], &[]);
        let shares: [&[f64]; 4] = [&[0.2], &[0.8], &[0.5], &[0.9]];
        // Exactly 0.5 counts as class 0.
        assert_value(Error, &labels, &shares, 0.5);
        assert_value(Accuracy, &labels, &shares, 0.5);
        let labels = truths(&[0.0, 2.0, 1.0, 2.0], &[]);
        let numbers: [&[f64]; 4] = [&[0.0], &[2.0], &[1.0], &[1.0]];
        assert_value(Accuracy, &labels, &numbers, 0.75);
        assert_value(MError, &labels, &numbers, 0.25);
        let shares: [&[f64]; 4] = [
            &[0.6, 0.2, 0.2],
            &[0.1, 0.1, 0.8],
            &[0.4, 0.4, 0.2],
            &[0.0, 0.0, 1.0],
        ];
        assert_value(MError, &labels, &shares, 0.25);
    }

    /// scikit-learn's documentation of `roc_auc_score` has 0.75 for the first.
    #[test]
    fn areas() {
        let labels = truths(&[0.0, 0.0, 1.0, 1.0], &[]);
        let predicted: [&[f64]; 4] = [&[0.1], &[0.4], &[0.35], &[0.8]];
        assert_value(Auc, &labels, &predicted, 0.75);
        let same: [&[f64]; 4] = [&[0.5], &[0.5], &[0.5], &[0.5]];
        assert_value(Auc, &labels, &same, 0.5);
        // The pair in the wrong order counts twice as much as each of the others.
        let weighed = truths(&[0.0, 0.0, 1.0, 1.0], &[1.0, 2.0, 1.0, 1.0]);
        assert_value(Auc, &weighed, &predicted, 4.0 / 6.0);
        // One tie between the classes: 3.5 of 4 pairs.
        let tied: [&[f64]; 4] = [&[0.1], &[0.4], &[0.4], &[0.8]];
        assert_value(Auc, &labels, &tied, 0.875);
    }

    #[test]
    fn what_says_nothing_is_refused() {
        for (metric, labels, words) in [
            (Auc, [1.0, 1.0], "all are the same"),
            (Auc, [1.0, 2.0], "labels 0 and 1"),
            (LogLoss, [0.0, 0.5], "labels 0 and 1"),
            (Error, [0.0, 3.0], "labels 0 and 1"),
            (MError, [0.0, 0.5], "whole labels"),
            (Accuracy, [0.0, -1.0], "whole labels"),
        ] {
            let refused = check_labels(metric, &truths(&labels, &[])).unwrap_err();
            assert!(refused.contains(words), "{refused}");
        }
        let weightless = truths(&[1.0, 2.0], &[0.0, 0.0]);
        assert!(check_labels(Rmse, &weightless).is_err());
        let labels = truths(&[1.0], &[]);
        for (metric, predicted, words) in [
            (Rmse, &[f64::NAN][..], "NaN"),
            (Rmse, &[f64::INFINITY], "inf"),
            (Rmse, &[1.0, 2.0], "2 predictions"),
            (Rmse, &[], "0 predictions"),
            (LogLoss, &[1.5], "no probability"),
            (MLogLoss, &[0.5], "1 probabilities"),
            (Accuracy, &[], "no prediction"),
        ] {
            let refused = value(metric, &labels, &[predicted]).unwrap_err();
            assert!(refused.contains(words), "{refused}");
        }
    }
}
