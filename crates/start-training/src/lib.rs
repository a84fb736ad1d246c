//! Reconciles a SageMaker training job with the definition
