//! Every end of a training job, called again and again, and through crashes at every point.

#![allow(clippy::unwrap_used)] // A test that cannot continue has failed.

mod support;

use bytes::Bytes;
use contract::states::Status;
use contract::{ErrorName, Named, Names};
use lake::attempt::Attempt;
use lake::memory::poll_at_most;
use lake::{ObjectStore, artifact, documents};
use sagemaker_ports::memory::{Fault, JobOutcome};
use sagemaker_ports::{MemorySageMaker, TrainingJobs};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use support::{LAKE_KEY, PIPELINE, World, job, keys, run};

// Success.

#[tokio::test]
async fn the_artifacts_etag_is_recorded_once_and_tells_another_one_apart() {
    let world = World::new(1).await;
    world.call().await.unwrap();
    let output = world.sagemaker.job(&job()).unwrap().output;
    let artifact = format!("{output}/{}/output/model.tar.gz", job());
    let key = artifact.strip_prefix("s3://memory/").unwrap();
    let trained = Bytes::from_static(b"trained");
    world.store.put(key, trained).await.unwrap();
    world.drive().await.unwrap();
    let record = world.record().await;
    let etag = artifact::etag(&world.store, &artifact).await.unwrap();
    assert!(etag.is_some() && record.artifact_etag == etag, "{record:?}");
    let replaced = Bytes::from_static(b"replaced");
    world.store.put(key, replaced).await.unwrap();
    world.call().await.unwrap();
    assert_eq!(world.record().await, record);
    let checked = artifact::check(&world.store, &record).await.unwrap();
    assert_eq!(checked.unwrap_err().recorded, etag.unwrap());
}

#[tokio::test]
async fn the_record_has_the_values_of_the_metric_over_the_training() {
    let world = World::new(1).await;
    world
        .sagemaker
        .script_log(["rmse=2", "epoch 2", "rmse=1.5", "rmse=1.25"]);
    world.drive().await.unwrap();
    let curves = world.record().await.curves;
    let expected = [("validation:rmse".to_owned(), vec![2.0, 1.5, 1.25])];
    assert_eq!(curves, expected.into());
}

#[tokio::test]
async fn a_job_is_created_once_and_followed_to_its_end() {
    let world = World::new(1).await;
    let first = world.call().await.unwrap();
    assert_eq!(
        (first.status, first.phase.as_str()),
        (Status::InProgress, "Starting")
    );
    let done = world.drive().await.unwrap();
    assert_eq!(
        (done.phase.as_str(), done.training_job),
        ("Completed", job())
    );
    assert_eq!(
        world.sagemaker.log(),
        [format!("CreateTrainingJob {}", job())]
    );

    let spec = world.sagemaker.job(&job()).unwrap();
    assert_eq!(spec.output_key.as_deref(), Some(LAKE_KEY));
    let text = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    };
    assert_eq!(
        spec.hyperparameters,
        text(&[
            ("biased", "true"),
            ("factors", "16"),
            ("loss", "rmse"),
            ("rate", "0.05")
        ])
    );
    assert_eq!(
        spec.tags,
        text(&[
            ("millrace:pipeline", PIPELINE),
            ("millrace:run", run().as_str()),
            ("millrace:stack", "shop"),
        ])
    );
    let channels = spec.channels.values();
    let prefixes: Vec<&str> = channels.map(|it| it.prefix.as_str()).collect();
    let below = format!("s3://memory/processed/default/run={}", run());
    assert_eq!(
        prefixes,
        [format!("{below}/train/"), format!("{below}/validation/")]
    );

    let record = world.record().await;
    assert_eq!(record.metrics.get("validation:rmse"), Some(&0.5));
    assert_eq!(
        record.artifact,
        format!(
            "s3://memory/models/default/run={}/{}/output/model.tar.gz",
            run(),
            job()
        )
    );
}

#[tokio::test]
async fn a_completed_job_is_reported_again_without_calling_sagemaker() {
    let world = World::new(1).await;
    let done = world.drive().await.unwrap();
    let record = world.record().await;
    let elsewhere = World {
        store: world.store.clone(),
        sagemaker: MemorySageMaker::new(),
        redrives: 0,
    };
    assert_eq!(elsewhere.call().await.unwrap(), done);
    assert!(elsewhere.sagemaker.log().is_empty());
    assert_eq!(elsewhere.record().await, record);
}

