//! Faults on demand.

use crate::bench::{Bench, job};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn calls_are_throttled_the_given_number_of_times() {
    let bench = Bench::start().await;
    bench
        .faults(json!([
            {"fault": "refuse", "operation": "CreateTrainingJob", "times": 2},
            {"fault": "refuse", "operation": "DescribeTrainingJob", "code": "ServiceUnavailable", "message": "later", "times": 1},
        ]))
        .await;
    let request = job("job", json!({}));
    for _ in 0..2 {
        let error = bench.ask("CreateTrainingJob", &request).await.unwrap_err();
        assert_eq!(
            error,
            ("ThrottlingException".into(), "Rate exceeded".into())
        );
    }
    bench.call("CreateTrainingJob", request).await;
    let describe = json!({"TrainingJobName": "job"});
    let error = bench
        .ask("DescribeTrainingJob", &describe)
        .await
        .unwrap_err();
    assert_eq!(error, ("ServiceUnavailable".into(), "later".into()));
    bench.call("DescribeTrainingJob", describe).await;
    assert_eq!(bench.struck().await, [2, 1]);
}

#[tokio::test]
async fn a_job_whose_answer_is_lost_exists() {
    let bench = Bench::start().await;
    bench
        .faults(json!([{"fault": "lose", "operation": "CreateTrainingJob", "times": 1}]))
        .await;
    let request = job("job", json!({}));
    let (code, _) = bench.ask("CreateTrainingJob", &request).await.unwrap_err();
    assert_eq!(code, "InternalFailure");
    let (code, _) = bench.ask("CreateTrainingJob", &request).await.unwrap_err();
    assert_eq!(code, "ResourceInUse");
    assert_eq!(bench.ended("job").await["TrainingJobStatus"], "Completed");
}

#[tokio::test]
async fn a_job_that_hangs_ends_at_its_maximum_runtime() {
    let bench = Bench::start().await;
    bench.faults(json!([{"fault": "hang"}])).await;
    let mut request = job("job", json!({}));
    request["StoppingCondition"] = json!({"MaxRuntimeInSeconds": 1});
    bench.call("CreateTrainingJob", request).await;
    let begun = Instant::now();
    let job = bench.ended("job").await;
    assert_eq!(job["TrainingJobStatus"], "Stopped", "{job}");
    assert_eq!(job["SecondaryStatus"], "MaxRuntimeExceeded");
    assert!(begun.elapsed() > Duration::from_secs(1));
}

#[tokio::test]
async fn a_new_resource_is_stale_for_describe_and_create() {
    let bench = Bench::start().await;
    bench.servable("first", None).await;
    bench
        .faults(json!([{"fault": "stale", "seconds": 1.0, "name": "e"}]))
        .await;
    let variant = json!({
        "VariantName": "AllTraffic", "ModelName": "first",
        "InitialInstanceCount": 1, "InstanceType": "ml.m5.large",
    });
    let config = json!({"EndpointConfigName": "e-config", "ProductionVariants": [variant]});
    bench.call("CreateEndpointConfig", config.clone()).await;
    let create = json!({"EndpointName": "e", "EndpointConfigName": "e-config"});
    let (_, message) = bench.ask("CreateEndpoint", &create).await.unwrap_err();
    assert!(
        message.starts_with("Could not find endpoint configuration"),
        "{message}"
    );
    // The job exists nevertheless.
    let (_, message) = bench
        .ask("CreateEndpointConfig", &config)
        .await
        .unwrap_err();
    assert!(
        message.starts_with("Cannot create already existing"),
        "{message}"
    );
    tokio::time::sleep(Duration::from_millis(1100)).await;
    bench.call("CreateEndpoint", create).await;
    let (_, message) = bench
        .ask("DescribeEndpoint", &json!({"EndpointName": "e"}))
        .await
        .unwrap_err();
    assert!(message.starts_with("Could not find endpoint "), "{message}");
    assert_eq!(bench.settled("e").await["EndpointStatus"], "InService");
}

#[tokio::test]
async fn an_endpoint_without_ping_or_instance_fails() {
    for (fault, reason) in [
        ("no-ping", "did not pass the ping health check"),
        ("capacity", "InsufficientInstanceCapacity"),
    ] {
        let bench = Bench::with_patience(Duration::from_secs(2)).await;
        bench.servable("first", None).await;
        bench.faults(json!([{"fault": fault, "times": 1}])).await;
        let create = json!({"EndpointName": "e", "EndpointConfigName": "first"});
        bench.call("CreateEndpoint", create).await;
        let endpoint = bench.settled("e").await;
        assert_eq!(endpoint["EndpointStatus"], "Failed");
        assert!(
            endpoint["FailureReason"].as_str().unwrap().contains(reason),
            "{endpoint}"
        );
    }
}

#[tokio::test]
async fn a_silent_rollback_ends_on_the_old_configuration_without_a_reason() {
    let bench = Bench::start().await;
    bench.servable("first", None).await;
    bench.servable("second", None).await;
    bench.serving("e", "first").await;
    bench.faults(json!([{"fault": "rollback"}])).await;
    let update = json!({"EndpointName": "e", "EndpointConfigName": "second"});
    bench.call("UpdateEndpoint", update).await;
    let endpoint = bench.settled("e").await;
    assert_eq!(endpoint["EndpointStatus"], "InService");
    assert_eq!(endpoint["EndpointConfigName"], "first");
    assert!(endpoint["FailureReason"].is_null());
    assert_eq!(bench.invoke("e", "1").await.1["model"], "first");
}

#[tokio::test]
async fn invocations_are_refused_too() {
    let bench = Bench::start().await;
    bench.servable("first", None).await;
    bench.serving("e", "first").await;
    bench
        .faults(json!([{"fault": "refuse", "operation": "InvokeEndpoint", "times": 1}]))
        .await;
    assert_eq!(bench.invoke("e", "1").await.0, 400);
    assert_eq!(bench.invoke("e", "1").await.0, 200);
}
