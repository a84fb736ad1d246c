//! Operations of a local DynamoDB that the tests need and no adapter has, called by name.

use crate::service;
use serde_json::{Value, json};

/// Calls an operation of the server at `url`.
///
/// # Panics
/// If it is refused.
pub async fn call(url: &str, operation: &str, request: &Value) -> Value {
    let target = format!("DynamoDB_20120810.{operation}");
    service::call(url, "dynamodb", &target, request).await
}

/// Calls an operation of the server's streams.
///
/// # Panics
/// If it is refused.
pub async fn call_streams(url: &str, operation: &str, request: &Value) -> Value {
    let target = format!("DynamoDBStreams_20120810.{operation}");
    service::call(url, "dynamodb", &target, request).await
}

/// Turns a table's point-in-time recovery on.
pub async fn turn_recovery_on(url: &str, table: &str) {
    let request = json!({
        "TableName": table,
        "PointInTimeRecoverySpecification": { "PointInTimeRecoveryEnabled": true },
    });
    call(url, "UpdateContinuousBackups", &request).await;
}
