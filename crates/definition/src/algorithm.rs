//! SageMaker's built-in algorithms: their versions, images and what they read. It must not ask the
//! service.

use super::{Dataset, Format, Scalar, hyperparameters, registry};
use crate::FieldError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One of SageMaker's built-in algorithms, at a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Algorithm {
    /// Which one.
    pub name: AlgorithmName,
    /// Its version, such as `1.7-1`; by default a fixed one, never `latest`, which is XGBoost's oldest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// The built-in algorithms that Millrace knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlgorithmName {
    /// Gradient-boosted trees.
    Xgboost,
    /// Linear and logistic regression.
    LinearLearner,
    /// Nearest neighbours.
    Knn,
    /// Factorization machines.
    FactorizationMachines,
}

/// The hyperparameter that tells XGBoost of weights in the second column.
pub const CSV_WEIGHTS: &str = "csv_weights";

/// XGBoost's versions and the tags of their images, the default first.
const XGBOOST_VERSIONS: &[(&str, &str)] = &[
    ("1.7-1", "1.7-1"),
    ("3.0-5", "3.0-5"),
    ("1.5-1", "1.5-1"),
    ("1.3-1", "1.3-1"),
    ("1.2-2", "1.2-2"),
    ("1.2-1", "1.2-1"),
    ("1.0-1", "1.0-1-cpu-py3"),
    ("0.90-2", "0.90-2-cpu-py3"),
    ("0.90-1", "0.90-1-cpu-py3"),
];
const ONE_VERSION: &[(&str, &str)] = &[("1", "1")];

impl AlgorithmName {
    /// The name as the definition has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Xgboost => "xgboost",
            Self::LinearLearner => "linear-learner",
            Self::Knn => "knn",
            Self::FactorizationMachines => "factorization-machines",
        }
    }

    /// The formats of the dataset that it trains on, as `dataset.format` names them.
    const fn formats(self) -> &'static str {
        match self {
            Self::Xgboost => "csv, recordIo, recordIoSparse or parquet",
            Self::LinearLearner | Self::Knn => "csv, recordIo or recordIoSparse",
            Self::FactorizationMachines => "recordIoSparse or recordIo",
        }
    }

    const fn reads(self, format: &Format) -> bool {
        match format {
            Format::Csv => !matches!(self, Self::FactorizationMachines),
            Format::RecordIo | Format::RecordIoSparse => true,
            Format::Parquet => matches!(self, Self::Xgboost),
            Format::CsvWithHeader | Format::JsonLines(_) => false,
        }
    }

    /// The channel by which it judges what it has trained.
    pub const fn validation_channel(self) -> &'static str {
        match self {
            Self::Xgboost | Self::LinearLearner => "validation",
            Self::Knn | Self::FactorizationMachines => "test",
        }
    }

    /// Whether the hyperparameter `feature_dim` tells it how many features a row has.
    pub const fn counts_features(self) -> bool {
        !matches!(self, Self::Xgboost)
    }

    const fn versions(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Xgboost => XGBOOST_VERSIONS,
            Self::LinearLearner | Self::Knn | Self::FactorizationMachines => ONE_VERSION,
        }
    }
}

impl Algorithm {
    /// The image in the registry of `region`.
    ///
    /// # Errors
    /// If there is no such version, or the region does not have the algorithm.
    pub fn image(&self, region: &str) -> Result<String, FieldError> {
        let name = self.name.as_str();
        let tag = self.tag()?;
        let (accounts, repository) = match self.name {
            AlgorithmName::Xgboost => (registry::XGBOOST, "sagemaker-xgboost"),
            _ => (registry::FIRST_PARTY, name),
        };
        match registry::host(accounts, region) {
            Some(host) => Ok(format!("{host}/{repository}:{tag}")),
            None => Err(FieldError {
                path: "training.algorithm.name",
                message: format!(
                    "the registry of {name} in {region:?} is not known here: name its image as \
                     training.image instead"
                ),
            }),
        }
    }

