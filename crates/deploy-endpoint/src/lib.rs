//! Reconciles a SageMaker endpoint with the model of a run
