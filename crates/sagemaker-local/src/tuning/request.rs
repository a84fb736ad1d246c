//! The request for a tuning job: its constraints, and the values for its training jobs.

use crate::protocol::members::parse;
use crate::protocol::refusal::Refusal;
use crate::protocol::validation::{self, Kind, Rule, check, optional, required};
use crate::tags;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const NAME: &str = "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}";
const TEXT: Kind = Kind::Text {
    min: 0,
    max: 256,
    pattern: "",
};
const RANGES: Kind = Kind::List { min: 0, max: 30 };
const SCALING: Kind = Kind::OneOf(&["Auto", "Linear", "Logarithmic", "ReverseLogarithmic"]);
const RULES: &[Rule] = &[
    required("HyperParameterTuningJobName", validation::text(32, NAME)),
    required("HyperParameterTuningJobConfig", Kind::Object),
    required(
        "HyperParameterTuningJobConfig.Strategy",
        Kind::OneOf(&["Bayesian", "Random", "Hyperband", "Grid"]),
    ),
    required("HyperParameterTuningJobConfig.ResourceLimits", Kind::Object),
    optional(
        "HyperParameterTuningJobConfig.ResourceLimits.MaxNumberOfTrainingJobs",
        Kind::Integer {
            min: 1,
            max: i64::MAX,
        },
    ),
    required(
        "HyperParameterTuningJobConfig.ResourceLimits.MaxParallelTrainingJobs",
        Kind::Integer {
            min: 1,
            max: i64::MAX,
        },
    ),
    required(
        "HyperParameterTuningJobConfig.HyperParameterTuningJobObjective",
        Kind::Object,
    ),
    required(
        "HyperParameterTuningJobConfig.HyperParameterTuningJobObjective.Type",
        Kind::OneOf(&["Maximize", "Minimize"]),
    ),
    required(
        "HyperParameterTuningJobConfig.HyperParameterTuningJobObjective.MetricName",
        validation::text(255, ".+"),
    ),
    optional(
        "HyperParameterTuningJobConfig.TrainingJobEarlyStoppingType",
        Kind::OneOf(&["Off", "Auto"]),
    ),
    required(
        "HyperParameterTuningJobConfig.ParameterRanges",
        Kind::Object,
    ),
    optional(
        "HyperParameterTuningJobConfig.ParameterRanges.IntegerParameterRanges",
        RANGES,
    ),
    required(
        "HyperParameterTuningJobConfig.ParameterRanges.IntegerParameterRanges[].Name",
        TEXT,
    ),
    required(
        "HyperParameterTuningJobConfig.ParameterRanges.IntegerParameterRanges[].MinValue",
        TEXT,
    ),
    required(
        "HyperParameterTuningJobConfig.ParameterRanges.IntegerParameterRanges[].MaxValue",
        TEXT,
    ),
    optional(
        "HyperParameterTuningJobConfig.ParameterRanges.IntegerParameterRanges[].ScalingType",
        SCALING,
    ),
    optional(
        "HyperParameterTuningJobConfig.ParameterRanges.ContinuousParameterRanges",
        RANGES,
    ),
    required(
        "HyperParameterTuningJobConfig.ParameterRanges.ContinuousParameterRanges[].Name",
        TEXT,
    ),
    required(
        "HyperParameterTuningJobConfig.ParameterRanges.ContinuousParameterRanges[].MinValue",
        TEXT,
    ),
    required(
        "HyperParameterTuningJobConfig.ParameterRanges.ContinuousParameterRanges[].MaxValue",
        TEXT,
    ),
    optional(
        "HyperParameterTuningJobConfig.ParameterRanges.ContinuousParameterRanges[].ScalingType",
        SCALING,
    ),
    optional(
        "HyperParameterTuningJobConfig.ParameterRanges.CategoricalParameterRanges",
        RANGES,
    ),
    required(
        "HyperParameterTuningJobConfig.ParameterRanges.CategoricalParameterRanges[].Name",
        TEXT,
    ),
    required(
        "HyperParameterTuningJobConfig.ParameterRanges.CategoricalParameterRanges[].Values",
        Kind::List { min: 1, max: 30 },
    ),
    required("TrainingJobDefinition", Kind::Object),
];