#[tokio::test]
async fn without_validation_rows_there_is_no_such_channel() {
    let world = World::new(0).await;
    world.drive().await.unwrap();
    let spec = world.sagemaker.job(&job()).unwrap();
    assert!(spec.channels.keys().eq(["train"]));
}

#[tokio::test]
async fn metrics_that_are_no_numbers_are_left_out() {
    let world = World::new(1).await;
    let metrics = [("validation:rmse", f64::NAN), ("validation:ndcg", 0.25)];
    let metrics = metrics.map(|(name, value)| (name.to_owned(), value)).into();
    world.sagemaker.script_job(JobOutcome::Completes(metrics));
    world.drive().await.unwrap();
    assert_eq!(
        world.record().await.metrics,
        BTreeMap::from([("validation:ndcg".to_owned(), 0.25)])
    );
}

// Failures.

#[tokio::test]
async fn every_other_end_has_its_name_and_its_reason() {
    let cases = [
        (
            JobOutcome::Fails("AlgorithmError: exit code 1".to_owned()),
            ErrorName::TrainingFailed,
            "AlgorithmError: exit code 1",
        ),
        (
            JobOutcome::Fails("CapacityError: Unable to provision".to_owned()),
            ErrorName::CapacityUnavailable,
            "no ml.m5.large",
        ),
        (
            JobOutcome::Stops("MaxRuntimeExceeded".to_owned()),
            ErrorName::TrainingStopped,
            "by its limit of 3600 s",
        ),
        (
            JobOutcome::Stops("MaxWaitTimeExceeded".to_owned()),
            ErrorName::TrainingStopped,
            "waiting for spot machines",
        ),
        (
            JobOutcome::Stops("Stopped".to_owned()),
            ErrorName::TrainingStopped,
            "by hand",
        ),
    ];
    for (outcome, name, words) in cases {
        let world = World::new(1).await;
        world.plan(json!({"capacityWaitMinutes": 0})).await;
        world.sagemaker.script_job(outcome);
        let error = world.drive().await.unwrap_err();
        let text = error.to_string();
        assert_eq!(error.name(), name, "{text}");
        assert!(text.contains(words) && text.contains(&job()), "{text}");
        let there = world.store.get(&keys().training()).await;
        assert!(there.is_err(), "a failed job leaves no record");
    }
}

#[tokio::test]
async fn a_failure_links_to_its_log() {
    let world = World::new(1).await;
    let outcome = JobOutcome::Fails("AlgorithmError: exit code 1".to_owned());
    world.sagemaker.script_job(outcome);
    let text = world.drive().await.unwrap_err().to_string();
    let stream = format!("TrainingJobs$3FlogStreamNameFilter$3D{}", job());
    assert!(
        text.contains("region=eu-central-1") && text.contains(&stream),
        "{text}"
    );
}

#[tokio::test]
async fn a_failure_is_reported_until_a_redrive_trains_under_another_name() {
    let mut world = World::new(1).await;
    world
        .sagemaker
        .script_job(JobOutcome::Fails("AlgorithmError".to_owned()));
    let told = world.drive().await.unwrap_err();
    for _ in 0..3 {
        let again = world.drive().await.unwrap_err();
        assert_eq!(
            (again.name(), again.to_string()),
            (told.name(), told.to_string())
        );
    }
    let done = world.redrive().await.unwrap();
    assert_eq!(done.training_job, format!("{}-2", job()));
    assert_eq!(world.sagemaker.log().len(), 2);
    assert_eq!(world.record().await.job, done.training_job);
    Names::check_sagemaker(&format!("{}-{}-99", "a".repeat(Names::MAX_PIPELINE), run())).unwrap();
}

#[tokio::test]
async fn a_refused_creation_keeps_its_name_and_can_be_tried_again() {
    for name in [ErrorName::Throttled, ErrorName::AccessDenied] {
        let world = World::new(1).await;
        world
            .sagemaker
            .refuse("CreateTrainingJob", name, "Code", "no");
        assert_eq!(world.drive().await.unwrap_err().name(), name);
        assert_eq!(world.drive().await.unwrap().training_job, job());
    }
}

