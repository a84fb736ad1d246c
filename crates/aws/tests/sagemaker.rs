//! The SageMaker adapter: the ports' suite against a server that records requests, and the
//! service's odder answers from one that says what a test wants.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

#[path = "support/service.rs"]
mod service;

use aws::s3::S3Store;
use aws::sagemaker::SageMaker;
use axum::body::Bytes;
use contract::{ErrorName, Named};
use definition::Shift;
use lake::ObjectStore;
use local_servers::s3::S3;
use sagemaker_local::{Config, Server};
use sagemaker_ports::{
    EndpointStatus, Endpoints, Guard, Invoke, Tags, TrainingJobs, TrainingStatus, TuningJobs,
    TuningStatus, Update, conformance,
};
use serde_json::{Value, json};
use service::Script;

// The ports' suite.

#[tokio::test]
async fn the_adapter_passes_the_suite_against_the_local_server() {
    let state = tempfile::tempdir().unwrap();
    let mut config = Config::new(state.path());
    let s3 = S3::start(&["lake"]).await;
    config.s3_endpoint = Some(s3.url().to_owned());
    let lake = S3Store::new(&aws::local(s3.url()).await, "lake");
    lake.put("model.tar.gz", Bytes::from_static(b"a model"))
        .await
        .unwrap();
    let spec = conformance::job_spec("suite", "s3://lake");
    config.images.add(spec.image.as_str(), "true").unwrap();
    let server = Server::start(config).await.unwrap();
    let sagemaker = SageMaker::new(&aws::local(&server.url()).await);
    conformance::training_jobs(&sagemaker, &spec).await;
    conformance::tuning_jobs(&sagemaker, &conformance::tuning_spec("tuning", "s3://lake")).await;
    conformance::model_packages(&sagemaker, "suite", &spec.image, "s3://lake").await;
    conformance::endpoints(&sagemaker, "suite", &spec.image, "s3://lake/model.tar.gz").await;
    conformance::endpoint_tags(&sagemaker, "tagged", &spec.image, "s3://lake/model.tar.gz").await;
    let model = conformance::model("scored", &spec.image, "s3://lake/model.tar.gz");
    sagemaker.create_model(&model).await.unwrap();
    let transform = conformance::transform_spec("transform", "scored");
    conformance::transforms(&sagemaker, &transform).await;
    server.shutdown().await;
}

// Requests.

#[tokio::test]
async fn a_job_is_asked_for_in_full() {
    let script = Script::default();
    let sagemaker = script.adapter().await;
    script.says(json!({"TrainingJobArn": "arn"}));
    sagemaker
        .create(&conformance::job_spec("job", "s3://lake"))
        .await
        .unwrap();
    let (operation, body) = script.request();
    assert_eq!(operation, "CreateTrainingJob");
    let channel = |name: &str, distribution: &str| {
        json!({
            "ChannelName": name, "ContentType": "text/csv",
            "DataSource": {"S3DataSource": {
                "S3DataType": "S3Prefix", "S3DataDistributionType": distribution,
                "S3Uri": format!("s3://lake/processed/{name}/"),
            }},
        })
    };
    assert_eq!(
        body,
        json!({
            "TrainingJobName": "job",
            "RoleArn": "arn:aws:iam::000000000000:role/training",
            "AlgorithmSpecification": {
                "TrainingImage": "000000000000.dkr.ecr.us-east-1.amazonaws.com/recommender:1",
                "TrainingInputMode": "FastFile",
                "MetricDefinitions": [
                    {"Name": "validation:rmse", "Regex": "validation:rmse=([0-9.]+)"},
                ],
            },
            "HyperParameters": {"factors": "16"},
            "InputDataConfig": [
                channel("train", "ShardedByS3Key"), channel("validation", "FullyReplicated"),
            ],
            "OutputDataConfig": {"S3OutputPath": "s3://lake/models", "KmsKeyId": "alias/models"},
            "ResourceConfig": {
                "InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30,
                "VolumeKmsKeyId": "alias/volumes",
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200},
            "EnableManagedSpotTraining": true,
            "CheckpointConfig": {"S3Uri": "s3://lake/checkpoints"},
            "Environment": {"LEVEL": "info"},
            "EnableNetworkIsolation": true,
            "EnableInterContainerTrafficEncryption": true,
            "VpcConfig": {
                "Subnets": ["subnet-0123456789abcdef0"],
                "SecurityGroupIds": ["sg-0123456789abcdef0"],
            },
            "Tags": [{"Key": "millrace:pipeline", "Value": "default"}],
        })
    );
}

