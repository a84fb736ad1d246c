//! Names that are valid by construction: pipelines, runs, SageMaker's resources. Every default name
//! of something in an account is made here, so that none forgets whose it is.

use serde_json::Value;
use std::fmt;

/// Derives the names of a pipeline's resources.
#[derive(Debug, Clone, Copy)]
pub struct Names;

impl Names {
    /// The pipeline of an execution with the input `{}`.
    pub const DEFAULT_PIPELINE: &'static str = "default";
    /// Longest pipeline name, so that every derived name stays within SageMaker's 63 characters.
    pub const MAX_PIPELINE: usize = 32;

    /// Role of a run's own model where it predicts the rows of a comparison.
    pub const CHALLENGER: &'static str = "challenger";
    /// Role of the model that serves, in the same comparison.
    pub const CHAMPION: &'static str = "champion";

    /// Whether `name` can name a pipeline.
    ///
    /// # Errors
    /// Says in one line what is wrong.
    pub fn check_pipeline(name: &str) -> Result<(), String> {
        if name.is_empty() || name.len() > Self::MAX_PIPELINE {
            return Err(format!(
                "a pipeline's name has 1 to {} characters, not {}",
                Self::MAX_PIPELINE,
                name.len()
            ));
        }
        if !name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        {
            return Err(format!("{name:?} may hold only a-z, 0-9 and hyphens"));
        }
        Self::check_sagemaker(name)
    }

    /// The pipeline that the input of an execution names.
    ///
    /// # Errors
    /// Says in one line what is wrong with the input.
    pub fn pipeline_of(input: &Value) -> Result<&str, String> {
        let Some(object) = input.as_object() else {
            return Err(format!(
                "it must be a JSON object such as {{}}, not {}",
                json_kind(input)
            ));
        };
        let name = match object.get("pipeline") {
            None => Self::DEFAULT_PIPELINE,
            Some(Value::String(name)) => name,
            Some(other) => {
                return Err(format!(
                    "field `pipeline` must be text, not {}",
                    json_kind(other)
                ));
            }
        };
        Self::check_pipeline(name).map_err(|message| format!("field `pipeline`: {message}"))?;
        Ok(name)
    }

