//! Application Auto Scaling on the same port.

use crate::bench::Bench;
use serde_json::{Value, json};

fn target(more: &Value) -> Value {
    let mut target = json!({
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/e/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    });
    for (name, value) in more.as_object().unwrap() {
        target[name] = value.clone();
    }
    target
}

async fn count(bench: &Bench) -> Value {
    bench.settled("e").await["ProductionVariants"][0]["CurrentInstanceCount"].clone()
}

#[tokio::test]
async fn a_scaled_count_survives_an_update_only_if_it_is_retained() {
    let bench = Bench::start().await;
    bench.servable("first", None).await;
    bench.serving("e", "first").await;
    assert_eq!(count(&bench).await, 3);
    let register = target(&json!({"MinCapacity": 5, "MaxCapacity": 9}));
    bench.call("RegisterScalableTarget", register).await;
    assert_eq!(count(&bench).await, 5);
    for (retain, left) in [(true, 5), (false, 3)] {
        let update = json!({
            "EndpointName": "e", "EndpointConfigName": "first",
            "RetainAllVariantProperties": retain,
        });
        bench.call("UpdateEndpoint", update).await;
        assert_eq!(count(&bench).await, left);
    }
}

#[tokio::test]
async fn policies_are_put_described_and_deleted_with_their_target() {
    let bench = Bench::start().await;
    bench.servable("first", None).await;
    bench.serving("e", "first").await;
    let configuration = json!({
        "TargetValue": 70.0,
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance",
        },
    });
    let policy = target(&json!({
        "PolicyName": "track", "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": configuration,
    }));
    let (code, _) = bench.ask("PutScalingPolicy", &policy).await.unwrap_err();
    assert_eq!(code, "ObjectNotFoundException");
    let register = target(&json!({"MinCapacity": 1, "MaxCapacity": 4}));
    bench.call("RegisterScalableTarget", register).await;
    bench.call("PutScalingPolicy", policy.clone()).await;
    bench.call("PutScalingPolicy", policy).await;
    let all = json!({"ServiceNamespace": "sagemaker"});
    let policies = bench.call("DescribeScalingPolicies", all.clone()).await;
    let policies = policies["ScalingPolicies"].as_array().unwrap();
    assert_eq!(policies.len(), 1);
    let described = &policies[0]["TargetTrackingScalingPolicyConfiguration"];
    assert_eq!(*described, configuration);
    let targets = bench.call("DescribeScalableTargets", all.clone()).await;
    assert_eq!(targets["ScalableTargets"][0]["MaxCapacity"], 4);
    bench
        .call("DeregisterScalableTarget", target(&json!({})))
        .await;
    for (operation, member) in [
        ("DescribeScalableTargets", "ScalableTargets"),
        ("DescribeScalingPolicies", "ScalingPolicies"),
    ] {
        assert_eq!(bench.call(operation, all.clone()).await[member], json!([]));
    }
    let absent = target(
        &json!({"ResourceId": "endpoint/f/variant/AllTraffic", "MinCapacity": 1, "MaxCapacity": 2}),
    );
    let (code, _) = bench
        .ask("RegisterScalableTarget", &absent)
        .await
        .unwrap_err();
    assert_eq!(code, "ValidationException");
}