/// The members that the run needs.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TuningRequest {
    #[serde(rename = "HyperParameterTuningJobName")]
    pub name: String,
    #[serde(rename = "HyperParameterTuningJobConfig")]
    pub config: Config,
    #[serde(rename = "TrainingJobDefinition")]
    definition: Map<String, Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Config {
    strategy: String,
    #[serde(rename = "HyperParameterTuningJobObjective")]
    pub objective: Objective,
    pub resource_limits: Limits,
    parameter_ranges: Ranges,
    random_seed: Option<u64>,
}

/// The metric to maximize or minimize.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Objective {
    pub r#type: String,
    pub metric_name: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Limits {
    #[serde(rename = "MaxNumberOfTrainingJobs")]
    max_jobs: Option<usize>,
    #[serde(rename = "MaxParallelTrainingJobs")]
    pub max_parallel: usize,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Ranges {
    #[serde(rename = "IntegerParameterRanges")]
    integer: Vec<Numbers>,
    #[serde(rename = "ContinuousParameterRanges")]
    continuous: Vec<Numbers>,
    #[serde(rename = "CategoricalParameterRanges")]
    categorical: Vec<Texts>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Numbers {
    name: String,
    min_value: String,
    max_value: String,
    scaling_type: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Texts {
    name: String,
    values: Vec<String>,
}

impl TuningRequest {
    /// Checks a request against the API's constraints, refuses what is not supported, and parses
    /// it.
    pub fn read(request: &Value) -> Result<Self, Refusal> {
        check(request, RULES)?;
        tags::validate(request)?;
        for absent in ["TrainingJobDefinitions", "WarmStartConfig", "Autotune"] {
            if !request[absent].is_null() {
                return Err(Refusal::validation(format!(
                    "sagemaker-local does not support {absent} of a tuning job"
                )));
            }
        }
        let parsed: Self = parse(request)?;
        let ranges = &parsed.config.parameter_ranges;
        for range in ranges.integer.iter().chain(&ranges.continuous) {
            range.bounds()?;
        }
        let numbers = ranges.integer.len() + ranges.continuous.len();
        if parsed.config.strategy == "Grid" && numbers > 0 {
            return Err(Refusal::validation(
                "Grid search supports only CategoricalParameterRanges",
            ));
        }
        if numbers + ranges.categorical.len() == 0 {
            return Err(Refusal::validation(
                "At least one hyperparameter range must be given",
            ));
        }
        if parsed.config.strategy != "Grid" && parsed.config.resource_limits.max_jobs.is_none() {
            return Err(Refusal::validation(
                "MaxNumberOfTrainingJobs is required unless the strategy is Grid",
            ));
        }
        Ok(parsed)
    }

    /// The number of training jobs.
    pub fn jobs(&self) -> usize {
        let texts = self.config.parameter_ranges.categorical.iter();
        let grid: usize = texts.map(|range| range.values.len()).product();
        match self.config.resource_limits.max_jobs {
            Some(most) if self.config.strategy == "Grid" => most.min(grid),
            Some(most) => most,
            None => grid,
        }
    }

    /// The request for the training job of this index, and the values that it tries. Grid takes the
    /// next combination. Random draws by seed and index, and so do Bayesian and Hyperband.
    pub fn training_job(&self, name: &str, index: usize) -> (Value, BTreeMap<String, String>) {
        let values = if self.config.strategy == "Grid" {
            self.grid(index)
        } else {
            self.draw_values(index)
        };
        let mut job = self.definition.clone();
        let fixed = job.remove("StaticHyperParameters").unwrap_or(Value::Null);
        let mut parameters = fixed.as_object().cloned().unwrap_or_default();
        for (parameter, value) in &values {
            parameters.insert(parameter.clone(), json!(value));
        }
        let objective = &self.config.objective.metric_name;
        parameters.insert("_tuning_objective_metric".to_owned(), json!(objective));
        job.insert("TrainingJobName".to_owned(), json!(name));
        job.insert("HyperParameters".to_owned(), Value::Object(parameters));
        (Value::Object(job), values)
    }

    fn grid(&self, mut index: usize) -> BTreeMap<String, String> {
        let mut values = BTreeMap::new();
        for range in &self.config.parameter_ranges.categorical {
            let count = range.values.len();
            values.insert(range.name.clone(), range.values[index % count].clone());
            index /= count;
        }
        values
    }

    fn draw_values(&self, index: usize) -> BTreeMap<String, String> {
        let seed = self.config.random_seed.unwrap_or_default();
        let mut draw = fastrand::Rng::with_seed(seed.wrapping_add(index as u64));
        let ranges = &self.config.parameter_ranges;
        let mut values = BTreeMap::new();
        for range in &ranges.integer {
            let value = range.draw(&mut draw).round();
            values.insert(range.name.clone(), format!("{value:.0}"));
        }
        for range in &ranges.continuous {
            values.insert(range.name.clone(), range.draw(&mut draw).to_string());
        }
        for range in &ranges.categorical {
            let value = &range.values[draw.usize(..range.values.len())];
            values.insert(range.name.clone(), value.clone());
        }
        values
    }
}

impl Numbers {
    fn bounds(&self) -> Result<(f64, f64), Refusal> {
        let number = |text: &str| text.parse::<f64>().ok().filter(|it| it.is_finite());
        match (number(&self.min_value), number(&self.max_value)) {
            (Some(least), Some(most)) if least <= most => Ok((least, most)),
            _ => Err(Refusal::validation(format!(
                "The range of hyperparameter {} is invalid: {} to {}",
                self.name, self.min_value, self.max_value
            ))),
        }
    }

    fn draw(&self, draw: &mut fastrand::Rng) -> f64 {
        let (least, most) = self.bounds().unwrap_or_default();
        let at = draw.f64();
        if self.scaling_type.as_deref() == Some("Logarithmic") && least > 0.0 {
            return (least.ln() + at * (most.ln() - least.ln())).exp();
        }
        least + at * (most - least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(strategy: &str, ranges: &Value) -> Value {
        json!({
            "HyperParameterTuningJobName": "tune",
            "HyperParameterTuningJobConfig": {
                "Strategy": strategy,
                "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "rmse"},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 9, "MaxParallelTrainingJobs": 2},
                "ParameterRanges": ranges,
                "RandomSeed": 3,
            },
            "TrainingJobDefinition": {"StaticHyperParameters": {"fixed": "1"}, "RoleArn": "r"},
        })
    }

    #[test]
    fn draws_lie_in_their_ranges_and_repeat_for_the_same_seed() {
        let range = |name: &str, least: &str, most: &str| json!({"Name": name, "MinValue": least, "MaxValue": most, "ScalingType": "Logarithmic"});
        let ranges = json!({
            "IntegerParameterRanges": [range("depth", "2", "5")],
            "ContinuousParameterRanges": [range("eta", "0.01", "0.5")],
            "CategoricalParameterRanges": [{"Name": "booster", "Values": ["a", "b"]}],
        });
        let parsed = TuningRequest::read(&request("Bayesian", &ranges)).unwrap();
        assert_eq!(parsed.jobs(), 9);
        for index in 0..50 {
            let (job, values) = parsed.training_job("tune-1", index);
            let depth: u32 = values["depth"].parse().unwrap();
            let eta: f64 = values["eta"].parse().unwrap();
            assert!((2..=5).contains(&depth) && (0.01..=0.5).contains(&eta));
            assert_eq!(job["HyperParameters"]["fixed"], "1");
            assert_eq!(job["HyperParameters"]["_tuning_objective_metric"], "rmse");
            assert_eq!(job["TrainingJobName"], "tune-1");
            assert_eq!(parsed.training_job("tune-1", index).1, values);
        }
        assert_ne!(
            parsed.training_job("x", 0).1["eta"],
            parsed.training_job("x", 1).1["eta"]
        );
    }

    #[test]
    fn a_grid_has_every_combination_once() {
        let ranges = json!({"CategoricalParameterRanges": [
            {"Name": "a", "Values": ["1", "2"]},
            {"Name": "b", "Values": ["x", "y", "z"]},
        ]});
        let parsed = TuningRequest::read(&request("Grid", &ranges)).unwrap();
        let all: std::collections::HashSet<_> = (0..parsed.jobs())
            .map(|index| format!("{:?}", parsed.training_job("x", index).1))
            .collect();
        assert_eq!(all.len(), 6);
    }

    #[test]
    fn invalid_and_missing_ranges_are_refused() {
        let range = json!([{"Name": "a", "MinValue": "2", "MaxValue": "1"}]);
        for ranges in [
            json!({"IntegerParameterRanges": range}),
            json!({"ContinuousParameterRanges": [{"Name": "a", "MinValue": "x", "MaxValue": "1"}]}),
            json!({}),
        ] {
            assert!(TuningRequest::read(&request("Random", &ranges)).is_err());
        }
    }
}