    /// Whether `name` fits SageMaker's `[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}`.
    ///
    /// # Errors
    /// Says in one line what is wrong.
    pub fn check_sagemaker(name: &str) -> Result<(), String> {
        if name.is_empty() || name.len() > 63 {
            return Err(format!(
                "SageMaker's names have 1 to 63 characters, not {}",
                name.len()
            ));
        }
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(format!(
                "{name:?} may hold only letters, digits and hyphens"
            ));
        }
        if name.starts_with('-') || name.ends_with('-') {
            return Err(format!("{name:?} may not begin or end with a hyphen"));
        }
        Ok(())
    }

    /// The name of a run's training job, model and endpoint configuration.
    pub fn run_resource(pipeline: &str, run: &RunId) -> String {
        format!("{}{run}", Self::run_prefix(pipeline))
    }

    /// What the names of a pipeline's models and endpoint configurations begin with; the run's id
    /// follows.
    pub fn run_prefix(pipeline: &str) -> String {
        format!("{pipeline}-")
    }

    /// The name of an alarm of a pipeline. No stack's name contains a slash: a role can therefore be
    /// limited to its stack's alarms, and no other stack can have the same.
    pub fn alarm(stack: &str, pipeline: &str, what: &str) -> String {
        format!("{stack}/{pipeline}/{what}")
    }

    /// The token by which a run's native export is requested once, in this attempt.
    pub fn export_token(pipeline: &str, run: &RunId, attempt: u32) -> String {
        format!("{pipeline}-{run}-{attempt}")
    }

    /// The token by which the export of a window of changes is requested once, in this attempt.
    pub fn window_token(pipeline: &str, run: &RunId, window: usize, attempt: u32) -> String {
        format!("{pipeline}-{run}-w{window}-{attempt}")
    }

    /// The default name of what all runs of a pipeline share in an account: its endpoint, its model
    /// package group. Pipelines of two stacks may have one name. A combination of more than
    /// SageMaker's 63 characters is shortened, and ends with its hash.
    pub fn shared(stack: &str, pipeline: &str) -> String {
        const LONGEST: usize = 63;
        let name = format!("{stack}-{pipeline}");
        if name.len() <= LONGEST {
            return name;
        }
        let ending = format!("-{:08x}", fnv1a(name.as_bytes()));
        let beginning = name.get(..LONGEST - ending.len()).unwrap_or(stack);
        format!("{}{ending}", beginning.trim_end_matches('-'))
    }

    /// The name of a run's training job, or of the transform job that scores its batch, in this
    /// attempt, from 1. The first attempt has the run's own name; SageMaker's 63 characters leave
    /// room for the suffix.
    pub fn job(pipeline: &str, run: &RunId, attempt: u32) -> String {
        let name = Self::run_resource(pipeline, run);
        if attempt == 1 {
            return name;
        }
        format!("{name}-{attempt}")
    }

    /// The name of a run's tuning job in this attempt, from 1. SageMaker allows it 32 characters:
    /// the run's id, which is unique, and as much of the pipeline's name as fits.
    pub fn tuning_job(pipeline: &str, run: &RunId, attempt: u32) -> String {
        const LONGEST: usize = 32;
        let ending = if attempt == 1 {
            run.to_string()
        } else {
            format!("{run}-{attempt}")
        };
        let room = LONGEST.saturating_sub(ending.len() + 1).min(4);
        let pipeline = pipeline.get(..room).unwrap_or(pipeline);
        let pipeline = pipeline.trim_end_matches('-');
        if pipeline.is_empty() {
            return ending;
        }
        format!("{pipeline}-{ending}")
    }

    /// The name of a transform job in which a run's model, or its champion, predicts the rows of a
    /// comparison; `role` distinguishes the two, and attempts count from 1. It has as much of the
    /// pipeline's name as fits.
    pub fn judging_job(pipeline: &str, run: &RunId, role: &str, attempt: u32) -> String {
        const LONGEST: usize = 63;
        let ending = if attempt == 1 {
            format!("{run}-{role}")
        } else {
            format!("{run}-{role}-{attempt}")
        };
        let room = LONGEST.saturating_sub(ending.len() + 1);
        let pipeline = pipeline.get(..room).unwrap_or(pipeline);
        format!("{}-{ending}", pipeline.trim_end_matches('-'))
    }
}

/// The id of a run: `20261120-173000-1a2b3c4d`. It sorts by start, and stays the same when the
/// execution's first state is retried or redriven.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(String);

impl RunId {
    /// The run of the execution with this ARN and RFC 3339 start time.
    ///
    /// # Errors
    /// If the time is not `YYYY-MM-DDThh:mm:ss` with anything after it.
    pub fn of_execution(arn: &str, start_time: &str) -> Result<Self, String> {
        let digits: String = start_time
            .chars()
            .take(19)
            .filter(char::is_ascii_digit)
            .collect();
        let shape = start_time.as_bytes();
        if digits.len() != 14 || shape.get(4) != Some(&b'-') || shape.get(10) != Some(&b'T') {
            return Err(format!("{start_time:?} is not an RFC 3339 time"));
        }
        Ok(Self(format!(
            "{}-{}-{:08x}",
            &digits[..8],
            &digits[8..],
            fnv1a(arn.as_bytes())
        )))
    }

