//! What Factorization Machines accepts.
//!
//! Sources: the tables in the SageMaker developer guide (`fact-machines-hyperparameters`, `fm-tuning`), with
//! which SageMaker's Python SDK agrees (github.com/aws/sagemaker-python-sdk,
//! `src/sagemaker/amazon/factorization_machines.py`). The ranges that the guide suggests are no bounds.

use super::{ANY, Algorithm, Known, MOST, Value, closed, integer, number, optional, required};

pub(in super::super) const FACTORIZATION_MACHINES: Algorithm = Algorithm {
    known: KNOWN,
    rules: &[],
};

const METHOD: Value = Value::OneOf(&["uniform", "normal", "constant"]);
const FLOAT: Value = number(closed(-ANY, ANY));
const NOT_NEGATIVE: Value = number(closed(0.0, ANY));

const KNOWN: &[Known] = &[
    // It follows from the dataset.
    optional("feature_dim", integer(1, MOST)),
    required("num_factors", integer(1, MOST)),
    required(
        "predictor_type",
        Value::OneOf(&["binary_classifier", "regressor"]),
    ),
    optional("bias_init_method", METHOD),
    optional("bias_init_scale", NOT_NEGATIVE).tunable(),
    optional("bias_init_sigma", NOT_NEGATIVE).tunable(),
    optional("bias_init_value", FLOAT).tunable(),
    optional("bias_lr", NOT_NEGATIVE).tunable(),
    optional("bias_wd", NOT_NEGATIVE).tunable(),
    optional("clip_gradient", FLOAT),
    optional("epochs", integer(1, MOST)).tunable(),
    optional("eps", FLOAT),
    optional("factors_init_method", METHOD),
    optional("factors_init_scale", NOT_NEGATIVE).tunable(),
    optional("factors_init_sigma", NOT_NEGATIVE).tunable(),
    optional("factors_init_value", FLOAT).tunable(),
    optional("factors_lr", NOT_NEGATIVE).tunable(),
    optional("factors_wd", NOT_NEGATIVE).tunable(),
    optional("linear_init_method", METHOD),
    optional("linear_init_scale", NOT_NEGATIVE).tunable(),
    optional("linear_init_sigma", NOT_NEGATIVE).tunable(),
    optional("linear_init_value", FLOAT).tunable(),
    optional("linear_lr", NOT_NEGATIVE).tunable(),
    optional("linear_wd", NOT_NEGATIVE).tunable(),
    optional("mini_batch_size", integer(1, MOST)).tunable(),
    optional("rescale_grad", FLOAT),
];
