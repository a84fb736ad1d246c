//! What the built-in algorithms accept as hyperparameters, so that a typing error is found before an
//! instance is paid for. It must not know which algorithm is wanted.
//!
//! Sources: for XGBoost the container's own validation (github.com/aws/sagemaker-xgboost-container,
//! `algorithm_mode/hyperparameter_validation.py`), which refuses what it does not know; for the
//! others the tables in the SageMaker developer guide (`ll_hyperparameters`, `kNN_hyperparameters`).

use super::Scalar;
use crate::FieldError;
use std::collections::BTreeMap;

/// A hyperparameter: its name, what its value must be, and whether it must be there.
#[derive(Debug)]
pub struct Known {
    name: &'static str,
    value: Value,
    required: bool,
}

#[derive(Debug)]
enum Value {
    /// A whole number of at least and at most.
    Integer(i64, i64),
    /// A number within bounds that belong to it.
    Number(f64, f64),
    /// A number above the first and up to the second.
    Above(f64, f64),
    /// One of these.
    OneOf(&'static [&'static str]),
    /// Text that is understood by the algorithm alone.
    Text,
    /// `auto`, or a number within these bounds.
    AutoOr(f64, f64),
}

const fn optional(name: &'static str, value: Value) -> Known {
    Known {
        name,
        value,
        required: false,
    }
}

const fn required(name: &'static str, value: Value) -> Known {
    Known {
        name,
        value,
        required: true,
    }
}

const MOST: i64 = i64::MAX;
const ANY: f64 = f64::INFINITY;
const FLAG: Value = Value::Integer(0, 1);
const TRUTH: Value = Value::OneOf(&["true", "false", "True", "False"]);

