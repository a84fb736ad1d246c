//! A real request and its answer: whether an endpoint answers rows with as many predictions, all of
//! them numbers.

use crate::{Invoke, Prediction};
use contract::{ErrorName, Named, ServiceError};
use serde_json::Value;

const CSV: &str = "text/csv";
const IMAGE: &str = "application/x-image";

/// What an endpoint answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A prediction for each of so many rows.
    Sound(u32),
    /// Something else: what.
    Wrong(String),
}

/// Asks the endpoint about `rows` rows.
///
/// # Errors
/// If the service cannot be asked; that the container refuses is a finding.
pub async fn ask(
    endpoints: &impl Invoke,
    endpoint: &str,
    content_type: &str,
    body: Vec<u8>,
    rows: u32,
) -> Result<Finding, ServiceError> {
    let checked = match endpoints.invoke(endpoint, content_type, body).await {
        Ok(prediction) => check(&prediction, rows as usize),
        // The container's own refusal. What else can go wrong is not the model's fault.
        Err(error) if error.name() == ErrorName::ServiceRejected => {
            Err(format!("the request was refused ({error})"))
        }
        Err(error) => return Err(error),
    };
    Ok(match checked {
        Ok(()) => Finding::Sound(rows),
        Err(what) => Finding::Wrong(what),
    })
}

/// Asks the endpoint for the class of one image: the probability of each of so many classes, or what
/// is wrong with the answer.
///
/// # Errors
/// If the service cannot be asked; that the container refuses is an answer.
pub async fn classify(
    endpoints: &impl Invoke,
    endpoint: &str,
    image: Vec<u8>,
    classes: usize,
) -> Result<Result<Vec<f64>, String>, ServiceError> {
    match endpoints.invoke(endpoint, IMAGE, image).await {
        Ok(prediction) => Ok(probabilities(&prediction.body, classes)),
        Err(error) if error.name() == ErrorName::ServiceRejected => {
            Ok(Err(format!("the request was refused ({error})")))
        }
        Err(error) => Err(error),
    }
}

/// The probabilities of an answer about one image, as SageMaker's image classification gives them: a
/// JSON array with one for each class.
///
/// # Errors
/// If the answer holds something else: what.
pub fn probabilities(body: &[u8], classes: usize) -> Result<Vec<f64>, String> {
    let all: Vec<f64> = serde_json::from_slice(body)
        .map_err(|error| format!("the answer is no JSON array of probabilities ({error})"))?;
    if all.len() != classes {
        let found = all.len();
        return Err(format!(
            "an image of {classes} classes was answered with {found} probabilities"
        ));
    }
    let sum: f64 = all.iter().sum();
    if all.iter().any(|one| !(0.0..=1.0).contains(one)) || (sum - 1.0).abs() > 0.01 {
        return Err(format!(
            "the answer's numbers are no probabilities: they add up to {sum:.3}"
        ));
    }
    Ok(all)
}

fn check(prediction: &Prediction, rows: usize) -> Result<(), String> {
    predictions(prediction, rows).map(drop)
}

/// The predictions of an answer, one for each of `rows` rows: a number, an array of numbers, or an
/// object that holds a number.
///
/// Containers differ: one line per row, all in one line (XGBoost's older images), a JSON array, a
/// JSON object with `predictions`, or JSON lines.
///
/// # Errors
/// If the answer holds something else, or another number of predictions: what.
pub fn predictions(prediction: &Prediction, rows: usize) -> Result<Vec<Value>, String> {
    let media_type = prediction.content_type.as_deref().unwrap_or(CSV);
    let found = if media_type.contains("json") {
        json_predictions(&prediction.body)?
    } else {
        text_predictions(&prediction.body, rows)?
    };
    if found.len() == rows {
        return Ok(found);
    }
    Err(format!(
        "{rows} rows were answered with {} predictions",
        found.len()
    ))
}

/// The class that a prediction says, and its probability if it says that, of a label with these
/// classes; neither if the label is a number.
///
/// An array has a probability for each class. A number between 0 and 1 is the probability of the
/// second of two classes; any other number is the class's own.
pub fn class_of<'c>(prediction: &Value, classes: &'c [String]) -> (Option<&'c str>, Option<f64>) {
    let class = |at: usize| classes.get(at).map(String::as_str);
    match prediction {
        _ if classes.is_empty() => (None, None),
        Value::Array(all) if all.len() == classes.len() => {
            let numbers = all
                .iter()
                .map(|it| it.as_f64().unwrap_or(f64::NEG_INFINITY));
            let best = numbers
                .enumerate()
                .max_by(|one, other| one.1.total_cmp(&other.1));
            (best.and_then(|best| class(best.0)), best.map(|best| best.1))
        }
        Value::Number(number) => match number.as_f64() {
            Some(share) if share > 0.0 && share < 1.0 && classes.len() == 2 => {
                let is_second = share >= 0.5;
                let probability = if is_second { share } else { 1.0 - share };
                (class(usize::from(is_second)), Some(probability))
            }
            Some(number) => (
                (0..classes.len())
                    .find(|at| (*at as f64 - number).abs() < 1e-6)
                    .and_then(class),
                None,
            ),
            None => (None, None),
        },
        _ => (None, None),
    }
}

