//! The hyperparameters of a job: the definition's, and those that follow from the dataset.

use definition::FieldError;
use definition::{AlgorithmName, CSV_WEIGHTS, Training};
use lake::records::DatasetRecord;
use std::collections::BTreeMap;

const FEATURE_DIM: &str = "feature_dim";
const CLASSES: &str = "num_classes";
const SAMPLES: &str = "num_training_samples";

/// The hyperparameters, as texts; `is_weighed` says that the rows have weights.
///
/// # Errors
/// If a hyperparameter of the definition contradicts the dataset.
pub fn resolve(
    training: &Training,
    is_weighed: bool,
    dataset: &DatasetRecord,
) -> Result<BTreeMap<String, String>, FieldError> {
    let given = training.hyperparameters.iter();
    let mut all: BTreeMap<_, _> = given
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect();
    // Set for custom containers too: no definition can know how many images are left.
    if let Some(classes) = dataset.classes {
        let images = dataset.rows.train;
        derive(&mut all, CLASSES, classes.into(), "classes of images")?;
        derive(&mut all, SAMPLES, images, "training images")?;
    }
    let Some(algorithm) = &training.algorithm else {
        return Ok(all);
    };
    if algorithm.name == AlgorithmName::Xgboost && is_weighed {
        all.insert(CSV_WEIGHTS.to_owned(), "1".to_owned());
    }
    let Some(features) = dataset
        .features
        .filter(|_| algorithm.name.takes_feature_dim())
    else {
        return Ok(all);
    };
    check_reduction(&all, features)?;
    let features = features.to_string();
    match all.get(FEATURE_DIM) {
        Some(given) if *given != features && given != "auto" => Err(FieldError::new(
            "training.hyperparameters",
            format!(
                "`{FEATURE_DIM}` is {given}, and the rows have {features} features: leave it out, it follows from the dataset"
            ),
        )),
        _ => {
            all.insert(FEATURE_DIM.to_owned(), features);
            Ok(all)
        }
    }
}

/// Adds what follows from the dataset, unless the definition has it right already.
fn derive(
    all: &mut BTreeMap<String, String>,
    name: &str,
    value: u64,
    what: &str,
) -> Result<(), FieldError> {
    let value = value.to_string();
    match all.get(name) {
        Some(given) if *given != value => Err(FieldError::new(
            "training.hyperparameters",
            format!(
                "`{name}` is {given}, and the dataset has {value} {what}: leave it out, it follows from the dataset"
            ),
        )),
        _ => {
            all.insert(name.to_owned(), value);
            Ok(())
        }
    }
}

/// k-NN refuses to reduce rows to as many features as they have, after its instance is paid for.
fn check_reduction(all: &BTreeMap<String, String>, features: u64) -> Result<(), FieldError> {
    const TARGET: &str = "dimension_reduction_target";
    let target = all.get(TARGET).and_then(|target| target.parse().ok());
    match target {
        Some(target) if features <= target => Err(FieldError::new(
            "training.hyperparameters",
            format!(
                "`{TARGET}` is {target}, and the rows have {features} features: it must be less"
            ),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn derived(dataset: &Value, training: &Value) -> Result<Value, FieldError> {
        let training = contract::read::from_value(training.clone()).unwrap();
        let record = json!({
            "run": "20261120-173000-1a2b3c4d", "rows": {"train": 9, "validation": 0, "rejected": 0},
            "channels": ["train"], "contentType": "c", "columns": [], "features": 7, "files": [],
        });
        let record = serde_json::from_value(record).unwrap();
        let is_weighed = dataset.get("weight").is_some();
        resolve(&training, is_weighed, &record).map(|all| json!(all))
    }

    #[test]
    fn a_job_on_images_is_told_their_number_and_their_classes() {
        let images = |training: &Value| {
            let training = contract::read::from_value(training.clone()).unwrap();
            let record = json!({
                "run": "20261120-173000-1a2b3c4d", "rows": {"train": 9, "validation": 0, "rejected": 0},
                "channels": ["train"], "contentType": "c", "columns": [], "classes": 4, "files": [],
            });
            let record = serde_json::from_value(record).unwrap();
            resolve(&training, false, &record).map(|all| json!(all))
        };
        let own = json!({"image": "own", "hyperparameters": {"epochs": 3}});
        let told = json!({"epochs": "3", "num_classes": "4", "num_training_samples": "9"});
        assert_eq!(images(&own).unwrap(), told);
        let built_in = json!({"algorithm": {"name": "image-classification"},
            "hyperparameters": {"epochs": 3, "num_classes": 4}});
        assert_eq!(images(&built_in).unwrap(), told);
        let wrong = json!({"image": "own", "hyperparameters": {"num_training_samples": 10}});
        let error = images(&wrong).unwrap_err();
        assert!(error.message.contains("has 9 training images"), "{error}");
    }

    #[test]
    fn what_follows_from_the_dataset_is_filled_in() {
        let algorithm = |name: &str, more: Value| {
            let mut training = json!({"algorithm": {"name": name}});
            training["hyperparameters"] = more;
            training
        };
        let rows = json!({"label": "y"});
        let weighed = json!({"label": "y", "weight": "w"});
        for (dataset, training, expected) in [
            (
                &weighed,
                algorithm("xgboost", json!({})),
                json!({"csv_weights": "1"}),
            ),
            (
                &rows,
                algorithm("xgboost", json!({"eta": 0.5})),
                json!({"eta": "0.5"}),
            ),
            (
                &rows,
                algorithm("factorization-machines", json!({"num_factors": 64})),
                json!({"feature_dim": "7", "num_factors": "64"}),
            ),
            (
                &rows,
                algorithm("linear-learner", json!({"feature_dim": "auto"})),
                json!({"feature_dim": "7"}),
            ),
            (
                &rows,
                algorithm("knn", json!({"feature_dim": 7})),
                json!({"feature_dim": "7"}),
            ),
            (&weighed, json!({"image": "own"}), json!({})),
        ] {
            assert_eq!(derived(dataset, &training).unwrap(), expected);
        }
        let reduced = |target: u32| {
            let more = json!({"k": 5, "predictor_type": "regressor", "sample_size": 9,
                "dimension_reduction_type": "sign", "dimension_reduction_target": target});
            derived(&rows, &algorithm("knn", more))
        };
        assert!(reduced(6).is_ok());
        let wrong = algorithm("knn", json!({"feature_dim": 8}));
        for error in [derived(&rows, &wrong).unwrap_err(), reduced(7).unwrap_err()] {
            assert!(
                error.message.contains("the rows have 7 features"),
                "{error}"
            );
        }
    }
}
