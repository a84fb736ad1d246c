//! The values of metrics over a training, read from the job's log.

use contract::ServiceError;
use regex::Regex;
use sagemaker_ports::TrainingLogs;
use std::collections::BTreeMap;

/// Most of a log that is read.
const MOST_BYTES: usize = 4 << 20;
/// Most values of a metric that are kept.
const MOST_VALUES: usize = 200;

/// Values by the metrics' names, oldest first. A metric with one value has no curve.
pub type Curves = BTreeMap<String, Vec<f64>>;

/// Reads the log of a completed job with the regular expressions of its metrics, by their names.
///
/// # Errors
/// If the log cannot be read. A job without a log has no curves.
pub async fn read(
    logs: &impl TrainingLogs,
    job: &str,
    metrics: &BTreeMap<String, String>,
) -> Result<Curves, ServiceError> {
    if metrics.is_empty() {
        return Ok(Curves::new());
    }
    let lines = logs.lines(job, MOST_BYTES).await?;
    let curves = metrics.iter().filter_map(|(name, regex)| {
        // SageMaker accepts some expressions that this one does not: they only have no curve.
        let regex = Regex::new(regex)
            .inspect_err(|error| tracing::warn!(name, %error, "the metric has no curve"))
            .ok()?;
        let values = values(&lines, &regex);
        (values.len() > 1).then(|| (name.clone(), thinned(values)))
    });
    Ok(curves.collect())
}

/// What the expression finds: its first group, or the whole match. Only finite numbers count.
fn values(lines: &[String], regex: &Regex) -> Vec<f64> {
    let found = lines.iter().flat_map(|line| regex.captures_iter(line));
    let numbers = found.filter_map(|found| {
        let text = found.get(1).or_else(|| found.get(0))?.as_str();
        text.trim().parse::<f64>().ok()
    });
    numbers.filter(|number| number.is_finite()).collect()
}

/// At most [`MOST_VALUES`] of them at even distances, the first and the last among them.
fn thinned(values: Vec<f64>) -> Vec<f64> {
    let last = values.len() - 1;
    if last < MOST_VALUES {
        return values;
    }
    let steps = MOST_VALUES - 1;
    (0..=steps)
        .map(|step| values[step * last / steps])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sagemaker_ports::MemorySageMaker;

    fn metrics() -> BTreeMap<String, String> {
        [
            (
                "validation:rmse",
                r".*#011validation-rmse:([-+]?[0-9]*\.?[0-9]+).*",
            ),
            ("train:rmse", r".*#011train-rmse:([^#]+).*"),
            ("final", "final=(.*)"),
            ("python", "(?<=x)1"),
        ]
        .map(|(name, regex)| (name.to_owned(), regex.to_owned()))
        .into()
    }

    #[tokio::test]
    async fn a_curve_has_the_values_of_its_metric_in_order() {
        let sagemaker = MemorySageMaker::new();
        sagemaker.script_log([
            "[0]#011train-rmse:1.5#011validation-rmse:1.75",
            "[1]#011train-rmse:nan#011validation-rmse:1.25",
            "[2]#011train-rmse:0.5#011validation-rmse:1",
            "final=1",
        ]);
        let curves = read(&sagemaker, "job", &metrics()).await.unwrap();
        let expected = [
            ("train:rmse", vec![1.5, 0.5]),
            ("validation:rmse", vec![1.75, 1.25, 1.0]),
        ];
        let expected = expected.map(|(name, values)| (name.to_owned(), values));
        assert_eq!(curves, expected.into());
        sagemaker.script_log::<&str, 0>([]);
        assert_eq!(
            read(&sagemaker, "job", &metrics()).await.unwrap(),
            Curves::new()
        );
    }

    #[test]
    fn a_long_curve_is_thinned_and_keeps_its_ends() {
        let long: Vec<_> = (0..10_000).map(f64::from).collect();
        let kept = thinned(long);
        assert_eq!((kept.len(), kept[0], kept[199]), (200, 0.0, 9999.0));
        assert!(kept.is_sorted());
        assert_eq!(thinned(vec![1.0; 200]).len(), 200);
    }
}