// Capacity back-off.

const SHORTAGES: [ErrorName; 2] = [
    ErrorName::ResourceLimitExceeded,
    ErrorName::CapacityUnavailable,
];

#[tokio::test]
async fn a_quota_is_waited_out_and_the_job_created_under_its_name() {
    for name in SHORTAGES {
        let world = World::new(1).await;
        for _ in 0..3 {
            world
                .sagemaker
                .refuse("CreateTrainingJob", name, "Code", "no");
        }
        let mut last = 0;
        for _ in 0..3 {
            let waiting = world.call().await.unwrap();
            assert_eq!(waiting.phase, "WaitingForCapacity");
            assert!(waiting.wait_seconds > last, "{waiting:?}");
            last = waiting.wait_seconds;
        }
        assert_eq!(world.drive().await.unwrap().training_job, job());
    }
}

#[tokio::test]
async fn a_job_without_capacity_is_followed_by_another_after_a_wait() {
    let world = World::new(1).await;
    let outcome = JobOutcome::Fails("CapacityError: Unable to provision".to_owned());
    world.sagemaker.script_job(outcome);
    let done = world.drive().await.unwrap();
    assert_eq!(done.training_job, format!("{}-2", job()));
    let created = world.sagemaker.log();
    assert_eq!(created.len(), 2, "{created:?}");
}

#[tokio::test]
async fn a_back_off_beyond_the_limit_fails_and_a_redrive_waits_anew() {
    for name in SHORTAGES {
        let mut world = World::new(1).await;
        world.plan(json!({"capacityWaitMinutes": 2})).await;
        for _ in 0..40 {
            world
                .sagemaker
                .refuse("CreateTrainingJob", name, "Code", "no");
        }
        let mut waited = 0;
        while world.redrives < 2 {
            match world.call().await {
                Ok(output) => waited += output.wait_seconds,
                Err(error) => {
                    assert_eq!(error.name(), name);
                    assert_eq!(waited, 120, "the limit, and not a second less or more");
                    let again = world.call().await.unwrap_err();
                    assert_eq!(again.to_string(), error.to_string());
                    waited = 0;
                    world.redrives += 1;
                }
            }
        }
        assert!(world.sagemaker.log().is_empty());
    }
}

#[tokio::test]
async fn the_attempt_of_an_older_version_is_read() {
    let world = World::new(1).await;
    let key = keys().training_attempt();
    let old = Bytes::from_static(b"{\"attempt\": 3}");
    world.store.put(&key, old).await.unwrap();
    assert_eq!(
        world.call().await.unwrap().training_job,
        format!("{}-3", job())
    );
    let attempt: Attempt = documents::read(&world.store, &key, "x").await.unwrap();
    assert_eq!((attempt.attempt, attempt.refusals), (3, 0));
}

// Settings of the definition.

#[tokio::test]
async fn a_built_in_algorithm_is_resolved_to_the_registry_of_the_region() {
    let world = World::new(1).await;
    let xgboost = json!({"name": "xgboost", "version": "1.7-1"});
    world
        .plan(json!({"image": null, "algorithm": xgboost}))
        .await;
    world.drive().await.unwrap();
    let image = "492215442770.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-xgboost:1.7-1";
    assert_eq!(world.sagemaker.job(&job()).unwrap().image, image);
    assert_eq!(
        world.record().await.image,
        image,
        "the image that trained also serves"
    );
}

