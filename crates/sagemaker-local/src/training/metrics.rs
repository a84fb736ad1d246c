//! Reads metrics from a log with the regular expressions of `MetricDefinitions`.

use crate::protocol::refusal::Refusal;
use regex::Regex;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader};
use std::path::Path;

/// A metric's name, and the regular expression that finds its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetricDefinition {
    pub name: String,
    pub regex: String,
}

/// A metric with its last value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    pub name: String,
    pub value: f64,
}

/// The request's definitions, followed by the image's own that the request does not redefine.
pub fn joined(
    requested: &[MetricDefinition],
    of_image: &[MetricDefinition],
) -> Vec<MetricDefinition> {
    let is_new = |one: &&MetricDefinition| requested.iter().all(|it| it.name != one.name);
    let more = of_image.iter().filter(is_new);
    requested.iter().chain(more).cloned().collect()
}

/// Compiles the definitions.
pub fn compile(definitions: &[MetricDefinition]) -> Result<Vec<(String, Regex)>, Refusal> {
    let compiled = definitions
        .iter()
        .map(|definition| match Regex::new(&definition.regex) {
            Ok(regex) => Ok((definition.name.clone(), regex)),
            Err(error) => {
                let error = error.to_string().replace('\n', " ");
                Err(Refusal::validation(format!(
                    "the regular expression of metric {:?} cannot be used: {error}",
                    definition.name
                )))
            }
        });
    compiled.collect()
}

/// Reads the log line by line, and returns the last finite number that each definition finds: its
/// first group, or the whole match.
pub fn scrape(log: &Path, definitions: &[(String, Regex)]) -> std::io::Result<Vec<Metric>> {
    let mut last = vec![None; definitions.len()];
    if !definitions.is_empty() {
        let mut lines = BufReader::new(std::fs::File::open(log)?);
        let mut bytes = Vec::new();
        while lines.read_until(b'\n', &mut bytes)? > 0 {
            let line = String::from_utf8_lossy(&bytes);
            for ((_, regex), last) in definitions.iter().zip(&mut last) {
                for found in regex.captures_iter(&line) {
                    let text = found
                        .get(1)
                        .or_else(|| found.get(0))
                        .map(|group| group.as_str());
                    let value = text.and_then(|text| text.trim().parse::<f64>().ok());
                    *last = value.filter(|value| value.is_finite()).or(*last);
                }
            }
            bytes.clear();
        }
    }
    let found = definitions
        .iter()
        .zip(last)
        .filter_map(|((name, _), value)| {
            Some(Metric {
                name: name.clone(),
                value: value?,
            })
        });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(name: &str, regex: &str) -> MetricDefinition {
        MetricDefinition {
            name: name.into(),
            regex: regex.into(),
        }
    }

    #[test]
    fn the_last_finite_value_is_the_final_one() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        std::fs::write(
            &log,
            b"rmse=1.5;\nrmse=0.75; recall: 1e-2\n\xff\nrmse=nan;\n",
        )
        .unwrap();
        let definitions = compile(&[
            definition("rmse", "rmse=([^;]+);"),
            definition("recall", r"recall: ([0-9\-e.]+)"),
            definition("absent", "loss=(.*)"),
        ]);
        let found = scrape(&log, &definitions.unwrap()).unwrap();
        let metric = |name: &str, value| Metric {
            name: name.into(),
            value,
        };
        assert_eq!(found, [metric("rmse", 0.75), metric("recall", 0.01)]);
    }

    #[test]
    fn a_malformed_expression_names_its_metric() {
        let refusal = compile(&[definition("rmse", "rmse=(")]).unwrap_err();
        assert!(refusal.message.contains("\"rmse\""), "{refusal}");
    }
}