/// Whether a line of predictions holds finite numbers, separated by commas, or JSON that holds one.
///
/// # Errors
/// With what else it holds.
pub fn check_line(line: &str) -> Result<(), String> {
    if line.starts_with(['{', '[']) {
        let value: Value =
            serde_json::from_str(line).map_err(|error| format!("a line is no JSON ({error})"))?;
        return if holds_number(&value) {
            Ok(())
        } else {
            Err(format!("the line {value} holds no number"))
        };
    }
    line.split(',').try_for_each(finite)
}

fn finite(cell: &str) -> Result<(), String> {
    number(cell).map(drop)
}

fn number(cell: &str) -> Result<Value, String> {
    let number: Option<f64> = cell.trim().parse().ok();
    // JSON has no other numbers than finite ones.
    let number = number.and_then(serde_json::Number::from_f64);
    number
        .map(Value::Number)
        .ok_or_else(|| format!("{:?} in the answer is no finite number", cell.trim()))
}

fn json_predictions(body: &[u8]) -> Result<Vec<Value>, String> {
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
        None => Ok(values),
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

fn text_predictions(body: &[u8], rows: usize) -> Result<Vec<Value>, String> {
    let text = String::from_utf8_lossy(body);
    // Older XGBoost images answer multi:softprob with lists, `[0.1, 0.9],[0.2, 0.8]`.
    if text.starts_with('[') {
        return json_predictions(format!("[{text}]").as_bytes());
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let cells = lines.map(|line| line.split(',').map(number).collect());
    let mut lines: Vec<Vec<Value>> = cells.collect::<Result<_, _>>()?;
    if lines.len() == 1 && rows > 1 {
        return Ok(lines.remove(0));
    }
    let one = |mut cells: Vec<Value>| match cells.len() {
        1 => cells.remove(0),
        _ => Value::Array(cells),
    };
    Ok(lines.into_iter().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_predictions_holds_finite_numbers() {
        for line in ["0.5", "-1e3, 2", "{\"score\": 0.5}", "[1, 2]"] {
            assert_eq!(check_line(line), Ok(()), "{line}");
        }
        for line in [
            "",
            "nan",
            "0.5,",
            "a",
            "{\"score\": null}",
            "[]",
            "{\"score\":",
        ] {
            assert!(check_line(line).is_err(), "{line}");
        }
    }

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
        assert_eq!(answered("text/csv", "[0.1, 0.9]", 1), Ok(()));
        assert_eq!(answered("text/csv", "[0.1, 0.9],[0.2, 0.8]", 2), Ok(()));
        assert_eq!(answered("application/json", r#"{"score": 4.5}"#, 1), Ok(()));
    }

    #[test]
    fn an_image_is_answered_with_a_probability_for_each_class() {
        assert_eq!(probabilities(b"[0.25, 0.75]", 2), Ok(vec![0.25, 0.75]));
        for (body, says) in [
            ("[0.25, 0.75]", "answered with 2 probabilities"),
            ("[0.5, 0.75, 0]", "add up to 1.250"),
            ("[2, -1, 0]", "no probabilities"),
            ("{\"class\": 3}", "no JSON array"),
            ("0.5,0.5,0", "no JSON array"),
            ("[NaN, 0, 1]", "no JSON array"),
        ] {
            let error = probabilities(body.as_bytes(), 3).unwrap_err();
            assert!(error.contains(says), "{body}: {error}");
        }
    }

    #[test]
    fn predictions_are_numbers_arrays_or_objects() {
        let read = |content_type: &str, body: &str, rows| {
            let prediction = Prediction {
                body: body.as_bytes().to_vec(),
                content_type: Some(content_type.to_owned()),
            };
            Value::Array(predictions(&prediction, rows).unwrap()).to_string()
        };
        assert_eq!(read("text/csv", "0.5\n-2e-3\n", 2), "[0.5,-0.002]");
        assert_eq!(read("text/csv", "0.5,1", 2), "[0.5,1.0]");
        assert_eq!(read("text/csv", "0.5,1", 1), "[[0.5,1.0]]");
        assert_eq!(
            read("text/csv", "[0.1, 0.9],[0.2, 0.8]", 2),
            "[[0.1,0.9],[0.2,0.8]]"
        );
        let scores = r#"{"predictions": [{"score": 1}]}"#;
        assert_eq!(read("application/json", scores, 1), r#"[{"score":1}]"#);
    }

    #[test]
    fn too_few_predictions_or_no_numbers_fail() {
        for (content_type, body) in [
            ("text/csv", "0.5\n1\n"),
            ("text/csv", ""),
            ("text/csv", "0.5\nNaN\n1"),
            ("text/csv", "0.5\ninf\n1"),
            ("text/csv", "0.5\n\n1"),
            ("text/csv", "[0.1, 0.9],[0.2, 0.8]"),
            ("text/csv", "[0.1, 0.9],[0.2, nan],[1, 0]"),
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
