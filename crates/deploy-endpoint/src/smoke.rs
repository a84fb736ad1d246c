//! A real request: rows of the run's own dataset, without their label, must be answered with as many
//! predictions, all of them numbers.

use crate::DeployEndpointError;
use contract::{ErrorName, Named};
use lake::records::DatasetRecord;
use lake::store::ByteStream;
use lake::{ObjectStore, RunKeys, documents};
use model::{Invoke, Prediction};
use serde_json::Value;

const ROWS: usize = 5;
const CSV: &str = "text/csv";

/// What the endpoint answered.
#[derive(Debug, PartialEq, Eq)]
pub enum Finding {
    /// A prediction for each of so many rows.
    Sound(u32),
    /// Something else: what.
    Wrong(String),
}

/// Asks the endpoint about a few rows.
pub async fn test(
    store: &impl ObjectStore,
    endpoints: &impl Invoke,
    run: &RunKeys,
    endpoint: &str,
) -> Result<Finding, DeployEndpointError> {
    let Question {
        rows,
        content_type,
        body,
    } = question(store, run).await?;
    let asked = endpoints.invoke(endpoint, &content_type, body.into_bytes());
    let checked = match asked.await {
        Ok(prediction) => check(&prediction, rows),
        // The container's own refusal. What else can go wrong is not the model's fault.
        Err(error) if error.name() == ErrorName::ServiceRejected => {
            Err(format!("the request was refused ({error})"))
        }
        Err(error) => return Err(error.into()),
    };
    Ok(match checked {
        Ok(()) => Finding::Sound(u32::try_from(rows).expect("a few rows")),
        Err(what) => Finding::Wrong(what),
    })
}

/// What the endpoint is asked.
struct Question {
    rows: usize,
    content_type: String,
    body: String,
}

/// The dataset's own sample, in what its algorithm takes; in datasets of before there was one, the
/// first rows of its CSV.
async fn question(
    store: &impl ObjectStore,
    run: &RunKeys,
) -> Result<Question, DeployEndpointError> {
    let key = run.dataset();
    let dataset: DatasetRecord = documents::read(store, &key, "a dataset").await?;
    if let Some(sample) = dataset.sample {
        return Ok(Question {
            rows: sample.rows as usize,
            content_type: sample.content_type,
            body: sample.body,
        });
    }
    let rows = feature_rows(store, key, &dataset).await?;
    Ok(Question {
        content_type: CSV.to_owned(),
        body: format!("{}\n", rows.join("\n")),
        rows: rows.len(),
    })
}

/// The first rows of the validation data, or of the training data where there is none, as features.
async fn feature_rows(
    store: &impl ObjectStore,
    key: String,
    dataset: &DatasetRecord,
) -> Result<Vec<String>, DeployEndpointError> {
    let mut filled = dataset.files.iter().filter(|file| file.rows > 0);
    let validation = filled.clone().find(|file| file.channel == "validation");
    match validation.or_else(|| filled.next()) {
        Some(file) => first_rows(store, &file.key).await,
        None => Err(DeployEndpointError::NoRows { key }),
    }
}

async fn first_rows(
    store: &impl ObjectStore,
    key: &str,
) -> Result<Vec<String>, DeployEndpointError> {
    let mut stream = store.stream(key).await?;
    let mut text = Vec::new();
    // As many pieces as rows could still lack the last one's end.
    while text.split(|byte| *byte == b'\n').count() <= ROWS {
        match stream.next().await? {
            Some(frame) => text.extend_from_slice(&frame),
            None => break,
        }
    }
    let text = String::from_utf8_lossy(&text);
    let rows = text.lines().take(ROWS);
    rows.map(|row| match row.split_once(',') {
        Some((_label, features)) => Ok(features.to_owned()),
        None => Err(DeployEndpointError::NoFeatures {
            key: key.to_owned(),
        }),
    })
    .collect()
}