#[tokio::test]
async fn every_setting_of_the_definition_reaches_the_job() {
    let world = World::new(1).await;
    world
        .plan(json!({
            "spot": {"maxWaitSeconds": 7200}, "inputMode": "fastFile",
            "environment": {"LEVEL": "debug"}, "networkIsolation": true, "encryptTraffic": true,
            "vpc": {"subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]},
            "kms": {"volumeKey": "alias/v", "outputKey": "alias/o"}, "tags": {"team": "films"},
        }))
        .await;
    world.drive().await.unwrap();
    let spec = world.sagemaker.job(&job()).unwrap();
    let json = serde_json::to_value(&spec).unwrap();
    for (field, value) in [
        ("maxWaitSeconds", json!(7200)),
        ("inputMode", json!("fastFile")),
        ("environment", json!({"LEVEL": "debug"})),
        ("networkIsolation", json!(true)),
        ("encryptTraffic", json!(true)),
        (
            "vpc",
            json!({"subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}),
        ),
        ("volumeKey", json!("alias/v")),
        ("outputKey", json!("alias/o")),
    ] {
        assert_eq!(json[field], value, "{field}");
    }
    let checkpoints = format!("s3://memory/models/default/run={}/checkpoints", run());
    assert_eq!(spec.checkpoints, Some(checkpoints));
    assert_eq!(spec.tags.get("team").map(String::as_str), Some("films"));
}

#[tokio::test]
async fn of_augmented_manifests_a_job_reads_each_image_with_its_class() {
    let world = World::new(1).await;
    let mut plan: Value =
        serde_json::from_slice(&world.store.get(&keys().plan()).await.unwrap()).unwrap();
    plan["definition"]["dataset"]["format"] = json!("augmentedManifest");
    plan["definition"]["training"]["inputMode"] = json!("pipe");
    let plan = plan.to_string();
    world.store.put(&keys().plan(), plan.into()).await.unwrap();
    world.drive().await.unwrap();
    let spec = world.sagemaker.job(&job()).unwrap();
    assert_eq!(spec.input_mode, definition::InputMode::Pipe);
    for channel in ["train", "validation"] {
        let it = &spec.channels[channel];
        let key = keys().channel_whole(channel, "manifest");
        assert_eq!(it.prefix, format!("s3://memory/{key}"));
        assert_eq!(it.attributes, ["source-ref", "class"]);
    }
}

#[tokio::test]
async fn of_single_images_a_job_reads_their_prefix_and_their_list() {
    for (format, names) in [
        ("imageFolders", &["train", "validation"][..]),
        (
            "imageList",
            &["train", "train_lst", "validation", "validation_lst"],
        ),
    ] {
        let world = World::new(1).await;
        let mut plan: Value =
            serde_json::from_slice(&world.store.get(&keys().plan()).await.unwrap()).unwrap();
        plan["definition"]["dataset"]["format"] = json!({format: {}});
        let plan = plan.to_string();
        world.store.put(&keys().plan(), plan.into()).await.unwrap();
        let mut dataset: Value =
            serde_json::from_slice(&world.store.get(&keys().dataset()).await.unwrap()).unwrap();
        let file = |channel: &str| {
            let prefix = keys().objects(channel, 0, "a");
            json!({
                "channel": channel, "key": keys().packed(channel, 0, "a", "objects"), "rows": 9,
                "bytes": 90, "objects": {"prefix": prefix, "bytes": 1000},
            })
        };
        dataset["files"] = json!([file("train"), file("validation")]);
        let dataset = dataset.to_string();
        world
            .store
            .put(&keys().dataset(), dataset.into())
            .await
            .unwrap();
        world.drive().await.unwrap();
        let spec = world.sagemaker.job(&job()).unwrap();
        assert!(spec.channels.keys().eq(names), "{:?}", spec.channels);
        for (name, channel) in &spec.channels {
            let key = if name.ends_with("_lst") {
                keys().channel(name)
            } else {
                keys().objects(name, 0, "a")
            };
            assert_eq!(channel.prefix, format!("s3://memory/{key}"), "{format}");
            assert!(channel.attributes.is_empty());
        }
    }
}

#[tokio::test]
async fn fewer_files_than_instances_are_refused_before_anything_is_paid_for() {
    let world = World::new(1).await;
    let shared = json!({"distribution": "shardedByS3Key", "instanceCount": 2});
    world.plan(shared).await;
    let error = world.call().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::InvalidDefinition, "{error}");
    assert!(world.sagemaker.log().is_empty());
}

// Jobs of other owners, and races.

#[tokio::test]
async fn a_job_of_the_same_name_that_differs_is_a_conflict() {
    let world = World::new(1).await;
    world
        .sagemaker
        .plant_job(&sagemaker_ports::conformance::job_spec(
            &job(),
            "s3://elsewhere",
        ));
    let error = world.call().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::Conflict);
    let text = error.to_string();
    assert!(
        text.contains("image is ") && text.contains("channels.train.prefix is "),
        "{text}"
    );
    assert_eq!(world.call().await.unwrap_err().name(), ErrorName::Conflict);
}

#[tokio::test]
async fn a_name_taken_between_lookup_and_creation_is_polled_again() {
    let world = World::new(1).await;
    // The other call created the same job; it is not visible in this call's lookup.
    world.sagemaker.refuse(
        "CreateTrainingJob",
        ErrorName::Conflict,
        "ResourceInUse",
        "taken",
    );
    let first = world.call().await.unwrap();
    assert_eq!(first.status, Status::InProgress);
    assert!(world.sagemaker.describe(&job()).await.unwrap().is_none());
    world.drive().await.unwrap();
}

// Prerequisites.

#[tokio::test]
async fn nothing_is_trained_before_the_dataset_is_sealed_and_has_rows() {
    let world = World::new(1).await;
    let sealed = world.store.get(&keys().dataset()).await.unwrap();
    world.store.delete(&keys().dataset()).await.unwrap();
    let error = world.call().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::NotFound, "{error}");

    let text = String::from_utf8(sealed.to_vec())
        .unwrap()
        .replace("\"train\":9", "\"train\":0");
    world
        .store
        .put(&keys().dataset(), Bytes::from(text))
        .await
        .unwrap();
    let error = world.call().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::DatasetInvalid, "{error}");
    assert!(world.sagemaker.log().is_empty());
}

