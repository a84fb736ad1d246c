//! The CloudWatch adapter: the port's suite against the local server, the alarms as the service
//! gets them, their states, and refusals.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

#[path = "support/script.rs"]
mod script;

use aws::cloudwatch::CloudWatch;
use contract::ErrorName;
use sagemaker_local::{Config, Server};
use sagemaker_ports::{AlarmSpec, Alarms, Owner, conformance};
use script::{Answer, Script};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:notices";

fn specs() -> [AlarmSpec; 2] {
    AlarmSpec::of_endpoint(&Owner::new("shop", "films"), "films-live", 250, TOPIC)
}

async fn scripted(answers: Vec<Answer>) -> (CloudWatch, Script) {
    let script = Script::start(answers).await;
    let adapter = CloudWatch::new(&aws::local(&script.url).await);
    (adapter, script)
}

#[tokio::test]
async fn the_adapter_passes_the_suite_against_the_local_server() {
    let state = tempfile::tempdir().unwrap();
    let server = Server::start(Config::new(state.path())).await.unwrap();
    let alarms = CloudWatch::new(&aws::local(&server.url()).await);
    conformance::alarms(&alarms, "films").await;
    server.shutdown().await;
}

#[tokio::test]
async fn each_alarm_watches_its_metric_of_the_endpoint_and_notifies_the_topic() {
    let (alarms, script) = scripted(vec![Answer::ok("{}"), Answer::ok("")]).await;
    for spec in specs() {
        alarms.put_alarm(&spec).await.unwrap();
    }
    let common = json!({
        "AlarmActions": [TOPIC], "Namespace": "AWS/SageMaker", "Period": 60,
        "Dimensions": [
            {"Name": "EndpointName", "Value": "films-live"}, {"Name": "VariantName", "Value": "AllTraffic"},
        ],
        "ComparisonOperator": "GreaterThanThreshold",
        // An endpoint without requests is not broken.
        "TreatMissingData": "notBreaching",
        "Tags": [
            {"Key": "millrace:pipeline", "Value": "films"}, {"Key": "millrace:stack", "Value": "shop"},
        ],
    });
    let own = [
        json!({
            "AlarmName": "shop/films/endpoint-errors", "MetricName": "Invocation5XXErrors", "Statistic": "Sum",
            "EvaluationPeriods": 1, "Threshold": 0.0,
            "AlarmDescription": "The endpoint films-live answers with server errors.",
        }),
        json!({
            "AlarmName": "shop/films/endpoint-latency", "MetricName": "ModelLatency", "ExtendedStatistic": "p90",
            "EvaluationPeriods": 3, "Threshold": 250_000.0,
            "AlarmDescription": "The model at the endpoint films-live answers slowly.",
        }),
    ];
    for (request, own) in script.requests().iter().zip(own) {
        let mut wanted = common.clone();
        wanted
            .as_object_mut()
            .unwrap()
            .extend(own.as_object().unwrap().clone());
        assert_eq!(*request, wanted);
    }
}

#[tokio::test]
async fn alarms_of_both_kinds_are_read_by_name() {
    let answer = json!({
        "MetricAlarms": [
            {"AlarmName": "errors", "StateValue": "ALARM"},
            {"AlarmName": "latency", "StateValue": "INSUFFICIENT_DATA"},
        ],
        "CompositeAlarms": [{"AlarmName": "both", "StateValue": "OK"}],
    });
    let (alarms, script) = scripted(vec![Answer::ok(answer.to_string())]).await;
    let names = ["errors", "latency", "both", "absent"].map(str::to_owned);
    let found = alarms.in_alarm(&names).await.unwrap();
    let wanted = [("errors", true), ("latency", false), ("both", false)];
    let wanted = wanted.map(|(name, state)| (name.to_owned(), state));
    assert_eq!(found, BTreeMap::from(wanted));
    let request: &Value = &script.requests()[0];
    assert_eq!(
        request["AlarmTypes"],
        json!(["MetricAlarm", "CompositeAlarm"])
    );
}

#[tokio::test]
async fn an_answer_without_a_state_is_no_answer() {
    let answer = json!({"MetricAlarms": [{"AlarmName": "errors"}]});
    let (alarms, _script) = scripted(vec![Answer::ok(answer.to_string())]).await;
    let error = alarms.in_alarm(&["errors".to_owned()]).await.unwrap_err();
    assert_eq!(error.name, ErrorName::ServiceUnavailable);
    assert!(error.to_string().contains("errors"), "{error}");
}

fn refusal(code: &str) -> Answer {
    let body = json!({"__type": format!("com.amazonaws.cloudwatch#{code}"), "message": "no"});
    Answer {
        status: 400,
        body: body.to_string().into_bytes(),
        ..Answer::default()
    }
}

#[tokio::test]
async fn a_throttled_request_is_repeated_and_a_refused_one_is_not() {
    let throttled = refusal("ThrottlingException");
    let (alarms, script) = scripted(vec![throttled, Answer::ok("{}")]).await;
    alarms.put_alarm(&specs()[0]).await.unwrap();
    assert_eq!(script.requests().len(), 2);

    let (alarms, script) = scripted(vec![refusal("AccessDenied")]).await;
    let error = alarms.put_alarm(&specs()[0]).await.unwrap_err();
    assert_eq!(
        (error.name, error.code.as_str(), error.subject.as_str()),
        (
            ErrorName::AccessDenied,
            "AccessDenied",
            "shop/films/endpoint-errors"
        )
    );
    assert_eq!(script.requests().len(), 1);
}

#[tokio::test]
async fn a_request_names_its_operation_and_is_signed_for_the_service() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut bytes = vec![0; 4096];
        let length = socket.read(&mut bytes).await.unwrap();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        socket.write_all(answer).await.unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    });
    let alarms = CloudWatch::new(&aws::local(&url).await);
    alarms.in_alarm(&["errors".to_owned()]).await.unwrap();
    let head = server.await.unwrap();
    for part in [
        "POST / HTTP/1.1",
        "x-amz-target: GraniteServiceVersion20100801.DescribeAlarms",
        "/us-east-1/monitoring/aws4_request",
    ] {
        assert!(head.contains(part), "{head}");
    }
}
