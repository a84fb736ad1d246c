//! Operations of local services that the tests need and no adapter has, called by name.

use serde_json::Value;

/// Calls an operation of a service at `url`; `target` is its `X-Amz-Target`. An empty answer is
/// null.
///
/// # Panics
/// If it is refused.
pub async fn call(url: &str, service: &str, target: &str, request: &Value) -> Value {
    let http = reqwest::Client::builder().no_proxy().build();
    // Only the service's name in it is looked at.
    let signed = format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=x"
    );
    let answer = http
        .expect("a client without TLS")
        .post(url)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", target)
        .header("authorization", signed)
        .body(request.to_string())
        .send()
        .await
        .expect("the server answers");
    let status = answer.status();
    let text = answer.text().await.expect("it answers in text");
    assert!(status.is_success(), "{target}: {status}: {text}");
    if text.is_empty() {
        return Value::Null;
    }
    serde_json::from_str(&text).expect("it answers in JSON")
}
