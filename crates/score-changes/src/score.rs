//! A batch of items as rows, the endpoint's answers, and the rows of the table of scores.

use crate::ScoreChangesError;
use crate::champion::Serving;
use crate::change::Change;
use dataset::{CsvRows, ItemForm, ItemText};
use sagemaker_ports::Invoke;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const CSV: &str = "text/csv";
/// Rows and bytes of one request. A serverless endpoint takes 4 MB; the rest of a batch is another
/// request. Source: Amazon SageMaker Developer Guide, "Deploy models with Amazon SageMaker
/// Serverless Inference".
const ROWS: usize = 500;
const BYTES: usize = 1 << 20;

/// The attribute with what the model answered: a number, or a list or map of numbers.
pub const PREDICTION: &str = "prediction";
/// The attribute with the label's class, if the label has classes.
pub const CLASS: &str = "class";
/// The attribute with the class's probability, if the model answers with probabilities.
pub const PROBABILITY: &str = "probability";
/// The attribute with the id of the run whose model answered.
pub const RUN: &str = "run";
/// The attribute with the time of the answer, RFC 3339.
pub const SCORED_AT: &str = "scoredAt";
/// The attribute with the change's sequence number: 40 digits.
pub const SEQUENCE: &str = "sequence";

const OWN: [&str; 6] = [PREDICTION, CLASS, PROBABILITY, RUN, SCORED_AT, SEQUENCE];

/// The least and the greatest positive number that DynamoDB keeps. Source: Amazon DynamoDB Developer
/// Guide, "Data types: Number".
const LEAST: f64 = 1e-130;
const GREATEST: f64 = 9.9e125;

/// A row that the endpoint is asked about.
#[derive(Debug)]
pub struct Row<'c> {
    change: &'c Change,
    csv: Vec<u8>,
}

/// Encodes the new images of changes; of those that have no row, why, and how many.
pub fn rows<'c>(serving: &Serving, changes: &'c [Change]) -> (Vec<Row<'c>>, BTreeMap<String, u64>) {
    let mut rows = Vec::new();
    let mut without = BTreeMap::new();
    for change in changes {
        let Some(image) = &change.image else {
            continue;
        };
        match encoded(serving, image) {
            Ok(csv) => rows.push(Row { change, csv }),
            Err(why) => *without.entry(why).or_default() += 1,
        }
    }
    (rows, without)
}

/// The item's row, or why there is none, without the item's values.
fn encoded(serving: &Serving, image: &Value) -> Result<Vec<u8>, String> {
    let text = image.to_string();
    let item = ItemText::read(text.as_bytes(), ItemForm::DynamoDb)
        .map_err(|_| "the new image is not DynamoDB JSON".to_owned())?;
    let item = item.item();
    let values = serving.encoder.values(&item);
    if serving.encoder.is_left_out(&values) {
        return Err("the dataset's `where` leaves the item out".to_owned());
    }
    let mut row = CsvRows::new();
    let features = serving.encoder.features(&values, &mut row);
    features.map_err(|reject| format!("`{}`: {}", reject.path, reject.reason))?;
    Ok(row.as_bytes().to_vec())
}

