//! SageMaker's built-in algorithms: versions, images and the formats that they read. The table is
//! `data/algorithms.json`.

use super::{Dataset, Format, Scalar, hyperparameters, registry};
use crate::FieldError;
use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// One of SageMaker's built-in algorithms, at a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Algorithm {
    /// The algorithm.
    pub name: AlgorithmName,
    /// Its version, such as `1.7-1`. The default is fixed, never `latest`, which is XGBoost's
    /// oldest.
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
    /// Convolutional networks that classify images, on instances with a GPU.
    ImageClassification,
}

/// The hyperparameter with which XGBoost reads weights from the second column.
pub const CSV_WEIGHTS: &str = "csv_weights";

/// The description of an algorithm in `data/algorithms.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    /// The group of algorithms whose accounts hold the image.
    accounts: String,
    /// The image's repository.
    repository: String,
    /// The versions, the default first.
    versions: Vec<Version>,
    /// The values of `dataset.format` that it trains on, the best first.
    formats: Vec<String>,
    /// The channel that it validates on.
    validation_channel: String,
    /// Whether it has the hyperparameter `feature_dim`, the number of features of a row.
    takes_feature_dim: bool,
}

/// A version and the tag of its image.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Version {
    version: String,
    tag: String,
}

static ALGORITHMS: LazyLock<BTreeMap<String, Entry>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/algorithms.json"))
        .expect("data/algorithms.json is checked by this module's tests")
});

impl AlgorithmName {
    /// The name as definitions spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Xgboost => "xgboost",
            Self::LinearLearner => "linear-learner",
            Self::Knn => "knn",
            Self::FactorizationMachines => "factorization-machines",
            Self::ImageClassification => "image-classification",
        }
    }

    fn entry(self) -> &'static Entry {
        &ALGORITHMS[self.as_str()]
    }

    fn reads(self, format: &Format) -> bool {
        self.entry().formats.iter().any(|it| it == format.as_str())
    }

    /// The channel that it validates on.
    pub fn validation_channel(self) -> &'static str {
        &self.entry().validation_channel
    }

    /// Whether it has the hyperparameter `feature_dim`, the number of features of a row.
    pub fn takes_feature_dim(self) -> bool {
        self.entry().takes_feature_dim
    }

    /// Whether it trains on instances with a GPU only.
    pub fn needs_gpu(self) -> bool {
        self == Self::ImageClassification
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
        let Entry {
            accounts,
            repository,
            ..
        } = self.name.entry();
        match registry::host(accounts, region) {
            Some(host) => Ok(format!("{host}/{repository}:{tag}")),
            None => Err(FieldError::new(
                "training.algorithm.name",
                format!(
                    "the registry of {name} in {region:?} is not known here: name its image as \
                     training.image instead"
                ),
            )),
        }
    }

    fn tag(&self) -> Result<&'static str, FieldError> {
        let versions = &self.name.entry().versions;
        let Some(wanted) = &self.version else {
            return Ok(&versions[0].tag);
        };
        let found = versions.iter().find(|it| it.version == *wanted);
        found.map(|it| it.tag.as_str()).ok_or_else(|| {
            let known: Vec<&str> = versions.iter().map(|it| it.version.as_str()).collect();
            FieldError::new(
                "training.algorithm.version",
                format!(
                    "{} has no version {wanted:?}: name one of {}",
                    self.name.as_str(),
                    known.join(", ")
                ),
            )
        })
    }

    pub(super) fn validate(&self, faults: &mut Faults) {
        if let Err(fault) = self.tag() {
            faults.push(fault);
        }
    }

    /// Checks that the algorithm reads the dataset's format.
    pub(crate) fn check_dataset(
        &self,
        dataset: &Dataset,
        hyperparameters: &BTreeMap<String, Scalar>,
        faults: &mut Faults,
    ) {
        let name = self.name.as_str();
        if !self.name.reads(&dataset.format) {
            faults.add(
                "dataset.format",
                format!(
                    "{name} does not train on it, but on {}",
                    self.name.entry().formats.join(", ")
                ),
            );
        }
        let told = hyperparameters.get(CSV_WEIGHTS).map(ToString::to_string);
        let is_xgboost = self.name == AlgorithmName::Xgboost;
        match (&dataset.weight, told.as_deref()) {
            (Some(_), _) if !is_xgboost || dataset.format != Format::Csv => faults.add("dataset.weight", format!(
                    "of the built-in algorithms only xgboost takes weights, from csv: this is {name}"
                )),
            (Some(_), Some("0")) => faults.add("training.hyperparameters", "`csv_weights` is 0, so that xgboost would take the weights of \
                          dataset.weight for a feature: leave one of them out"
                    .to_owned()),
            (None, Some("1")) if is_xgboost => faults.add("training.hyperparameters", "`csv_weights` is 1, so that xgboost would take the first feature for \
                          weights: name them as dataset.weight"
                    .to_owned()),
            _ => {}
        }
    }

    /// The hyperparameters that the algorithm accepts.
    pub(super) fn hyperparameters(&self) -> &'static hyperparameters::Table {
        hyperparameters::table(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::{ALGORITHMS, Algorithm, AlgorithmName};
    use crate::Format;
    use serde_json::json;

    fn algorithm(name: AlgorithmName, version: Option<&str>) -> Algorithm {
        Algorithm {
            name,
            version: version.map(str::to_owned),
        }
    }

    #[test]
    fn the_table_has_every_algorithm_with_known_formats_and_a_default_version() {
        let names = [
            AlgorithmName::Xgboost,
            AlgorithmName::LinearLearner,
            AlgorithmName::Knn,
            AlgorithmName::FactorizationMachines,
            AlgorithmName::ImageClassification,
        ];
        assert_eq!(ALGORITHMS.len(), names.len());
        let formats = [
            Format::Csv,
            Format::RecordIo,
            Format::RecordIoSparse,
            Format::Parquet,
            Format::ImageRecordIo(crate::ImageFiles::default()),
            Format::AugmentedManifest,
            Format::ImageList(crate::ImageFiles::default()),
        ];
        for name in names {
            let entry = name.entry();
            assert!(!entry.versions.is_empty(), "{name:?}");
            for format in &entry.formats {
                let known = formats.iter().any(|it| it.as_str() == format);
                assert!(known, "{name:?} {format}");
            }
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
            (
                AlgorithmName::ImageClassification,
                None,
                "eu-west-1",
                "685385470294.dkr.ecr.eu-west-1.amazonaws.com/image-classification:1",
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
            let algorithm = algorithm(name, None);
            crate::Faults::first_of(|faults| algorithm.check_dataset(&dataset, &told, faults))
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
                AlgorithmName::ImageClassification,
                json!({"label": "y", "format": {"imageRecordIo": {}}}),
                json!({}),
                None,
            ),
            (
                AlgorithmName::ImageClassification,
                json!({"label": "y", "format": "augmentedManifest"}),
                json!({}),
                None,
            ),
            (
                AlgorithmName::ImageClassification,
                json!({"label": "y", "format": {"webDataset": {}}}),
                json!({}),
                Some("dataset.format"),
            ),
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
            assert_eq!(
                error.map(|error| error.path).as_deref(),
                refused,
                "{name:?}"
            );
        }
    }
}
