//! Training jobs.

use crate::bench::{Bench, algorithm, channel, is_alive, until};
use aws::training_log::TrainingLogGroup;
use aws_sdk_sagemaker::error::ProvideErrorMetadata;
use aws_sdk_sagemaker::types::{
    ResourceConfig, SecondaryStatus, StoppingCondition, Tag, TrainingInstanceType,
    TrainingJobStatus,
};
use flate2::read::GzDecoder;
use lake::store::{ObjectStore, StoreError};
use sagemaker_ports::TrainingLogs;
use std::collections::HashMap;
use std::io::Read;

pub async fn unpacked(bench: &Bench, key: &str) -> HashMap<String, String> {
    let bytes = bench.store.get(key).await.unwrap();
    let mut archive = tar::Archive::new(GzDecoder::new(bytes.as_ref()));
    let mut files = HashMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        files.insert(name, text);
    }
    files
}

// ---- jobs that succeed ----

#[tokio::test]
async fn a_job_reads_its_channels_and_writes_model_output_and_metrics() {
    let bench = Bench::start().await;
    let job = bench
        .job("job-1", &[("name", "first")])
        .environment("GREETING", "hello");
    let arn = job.send().await.unwrap().training_job_arn.unwrap();
    assert_eq!(
        arn,
        "arn:aws:sagemaker:us-east-1:000000000000:training-job/job-1"
    );
    let job = bench.ended("job-1").await;
    assert_eq!(
        job.training_job_status(),
        Some(&TrainingJobStatus::Completed),
        "{job:?}"
    );
    assert_eq!(job.secondary_status(), Some(&SecondaryStatus::Completed));
    let steps = job.secondary_status_transitions().iter();
    let steps: Vec<_> = steps.map(|step| step.status().unwrap().as_str()).collect();
    assert_eq!(
        steps,
        [
            "Starting",
            "Downloading",
            "Training",
            "Uploading",
            "Completed"
        ]
    );
    assert!(
        job.secondary_status_transitions()
            .iter()
            .all(|step| step.end_time().is_some())
    );
    let [metric] = job.final_metric_data_list() else {
        panic!("{job:?}")
    };
    assert_eq!(metric.metric_name(), Some("rmse"));
    assert!((metric.value().unwrap() - 1.0 / 3.0).abs() < 1e-6);
    assert!(job.billable_time_in_seconds().unwrap() > 0);
    assert_eq!(job.hyper_parameters().unwrap()["name"], "first");

    let uri = job.model_artifacts().unwrap().s3_model_artifacts().unwrap();
    assert_eq!(uri, "s3://lake/models/job-1/output/model.tar.gz");
    let model = unpacked(&bench, "models/job-1/output/model.tar.gz").await;
    let model: serde_json::Value = serde_json::from_str(&model["model.json"]).unwrap();
    let files = serde_json::json!({"train/part-0.csv": 2, "train/deep/part-1.csv": 1});
    assert_eq!(model["files"], files);
    let output = unpacked(&bench, "models/job-1/output/output.tar.gz").await;
    assert_eq!(output["report.txt"], "hello");
}

#[tokio::test]
async fn the_log_of_a_job_is_read_to_its_end_or_to_a_bound() {
    let bench = Bench::start().await;
    let logs = TrainingLogGroup::new(&aws::local(&bench.server.url()).await);
    assert!(logs.lines("job", 1000).await.unwrap().is_empty());
    let job = bench.job("job", &[("lines", "250")]);
    job.send().await.unwrap();
    // Its name begins with the other one's, and its log is another.
    bench.job("job-2", &[]).send().await.unwrap();
    bench.ended("job").await;
    bench.ended("job-2").await;
    let lines = logs.lines("job", 1 << 20).await.unwrap();
    assert_eq!(lines.len(), 253, "{lines:?}");
    assert_eq!(
        (&*lines[0], &*lines[252]),
        ("epoch 1 rmse=1.0;", "line 249")
    );
    assert_eq!(logs.lines("job-2", 1 << 20).await.unwrap().len(), 3);
    let first = logs.lines("job", lines[0].len() + 1).await.unwrap();
    assert_eq!(first, lines[..1]);
}

