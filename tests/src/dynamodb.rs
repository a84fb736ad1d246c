//! Operations of a local DynamoDB that the tests need and no adapter has, called by name.

use serde_json::{Value, json};

/// Calls an operation of the server at `url`.
///
/// # Panics
/// If it is refused.
pub async fn call(url: &str, operation: &str, request: &Value) -> Value {
    let http = reqwest::Client::builder().no_proxy().build();
    let answer = http
        .expect("a client without TLS")
        .post(url)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        // Only the service's name in it is looked at.
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=x",
        )
        .body(request.to_string())
        .send()
        .await
        .expect("the server answers");
    let status = answer.status();
    let text = answer.text().await.expect("it answers in text");
    assert!(status.is_success(), "{operation}: {status}: {text}");
    serde_json::from_str(&text).expect("it answers in JSON")
}

/// Turns a table's point-in-time recovery on.
pub async fn turn_recovery_on(url: &str, table: &str) {
    let request = json!({
        "TableName": table,
        "PointInTimeRecoverySpecification": { "PointInTimeRecoveryEnabled": true },
    });
    call(url, "UpdateContinuousBackups", &request).await;
}
