//! The SageMaker adapter's transform jobs: the requests, and unusual answers.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

#[path = "support/service.rs"]
mod service;

use contract::{ErrorName, Named};
use sagemaker_ports::{TransformStatus, Transforms, conformance};
use serde_json::json;
use service::Script;

#[tokio::test]
async fn a_job_is_asked_for_in_full() {
    let script = Script::default();
    let sagemaker = script.adapter().await;
    script.says(json!({"TransformJobArn": "arn"}));
    let mut spec = conformance::transform_spec("job", "model");
    sagemaker.create_transform(&spec).await.unwrap();
    let (operation, body) = script.request();
    assert_eq!(operation, "CreateTransformJob");
    let wanted = json!({
        "TransformJobName": "job",
        "ModelName": "model",
        "BatchStrategy": "MultiRecord",
        "MaxPayloadInMB": 8,
        "TransformInput": {
            "DataSource": {"S3DataSource": {
                "S3DataType": "S3Prefix", "S3Uri": "s3://lake/processed/validation/",
            }},
            "ContentType": "text/csv", "SplitType": "Line",
        },
        "DataProcessing": {"InputFilter": "$[1:]"},
        "TransformOutput": {
            "S3OutputPath": "s3://lake/predictions", "Accept": "text/csv", "AssembleWith": "Line",
            "KmsKeyId": "alias/output",
        },
        "TransformResources": {
            "InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeKmsKeyId": "alias/volumes",
        },
        "Tags": [{"Key": "millrace:pipeline", "Value": "default"}],
    });
    assert_eq!(body, wanted);

    // As the service describes it.
    let mut job = wanted;
    job.as_object_mut().unwrap().remove("Tags");
    job["TransformJobArn"] = json!("arn");
    job["CreationTime"] = json!(1);
    spec.tags.clear();
    for (status, wanted) in [
        ("InProgress", TransformStatus::InProgress),
        ("Completed", TransformStatus::Completed),
        ("Failed", TransformStatus::Failed),
        ("Stopping", TransformStatus::Stopping),
        ("Stopped", TransformStatus::Stopped),
    ] {
        job["TransformJobStatus"] = json!(status);
        job["FailureReason"] = json!("a reason");
        script.says(job.clone());
        let info = sagemaker.describe_transform("job").await.unwrap().unwrap();
        assert_eq!((info.spec, info.status), (spec.clone(), wanted));
        assert_eq!(info.failure_reason.as_deref(), Some("a reason"));
        assert_eq!(info.status.as_str(), status);
    }
    // Fields that were not requested are described as empty, or with their default.
    let processing = json!({"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"});
    job["DataProcessing"] = processing;
    job["TransformOutput"]["KmsKeyId"] = json!("");
    job["TransformResources"]["VolumeKmsKeyId"] = json!("");
    script.says(job.clone());
    let info = sagemaker.describe_transform("job").await.unwrap().unwrap();
    assert_eq!((info.spec.columns, info.spec.output_key), (None, None));
    assert_eq!(info.spec.volume_key, None);
    job["TransformJobStatus"] = json!("Melting");
    script.says(job);
    let error = sagemaker.describe_transform("job").await.unwrap_err();
    assert!(error.to_string().contains("the status Melting"), "{error}");
}

#[tokio::test]
async fn a_job_that_is_not_there_and_a_name_that_is_taken_are_told_apart() {
    let script = Script::default();
    let sagemaker = script.adapter().await;
    script.refuses(400, "ValidationException", "Requested resource not found.");
    assert_eq!(sagemaker.describe_transform("job").await.unwrap(), None);
    script.refuses(400, "ResourceInUse", "Job name must be unique");
    let spec = conformance::transform_spec("job", "model");
    let error = sagemaker.create_transform(&spec).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::Conflict, "{error}");
}