#[tokio::test]
async fn jobs_are_listed_page_by_page() {
    let bench = Bench::start().await;
    for name in ["job-a", "job-b", "other"] {
        bench.job(name, &[]).send().await.unwrap();
    }
    let pages = bench
        .sagemaker
        .list_training_jobs()
        .name_contains("job-")
        .max_results(1);
    let pages: Vec<_> = pages
        .into_paginator()
        .items()
        .send()
        .try_collect()
        .await
        .unwrap();
    let names: Vec<_> = pages
        .iter()
        .map(|job| job.training_job_name().unwrap())
        .collect();
    assert_eq!(names, ["job-a", "job-b"]);
}

#[tokio::test]
async fn tags_are_stored_added_and_replaced() {
    let bench = Bench::start().await;
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    let created = bench
        .job("job-1", &[])
        .tags(tag("team", "a"))
        .send()
        .await
        .unwrap();
    let arn = created.training_job_arn.unwrap();
    let add = bench.sagemaker.add_tags().resource_arn(&arn);
    add.tags(tag("team", "b"))
        .tags(tag("run", "1"))
        .send()
        .await
        .unwrap();
    let tags = bench
        .sagemaker
        .list_tags()
        .resource_arn(&arn)
        .send()
        .await
        .unwrap();
    assert_eq!(tags.tags(), [tag("team", "b"), tag("run", "1")]);
    let stranger = bench
        .sagemaker
        .list_tags()
        .resource_arn(arn.replace("job-1", "job-2"));
    assert!(stranger.send().await.is_err());
}

// ---- jobs that fail ----

