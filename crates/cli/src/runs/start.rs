//! Starts a run: its input from settings, and the name of its execution.

use super::{RunError, of_execution};
use crate::place::Place;
use contract::RunId;
use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use std::str::FromStr;
use std::time::SystemTime;

/// A field of the definition that one run overrides: `dataset.split.validation=0.2`.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The path of the field.
    pub path: Vec<String>,
    /// Its value.
    pub value: Value,
}

impl FromStr for Setting {
    type Err = String;

    /// The value is read as JSON; what is no JSON is text.
    fn from_str(text: &str) -> Result<Self, String> {
        let Some((path, value)) = text.split_once('=') else {
            return Err("this is not PATH=VALUE, such as dataset.split.validation=0.2".to_owned());
        };
        let path: Vec<_> = path.split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err("a field's name is empty: PATH is such as dataset.label".to_owned());
        }
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        Ok(Self { path, value })
    }
}

/// The input of an execution.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Input {
    /// A part of the definition, which overrides the stored one.
    pub overrides: Map<String, Value>,
    /// Single fields, which override that.
    pub settings: Vec<Setting>,
}

impl Input {
    /// The input for this pipeline.
    ///
    /// # Errors
    /// If a setting lies below a value that is no object.
    pub fn value(&self, pipeline: &str) -> Result<Value, RunError> {
        let mut input = self.overrides.clone();
        input
            .entry("pipeline")
            .or_insert_with(|| Value::String(pipeline.to_owned()));
        for setting in &self.settings {
            set(&mut input, &setting.path, &setting.value).ok_or_else(|| RunError::Setting {
                path: setting.path.join("."),
            })?;
        }
        Ok(Value::Object(input))
    }
}

/// Sets a field and makes the objects above it; `None` if one of those is something else.
fn set(object: &mut Map<String, Value>, path: &[String], value: &Value) -> Option<()> {
    match path {
        [] => None,
        [name] => {
            object.insert(name.clone(), value.clone());
            Some(())
        }
        [name, rest @ ..] => {
            let below = object
                .entry(name)
                .or_insert_with(|| Value::Object(Map::new()));
            set(below.as_object_mut()?, rest, value)
        }
    }
}

/// A run that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Started {
    /// The run's id.
    pub run: RunId,
    /// Its pipeline.
    pub pipeline: String,
    /// The ARN of its execution.
    pub execution: String,
}

/// A run that was stopped or redriven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Changed {
    /// The run's id.
    pub run: RunId,
    /// Its pipeline.
    pub pipeline: String,
    /// The ARN of its execution.
    pub execution: String,
    /// The execution's status before.
    pub was: String,
}

/// The name of an execution: `<pipeline>-<date>-<time>-<milliseconds>`. Milliseconds, because
/// starting the same name again returns the first execution.
pub fn execution_name(pipeline: &str, now: SystemTime) -> String {
    let now = Timestamp::try_from(now).unwrap_or(Timestamp::UNIX_EPOCH);
    let millisecond = now.subsec_millisecond();
    let now = now.to_zoned(TimeZone::UTC);
    format!(
        "{pipeline}-{}-{millisecond:03}",
        now.strftime("%Y%m%d-%H%M%S")
    )
}

/// Starts a run.
///
/// # Errors
/// If the input is not an object, the place is not known, or Step Functions refuses.
pub async fn start(place: &Place, input: &Input) -> Result<Started, RunError> {
    let input = input.value(place.pipeline())?;
    let pipeline = input["pipeline"].as_str().unwrap_or_default().to_owned();
    let name = execution_name(&pipeline, SystemTime::now());
    let arn = place.to_start().await?;
    let machines = place.machines();
    let started = machines.start(arn, Some(&name), &input.to_string()).await?;
    Ok(Started {
        run: of_execution(&started.arn, started.at),
        pipeline,
        execution: started.arn,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Duration;

    fn input(overrides: &Value, settings: &[&str]) -> Result<Value, RunError> {
        let input = Input {
            overrides: overrides.as_object().unwrap().clone(),
            settings: settings.iter().map(|text| text.parse().unwrap()).collect(),
        };
        input.value("nightly")
    }

    #[test]
    fn settings_override_single_fields() {
        let settings = [
            "dataset.split.validation=0.2",
            "dataset.label=rating",
            "limits=null",
            "training.hyperparameters.objective=\"reg:logistic\"",
        ];
        let expected = json!({
            "dataset": {"seed": 1, "split": {"validation": 0.2}, "label": "rating"},
            "pipeline": "nightly",
            "limits": null,
            "training": {"hyperparameters": {"objective": "reg:logistic"}},
        });
        assert_eq!(
            input(&json!({"dataset": {"seed": 1}}), &settings).unwrap(),
            expected
        );
        assert_eq!(
            input(&json!({"pipeline": "other"}), &[]).unwrap(),
            json!({"pipeline": "other"})
        );
    }

    #[test]
    fn a_setting_below_a_value_is_refused() {
        let error = input(&json!({"limits": 1}), &["limits.maxCost=5"]).unwrap_err();
        assert!(
            error.to_string().starts_with("--set limits.maxCost:"),
            "{error}"
        );
        for text in ["label", "=1", "a..b=1"] {
            assert!(text.parse::<Setting>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_of_executions_are_unique_and_sort_by_time() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_858_256_042);
        assert_eq!(execution_name("default", at), "default-20261128-093056-042");
    }
}