/// Whether the answer holds a prediction for each row.
///
/// Containers differ: one line per row, all in one line (XGBoost's older images), a JSON array, a
/// JSON object with `predictions`, or JSON lines.
fn check(prediction: &Prediction, rows: usize) -> Result<(), String> {
    let media_type = prediction.content_type.as_deref().unwrap_or(CSV);
    let found = if media_type.contains("json") {
        json_predictions(&prediction.body)?
    } else {
        text_predictions(&prediction.body, rows)?
    };
    if found == rows {
        return Ok(());
    }
    Err(format!(
        "{rows} rows were answered with {found} predictions"
    ))
}

fn json_predictions(body: &[u8]) -> Result<usize, String> {
    let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_slice(body)
        .into_iter()
        .collect();
    let mut values = values.map_err(|error| format!("the answer is no JSON ({error})"))?;
    if let [only] = values.as_mut_slice() {
        let inner = match only.get_mut("predictions") {
            Some(predictions) => predictions.take(),
            None => only.take(),
        };
        values = match inner {
            Value::Array(predictions) => predictions,
            other => vec![other],
        };
    }
    match values.iter().position(|value| !holds_number(value)) {
        None => Ok(values.len()),
        Some(place) => Err(format!(
            "prediction {place} is {}, no number",
            values[place]
        )),
    }
}

/// JSON numbers are finite; an array holds numbers if all its elements do, an object if one does.
fn holds_number(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::Array(values) => !values.is_empty() && values.iter().all(holds_number),
        Value::Object(fields) => fields.values().any(holds_number),
        _ => false,
    }
}

fn text_predictions(body: &[u8], rows: usize) -> Result<usize, String> {
    let text = String::from_utf8_lossy(body);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let cells = lines.iter().flat_map(|line| line.split(','));
    for cell in cells.clone() {
        let number: Result<f64, _> = cell.trim().parse();
        if !number.is_ok_and(f64::is_finite) {
            return Err(format!(
                "{:?} in the answer is no finite number",
                cell.trim()
            ));
        }
    }
    if lines.len() == 1 && rows > 1 {
        return Ok(cells.count());
    }
    Ok(lines.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(content_type: &str, body: &str, rows: usize) -> Result<(), String> {
        let prediction = Prediction {
            body: body.as_bytes().to_vec(),
            content_type: Some(content_type.to_owned()),
        };
        check(&prediction, rows)
    }

    #[test]
    fn every_usual_shape_of_an_answer_is_read() {
        for (content_type, body) in [
            ("text/csv", "0.5\n1\n-2e-3\n"),
            ("text/csv; charset=utf-8", "0.5,1,2"),
            ("text/csv", "0.1,0.9\n0.2,0.8\n1,0"),
            ("application/json", "[1, 2.5, 3]"),
            (
                "application/json",
                r#"{"predictions": [{"score": 1}, {"score": 2}, {"score": 3}]}"#,
            ),
            ("application/json", "[[0.1, 0.9], [0.2, 0.8], [1, 0]]"),
            (
                "application/jsonlines",
                "{\"score\": 1}\n{\"score\": 2}\n{\"score\": 3}\n",
            ),
        ] {
            assert_eq!(answered(content_type, body, 3), Ok(()), "{body}");
        }
        assert_eq!(answered("text/csv", "0.1,0.9", 1), Ok(()));
        assert_eq!(answered("application/json", r#"{"score": 4.5}"#, 1), Ok(()));
    }

    #[test]
    fn too_few_predictions_or_no_numbers_fail() {
        for (content_type, body) in [
            ("text/csv", "0.5\n1\n"),
            ("text/csv", ""),
            ("text/csv", "0.5\nNaN\n1"),
            ("text/csv", "0.5\ninf\n1"),
            ("text/csv", "0.5\n\n1"),
            ("text/html", "<html>oops</html>"),
            ("application/json", "[1, 2]"),
            ("application/json", "[1, null, 3]"),
            ("application/json", "[1, NaN, 3]"),
            ("application/json", "[[], [], []]"),
            ("application/json", r#"{"error": "no such column"}"#),
            ("application/json", ""),
        ] {
            assert!(answered(content_type, body, 3).is_err(), "{body:?}");
        }
    }
}