pub(super) const XGBOOST: &[Known] = &[
    required("num_round", Value::Integer(1, MOST)),
    optional("csv_weights", FLAG),
    optional("early_stopping_rounds", Value::Integer(1, MOST)),
    optional("booster", Value::OneOf(&["gbtree", "gblinear", "dart"])),
    optional("verbosity", Value::Integer(0, 3)),
    optional("nthread", Value::Integer(1, MOST)),
    optional("eta", Value::Number(0.0, 1.0)),
    optional("gamma", Value::Number(0.0, ANY)),
    optional("max_depth", Value::Integer(0, MOST)),
    optional("min_child_weight", Value::Number(0.0, ANY)),
    optional("max_delta_step", Value::Number(0.0, ANY)),
    optional("subsample", Value::Above(0.0, 1.0)),
    optional("colsample_bytree", Value::Above(0.0, 1.0)),
    optional("colsample_bylevel", Value::Above(0.0, 1.0)),
    optional("colsample_bynode", Value::Above(0.0, 1.0)),
    optional("lambda", Value::Number(0.0, ANY)),
    optional("alpha", Value::Number(0.0, ANY)),
    optional(
        "tree_method",
        Value::OneOf(&["auto", "exact", "approx", "hist", "gpu_hist"]),
    ),
    optional("sketch_eps", Value::Above(0.0, 1.0)),
    optional("scale_pos_weight", Value::Above(0.0, ANY)),
    optional("updater", Value::Text),
    optional("dsplit", Value::OneOf(&["row", "col"])),
    optional("refresh_leaf", FLAG),
    optional("process_type", Value::OneOf(&["default", "update"])),
    optional("grow_policy", Value::OneOf(&["depthwise", "lossguide"])),
    optional("max_leaves", Value::Integer(0, MOST)),
    optional("max_bin", Value::Integer(0, MOST)),
    optional(
        "predictor",
        Value::OneOf(&["auto", "cpu_predictor", "gpu_predictor"]),
    ),
    optional("monotone_constraints", Value::Text),
    optional("interaction_constraints", Value::Text),
    optional("sample_type", Value::OneOf(&["uniform", "weighted"])),
    optional("normalize_type", Value::OneOf(&["tree", "forest"])),
    optional("rate_drop", Value::Number(0.0, 1.0)),
    optional("one_drop", FLAG),
    optional("skip_drop", Value::Number(0.0, 1.0)),
    optional("lambda_bias", Value::Number(0.0, 1.0)),
    optional("tweedie_variance_power", Value::Above(1.0, 2.0)),
    optional(
        "objective",
        Value::OneOf(&[
            "binary:hinge",
            "binary:logistic",
            "binary:logitraw",
            "count:poisson",
            "multi:softmax",
            "multi:softprob",
            "rank:map",
            "rank:ndcg",
            "rank:pairwise",
            "reg:absoluteerror",
            "reg:gamma",
            "reg:linear",
            "reg:logistic",
            "reg:pseudohubererror",
            "reg:quantileerror",
            "reg:squarederror",
            "reg:squaredlogerror",
            "reg:tweedie",
            "survival:aft",
            "survival:cox",
        ]),
    ),
    optional("num_class", Value::Integer(2, MOST)),
    optional("base_score", Value::Number(0.0, ANY)),
    optional("_kfold", Value::Integer(2, MOST)),
    optional("_num_cv_round", Value::Integer(1, MOST)),
    optional("_tuning_objective_metric", Value::Text),
    optional("eval_metric", Value::Text),
    optional("seed", Value::Integer(-2_147_483_647, 2_147_483_646)),
    optional("num_parallel_tree", Value::Integer(1, MOST)),
    optional(
        "save_model_on_termination",
        Value::OneOf(&["true", "false"]),
    ),
    optional(
        "aft_loss_distribution",
        Value::OneOf(&["normal", "logistic", "extreme"]),
    ),
    optional("aft_loss_distribution_scale", Value::Number(0.0, ANY)),
    optional("deterministic_histogram", TRUTH),
    optional("single_precision_histogram", TRUTH),
    optional(
        "sampling_method",
        Value::OneOf(&["uniform", "gradient_based"]),
    ),
    optional("prob_buffer_row", Value::Above(1.0, ANY)),
    optional("use_dask_gpu_training", Value::OneOf(&["true", "false"])),
    optional("max_cat_to_onehot", Value::Integer(0, MOST)),
    optional("max_cat_threshold", Value::Integer(1, MOST)),
];

