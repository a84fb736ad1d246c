//! Predicts items: encodes them as for training, asks the endpoint, and decodes its answer.

mod error;
mod table;

pub use error::PredictError;
pub use table::{Table, table_of};

use crate::encode;
use contract::RunId;
use dataset::ItemForm;
use lake::records::{Champion, DatasetRecord};
use lake::{ObjectStore, RunKeys, documents, keys};
use sagemaker_ports::{Endpoints, Invoke};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write as _;

const CSV: &str = "text/csv";

/// The predictions of items.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Predictions {
    /// The pipeline.
    pub pipeline: String,
    /// The run whose model answered.
    pub run: RunId,
    /// The endpoint.
    pub endpoint: String,
    /// The path of the label that is predicted.
    pub label: String,
    /// One for each item, in order.
    pub predictions: Vec<Prediction>,
}

/// The prediction of an item.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Prediction {
    /// What the model answered: a number, or an array or object of numbers.
    pub answer: Value,
    /// The label's class, if the label has classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The probability of the class, if the model answers with probabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
}

impl Prediction {
    fn of(answer: Value, classes: &[String]) -> Self {
        let (class, probability) = sagemaker_ports::class_of(&answer, classes);
        Self {
            class: class.map(str::to_owned),
            probability,
            answer,
        }
    }
}

impl Predictions {
    /// A line for each item.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for prediction in &self.predictions {
            // Writing to memory cannot fail.
            let _ = match (&prediction.class, prediction.probability) {
                (Some(class), Some(share)) => writeln!(text, "{class}  ({:.1} %)", share * 100.0),
                (Some(class), None) => writeln!(text, "{class}"),
                (None, _) => writeln!(text, "{}", prediction.answer),
            };
        }
        text
    }
}

/// The model that serves.
#[derive(Debug, Clone, PartialEq)]
pub struct Serving {
    /// The pipeline.
    pub pipeline: String,
    /// The run that made the model.
    pub run: RunId,
    /// The endpoint.
    pub endpoint: String,
}

/// The champion and its endpoint, which serves it now.
///
/// # Errors
/// If no model serves, or another one than the champion.
pub async fn serving(
    store: &impl ObjectStore,
    endpoints: &impl Endpoints,
    pipeline: &str,
) -> Result<Serving, PredictError> {
    let key = keys::champion(pipeline);
    let champion: Option<Champion> =
        documents::read_if_there(store, &key, "the record of a champion").await?;
    let pipeline = pipeline.to_owned();
    let Some(champion) = champion else {
        return Err(PredictError::NoChampion { pipeline });
    };
    let (Some(endpoint), Some(config)) = (champion.endpoint, champion.endpoint_config) else {
        return Err(PredictError::NoEndpoint { pipeline });
    };
    let Some(info) = endpoints.describe_endpoint(&endpoint).await? else {
        return Err(PredictError::Gone { endpoint });
    };
    if info.config != config {
        return Err(PredictError::OtherModel {
            endpoint,
            config: info.config,
            champion: config,
        });
    }
    Ok(Serving {
        pipeline,
        run: champion.run,
        endpoint,
    })
}

/// Predicts items, one a line, in the order of the lines.
///
/// # Errors
/// If a line cannot be encoded, or the endpoint does not answer with one prediction for each.
pub async fn predict(
    store: &impl ObjectStore,
    endpoint: &impl Invoke,
    serving: &Serving,
    form: ItemForm,
    items: &str,
) -> Result<Predictions, PredictError> {
    let Serving {
        pipeline,
        run,
        endpoint: name,
    } = serving;
    let key = RunKeys::new(pipeline, run).dataset();
    let record: DatasetRecord = documents::read(store, &key, "the dataset").await?;
    let content_type = record
        .sample
        .map_or(CSV.to_owned(), |sample| sample.content_type);
    if content_type != CSV {
        return Err(PredictError::OtherForm {
            endpoint: name.clone(),
            content_type,
        });
    }
    let columns = encode::columns_of_run(store, pipeline, run).await?;
    let mut rows = Vec::new();
    encode::encode(&columns, form, items.as_bytes(), &mut rows)?;
    let count = String::from_utf8_lossy(&rows).lines().count();
    if count == 0 {
        return Err(PredictError::NoItems);
    }
    let answer = endpoint.invoke(name, CSV, rows).await?;
    let answers =
        sagemaker_ports::predictions(&answer, count).map_err(|what| PredictError::Answer {
            endpoint: name.clone(),
            what,
        })?;
    let answers = answers.into_iter();
    Ok(Predictions {
        pipeline: pipeline.clone(),
        run: run.clone(),
        endpoint: name.clone(),
        label: columns.label.clone(),
        predictions: answers
            .map(|answer| Prediction::of(answer, &columns.label_classes))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn classes(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    fn line(answer: Value, names: &[&str]) -> String {
        let predictions = Predictions {
            pipeline: "p".to_owned(),
            run: RunId::parse("20261120-173000-1a2b3c4d").unwrap(),
            endpoint: "p".to_owned(),
            label: "y".to_owned(),
            predictions: vec![Prediction::of(answer, &classes(names))],
        };
        predictions.text()
    }

    #[test]
    fn answers_become_classes_if_the_label_has_them() {
        assert_eq!(line(json!(4.5), &[]), "4.5\n");
        assert_eq!(line(json!(0.25), &["no", "yes"]), "no  (75.0 %)\n");
        assert_eq!(line(json!(0.5), &["no", "yes"]), "yes  (50.0 %)\n");
        assert_eq!(line(json!(1.0), &["no", "yes"]), "yes\n");
        assert_eq!(line(json!(2.0), &["a", "b", "c"]), "c\n");
        assert_eq!(
            line(json!([0.1, 0.7, 0.2]), &["a", "b", "c"]),
            "b  (70.0 %)\n"
        );
        // What is no class is shown as it is.
        assert_eq!(line(json!(7.0), &["a", "b", "c"]), "7.0\n");
        assert_eq!(line(json!({"score": 1}), &["a", "b"]), "{\"score\":1}\n");
    }
}
