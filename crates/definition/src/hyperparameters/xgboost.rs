//! What XGBoost accepts.
//!
//! Source: the container's own validation (github.com/aws/sagemaker-xgboost-container,
//! `algorithm_mode/hyperparameter_validation.py`), which refuses what it does not know, and says what
//! it lets be tuned.

use super::{
    ANY, Algorithm, FLAG, Known, MOST, Rule, TRUTH, Value, above, between, closed, integer, number,
    optional, required,
};

pub(in super::super) const XGBOOST: Algorithm = Algorithm {
    known: KNOWN,
    rules: RULES,
};

const RULES: &[Rule] = &[
    Rule::Needs("objective", "multi:softmax", "num_class"),
    Rule::Needs("objective", "multi:softprob", "num_class"),
];

const KNOWN: &[Known] = &[
    required("num_round", integer(1, MOST)).tunable(),
    optional("csv_weights", FLAG),
    optional("early_stopping_rounds", integer(1, MOST)),
    optional("booster", Value::OneOf(&["gbtree", "gblinear", "dart"])),
    optional("verbosity", integer(0, 3)),
    optional("nthread", integer(1, MOST)),
    optional("eta", number(closed(0.0, 1.0))).tunable(),
    optional("gamma", number(closed(0.0, ANY))).tunable(),
    optional("max_depth", integer(0, MOST)).tunable(),
    optional("min_child_weight", number(closed(0.0, ANY))).tunable(),
    optional("max_delta_step", number(closed(0.0, ANY))).tunable(),
    optional("subsample", number(above(0.0, 1.0))).tunable(),
    optional("colsample_bytree", number(above(0.0, 1.0))).tunable(),
    optional("colsample_bylevel", number(above(0.0, 1.0))).tunable(),
    optional("colsample_bynode", number(above(0.0, 1.0))).tunable(),
    optional("lambda", number(closed(0.0, ANY))).tunable(),
    optional("alpha", number(closed(0.0, ANY))).tunable(),
    optional(
        "tree_method",
        Value::OneOf(&["auto", "exact", "approx", "hist", "gpu_hist"]),
    ),
    optional("sketch_eps", number(between(0.0, 1.0))),
    optional("scale_pos_weight", number(above(0.0, ANY))),
    optional("updater", Value::Text),
    optional("dsplit", Value::OneOf(&["row", "col"])),
    optional("refresh_leaf", FLAG),
    optional("process_type", Value::OneOf(&["default", "update"])),
    optional("grow_policy", Value::OneOf(&["depthwise", "lossguide"])),
    optional("max_leaves", integer(0, MOST)),
    optional("max_bin", integer(0, MOST)),
    optional(
        "predictor",
        Value::OneOf(&["auto", "cpu_predictor", "gpu_predictor"]),
    ),
    optional("monotone_constraints", Value::Text),
    optional("interaction_constraints", Value::Text),
    optional("sample_type", Value::OneOf(&["uniform", "weighted"])),
    optional("normalize_type", Value::OneOf(&["tree", "forest"])),
    optional("rate_drop", number(closed(0.0, 1.0))),
    optional("one_drop", FLAG),
    optional("skip_drop", number(closed(0.0, 1.0))),
    optional("lambda_bias", number(closed(0.0, 1.0))),
    optional("tweedie_variance_power", number(between(1.0, 2.0))),
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
    optional("num_class", integer(2, MOST)),
    optional("base_score", number(closed(0.0, ANY))),
    optional("_kfold", integer(2, MOST)),
    optional("_num_cv_round", integer(1, MOST)),
    optional("_tuning_objective_metric", Value::Text),
    optional("eval_metric", Value::Text),
    optional("seed", integer(-2_147_483_647, 2_147_483_646)),
    optional("num_parallel_tree", integer(1, MOST)),
    optional(
        "save_model_on_termination",
        Value::OneOf(&["true", "false"]),
    ),
    optional(
        "aft_loss_distribution",
        Value::OneOf(&["normal", "logistic", "extreme"]),
    ),
    optional("aft_loss_distribution_scale", number(closed(0.0, ANY))),
    optional("deterministic_histogram", TRUTH),
    optional("single_precision_histogram", TRUTH),
    optional(
        "sampling_method",
        Value::OneOf(&["uniform", "gradient_based"]),
    ),
    optional("prob_buffer_row", number(above(1.0, ANY))),
    optional("use_dask_gpu_training", Value::OneOf(&["true", "false"])),
    optional("max_cat_to_onehot", integer(0, MOST)),
    optional("max_cat_threshold", integer(1, MOST)),
];