/// Asks the endpoint about all rows: one answer for each, in order.
///
/// # Errors
/// If the endpoint refuses, fails, or answers with something else.
pub async fn ask(
    endpoint: &impl Invoke,
    serving: &Serving,
    rows: &[Row<'_>],
) -> Result<Vec<Value>, ScoreChangesError> {
    let mut answers = Vec::with_capacity(rows.len());
    let mut rest = rows;
    while !rest.is_empty() {
        let (request, after) = rest.split_at(request_size(rest));
        let body = request.iter().map(|row| &row.csv[..]).collect::<Vec<_>>();
        let answer = endpoint
            .invoke(&serving.endpoint, CSV, body.concat())
            .await?;
        let found = sagemaker_ports::predictions(&answer, request.len());
        answers.extend(found.map_err(|what| ScoreChangesError::Answer {
            endpoint: serving.endpoint.clone(),
            what,
        })?);
        rest = after;
    }
    Ok(answers)
}

/// How many of the first rows one request takes: at least one.
fn request_size(rows: &[Row<'_>]) -> usize {
    let mut bytes = 0;
    let fits = rows.iter().take(ROWS).take_while(|row| {
        bytes += row.csv.len();
        bytes <= BYTES
    });
    fits.count().max(1)
}

/// The row of the table of scores, in DynamoDB JSON; `None` if the prediction has a number that
/// DynamoDB cannot hold.
///
/// # Errors
/// If a key attribute has the name of an attribute of the score.
pub fn scored(
    serving: &Serving,
    row: &Row<'_>,
    prediction: &Value,
    time: &str,
) -> Result<Option<Value>, ScoreChangesError> {
    let Some(typed) = typed(prediction) else {
        return Ok(None);
    };
    let mut item: Map<String, Value> = row.change.key.as_object().cloned().unwrap_or_default();
    if let Some(name) = OWN.iter().find(|name| item.contains_key(**name)) {
        return Err(ScoreChangesError::KeyTaken {
            name: (*name).to_owned(),
        });
    }
    let (class, probability) = sagemaker_ports::class_of(prediction, &serving.classes);
    let mut set = |name: &str, value: Value| item.insert(name.to_owned(), value);
    set(PREDICTION, typed);
    if let Some(class) = class {
        set(CLASS, json!({ "S": class }));
    }
    if let Some(probability) = probability.and_then(number) {
        set(PROBABILITY, probability);
    }
    set(RUN, json!({ "S": serving.champion.run }));
    set(SCORED_AT, json!({ "S": time }));
    set(SEQUENCE, json!({ "S": row.change.sequence }));
    Ok(Some(Value::Object(item)))
}

impl<'c> Row<'c> {
    /// The change that it is of.
    pub const fn change(&self) -> &'c Change {
        self.change
    }
}

/// A prediction in DynamoDB JSON.
fn typed(prediction: &Value) -> Option<Value> {
    Some(match prediction {
        Value::Null => json!({ "NULL": true }),
        Value::Bool(value) => json!({ "BOOL": value }),
        Value::String(text) => json!({ "S": text }),
        Value::Number(value) => number(value.as_f64()?)?,
        Value::Array(all) => {
            let all: Option<Vec<_>> = all.iter().map(typed).collect();
            json!({ "L": all? })
        }
        Value::Object(fields) => {
            let each = fields.iter();
            let fields: Option<Map<_, _>> = each
                .map(|(name, value)| Some((name.clone(), typed(value)?)))
                .collect();
            json!({ "M": fields? })
        }
    })
}

/// A number as DynamoDB holds it: what is too near to 0 is 0, what is too large is none.
fn number(value: f64) -> Option<Value> {
    let size = value.abs();
    if size > GREATEST || !size.is_finite() {
        return None;
    }
    let text = match size {
        ..LEAST => "0".to_owned(),
        1e-6..1e15 => value.to_string(),
        _ => format!("{value:e}"),
    };
    Some(json!({ "N": text }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(id: &str) -> Change {
        Change {
            key: json!({"id": {"S": id}}),
            sequence: "1".to_owned(),
            image: None,
        }
    }

    #[test]
    fn a_request_takes_as_many_rows_as_fit_and_at_least_one() {
        let change = change("a");
        let rows = |count: usize, bytes: usize| -> Vec<Row<'_>> {
            let row = |_| Row {
                change: &change,
                csv: vec![b'1'; bytes],
            };
            (0..count).map(row).collect()
        };
        assert_eq!(request_size(&rows(3, 10)), 3);
        assert_eq!(request_size(&rows(ROWS + 1, 10)), ROWS);
        assert_eq!(request_size(&rows(10, BYTES / 4)), 4);
        assert_eq!(request_size(&rows(2, BYTES + 1)), 1);
    }

    #[test]
    fn every_prediction_is_a_value_of_dynamodb() {
        for (prediction, expected) in [
            (json!(0.25), json!({"N": "0.25"})),
            (json!(3.0), json!({"N": "3"})),
            (json!(-7), json!({"N": "-7"})),
            (json!(1e-200), json!({"N": "0"})),
            (json!(-1.5e-7), json!({"N": "-1.5e-7"})),
            (json!([0.5, 1]), json!({"L": [{"N": "0.5"}, {"N": "1"}]})),
            (
                json!({"score": 2.5, "label": "a"}),
                json!({"M": {"score": {"N": "2.5"}, "label": {"S": "a"}}}),
            ),
            (
                json!([null, true]),
                json!({"L": [{"NULL": true}, {"BOOL": true}]}),
            ),
        ] {
            assert_eq!(typed(&prediction), Some(expected), "{prediction}");
        }
        assert_eq!(typed(&json!(1e130)), None);
        assert_eq!(typed(&json!([1, -1e126])), None);
    }
}