pub(super) const LINEAR_LEARNER: &[Known] = &[
    required(
        "predictor_type",
        Value::OneOf(&["binary_classifier", "multiclass_classifier", "regressor"]),
    ),
    optional("num_classes", Value::Integer(3, 1_000_000)),
    optional("feature_dim", Value::AutoOr(1.0, ANY)),
    optional("accuracy_top_k", Value::Integer(1, MOST)),
    optional("balance_multiclass_weights", TRUTH),
    optional("beta_1", Value::AutoOr(0.0, 1.0)),
    optional("beta_2", Value::AutoOr(0.0, 1.0)),
    optional("bias_lr_mult", Value::AutoOr(0.0, ANY)),
    optional("bias_wd_mult", Value::AutoOr(0.0, ANY)),
    optional("binary_classifier_model_selection_criteria", Value::Text),
    optional("early_stopping_patience", Value::Integer(1, MOST)),
    optional("early_stopping_tolerance", Value::Number(0.0, ANY)),
    optional("epochs", Value::Integer(1, MOST)),
    optional("f_beta", Value::Number(0.0, ANY)),
    optional("huber_delta", Value::Number(0.0, ANY)),
    optional("init_bias", Value::Number(-ANY, ANY)),
    optional("init_method", Value::OneOf(&["uniform", "normal"])),
    optional("init_scale", Value::Number(0.0, ANY)),
    optional("init_sigma", Value::Number(0.0, ANY)),
    optional("l1", Value::AutoOr(0.0, ANY)),
    optional("learning_rate", Value::AutoOr(0.0, ANY)),
    optional(
        "loss",
        Value::OneOf(&[
            "auto",
            "logistic",
            "hinge_loss",
            "softmax_loss",
            "squared_loss",
            "absolute_loss",
            "eps_insensitive_squared_loss",
            "eps_insensitive_absolute_loss",
            "quantile_loss",
            "huber_loss",
        ]),
    ),
    optional("loss_insensitivity", Value::Number(0.0, ANY)),
    optional("lr_scheduler_factor", Value::AutoOr(0.0, 1.0)),
    optional("lr_scheduler_minimum_lr", Value::AutoOr(0.0, ANY)),
    optional("lr_scheduler_step", Value::AutoOr(1.0, ANY)),
    optional("margin", Value::Number(0.0, ANY)),
    optional("mini_batch_size", Value::Integer(1, MOST)),
    optional("momentum", Value::AutoOr(0.0, 1.0)),
    optional("normalize_data", Value::OneOf(&["auto", "true", "false"])),
    optional("normalize_label", Value::OneOf(&["auto", "true", "false"])),
    optional("num_calibration_samples", Value::Integer(1, MOST)),
    optional("num_models", Value::AutoOr(1.0, ANY)),
    optional("num_point_for_scaler", Value::Integer(1, MOST)),
    optional(
        "optimizer",
        Value::OneOf(&["auto", "adam", "sgd", "rmsprop"]),
    ),
    optional("positive_example_weight_mult", Value::Text),
    optional("quantile", Value::Number(0.0, 1.0)),
    optional("target_precision", Value::Number(0.0, 1.0)),
    optional("target_recall", Value::Number(0.0, 1.0)),
    optional("unbias_data", Value::OneOf(&["auto", "true", "false"])),
    optional("unbias_label", Value::OneOf(&["auto", "true", "false"])),
    optional("use_bias", Value::OneOf(&["auto", "true", "false"])),
    optional("use_lr_scheduler", TRUTH),
    optional("wd", Value::AutoOr(0.0, ANY)),
];

pub(super) const KNN: &[Known] = &[
    required("feature_dim", Value::Integer(1, MOST)),
    required("k", Value::Integer(1, MOST)),
    required("predictor_type", Value::OneOf(&["classifier", "regressor"])),
    required("sample_size", Value::Integer(1, MOST)),
    optional("dimension_reduction_target", Value::Integer(1, MOST)),
    optional("dimension_reduction_type", Value::OneOf(&["sign", "fjlt"])),
    optional("faiss_index_ivf_nlists", Value::Text),
    optional("faiss_index_pq_m", Value::Text),
    optional(
        "index_metric",
        Value::OneOf(&["COSINE", "INNER_PRODUCT", "L2"]),
    ),
    optional(
        "index_type",
        Value::OneOf(&["faiss.Flat", "faiss.IVFFlat", "faiss.IVFPQ"]),
    ),
    optional("mini_batch_size", Value::Integer(1, MOST)),
];

const PATH: &str = "training.hyperparameters";

/// Holds the values against what is known; `tuned` names those that tuning will set.
pub(super) fn check(
    known: &[Known],
    given: &BTreeMap<String, Scalar>,
    tuned: &dyn Fn(&str) -> bool,
) -> Result<(), FieldError> {
    let fail = |message: String| {
        Err(FieldError {
            path: PATH,
            message,
        })
    };
    for (name, value) in given {
        let Some(rule) = known.iter().find(|rule| rule.name == name) else {
            return fail(format!("the algorithm has no hyperparameter {name:?}"));
        };
        let text = value.to_string();
        if let Some(wanted) = rule.value.refusal(&text) {
            return fail(format!("{name} is {text:?}: it must be {wanted}"));
        }
    }
    let missing = known
        .iter()
        .find(|rule| rule.required && !given.contains_key(rule.name) && !tuned(rule.name));
    match missing {
        Some(rule) => fail(format!("the algorithm needs {}", rule.name)),
        None => Ok(()),
    }
}

