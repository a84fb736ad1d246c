//! What Linear Learner accepts.
//!
//! Sources: the tables in the SageMaker developer guide (`ll_hyperparameters`, `linear-learner-tuning`), and
//! what SageMaker's Python SDK lets pass (github.com/aws/sagemaker-python-sdk,
//! `src/sagemaker/amazon/linear_learner.py`). The guide says "between 0 and 1"; the SDK says which ends
//! belong to it. Where the SDK knows more values than the guide (`f1`, `cross_entropy_loss`, a margin
//! of 0), they pass here; a truth is written as in JSON or as in Python.

use super::{
    ANY, Algorithm, Known, MOST, Rule, TRUTH, Value, above, below, between, closed, integer,
    number, optional, required,
};

pub(in super::super) const LINEAR_LEARNER: Algorithm = Algorithm {
    known: KNOWN,
    rules: RULES,
};

const RULES: &[Rule] = &[Rule::Needs(
    "predictor_type",
    "multiclass_classifier",
    "num_classes",
)];

const AUTO: &[&str] = &["auto"];
const AUTO_OR_TRUTH: Value = Value::OneOf(&["auto", "true", "false", "True", "False"]);

const KNOWN: &[Known] = &[
    required(
        "predictor_type",
        Value::OneOf(&["binary_classifier", "multiclass_classifier", "regressor"]),
    ),
    optional("num_classes", integer(3, 1_000_000)),
    optional("feature_dim", integer(1, MOST).or(AUTO)),
    optional("accuracy_top_k", integer(1, MOST)),
    optional("balance_multiclass_weights", TRUTH),
    optional("beta_1", number(below(0.0, 1.0)).or(AUTO)),
    optional("beta_2", number(below(0.0, 1.0)).or(AUTO)),
    optional("bias_lr_mult", number(above(0.0, ANY)).or(AUTO)),
    optional("bias_wd_mult", number(closed(0.0, ANY)).or(AUTO)),
    optional(
        "binary_classifier_model_selection_criteria",
        Value::OneOf(&[
            "accuracy",
            "f1",
            "f_beta",
            "precision_at_target_recall",
            "recall_at_target_precision",
            "cross_entropy_loss",
            "loss_function",
        ]),
    ),
    optional("early_stopping_patience", integer(1, MOST)),
    optional("early_stopping_tolerance", number(above(0.0, ANY))),
    optional("epochs", integer(1, MOST)),
    optional("f_beta", number(above(0.0, ANY))),
    optional("huber_delta", number(closed(0.0, ANY))),
    optional("init_bias", number(closed(-ANY, ANY))),
    optional("init_method", Value::OneOf(&["uniform", "normal"])),
    optional("init_scale", number(above(0.0, ANY))),
    optional("init_sigma", number(above(0.0, ANY))),
    optional("l1", number(closed(0.0, ANY)).or(AUTO)).tunable(),
    optional("learning_rate", number(above(0.0, ANY)).or(AUTO)).tunable(),
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
    optional("loss_insensitivity", number(above(0.0, ANY))),
    optional("lr_scheduler_factor", number(between(0.0, 1.0)).or(AUTO)),
    optional("lr_scheduler_minimum_lr", number(above(0.0, ANY)).or(AUTO)),
    optional("lr_scheduler_step", integer(1, MOST).or(AUTO)),
    optional("margin", number(closed(0.0, ANY))),
    optional("mini_batch_size", integer(1, MOST)).tunable(),
    optional("momentum", number(below(0.0, 1.0)).or(AUTO)),
    optional("normalize_data", AUTO_OR_TRUTH),
    optional("normalize_label", AUTO_OR_TRUTH),
    optional("num_calibration_samples", integer(1, MOST).or(AUTO)),
    optional("num_models", integer(1, MOST).or(AUTO)),
    optional("num_point_for_scaler", integer(1, MOST)),
    optional(
        "optimizer",
        Value::OneOf(&["auto", "adam", "sgd", "rmsprop"]),
    ),
    optional(
        "positive_example_weight_mult",
        number(above(0.0, ANY)).or(&["balanced", "auto"]),
    )
    .tunable(),
    optional("quantile", number(between(0.0, 1.0))),
    optional("target_precision", number(between(0.0, 1.0))),
    optional("target_recall", number(between(0.0, 1.0))),
    optional("unbias_data", AUTO_OR_TRUTH),
    optional("unbias_label", AUTO_OR_TRUTH),
    optional("use_bias", TRUTH).tunable(),
    optional("use_lr_scheduler", TRUTH),
    optional("wd", number(closed(0.0, ANY)).or(AUTO)).tunable(),
];