// Crashes.

#[tokio::test]
async fn a_crash_at_any_point_of_any_call_ends_in_the_same_place() {
    let whole = World::new(1).await;
    whole.drive().await.unwrap();
    let wanted = whole.record().await;
    for polls in 0..60 {
        let world = World::new(1).await;
        // Five polls complete the job; each of them dies at the same point first.
        for _ in 0..5 {
            let _ = poll_at_most(polls, world.call());
        }
        world.drive().await.unwrap();
        assert_eq!(world.record().await, wanted, "after {polls} polls");
        assert_eq!(
            world.sagemaker.log().len(),
            1,
            "one job, after {polls} polls"
        );
    }
}

#[tokio::test]
async fn a_crash_before_a_failure_is_reported_creates_no_other_job() {
    let failing = || JobOutcome::Fails("AlgorithmError: exit code 1".to_owned());
    for polls in 0..60 {
        let mut world = World::new(1).await;
        world.sagemaker.script_job(failing());
        world.sagemaker.script_job(failing());
        for redrives in 0..2 {
            for _ in 0..6 {
                let _ = poll_at_most(polls, world.call());
            }
            let error = world.drive().await.unwrap_err();
            assert_eq!(error.name(), ErrorName::TrainingFailed);
            let created = world.sagemaker.log();
            assert_eq!(created.len(), redrives + 1, "{created:?}, {polls} polls");
            world.redrives += 1;
        }
        let done = world.drive().await.unwrap();
        assert_eq!(done.training_job, format!("{}-3", job()));
        assert_eq!(world.sagemaker.log().len(), 3, "after {polls} polls");
    }
}

#[tokio::test]
async fn a_lost_request_or_answer_at_any_call_ends_in_the_same_place() {
    let whole = World::new(1).await;
    whole.drive().await.unwrap();
    let wanted = whole.record().await;
    for fault in [Fault::RequestLost, Fault::AnswerLost] {
        for number in 0.. {
            let world = World::new(1).await;
            world.sagemaker.fail_call(number, fault);
            match world.drive().await {
                Ok(_) => assert!(!world.sagemaker.has_failed()),
                Err(error) => {
                    assert_eq!(error.name(), ErrorName::ServiceUnavailable);
                    // As the state machine's retry does.
                    world.drive().await.unwrap();
                }
            }
            assert_eq!(world.record().await, wanted, "call {number}");
            assert_eq!(world.sagemaker.log().len(), 1, "one job, call {number}");
            if !world.sagemaker.has_failed() {
                assert!(number > 4, "only {number} calls to fail");
                break;
            }
        }
    }
}
