//! SageMaker's built-in algorithms: their versions, images and what they read. It must not ask the
//! service.

use super::{hyperparameters, registry};
use crate::FieldError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

    /// Whether it trains on CSV, label first.
    pub const fn reads_csv(self) -> bool {
        // Its training takes RecordIO-protobuf of 32-bit floats, and nothing else.
        !matches!(self, Self::FactorizationMachines)
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
        self.tag()?;
        if self.name.reads_csv() {
            return Ok(());
        }
        Err(FieldError {
            path: "training.algorithm.name",
            message: format!(
                "{} trains on RecordIO-protobuf only, and the dataset is CSV: use xgboost, \
                 linear-learner or knn, or an image of your own",
                self.name.as_str()
            ),
        })
    }

    /// What the algorithm says about its hyperparameters.
    pub(super) const fn hyperparameters(&self) -> &'static [hyperparameters::Known] {
        match self.name {
            AlgorithmName::Xgboost => hyperparameters::XGBOOST,
            AlgorithmName::LinearLearner => hyperparameters::LINEAR_LEARNER,
            AlgorithmName::Knn => hyperparameters::KNN,
            AlgorithmName::FactorizationMachines => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, AlgorithmName};

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
    fn what_cannot_read_csv_is_refused_with_the_reason() {
        let machines = algorithm(AlgorithmName::FactorizationMachines, None);
        let error = machines.validate().unwrap_err();
        assert!(error.message.contains("RecordIO"), "{error}");
    }
}
