//! The adapter of Service Quotas: pages, defaults, refusals, and the request as the service gets it.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

#[path = "support/script.rs"]
mod script;

use aws::quotas::{Quota, ServiceQuotas};
use contract::{ErrorName, ServiceError};
use script::{Answer, Script};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const TRAINING: &str = "ml.m5.large for training job usage";
const ENDPOINT: &str = "ml.m5.large for endpoint usage";

fn quota(name: &str, value: f64) -> Value {
    json!({"ServiceCode": "sagemaker", "QuotaName": name, "QuotaCode": "L-1", "Value": value})
}

fn page(quotas: &[Value], next: Option<&str>) -> Answer {
    let mut page = json!({"Quotas": quotas});
    if let Some(next) = next {
        page["NextToken"] = json!(next);
    }
    Answer::ok(page.to_string())
}

async fn ask(answers: Vec<Answer>) -> (Result<BTreeMap<String, Quota>, ServiceError>, Script) {
    let script = Script::start(answers).await;
    let quotas = ServiceQuotas::new(&aws::local(&script.url).await);
    let names = [TRAINING, ENDPOINT].map(str::to_owned).into();
    (quotas.named("sagemaker", &names).await, script)
}

fn known(training: f64, endpoint: f64) -> BTreeMap<String, Quota> {
    let quota = |value| Quota {
        code: "L-1".to_owned(),
        value,
    };
    let known = [(TRAINING, quota(training)), (ENDPOINT, quota(endpoint))];
    known.map(|(name, quota)| (name.to_owned(), quota)).into()
}

#[tokio::test]
async fn pages_are_read_until_every_quota_is_known() {
    let other = quota("ml.m5.large for notebook instance usage", 1.0);
    let (found, script) = ask(vec![
        page(&[other, quota(ENDPOINT, 2.0)], Some("a")),
        page(&[], Some("b")),
        page(&[quota(TRAINING, 0.0)], Some("c")),
    ])
    .await;
    assert_eq!(found.unwrap(), known(0.0, 2.0));
    let first = json!({"ServiceCode": "sagemaker", "MaxResults": 100});
    let mut second = first.clone();
    second["NextToken"] = json!("a");
    let mut third = first.clone();
    third["NextToken"] = json!("b");
    assert_eq!(script.requests(), [first, second, third]);
}

#[tokio::test]
async fn a_quota_that_was_never_changed_has_its_default() {
    let (found, script) = ask(vec![
        page(&[quota(TRAINING, 4.0)], None),
        page(&[quota(TRAINING, 0.0), quota(ENDPOINT, 0.0)], None),
    ])
    .await;
    assert_eq!(found.unwrap(), known(4.0, 0.0));
    assert_eq!(script.requests().len(), 2);
    let (found, _script) = ask(vec![page(&[quota(TRAINING, 4.0)], None), page(&[], None)]).await;
    let found = found.unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), [TRAINING]);
}

#[tokio::test]
async fn a_refusal_and_an_answer_that_cannot_be_read_are_errors() {
    let refusal = Answer {
        status: 400,
        body: json!({"__type": "AccessDeniedException", "Message": "not you"})
            .to_string()
            .into_bytes(),
        ..Answer::default()
    };
    let (found, script) = ask(vec![refusal]).await;
    let error = found.unwrap_err();
    assert_eq!(error.name, ErrorName::AccessDenied);
    assert_eq!(error.operation, "ListServiceQuotas");
    assert!(error.to_string().contains("not you"), "{error}");
    assert_eq!(script.requests().len(), 1);
    let (found, _script) = ask(vec![page(&[json!({"QuotaName": TRAINING})], None)]).await;
    assert_eq!(found.unwrap_err().code, "ResponseUnreadable");
}

#[tokio::test]
async fn a_request_names_its_operation_and_is_signed_for_the_service() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut bytes = vec![0; 4096];
        let length = socket.read(&mut bytes).await.unwrap();
        let body = page(&[quota(TRAINING, 1.0)], None).body;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(&body).await.unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    });
    let quotas = ServiceQuotas::new(&aws::local(&url).await);
    let names = [TRAINING.to_owned()].into();
    quotas.named("sagemaker", &names).await.unwrap();
    let head = server.await.unwrap();
    for part in [
        "POST / HTTP/1.1",
        "content-type: application/x-amz-json-1.1",
        "x-amz-target: ServiceQuotasV20190624.ListServiceQuotas",
        "/us-east-1/servicequotas/aws4_request",
    ] {
        assert!(head.contains(part), "{head}");
    }
}