#[tokio::test]
async fn a_channel_of_a_manifest_is_asked_for_and_described_with_its_attributes() {
    let script = Script::default();
    let sagemaker = script.adapter().await;
    let mut spec = conformance::job_spec("job", "s3://lake");
    let validation = spec.channels.get_mut("validation").unwrap();
    validation.prefix = "s3://lake/validation.manifest".to_owned();
    validation.attributes = ["source-ref", "class"].map(str::to_owned).to_vec();
    script.says(json!({"TrainingJobArn": "arn"}));
    sagemaker.create(&spec).await.unwrap();
    let (_, mut body) = script.request();
    assert_eq!(
        body["InputDataConfig"][1],
        json!({
            "ChannelName": "validation", "ContentType": "text/csv", "RecordWrapperType": "RecordIO",
            "DataSource": {"S3DataSource": {
                "S3DataType": "AugmentedManifestFile", "S3Uri": "s3://lake/validation.manifest",
                "S3DataDistributionType": "FullyReplicated", "AttributeNames": ["source-ref", "class"],
            }},
        })
    );
    body["TrainingJobStatus"] = json!("InProgress");
    body["CreationTime"] = json!(1_800_000_000);
    script.says(body);
    let there = TrainingJobs::describe(&sagemaker, "job").await.unwrap();
    assert_eq!(spec.differences(&there.unwrap().spec), Vec::<String>::new());
}

#[tokio::test]
async fn a_search_is_asked_for_in_full_and_told_with_what_the_service_adds() {
    let script = Script::default();
    let sagemaker = script.adapter().await;
    script.says(json!({"HyperParameterTuningJobArn": "arn"}));
    let spec = conformance::tuning_spec("tune", "s3://lake");
    sagemaker.create_tuning(&spec).await.unwrap();
    let (operation, mut body) = script.request();
    assert_eq!(operation, "CreateHyperParameterTuningJob");
    let config = json!({
        "Strategy": "Random", "RandomSeed": 7, "TrainingJobEarlyStoppingType": "Auto",
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:rmse"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 2},
        "ParameterRanges": {
            "IntegerParameterRanges": [
                {"Name": "factors", "MinValue": "4", "MaxValue": "64", "ScalingType": "Logarithmic"},
            ],
            "ContinuousParameterRanges": [
                {"Name": "rate", "MinValue": "0.01", "MaxValue": "0.5", "ScalingType": "Auto"},
            ],
            "CategoricalParameterRanges": [{"Name": "loss", "Values": ["rmse", "mae"]}],
        },
    });
    assert_eq!(body["HyperParameterTuningJobConfig"], config);
    assert_eq!(body["HyperParameterTuningJobName"], "tune");
    let training = &body["TrainingJobDefinition"];
    assert_eq!(training["StaticHyperParameters"], json!({"epochs": "9"}));
    assert_eq!(training["EnableManagedSpotTraining"], true);
    assert_eq!(body["Tags"][0]["Key"], "millrace:pipeline");

    // As the real service describes it.
    body.as_object_mut().unwrap().remove("Tags");
    let added = &mut body["TrainingJobDefinition"]["StaticHyperParameters"];
    added["_tuning_objective_metric"] = json!("validation:rmse");
    let jobs = json!({"Completed": 2, "InProgress": 0, "RetryableError": 1,
        "NonRetryableError": 1, "Stopped": 1});
    for (name, value) in [
        ("HyperParameterTuningJobStatus", json!("Completed")),
        ("HyperParameterTuningJobArn", json!("arn")),
        ("CreationTime", json!(1)),
        ("TrainingJobStatusCounters", jobs),
        (
            "BestTrainingJob",
            json!({
                "TrainingJobName": "tune-002-abc", "TrainingJobArn": "arn", "CreationTime": 1,
                "TrainingJobStatus": "Completed", "TunedHyperParameters": {"rate": "0.1"},
            }),
        ),
    ] {
        body[name] = value;
    }
    script.says(body);
    let info = sagemaker.describe_tuning("tune").await.unwrap().unwrap();
    assert_eq!(spec.differences(&info.spec), [""; 0]);
    assert_eq!(info.status, TuningStatus::Completed);
    assert_eq!((info.jobs.failed, info.jobs.stopped), (2, 1));
    let best = info.best.unwrap();
    assert_eq!(
        (best.name.as_str(), best.tuned["rate"].as_str()),
        ("tune-002-abc", "0.1")
    );
}

