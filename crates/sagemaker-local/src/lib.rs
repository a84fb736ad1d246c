//! The SageMaker API on loopback: runs training and serving programs for real, without Docker
