//! What an algorithm is told of a dataset: beside the definition's hyperparameters those that follow from the
//! rows. It must not know the job.

use definition::FieldError;
use definition::{AlgorithmName, CSV_WEIGHTS, Definition};
use lake::records::DatasetRecord;
use std::collections::BTreeMap;

const FEATURE_DIM: &str = "feature_dim";

/// The hyperparameters, as texts.
///
/// # Errors
/// If the definition says otherwise than the rows are.
pub fn hyperparameters(
    definition: &Definition,
    dataset: &DatasetRecord,
) -> Result<BTreeMap<String, String>, FieldError> {
    let training = &definition.training;
    let given = training.hyperparameters.iter();
    let mut told: BTreeMap<_, _> = given
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect();
    let Some(algorithm) = &training.algorithm else {
        return Ok(told);
    };
    if algorithm.name == AlgorithmName::Xgboost && definition.dataset.weight.is_some() {
        told.insert(CSV_WEIGHTS.to_owned(), "1".to_owned());
    }
    let Some(features) = dataset
        .features
        .filter(|_| algorithm.name.takes_feature_dim())
    else {
        return Ok(told);
    };
    check_reduction(&told, features)?;
    let features = features.to_string();
    match told.get(FEATURE_DIM) {
        Some(given) if *given != features && given != "auto" => Err(FieldError::new(
            "training.hyperparameters",
            format!(
                "`{FEATURE_DIM}` is {given}, and the rows have {features} features: leave it out, it follows from the dataset"
            ),
        )),
        _ => {
            told.insert(FEATURE_DIM.to_owned(), features);
            Ok(told)
        }
    }
}

/// k-NN refuses to reduce rows to as many features as they have, once its machine is paid for.
fn check_reduction(told: &BTreeMap<String, String>, features: u64) -> Result<(), FieldError> {
    const TARGET: &str = "dimension_reduction_target";
    let target = told.get(TARGET).and_then(|target| target.parse().ok());
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

    fn told(dataset: &Value, training: &Value) -> Result<Value, FieldError> {
        let definition = contract::read::from_value(json!({
            "source": {"dynamodb": {"table": "t"}},
            "dataset": dataset,
            "training": training,
            "promotion": {"metric": "m", "goal": "minimize"},
        }));
        let record = json!({
            "run": "20261120-173000-1a2b3c4d", "rows": {"train": 9, "validation": 0, "rejected": 0},
            "channels": ["train"], "contentType": "c", "columns": [], "features": 7, "files": [],
        });
        let record = serde_json::from_value(record).unwrap();
        hyperparameters(&definition.unwrap(), &record).map(|told| json!(told))
    }

    #[test]
    fn what_follows_from_the_dataset_need_not_be_said() {
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
            assert_eq!(told(dataset, &training).unwrap(), expected);
        }
        let reduced = |target: u32| {
            let more = json!({"k": 5, "predictor_type": "regressor", "sample_size": 9,
                "dimension_reduction_type": "sign", "dimension_reduction_target": target});
            told(&rows, &algorithm("knn", more))
        };
        assert!(reduced(6).is_ok());
        let wrong = algorithm("knn", json!({"feature_dim": 8}));
        for error in [told(&rows, &wrong).unwrap_err(), reduced(7).unwrap_err()] {
            assert!(
                error.message.contains("the rows have 7 features"),
                "{error}"
            );
        }
    }
}
