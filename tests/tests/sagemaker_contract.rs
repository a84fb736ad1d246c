//! sagemaker-local as boto3 sees it: boto3 makes every call and parses every answer, and both are
//! checked against botocore's models of the services: members, enumerations, patterns, limits.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use aws::s3::S3Store;
use end_to_end::botocore::contract;
use end_to_end::{botocore, python, workspace};
use lake::ObjectStore as _;
use local_servers::s3::S3;
use sagemaker_local::{Config, Server};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn boto3_makes_every_call_and_reads_every_answer() {
    let s3 = S3::start(&["lake"]).await;
    let store = S3Store::new(&aws::local(s3.url()).await, "lake");
    store
        .put("data/part-0.csv", "1,2\n3,4\n".into())
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("calls.jsonl");
    let mut config = Config::new(folder.path().join("sagemaker"));
    config.s3_endpoint = Some(s3.url().to_owned());
    config.serving_grace = Duration::from_secs(1);
    config.record = Some(record.clone());
    let program = workspace::root().join("tests/python/number_program.py");
    let words = vec!["python3".to_owned(), program.display().to_string()];
    config.images.add_words("program:local", words).unwrap();
    let server = Server::start(config).await.unwrap();
    let url = server.url();
    let called = tokio::task::spawn_blocking(move || contract(&["call", &url, "lake"]));
    let called = called.await.unwrap();
    assert!(called.status.success(), "{}", python::said(&called));
    server.shutdown().await;
    botocore::hold(&record);
}

#[test]
fn what_the_service_would_refuse_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("calls.jsonl");
    for (call, problem) in [
        (
            r#"{"operation": "DescribeModel", "request": {"ModelName": "a_b"}, "response": {"CreationTime": 1, "ModelArn": "arn"}}"#,
            "is not of",
        ),
        (
            r#"{"operation": "DescribeModel", "request": {}, "response": {"CreationTime": 1, "ModelArn": "arn"}}"#,
            "required",
        ),
        (
            r#"{"operation": "DescribeModel", "request": {"ModelName": "a", "Modle": "b"}, "response": {"CreationTime": 1, "ModelArn": "arn"}}"#,
            "is no member",
        ),
        (
            r#"{"operation": "ListModels", "request": {"SortOrder": "Up"}, "response": {"Models": []}}"#,
            "is none of",
        ),
        (
            r#"{"operation": "ListModels", "request": {"MaxResults": 101}, "response": {"Models": []}}"#,
            "out of bounds",
        ),
        (
            r#"{"operation": "ListModels", "request": {}, "response": {}}"#,
            "response.Models: is required",
        ),
        (
            r#"{"operation": "ListModels", "request": {}, "response": {"Models": [], "Next": "1"}}"#,
            "response.Next: is no member",
        ),
        (
            r#"{"operation": "NoSuchThing", "request": {}, "response": {}}"#,
            "no such operation",
        ),
    ] {
        std::fs::write(&record, call).unwrap();
        let output = contract(&["check", &record.display().to_string()]);
        let said = python::said(&output);
        assert!(
            !output.status.success() && said.contains(problem),
            "{call}: {said}"
        );
    }
}
