//! A SageMaker container program, train and serve, for user-item interactions
