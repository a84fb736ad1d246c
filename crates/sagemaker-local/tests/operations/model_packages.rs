//! Model package groups and their versions.

use crate::bench::{Bench, IMAGE};
use serde_json::json;

#[tokio::test]
async fn versions_are_registered_approved_and_listed() {
    let bench = Bench::start().await;
    let group = json!({"ModelPackageGroupName": "films", "Tags": [{"Key": "team", "Value": "a"}]});
    let made = bench.call("CreateModelPackageGroup", group.clone()).await;
    let arn = "arn:aws:sagemaker:us-east-1:000000000000:model-package-group/films";
    assert_eq!(made["ModelPackageGroupArn"], arn);
    let (code, _) = bench
        .ask("CreateModelPackageGroup", &group)
        .await
        .unwrap_err();
    assert_eq!(code, "ValidationException");

    let containers = json!([{"Image": IMAGE, "ModelDataUrl": "s3://lake/model.tar.gz"}]);
    let package = json!({
        "ModelPackageGroupName": "films",
        "ModelApprovalStatus": "PendingManualApproval",
        "InferenceSpecification": {
            "Containers": containers,
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        "CustomerMetadataProperties": {"rmse": "0.5"},
    });
    for version in 1..=2 {
        let made = bench.call("CreateModelPackage", package.clone()).await;
        let arn = made["ModelPackageArn"].as_str().unwrap();
        assert!(
            arn.ends_with(&format!(":model-package/films/{version}")),
            "{arn}"
        );
    }
    let arn = "arn:aws:sagemaker:us-east-1:000000000000:model-package/films/2";
    let update = json!({
        "ModelPackageArn": arn, "ModelApprovalStatus": "Approved", "ApprovalDescription": "better",
    });
    bench.call("UpdateModelPackage", update).await;
    let described = bench
        .call("DescribeModelPackage", json!({"ModelPackageName": arn}))
        .await;
    assert_eq!(described["ModelApprovalStatus"], "Approved");
    assert_eq!(described["ApprovalDescription"], "better");
    assert_eq!(described["ModelPackageVersion"], 2);
    assert_eq!(
        described["InferenceSpecification"]["Containers"],
        containers
    );
    assert_eq!(described["CustomerMetadataProperties"]["rmse"], "0.5");

    let list = json!({"ModelPackageGroupName": "films", "ModelApprovalStatus": "Approved"});
    let list = bench.call("ListModelPackages", list).await;
    let list = list["ModelPackageSummaryList"].as_array().unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["ModelPackageArn"], arn);

    let (code, _) = bench
        .ask(
            "DeleteModelPackageGroup",
            &json!({"ModelPackageGroupName": "films"}),
        )
        .await
        .unwrap_err();
    assert_eq!(code, "ConflictException");
    for version in 1..=2 {
        let arn = format!("arn:aws:sagemaker:us-east-1:000000000000:model-package/films/{version}");
        let name = json!({"ModelPackageName": arn});
        bench.call("DeleteModelPackage", name).await;
    }
    let name = json!({"ModelPackageGroupName": "films"});
    bench.call("DeleteModelPackageGroup", name.clone()).await;
    let (code, message) = bench
        .ask("DescribeModelPackageGroup", &name)
        .await
        .unwrap_err();
    assert_eq!(code, "ValidationException");
    assert!(message.contains("does not exist"), "{message}");
}
