//! Transform jobs.

use crate::bench::Bench;
use lake::store::ObjectStore;
use serde_json::{Value, json};

fn request(model: &str, uri: &str) -> Value {
    json!({
        "TransformJobName": "transform",
        "ModelName": model,
        "BatchStrategy": "SingleRecord",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": "s3://lake/answers", "Accept": "application/json", "AssembleWith": "Line",
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    })
}

async fn ended(bench: &Bench) -> Value {
    let name = json!({"TransformJobName": "transform"});
    let is_over = |job: &Value| {
        !["InProgress", "Stopping"].contains(&job["TransformJobStatus"].as_str().unwrap())
    };
    bench.until("DescribeTransformJob", &name, is_over).await
}

#[tokio::test]
async fn every_line_is_answered() {
    let bench = Bench::start().await;
    bench.model("first").await;
    let create = request("first", "s3://lake/data/train");
    bench.call("CreateTransformJob", create).await;
    let job = ended(&bench).await;
    assert_eq!(job["TransformJobStatus"], "Completed", "{job}");
    let answers = bench
        .store
        .get("answers/train/part-0.csv.out")
        .await
        .unwrap();
    let lines = std::str::from_utf8(&answers).unwrap().lines();
    let bodies: Vec<_> = lines
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["body"].clone())
        .collect();
    assert_eq!(bodies, ["1,2\n", "3,4\n"]);
}

#[tokio::test]
async fn the_model_gets_the_columns_that_the_filter_selects() {
    let bench = Bench::start().await;
    bench.model("first").await;
    let rows = "0,1,\"a,b\"\n1,2,c";
    bench.store.put("rows/a.csv", rows.into()).await.unwrap();
    bench
        .store
        .put("rows/b.csv", "1,3,d\n".into())
        .await
        .unwrap();
    let mut create = request("first", "s3://lake/rows/");
    create["BatchStrategy"] = json!("MultiRecord");
    create["DataProcessing"] = json!({"InputFilter": "$[1:]"});
    create["Tags"] = json!([{"Key": "team", "Value": "a"}]);
    bench.call("CreateTransformJob", create.clone()).await;
    let job = ended(&bench).await;
    assert_eq!(job["TransformJobStatus"], "Completed", "{job}");
    assert_eq!(job["DataProcessing"], create["DataProcessing"]);
    let mut asked = Vec::new();
    for file in ["answers/a.csv.out", "answers/b.csv.out"] {
        let answer = bench.store.get(file).await.unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        asked.push(answer["body"].clone());
    }
    assert_eq!(asked, ["1,\"a,b\"\n2,c\n", "3,d\n"]);

    create["TransformJobName"] = json!("other");
    create["DataProcessing"] = json!({"InputFilter": "$.features"});
    let (code, message) = bench.ask("CreateTransformJob", &create).await.unwrap_err();
    assert_eq!(code, "ValidationException");
    assert!(message.contains("not `$.features`"), "{message}");
}

#[tokio::test]
async fn a_job_without_input_or_with_a_failing_model_fails() {
    let bench = Bench::start().await;
    bench.model("first").await;
    bench
        .store
        .put("bad/rows.csv", "fail".into())
        .await
        .unwrap();
    for (name, uri, reason) in [
        ("one", "s3://lake/absent/", "no S3 objects"),
        ("two", "s3://lake/bad/", "answered 500: no such user"),
        (
            "three",
            "s3://lake/data/",
            "part-0.csv: DataProcessing.InputFilter: line 1 has 2 columns",
        ),
    ] {
        let mut create = request("first", uri);
        if name == "three" {
            create["DataProcessing"] = json!({"InputFilter": "$[2]"});
        }
        create["TransformJobName"] = json!(name);
        bench.call("CreateTransformJob", create).await;
        let name = json!({"TransformJobName": name});
        let is_over = |job: &Value| job["TransformJobStatus"] == "Failed";
        let job = bench.until("DescribeTransformJob", &name, is_over).await;
        assert!(
            job["FailureReason"].as_str().unwrap().contains(reason),
            "{job}"
        );
    }
}