    fn tag(&self) -> Result<&'static str, FieldError> {
        let versions = self.name.versions();
        let Some(wanted) = &self.version else {
            return Ok(versions[0].1);
        };
        let found = versions.iter().find(|(version, _)| version == wanted);
        found.map(|(_, tag)| *tag).ok_or_else(|| {
            let known: Vec<&str> = versions.iter().map(|(version, _)| *version).collect();
            FieldError {
                path: "training.algorithm.version",
                message: format!(
                    "{} has no version {wanted:?}: name one of {}",
                    self.name.as_str(),
                    known.join(", ")
                ),
            }
        })
    }

    pub(super) fn validate(&self) -> Result<(), FieldError> {
        self.tag().map(drop)
    }

    /// Whether the algorithm reads what the dataset becomes.
    pub(crate) fn check_dataset(
        &self,
        dataset: &Dataset,
        hyperparameters: &BTreeMap<String, Scalar>,
    ) -> Result<(), FieldError> {
        let name = self.name.as_str();
        if !self.name.reads(&dataset.format) {
            return Err(FieldError {
                path: "dataset.format",
                message: format!(
                    "{name} does not train on it, but on {}",
                    self.name.formats()
                ),
            });
        }
        let told = hyperparameters.get(CSV_WEIGHTS).map(ToString::to_string);
        let is_xgboost = self.name == AlgorithmName::Xgboost;
        match (&dataset.weight, told.as_deref()) {
            (Some(_), _) if !is_xgboost || dataset.format != Format::Csv => Err(FieldError {
                path: "dataset.weight",
                message: format!(
                    "of the built-in algorithms only xgboost takes weights, from csv: this is {name}"
                ),
            }),
            (Some(_), Some("0")) => Err(FieldError {
                path: "training.hyperparameters",
                message: "`csv_weights` is 0, so that xgboost would take the weights of \
                          dataset.weight for a feature: leave one of them out"
                    .to_owned(),
            }),
            (None, Some("1")) if is_xgboost => Err(FieldError {
                path: "training.hyperparameters",
                message: "`csv_weights` is 1, so that xgboost would take the first feature for \
                          weights: name them as dataset.weight"
                    .to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// What the algorithm says about its hyperparameters.
    pub(super) const fn hyperparameters(&self) -> hyperparameters::Algorithm {
        match self.name {
            AlgorithmName::Xgboost => hyperparameters::XGBOOST,
            AlgorithmName::LinearLearner => hyperparameters::LINEAR_LEARNER,
            AlgorithmName::Knn => hyperparameters::KNN,
            AlgorithmName::FactorizationMachines => hyperparameters::FACTORIZATION_MACHINES,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, AlgorithmName};
    use serde_json::json;

    fn algorithm(name: AlgorithmName, version: Option<&str>) -> Algorithm {
        Algorithm {
            name,
            version: version.map(str::to_owned),
        }
    }

    #[test]
    fn images_are_those_of_the_region() {
        for (name, version, region, image) in [
            (
                AlgorithmName::Xgboost,
                None,
                "us-east-1",
                "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
            ),
            (
                AlgorithmName::Xgboost,
                Some("1.0-1"),
                "eu-central-1",
                "492215442770.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-xgboost:1.0-1-cpu-py3",
            ),
            (
                AlgorithmName::LinearLearner,
                Some("1"),
                "eu-west-1",
                "438346466558.dkr.ecr.eu-west-1.amazonaws.com/linear-learner:1",
            ),
        ] {
            let found = algorithm(name, version).image(region);
            assert_eq!(found.as_deref(), Ok(image));
        }
    }

    #[test]
    fn unknown_versions_and_regions_are_named() {
        let latest = algorithm(AlgorithmName::Xgboost, Some("latest"));
        let error = latest.image("us-east-1").unwrap_err();
        assert_eq!(error.path, "training.algorithm.version");
        assert!(error.message.contains("1.7-1"), "{error}");
        let nowhere = algorithm(AlgorithmName::Knn, None).image("mars-1");
        assert!(nowhere.unwrap_err().message.contains("mars-1"));
    }

    #[test]
    fn an_algorithm_is_given_what_it_reads() {
        let check = |name: AlgorithmName, dataset: serde_json::Value, told: serde_json::Value| {
            let dataset = serde_json::from_value(dataset).unwrap();
            let told = serde_json::from_value(told).unwrap();
            algorithm(name, None).check_dataset(&dataset, &told)
        };
        let weighed = json!({"label": "y", "weight": "w"});
        for (name, dataset, told, refused) in [
            (
                AlgorithmName::Xgboost,
                json!({"label": "y"}),
                json!({}),
                None,
            ),
            (
                AlgorithmName::Xgboost,
                json!({"label": "y", "format": "parquet"}),
                json!({}),
                None,
            ),
            (
                AlgorithmName::FactorizationMachines,
                json!({"label": "y", "format": "recordIoSparse"}),
                json!({}),
                None,
            ),
            (
                AlgorithmName::FactorizationMachines,
                json!({"label": "y"}),
                json!({}),
                Some("dataset.format"),
            ),
            (
                AlgorithmName::Knn,
                json!({"label": "y", "format": "parquet"}),
                json!({}),
                Some("dataset.format"),
            ),
            (
                AlgorithmName::Xgboost,
                json!({"label": "y", "format": "csvWithHeader"}),
                json!({}),
                Some("dataset.format"),
            ),
            (AlgorithmName::Xgboost, weighed.clone(), json!({}), None),
            (
                AlgorithmName::Xgboost,
                weighed.clone(),
                json!({"csv_weights": 1}),
                None,
            ),
            (
                AlgorithmName::Xgboost,
                weighed.clone(),
                json!({"csv_weights": 0}),
                Some("training.hyperparameters"),
            ),
            (
                AlgorithmName::Xgboost,
                json!({"label": "y"}),
                json!({"csv_weights": "1"}),
                Some("training.hyperparameters"),
            ),
            (
                AlgorithmName::LinearLearner,
                weighed,
                json!({}),
                Some("dataset.weight"),
            ),
        ] {
            let error = check(name, dataset, told).err();
            assert_eq!(error.map(|error| error.path), refused, "{name:?}");
        }
    }
}