#[tokio::test]
async fn a_failed_program_gives_its_own_reason() {
    let bench = Bench::start().await;
    bench
        .job("job-1", &[("mode", "fail")])
        .send()
        .await
        .unwrap();
    let job = bench.ended("job-1").await;
    assert_eq!(job.training_job_status(), Some(&TrainingJobStatus::Failed));
    assert_eq!(
        job.failure_reason(),
        Some("AlgorithmError: the label column is empty, exit code: 1")
    );
    let artifact = bench.store.get("models/job-1/output/model.tar.gz").await;
    assert!(matches!(artifact, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn the_reason_names_what_cannot_be_run() {
    let bench = Bench::start().await;
    let unknown = bench.job("unknown", &[]).set_algorithm_specification(None);
    unknown
        .algorithm_specification(algorithm("other:1"))
        .send()
        .await
        .unwrap();
    let absent = bench.job("absent", &[]).set_algorithm_specification(None);
    absent
        .algorithm_specification(algorithm("absent:local"))
        .send()
        .await
        .unwrap();
    let empty = bench.job("empty", &[]).set_input_data_config(None);
    let nothing = channel("train", "s3://lake/data/nothing");
    empty.input_data_config(nothing).send().await.unwrap();
    for (name, part) in [
        ("unknown", "no program is mapped to the image other:1"),
        ("absent", "the program /no/such/program cannot be started"),
        (
            "empty",
            "No S3 objects found under S3 URL \"s3://lake/data/nothing\"",
        ),
    ] {
        let job = bench.ended(name).await;
        assert_eq!(job.training_job_status(), Some(&TrainingJobStatus::Failed));
        let reason = job.failure_reason().unwrap();
        assert!(
            reason.starts_with("ClientError: ") && reason.contains(part),
            "{reason}"
        );
    }
}

#[tokio::test]
async fn a_request_is_refused_in_the_services_words() {
    let bench = Bench::start().await;
    bench.job("job-1", &[]).send().await.unwrap();
    let two = ResourceConfig::builder()
        .instance_type(TrainingInstanceType::MlM5Large)
        .instance_count(2)
        .volume_size_in_gb(1)
        .build();
    let many = (0..101)
        .map(|number| (number.to_string(), String::new()))
        .collect();
    for (job, code, part) in [
        (
            bench.job("job-1", &[]),
            "ResourceInUse",
            "Training job names must be unique",
        ),
        (
            bench.job("my_job", &[]),
            "ValidationException",
            "regular expression pattern",
        ),
        (
            bench.job("job-2", &[]).role_arn("me"),
            "ValidationException",
            "'roleArn'",
        ),
        (
            bench.job("job-2", &[]).set_hyper_parameters(Some(many)),
            "ValidationException",
            "less than or equal to 100",
        ),
        (
            bench.job("job-2", &[]).resource_config(two),
            "ResourceLimitExceeded",
            "trains on one",
        ),
        (
            bench
                .job("job-2", &[])
                .input_data_config(channel("train", "s3://lake/x")),
            "ValidationException",
            "duplicate channel name",
        ),
    ] {
        let error = job.send().await.unwrap_err().into_service_error();
        assert_eq!(error.code(), Some(code));
        let message = error.message().unwrap();
        assert!(message.contains(part), "{message}");
    }
    let missing = bench
        .sagemaker
        .describe_training_job()
        .training_job_name("job-2")
        .send()
        .await;
    let missing = missing.unwrap_err().into_service_error();
    assert_eq!(missing.message(), Some("Requested resource not found."));
    let unknown = bench
        .sagemaker
        .list_pipelines()
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(unknown.code(), Some("UnknownOperationException"));
}

// ---- jobs that are stopped ----

/// The process ids of the program and its child, once they are in the log.
async fn pids(bench: &Bench, job: &str) -> Vec<i64> {
    let log = bench
        .state
        .path()
        .join("training")
        .join(job)
        .join("log.txt");
    until("the program's start", || async {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("pids "))?;
        Some(line.split(' ').map(|pid| pid.parse().unwrap()).collect())
    })
    .await
}

#[tokio::test]
async fn a_stopped_job_uploads_what_it_saved_and_leaves_no_process() {
    let bench = Bench::start().await;
    bench
        .job("job-1", &[("mode", "hang")])
        .send()
        .await
        .unwrap();
    let pids = pids(&bench, "job-1").await;
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    bench
        .sagemaker
        .stop_training_job()
        .training_job_name("job-1")
        .send()
        .await
        .unwrap();
    let job = bench.ended("job-1").await;
    assert_eq!(job.training_job_status(), Some(&TrainingJobStatus::Stopped));
    assert_eq!(job.secondary_status(), Some(&SecondaryStatus::Stopped));
    assert!(!pids.iter().any(|pid| is_alive(*pid)));
    let model = unpacked(&bench, "models/job-1/output/model.tar.gz").await;
    assert!(model.contains_key("model.json"));
    let again = bench
        .sagemaker
        .stop_training_job()
        .training_job_name("job-1")
        .send()
        .await;
    let again = again.unwrap_err().into_service_error();
    assert!(
        again.message().unwrap().contains("is in status Stopped"),
        "{again:?}"
    );
}

#[tokio::test]
async fn a_job_that_exceeds_its_runtime_is_killed_if_it_ignores_sigterm() {
    let bench = Bench::start().await;
    let limit = StoppingCondition::builder()
        .max_runtime_in_seconds(1)
        .build();
    let job = bench
        .job("job-1", &[("mode", "stubborn")])
        .stopping_condition(limit);
    job.send().await.unwrap();
    let job = bench.ended("job-1").await;
    assert_eq!(job.training_job_status(), Some(&TrainingJobStatus::Stopped));
    assert_eq!(
        job.secondary_status(),
        Some(&SecondaryStatus::MaxRuntimeExceeded)
    );
    let steps = job.secondary_status_transitions();
    assert!(
        steps
            .iter()
            .any(|step| step.status() == Some(&SecondaryStatus::Stopping))
    );
}

#[tokio::test]
async fn a_job_that_ran_when_the_server_ended_fails_at_its_restart() {
    let bench = Bench::start().await;
    bench
        .job("job-1", &[("mode", "hang")])
        .send()
        .await
        .unwrap();
    bench.job("job-2", &[]).send().await.unwrap();
    bench.ended("job-2").await;
    let pids = pids(&bench, "job-1").await;
    let bench = bench.restart().await;
    assert!(!pids.iter().any(|pid| is_alive(*pid)));
    let job = bench.describe_job("job-1").await;
    assert_eq!(job.training_job_status(), Some(&TrainingJobStatus::Failed));
    assert!(
        job.failure_reason()
            .unwrap()
            .contains("sagemaker-local ended")
    );
    let job = bench.describe_job("job-2").await;
    assert_eq!(
        job.training_job_status(),
        Some(&TrainingJobStatus::Completed)
    );
    let error = bench
        .job("job-2", &[])
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(error.code(), Some("ResourceInUse"));
}