impl Value {
    /// What it should be, if the text is not.
    fn refusal(&self, text: &str) -> Option<String> {
        let number = text.parse::<f64>().ok().filter(|number| !number.is_nan());
        let within = |least: f64, most: f64| number.is_some_and(|it| it >= least && it <= most);
        let (fits, wanted) = match self {
            Self::Integer(least, most) => {
                let fits = text
                    .parse::<i64>()
                    .is_ok_and(|number| number >= *least && number <= *most);
                let most = if *most == MOST {
                    "more".to_owned()
                } else {
                    most.to_string()
                };
                (fits, format!("a whole number, {least} to {most}"))
            }
            Self::Number(least, most) => (within(*least, *most), bounds("", *least, *most)),
            Self::Above(least, most) => (
                within(*least, *most) && number != Some(*least),
                bounds("above ", *least, *most),
            ),
            Self::OneOf(values) => (
                values.contains(&text),
                format!("one of {}", values.join(", ")),
            ),
            Self::Text => (true, String::new()),
            Self::AutoOr(least, most) => (
                text == "auto" || within(*least, *most),
                format!("auto, or {}", bounds("", *least, *most)),
            ),
        };
        (!fits).then_some(wanted)
    }
}

fn bounds(above: &str, least: f64, most: f64) -> String {
    if most.is_infinite() {
        format!("a number, {above}{least} or more")
    } else {
        format!("a number, {above}{least} to {most}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checked(known: &[Known], given: serde_json::Value) -> Result<(), String> {
        let given = serde_json::from_value(given).unwrap();
        check(known, &given, &|name| name == "num_round").map_err(|error| error.message)
    }

    #[test]
    fn values_within_their_ranges_pass() {
        let given = json!({"num_round": 100, "eta": 0.3, "max_depth": "6", "subsample": 1,
            "objective": "reg:squarederror", "eval_metric": "rmse,mae", "lambda": 1e3});
        assert_eq!(checked(XGBOOST, given), Ok(()));
        let given = json!({"predictor_type": "regressor", "l1": "auto", "wd": 0.01});
        assert_eq!(checked(LINEAR_LEARNER, given), Ok(()));
    }

    #[test]
    fn each_mistake_says_what_would_be_right() {
        for (known, given, words) in [
            (
                XGBOOST,
                json!({"num_rounds": 100}),
                "no hyperparameter \"num_rounds\"",
            ),
            (
                XGBOOST,
                json!({"num_round": 0}),
                "a whole number, 1 to more",
            ),
            (XGBOOST, json!({"num_round": 1.5}), "a whole number"),
            (XGBOOST, json!({"eta": 1.5}), "a number, 0 to 1"),
            (XGBOOST, json!({"subsample": 0}), "a number, above 0 to 1"),
            (XGBOOST, json!({"objective": "rmse"}), "one of binary:hinge"),
            (XGBOOST, json!({"eta": "NaN"}), "a number"),
            (LINEAR_LEARNER, json!({}), "needs predictor_type"),
            (
                KNN,
                json!({"feature_dim": 3, "k": 5, "predictor_type": "regressor"}),
                "needs sample_size",
            ),
        ] {
            let refused = checked(known, given.clone()).unwrap_err();
            assert!(refused.contains(words), "{given}: {refused}");
        }
    }

    #[test]
    fn what_tuning_sets_need_not_be_given() {
        assert_eq!(checked(XGBOOST, json!({})), Ok(()));
        let nothing = check(XGBOOST, &BTreeMap::new(), &|_| false);
        assert!(nothing.is_err());
    }

    #[test]
    fn names_stand_once() {
        for known in [XGBOOST, LINEAR_LEARNER, KNN] {
            for (place, rule) in known.iter().enumerate() {
                let twice = known[..place].iter().any(|other| other.name == rule.name);
                assert!(!twice, "{}", rule.name);
            }
        }
    }
}
