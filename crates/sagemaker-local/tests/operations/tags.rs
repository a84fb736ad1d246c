//! Tags: `AddTags`, `ListTags` and `DeleteTags` on every resource that a pipeline owns.

use crate::bench::{Bench, IMAGE};
use serde_json::{Value, json};

const KINDS: [&str; 5] = [
    "endpoint",
    "endpoint-config",
    "model",
    "model-package-group",
    "model-package",
];

fn tag(key: &str, value: &str) -> Value {
    json!({"Key": key, "Value": value})
}

async fn tags(bench: &Bench, arn: &str) -> Value {
    let answer = bench.call("ListTags", json!({"ResourceArn": arn})).await;
    answer["Tags"].clone()
}

/// The requests that create one resource of each kind, in an order in which they can be made.
fn requests() -> Vec<(&'static str, Value)> {
    let variant = json!({
        "VariantName": "AllTraffic", "ModelName": "mine",
        "InitialInstanceCount": 1, "InstanceType": "ml.m5.large",
    });
    let specification = json!({
        "Containers": [{"Image": IMAGE}],
        "SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"],
    });
    vec![
        (
            "ModelPackageGroup",
            json!({"ModelPackageGroupName": "mine"}),
        ),
        (
            "ModelPackage",
            json!({"ModelPackageGroupName": "mine", "InferenceSpecification": specification}),
        ),
        (
            "Model",
            json!({"ModelName": "mine", "PrimaryContainer": {"Image": IMAGE}}),
        ),
        (
            "EndpointConfig",
            json!({"EndpointConfigName": "mine", "ProductionVariants": [variant]}),
        ),
        (
            "Endpoint",
            json!({"EndpointName": "mine", "EndpointConfigName": "mine"}),
        ),
    ]
}

#[tokio::test]
async fn tags_of_every_resource_are_listed_changed_and_removed_with_it() {
    let bench = Bench::start().await;
    let mut arns = Vec::new();
    for (what, mut request) in requests() {
        request["Tags"] = json!([tag("millrace:stack", "test"), tag("team", "a")]);
        let created = bench.call(&format!("Create{what}"), request).await;
        let arn = created[format!("{what}Arn")].as_str().unwrap();
        arns.push((what, arn.to_owned()));
    }
    bench.settled("mine").await;
    for (_, arn) in &arns {
        let created = json!([tag("millrace:stack", "test"), tag("team", "a")]);
        assert_eq!(tags(&bench, arn).await, created, "{arn}");

        let add = json!({"ResourceArn": arn, "Tags": [tag("team", "b"), tag("run", "1")]});
        let all = json!([
            tag("millrace:stack", "test"),
            tag("team", "b"),
            tag("run", "1")
        ]);
        assert_eq!(bench.call("AddTags", add).await["Tags"], all, "{arn}");
        assert_eq!(tags(&bench, arn).await, all, "{arn}");

        let delete = json!({"ResourceArn": arn, "TagKeys": ["team", "absent"]});
        bench.call("DeleteTags", delete).await;
        let left = json!([tag("millrace:stack", "test"), tag("run", "1")]);
        assert_eq!(tags(&bench, arn).await, left, "{arn}");
    }

    // An update of the endpoint leaves its tags alone, and no Describe shows them.
    let update = json!({"EndpointName": "mine", "EndpointConfigName": "mine"});
    bench.call("UpdateEndpoint", update).await;
    let endpoint = bench.settled("mine").await;
    assert!(endpoint["Tags"].is_null(), "{endpoint}");
    let model = bench
        .call("DescribeModel", json!({"ModelName": "mine"}))
        .await;
    assert!(model["Tags"].is_null(), "{model}");
    let arn = "arn:aws:sagemaker:us-east-1:000000000000:endpoint/mine";
    assert_eq!(tags(&bench, arn).await.as_array().unwrap().len(), 2);

    // With the resource its tags are gone, and one created again under its name has none of them.
    for (what, arn) in arns.iter().rev() {
        let name = if *what == "ModelPackage" { arn } else { "mine" };
        let request = json!({format!("{what}Name"): name});
        bench.call(&format!("Delete{what}"), request.clone()).await;
        let gone = async || {
            let answer = bench.ask("ListTags", &json!({"ResourceArn": arn})).await;
            answer.err()
        };
        let (code, message) = crate::bench::until("the end of its tags", gone).await;
        assert_eq!(code, "ValidationException");
        assert_eq!(message, format!("Could not find resource \"{arn}\"."));
    }
    for (what, request) in requests() {
        let created = bench.call(&format!("Create{what}"), request).await;
        let arn = created[format!("{what}Arn")].as_str().unwrap();
        assert_eq!(tags(&bench, arn).await, json!([]), "{arn}");
    }
}

#[tokio::test]
async fn tags_that_sagemaker_refuses_change_nothing() {
    let bench = Bench::start().await;
    let group = json!({"ModelPackageGroupName": "mine", "Tags": [tag("team", "a")]});
    bench.call("CreateModelPackageGroup", group).await;
    let arn = "arn:aws:sagemaker:us-east-1:000000000000:model-package-group/mine";
    let many: Vec<_> = (0..50)
        .map(|number| tag(&format!("k{number}"), ""))
        .collect();
    for (new, refused, part) in [
        (
            json!([tag("x", "1"), tag("X", "2")]),
            "ValidationException",
            "Duplicate tag keys",
        ),
        (
            json!([tag("", "1")]),
            "ValidationException",
            "'tags.1.member.key'",
        ),
        (
            json!([tag("x", &"y".repeat(257))]),
            "ValidationException",
            "'tags.1.member.value'",
        ),
        (
            json!([tag("x", "<")]),
            "ValidationException",
            "regular expression",
        ),
        (json!(many), "ResourceLimitExceeded", "at most 50 tags"),
        (Value::Null, "ValidationException", "'tags'"),
    ] {
        let add = json!({"ResourceArn": arn, "Tags": new});
        let (code, message) = bench.ask("AddTags", &add).await.unwrap_err();
        assert_eq!(code, refused, "{message}");
        assert!(message.contains(part), "{message}");
        assert_eq!(tags(&bench, arn).await, json!([tag("team", "a")]));
    }
    for kind in KINDS {
        for arn in [
            format!("arn:aws:sagemaker:us-east-1:000000000000:{kind}/other"),
            format!("arn:aws:sagemaker:eu-west-1:000000000000:{kind}/mine"),
            format!("{kind}/mine"),
        ] {
            let add = json!({"ResourceArn": arn, "Tags": [tag("team", "b")]});
            for (operation, request) in [("AddTags", &add), ("ListTags", &add)] {
                let (code, message) = bench.ask(operation, request).await.unwrap_err();
                assert_eq!(code, "ValidationException");
                assert_eq!(message, format!("Could not find resource \"{arn}\"."));
            }
        }
    }
}
