//! Models, and the model registry: model package groups and their versions.

pub mod groups;
pub mod models;
pub mod packages;
pub mod records;