#[tokio::test]
async fn each_reason_of_failed_training_jobs_is_told_once() {
    let script = Script::default();
    let sagemaker = script.adapter().await;
    let job = |reason: Value| {
        json!({
            "TrainingJobName": "j", "TrainingJobArn": "arn", "CreationTime": 1, "FailureReason": reason,
            "TrainingJobStatus": "Failed", "TunedHyperParameters": {},
        })
    };
    let jobs = [
        json!("no data"),
        json!("exit code 1"),
        json!("no data"),
        Value::Null,
    ];
    script.says(json!({"TrainingJobSummaries": jobs.map(job)}));
    let reasons = sagemaker.tuning_failures("tune").await.unwrap();
    assert_eq!(reasons, ["no data", "exit code 1"]);
    let (_, body) = script.request();
    assert_eq!(body["StatusEquals"], "Failed");
}

#[tokio::test]
async fn an_update_retains_scaled_counts_and_shifts_as_it_is_told() {
    let script = Script::default();
    let sagemaker = script.adapter().await;
    let guard = |shift, alarms: &[&str]| Guard {
        shift,
        bake_seconds: 300,
        alarms: alarms.iter().map(|name| (*name).to_owned()).collect(),
    };
    let percent = |percent: u32| json!({"Type": "CAPACITY_PERCENT", "Value": percent});
    for (guard, routing, longest) in [
        (
            guard(Shift::Canary { percent: 10 }, &["errors"]),
            json!({"Type": "CANARY", "WaitIntervalInSeconds": 300, "CanarySize": percent(10)}),
            6000,
        ),
        (
            guard(Shift::Linear { percent: 25 }, &[]),
            json!({"Type": "LINEAR", "WaitIntervalInSeconds": 300, "LinearStepSize": percent(25)}),
            6600,
        ),
        (
            guard(Shift::AllAtOnce, &[]),
            json!({"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 300}),
            5700,
        ),
    ] {
        script.says(json!({"EndpointArn": "arn"}));
        sagemaker
            .update_endpoint(
                "films",
                "config",
                Update {
                    guard: Some(&guard),
                    resets_count: false,
                },
            )
            .await
            .unwrap();
        let (operation, body) = script.request();
        assert_eq!(operation, "UpdateEndpoint");
        let mut deployment = json!({"BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing, "MaximumExecutionTimeoutInSeconds": longest,
        }});
        if !guard.alarms.is_empty() {
            let alarms = json!({"Alarms": [{"AlarmName": "errors"}]});
            deployment["AutoRollbackConfiguration"] = alarms;
        }
        assert_eq!(
            body,
            json!({
                "EndpointName": "films", "EndpointConfigName": "config",
                "RetainAllVariantProperties": true, "DeploymentConfig": deployment,
            })
        );
    }
}

#[tokio::test]
async fn a_list_is_read_to_its_end_and_to_the_letter() {
    let script = Script::default();
    let sagemaker = script.adapter().await;
    let page = |names: &[&str]| -> Vec<Value> {
        let entry = |name: &&str| json!({"EndpointConfigName": name, "EndpointConfigArn": "arn", "CreationTime": 1});
        names.iter().map(entry).collect()
    };
    script.says(json!({"EndpointConfigs": page(&["shop-1", "my-shop-2"]), "NextToken": "more"}));
    script.says(json!({"EndpointConfigs": page(&["shop-3"])}));
    let names = sagemaker.list_configs("shop-").await.unwrap();
    assert_eq!(names, ["shop-1", "shop-3"]);
    let (_, body) = script.request();
    assert_eq!(
        body,
        json!({"NameContains": "shop-", "NextToken": "more", "SortBy": "CreationTime",
            "SortOrder": "Ascending"})
    );
}

// Answers.

#[tokio::test]
async fn a_finished_job_tells_its_end() {
    let script = Script::default();
    let sagemaker = script.adapter().await;
    script.says(json!({
        "TrainingJobName": "job", "TrainingJobStatus": "Completed", "SecondaryStatus": "Completed",
        "ModelArtifacts": {"S3ModelArtifacts": "s3://lake/models/job/output/model.tar.gz"},
        "FinalMetricDataList": [{"MetricName": "validation:rmse", "Value": 0.9, "Timestamp": 1}],
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "CreationTime": 1, "BillableTimeInSeconds": 61,
    }));
    let info = sagemaker.describe("job").await.unwrap().unwrap();
    assert_eq!(info.status, TrainingStatus::Completed);
    assert_eq!(info.metrics.get("validation:rmse"), Some(&0.9));
    assert_eq!(
        info.artifact.unwrap(),
        "s3://lake/models/job/output/model.tar.gz"
    );
    assert_eq!(
        (info.billable_seconds, info.failure_reason),
        (Some(61), None)
    );
    assert!(info.age_seconds > 1_000_000_000, "{}", info.age_seconds);
}

#[tokio::test]
async fn an_endpoint_on_its_way_tells_where_to() {
    let script = Script::default();
    let sagemaker = script.adapter().await;
    script.says(json!({
        "EndpointName": "films", "EndpointArn": "arn", "EndpointConfigName": "old",
        "EndpointStatus": "Updating", "CreationTime": 1, "LastModifiedTime": 2,
        "PendingDeploymentSummary": {"EndpointConfigName": "new"},
    }));
    let info = sagemaker.describe_endpoint("films").await.unwrap().unwrap();
    assert_eq!(
        (info.status, info.config.as_str()),
        (EndpointStatus::Updating, "old")
    );
    assert_eq!(info.pending.as_deref(), Some("new"));
}

#[tokio::test]
async fn a_status_that_is_unknown_is_an_error_and_not_a_guess() {
    let script = Script::default();
    let sagemaker = script.adapter().await;
    script.says(json!({"EndpointStatus": "Dreaming", "EndpointConfigName": "c"}));
    let error = sagemaker.describe_endpoint("films").await.unwrap_err();
    assert_eq!(error.name(), ErrorName::ServiceUnavailable);
    assert!(error.to_string().contains("Dreaming"), "{error}");
}

// Refusals.

#[tokio::test]
async fn what_is_not_there_is_none_and_other_refusals_are_errors() {
    let script = Script::default();
    let sagemaker = script.adapter().await;
    let validation = "ValidationException";
    script.refuses(400, validation, "Requested resource not found.");
    assert_eq!(sagemaker.describe("job").await.unwrap(), None);
    script.refuses(400, "ResourceNotFound", "Requested resource not found.");
    assert_eq!(sagemaker.describe("job").await.unwrap(), None);
    script.refuses(400, validation, "Could not find model \"arn:…:model/m\".");
    assert_eq!(sagemaker.describe_model("m").await.unwrap(), None);
    script.refuses(
        400,
        validation,
        "Could not find endpoint configuration \"arn:…/c\".",
    );
    assert_eq!(sagemaker.describe_config("c").await.unwrap(), None);
    script.refuses(
        400,
        validation,
        "Could not find endpoint \"arn:…:endpoint/e\".",
    );
    assert_eq!(sagemaker.describe_endpoint("e").await.unwrap(), None);
    script.refuses(400, validation, "Could not find model \"arn:…:model/m\".");
    sagemaker.delete_model("m").await.unwrap();

    script.refuses(400, validation, "1 validation error detected");
    let error = sagemaker.describe("job").await.unwrap_err();
    assert_eq!(error.name(), ErrorName::ServiceRejected);
    script.refuses(400, "AccessDeniedException", "not authorized");
    let error = sagemaker.describe_model("m").await.unwrap_err();
    assert_eq!(error.name(), ErrorName::AccessDenied);
}

#[tokio::test]
async fn refused_creations_have_their_names() {
    let script = Script::default();
    let sagemaker = script.adapter().await;
    let spec = conformance::job_spec("job", "s3://lake");
    script.refuses(400, "ResourceInUse", "Training job names must be unique");
    assert_eq!(
        sagemaker.create(&spec).await.unwrap_err().name(),
        ErrorName::Conflict
    );
    script.refuses(
        400,
        "ResourceLimitExceeded",
        "The account-level service limit",
    );
    let error = sagemaker.create(&spec).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::ResourceLimitExceeded);
    script.refuses(
        400,
        "ValidationException",
        "Cannot create already existing endpoint \"e\".",
    );
    let error = sagemaker
        .create_endpoint("e", "c", &Tags::new())
        .await
        .unwrap_err();
    assert_eq!(error.name(), ErrorName::Conflict);
    script.refuses(
        400,
        "ValidationException",
        "Cannot update in-progress endpoint \"e\".",
    );
    let error = sagemaker
        .update_endpoint("e", "c", Update::default())
        .await
        .unwrap_err();
    assert_eq!(error.name(), ErrorName::Conflict);
}

#[tokio::test]
async fn a_containers_error_is_told_from_the_services() {
    let script = Script::default();
    let sagemaker = script.adapter().await;
    script.says(json!([0.5]));
    let prediction = sagemaker
        .invoke("films", "text/csv", b"1,2\n".to_vec())
        .await
        .unwrap();
    assert_eq!(prediction.body, b"[0.5]");
    assert_eq!(
        script.request(),
        ("/endpoints/films/invocations".to_owned(), json!("1,2\n"))
    );
    script.refuses(
        424,
        "ModelError",
        "Received server error (500) from primary",
    );
    let error = sagemaker
        .invoke("films", "text/csv", Vec::new())
        .await
        .unwrap_err();
    assert_eq!(error.name(), ErrorName::ServiceRejected, "{error}");
}
