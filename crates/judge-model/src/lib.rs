//! Decides whether a trained model may serve