    /// Parses an id that [`RunId::of_execution`] made.
    ///
    /// # Errors
    /// If the text has another shape.
    pub fn parse(text: &str) -> Result<Self, String> {
        let valid = text.len() == 24
            && text.bytes().enumerate().all(|(i, b)| match i {
                8 | 15 => b == b'-',
                0..=14 => b.is_ascii_digit(),
                _ => b.is_ascii_digit() || (b'a'..=b'f').contains(&b),
            });
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "{text:?} is no run id (such as 20261120-173000-1a2b3c4d)"
            ))
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for RunId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for RunId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for RunId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RunId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "The id of a run: its start, and a hash of its execution.",
            "pattern": "^[0-9]{8}-[0-9]{6}-[0-9a-f]{8}$"
        })
    }
}

/// The kind of a JSON value, with its article.
pub const fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// FNV-1a, 32 bits: names only need to differ.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_is_a_function_of_the_execution() {
        let id = RunId::of_execution("arn:a", "2026-11-20T17:30:00.123Z").unwrap();
        assert_eq!(
            id,
            RunId::of_execution("arn:a", "2026-11-20T17:30:00.123Z").unwrap()
        );
        assert_ne!(
            id,
            RunId::of_execution("arn:b", "2026-11-20T17:30:00.123Z").unwrap()
        );
        assert!(id.as_str().starts_with("20261120-173000-"), "{id}");
        assert_eq!(RunId::parse(id.as_str()).unwrap(), id);
        assert!(RunId::of_execution("arn:a", "yesterday").is_err());
        assert!(RunId::parse("../../champion").is_err());
    }

    #[test]
    fn an_input_names_its_pipeline_or_the_default() {
        let of = |text: &str| {
            let input: Value = serde_json::from_str(text).unwrap();
            Names::pipeline_of(&input).map(str::to_owned)
        };
        assert_eq!(of("{}").unwrap(), "default");
        assert_eq!(of(r#"{"pipeline": "shop", "limits": {}}"#).unwrap(), "shop");
        for wrong in ["[]", r#"{"pipeline": 7}"#, r#"{"pipeline": "../a"}"#] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_runs_share_is_named_by_stack_and_pipeline() {
        assert_eq!(Names::shared("millrace", "default"), "millrace-default");
        let pipeline = "p".repeat(Names::MAX_PIPELINE);
        for stack in ["s".repeat(30), "s".repeat(31), "s-".repeat(64)] {
            let name = Names::shared(&stack, &pipeline);
            Names::check_sagemaker(&name).unwrap();
            assert_ne!(name, Names::shared(&stack, "other"), "{name}");
            assert_ne!(name, Names::shared(&stack[1..], &pipeline), "{name}");
        }
        let long = Names::shared(&"s".repeat(60), "default");
        assert_eq!((long.len(), &long[..54]), (63, "s".repeat(54).as_str()));
    }

    #[test]
    fn every_derived_name_passes_sagemakers_pattern() {
        let run = RunId::of_execution("arn:a", "2026-11-20T17:30:00Z").unwrap();
        let pipeline = "a".repeat(Names::MAX_PIPELINE);
        Names::check_pipeline(&pipeline).unwrap();
        Names::check_sagemaker(&Names::run_resource(&pipeline, &run)).unwrap();
        for name in [pipeline.as_str(), "a", "a-b-c", "abc-d"] {
            for attempt in [1, 2, 99, 100, 9_999_999] {
                let job = Names::tuning_job(name, &run, attempt);
                Names::check_sagemaker(&job).unwrap();
                let own = Names::job(name, &run, attempt.min(99_999));
                Names::check_sagemaker(&own).unwrap();
                assert!(job.len() <= 32 && job.contains(run.as_str()), "{job}");
                for role in ["challenger", "champion"] {
                    let job = Names::judging_job(name, &run, role, attempt);
                    Names::check_sagemaker(&job).unwrap();
                    let told = format!("{run}-{role}");
                    assert!(job.starts_with('a') && job.contains(&told), "{job}");
                }
            }
        }
        for bad in ["", "-a", "a-", "A", "a_b", &"a".repeat(33)] {
            assert!(Names::check_pipeline(bad).is_err(), "{bad:?}");
        }
    }
}
