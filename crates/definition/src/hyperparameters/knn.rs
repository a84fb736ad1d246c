//! What k-nearest neighbours accepts.
//!
//! Sources: the tables in the SageMaker developer guide (`kNN_hyperparameters`, `kNN-tuning`); for what goes
//! with what, also the algorithm's own validation, which the toolkit that it shares with XGBoost is tested with
//! (github.com/aws/sagemaker-xgboost-container, `test_hyperparameter_validation.py`).

use super::{Algorithm, Known, MOST, Rule, Value, integer, optional, required};

pub(in super::super) const KNN: Algorithm = Algorithm {
    known: KNOWN,
    rules: RULES,
};

const RULES: &[Rule] = &[
    Rule::Needs(
        "dimension_reduction_type",
        "sign",
        "dimension_reduction_target",
    ),
    Rule::Needs(
        "dimension_reduction_type",
        "fjlt",
        "dimension_reduction_target",
    ),
    Rule::IsFor("faiss_index_pq_m", "index_type", "faiss.IVFPQ"),
    Rule::Excludes(
        ["index_metric", "INNER_PRODUCT"],
        ["index_type", "faiss.IVFPQ"],
    ),
    Rule::Excludes(["index_metric", "COSINE"], ["index_type", "faiss.IVFPQ"]),
];

const KNOWN: &[Known] = &[
    // It follows from the dataset.
    optional("feature_dim", integer(1, MOST)),
    required("k", integer(1, MOST)).tunable(),
    required("predictor_type", Value::OneOf(&["classifier", "regressor"])),
    required("sample_size", integer(1, MOST)).tunable(),
    optional("dimension_reduction_target", integer(1, MOST)),
    optional("dimension_reduction_type", Value::OneOf(&["sign", "fjlt"])),
    optional("faiss_index_ivf_nlists", integer(1, MOST).or(&["auto"])),
    // Subspaces of a product quantiser, of which FAISS knows these counts.
    optional(
        "faiss_index_pq_m",
        Value::OneOf(&[
            "1", "2", "3", "4", "8", "12", "16", "20", "24", "28", "32", "40", "48", "56", "64",
            "96",
        ]),
    ),
    optional(
        "index_metric",
        Value::OneOf(&["COSINE", "INNER_PRODUCT", "L2"]),
    ),
    optional(
        "index_type",
        Value::OneOf(&["faiss.Flat", "faiss.IVFFlat", "faiss.IVFPQ"]),
    ),
    optional("mini_batch_size", integer(1, MOST)),
];
