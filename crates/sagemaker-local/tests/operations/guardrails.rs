//! Canary and linear updates, and their rollback by an alarm.

use crate::bench::{Bench, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn update(wait: u32, termination: u32) -> Value {
    json!({
        "EndpointName": "e",
        "EndpointConfigName": "second",
        "DeploymentConfig": {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {
                    "Type": "CANARY",
                    "WaitIntervalInSeconds": wait,
                    "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50},
                },
                "TerminationWaitInSeconds": termination,
            },
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
        },
    })
}

async fn two_models(bench: &Bench) {
    bench.servable("first", None).await;
    bench.servable("second", None).await;
    bench.serving("e", "first").await;
}

/// The number of invocations that each model answers.
async fn answers(bench: &Bench, count: usize) -> BTreeMap<String, usize> {
    let mut models = BTreeMap::new();
    for _ in 0..count {
        let (status, answer) = bench.invoke("e", "1").await;
        assert_eq!(status, 200, "{answer}");
        *models
            .entry(answer["model"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    models
}

async fn both_answer(bench: &Bench) {
    until("an answer of both models", || async {
        (answers(bench, 8).await.len() == 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_canary_gets_its_share_and_then_everything() {
    let bench = Bench::start().await;
    two_models(&bench).await;
    bench.call("UpdateEndpoint", update(10, 0)).await;
    both_answer(&bench).await;
    let counts = answers(&bench, 60).await;
    assert!(counts.values().all(|count| *count >= 10), "{counts:?}");
    let endpoint = bench.settled("e").await;
    assert_eq!(endpoint["EndpointConfigName"], "second");
    assert!(endpoint["FailureReason"].is_null(), "{endpoint}");
    assert_eq!(
        answers(&bench, 10).await,
        BTreeMap::from([("second".to_owned(), 10)])
    );
}

#[tokio::test]
async fn an_alarm_rolls_back_at_any_time() {
    for termination in [0, 3600] {
        let bench = Bench::start().await;
        two_models(&bench).await;
        // While the canary is watched, and after all invocations were shifted.
        let wait = if termination == 0 { 3600 } else { 0 };
        bench
            .call("UpdateEndpoint", update(wait, termination))
            .await;
        until("an answer of the second model", || async {
            answers(&bench, 4)
                .await
                .contains_key("second")
                .then_some(())
        })
        .await;
        bench
            .faults(json!([{"fault": "alarm", "alarm": "errors"}]))
            .await;
        let endpoint = bench.settled("e").await;
        assert_eq!(endpoint["EndpointStatus"], "InService");
        assert_eq!(endpoint["EndpointConfigName"], "first");
        let reason = endpoint["FailureReason"].as_str().unwrap();
        assert!(reason.contains("[errors]"), "{reason}");
        assert_eq!(
            answers(&bench, 10).await,
            BTreeMap::from([("first".to_owned(), 10)])
        );
    }
}

#[tokio::test]
async fn an_alarm_of_another_name_has_no_effect() {
    let bench = Bench::start().await;
    two_models(&bench).await;
    bench
        .faults(json!([{"fault": "alarm", "alarm": "latency"}]))
        .await;
    bench.call("UpdateEndpoint", update(1, 0)).await;
    assert_eq!(bench.settled("e").await["EndpointConfigName"], "second");
}
