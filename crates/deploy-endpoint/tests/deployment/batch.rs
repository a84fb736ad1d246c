//! A transform job instead of an endpoint.

use crate::support::{LAKE_KEY, PIPELINE, World, name_of};
use bytes::Bytes;
use contract::{ErrorName, Named};
use lake::ObjectStore;
use sagemaker_ports::memory::TransformOutcome;
use sagemaker_ports::{Endpoints, TransformStatus};
use serde_json::{Value, json};

/// A prediction for each of the seven rows.
const PREDICTIONS: &str = "0.1\n0.2\n0.3\n0.4\n0.5\n0.6\n0.7\n";

/// A world whose run's model scores the validation rows, with the output that the job will leave.
pub async fn scoring(world: World) -> World {
    define(&world, json!({"input": "validation"})).await;
    predict(&world, PREDICTIONS).await;
    world
}

async fn define(world: &World, batch: Value) {
    world.define(json!({"batch": batch})).await;
}

/// Puts the output of the job for the file that has rows.
pub async fn predict(world: &World, text: &'static str) {
    let key = format!("{}/part-00001.csv.out", world.keys().predictions());
    let text = Bytes::from_static(text.as_bytes());
    world.store.put(&key, text).await.unwrap();
}

async fn put(world: &World, key: &str, text: &'static str) {
    let text = Bytes::from_static(text.as_bytes());
    world.store.put(key, text).await.unwrap();
}

// Outcomes.

#[tokio::test]
async fn the_model_scores_and_is_the_champion() {
    let world = scoring(World::new(20).await).await;
    assert_eq!(world.call().await.unwrap().phase, "Starting");
    assert_eq!(world.call().await.unwrap().phase, "InProgress");
    assert!(world.champion().await.is_none());
    let output = world.drive().await.unwrap();
    assert_eq!(
        (output.endpoint, output.phase.as_str()),
        (world.name(), "Completed")
    );

    let spec = world.sagemaker.transform(&world.name()).unwrap();
    let keys = world.keys();
    let channel = keys.channel("validation");
    assert_eq!(spec.input, format!("s3://memory/{channel}"));
    assert_eq!(spec.columns.as_deref(), Some("$[1:]"));
    assert_eq!(
        (spec.content_type.as_str(), spec.max_payload_mb),
        ("text/csv", Some(6))
    );
    assert_eq!(spec.tags["millrace:pipeline"], PIPELINE);
    assert_eq!(spec.tags["millrace:run"], world.run.to_string());

    let record = world.record().await.unwrap();
    let transform = record.transform.unwrap();
    assert_eq!((record.endpoint, record.endpoint_config), (None, None));
    assert_eq!((transform.job, transform.rows), (world.name(), Some(7)));
    let predictions = format!("s3://memory/{}", keys.predictions());
    assert_eq!(
        (transform.output, transform.input),
        (predictions, spec.input)
    );
    let champion = world.champion().await.unwrap();
    assert_eq!((champion.run, champion.endpoint), (world.run.clone(), None));
    // Called again, it does nothing.
    let calls = world.sagemaker.log().len();
    assert_eq!(world.call().await.unwrap().phase, "Completed");
    assert_eq!(world.sagemaker.log().len(), calls);
    assert!(world.sagemaker.configs().is_empty());
}

#[tokio::test]
async fn the_next_model_replaces_the_previous_one() {
    let world = scoring(World::new(20).await).await;
    world.drive().await.unwrap();
    let next = scoring(world.next(21).await).await;
    next.drive().await.unwrap();
    assert_eq!(next.champion().await.unwrap().run, next.run);
    assert_eq!(next.sagemaker.models(), [name_of(21)]);
    // A redrive of the old run does not score again.
    world.drive().await.unwrap();
    assert_eq!(world.count("CreateTransformJob"), 2);
}

#[tokio::test]
async fn a_model_at_an_earlier_endpoint_stays() {
    let world = World::new(20).await;
    world.drive().await.unwrap();
    let next = scoring(world.next(21).await).await;
    next.drive().await.unwrap();
    assert_eq!(next.sagemaker.models(), [20, 21].map(name_of));
    assert_eq!(next.config().await, name_of(20));
    let last = next.next(22).await;
    last.drive().await.unwrap();
    let champion = last.champion().await.unwrap();
    assert_eq!(champion.endpoint.as_deref(), Some(PIPELINE));
    assert_eq!(champion.previous_endpoint_config, Some(name_of(20)));
}

// Inputs.

#[tokio::test]
async fn the_label_and_the_weight_are_left_out() {
    let world = World::new(20).await;
    let dataset = json!({"label": "rating", "weight": "times"});
    let training =
        json!({"image": "i", "tags": {"team": "a"}, "kms": {"volumeKey": "v", "outputKey": "o"}});
    let batch = json!({"input": "validation", "instanceType": "ml.c5.large", "count": 2, "maxPayloadMb": 9});
    let parts = json!({"batch": batch, "dataset": dataset, "training": training});
    world.define(parts).await;
    predict(&world, PREDICTIONS).await;
    world.drive().await.unwrap();
    let spec = world.sagemaker.transform(&world.name()).unwrap();
    assert_eq!(spec.columns.as_deref(), Some("$[2:]"));
    assert_eq!(
        (spec.instance_type.as_str(), spec.instance_count),
        ("ml.c5.large", 2)
    );
    assert_eq!(
        (spec.max_payload_mb, spec.tags["team"].as_str()),
        (Some(9), "a")
    );
    assert_eq!(spec.volume_key.as_deref(), Some("v"));
    assert_eq!(spec.output_key.as_deref(), Some("o"));
}

#[tokio::test]
async fn rows_of_features_below_a_prefix_are_scored_as_they_are() {
    let world = World::new(20).await;
    define(&world, json!({"input": {"prefix": "scoring/today/"}})).await;
    for (object, problem) in [
        (None, "nothing to score below s3://memory/scoring/today/"),
        (Some(("scoring/today/", "")), "nothing to score"),
        (
            Some(("scoring/today/rows.parquet", "PAR1")),
            "scoring/today/rows.parquet below",
        ),
        (
            Some(("scoring/today/rows.csv.gz", "x")),
            "not made of lines",
        ),
    ] {
        if let Some((key, text)) = object {
            put(&world, key, text).await;
        }
        let error = world.drive().await.unwrap_err();
        assert_eq!(error.name(), ErrorName::DatasetInvalid);
        assert!(error.to_string().contains(problem), "{error}");
        if let Some((key, _)) = object {
            world.store.delete(key).await.unwrap();
        }
    }
    assert_eq!(world.count("CreateTransformJob"), 0);
    put(&world, "scoring/today/rows.csv", "1,2\n3,4\n").await;
    let key = format!("{}/rows.csv.out", world.keys().predictions());
    put(&world, &key, "1\n2\n").await;
    world.drive().await.unwrap();
    let spec = world.sagemaker.transform(&world.name()).unwrap();
    assert_eq!(
        (spec.input.as_str(), spec.columns),
        ("s3://memory/scoring/today/", None)
    );
    // The definition names no key.
    assert_eq!(spec.output_key.as_deref(), Some(LAKE_KEY));
    assert_eq!(world.record().await.unwrap().transform.unwrap().rows, None);
}

#[tokio::test]
async fn algorithms_that_are_not_trained_on_csv_get_json() {
    for (format, wanted) in [
        (json!("parquet"), "text/csv"),
        (json!("csvWithHeader"), "text/csv"),
        (json!("recordIo"), "application/jsonlines"),
        (json!("recordIoSparse"), "application/jsonlines"),
        (
            json!({"jsonLines": {"in0": ["a"], "in1": ["b"]}}),
            "application/jsonlines",
        ),
    ] {
        let world = World::new(20).await;
        let batch = json!({"input": {"prefix": "scoring/today/"}});
        let dataset = json!({"label": "rating", "format": format});
        world
            .define(json!({"batch": batch, "dataset": dataset}))
            .await;
        put(&world, "scoring/today/rows", "a line\n").await;
        let key = format!("{}/rows.out", world.keys().predictions());
        put(&world, &key, "{\"score\": 1}\n").await;
        world.drive().await.unwrap();
        let spec = world.sagemaker.transform(&world.name()).unwrap();
        assert_eq!(spec.content_type, wanted, "{format}");
    }
}

#[tokio::test]
async fn a_channel_without_rows_is_refused_before_anything_is_paid() {
    let world = scoring(World::new(20).await).await;
    world.dataset(0).await;
    let error = world.drive().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::DatasetInvalid);
    assert!(error.to_string().contains("channel validation"), "{error}");
    assert_eq!(world.count("CreateTransformJob"), 0);
}

// Failures.

#[tokio::test]
async fn a_failed_job_is_reported_and_a_redrive_creates_the_next() {
    for status in [TransformStatus::Failed, TransformStatus::Stopped] {
        let world = scoring(World::new(19).await).await;
        world.drive().await.unwrap();
        let next = scoring(world.next(20).await).await;
        let outcome = TransformOutcome::Ends(status, "no memory left".to_owned());
        next.sagemaker.script_transform(outcome);
        let error = next.drive().await.unwrap_err();
        assert_eq!(error.name(), ErrorName::TransformFailed);
        let text = error.to_string();
        for part in [
            status.as_str(),
            "no memory left",
            &next.name(),
            "TransformJobs",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(next.champion().await.unwrap().run, world.run);
        // The incomplete output is removed.
        let left = next.store.list(&next.keys().predictions()).await.unwrap();
        assert_eq!(left, []);

        // A retry reports the same, wherever the call before it was killed, and starts no job.
        let again = next.drive().await.unwrap_err();
        assert_eq!((again.name(), again.to_string()), (error.name(), text));
        assert_eq!(next.count("CreateTransformJob"), 2);

        // A job that was stopped with its execution may have left output too.
        let key = format!("{}/left.csv.out", next.keys().predictions());
        put(&next, &key, "1\n").await;
        next.redrive();
        next.call().await.unwrap();
        next.call().await.unwrap();
        assert!(next.store.get(&key).await.is_err());
        predict(&next, PREDICTIONS).await;
        let output = next.drive().await.unwrap();
        assert_eq!(output.endpoint, format!("{}-2", name_of(20)));
        assert_eq!(next.champion().await.unwrap().run, next.run);
        assert_eq!(next.count("CreateTransformJob"), 3);
    }
}

#[tokio::test]
async fn output_other_than_one_prediction_a_row_is_an_error_and_changes_nothing() {
    for (text, problem) in [
        (Some("1\n2\n3\n4\n5\n6\n"), "has 6 lines for the 7 rows"),
        (Some("1,2,3,4,5,6,7\n"), "has 1 lines for the 7 rows"),
        (Some("1\nnan\n3\n4\n5\n6\n7\n"), "\"nan\" in the answer"),
        (Some(""), "nothing is below s3://memory/predictions/"),
        (None, "there is no part-00001.csv.out"),
    ] {
        let world = scoring(World::new(20).await).await;
        if let Some(text) = text {
            predict(&world, text).await;
        } else {
            let prefix = world.keys().predictions();
            let key = format!("{prefix}/part-00001.csv.out");
            world.store.delete(&key).await.unwrap();
            put(&world, &format!("{prefix}/other.csv.out"), "1\n").await;
        }
        for _ in 0..2 {
            let error = world.drive().await.unwrap_err();
            assert_eq!(error.name(), ErrorName::TransformFailed);
            assert!(error.to_string().contains(problem), "{error}");
        }
        assert!(world.champion().await.is_none());
        assert!(world.record().await.is_none());
        assert_eq!(world.count("CreateTransformJob"), 1);
    }
}

#[tokio::test]
async fn a_job_of_the_runs_name_that_differs_is_a_conflict() {
    let world = scoring(World::new(20).await).await;
    for _ in 0..2 {
        world.call().await.unwrap();
    }
    define(&world, json!({"input": "validation", "count": 2})).await;
    let error = world.drive().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::Conflict);
    assert!(
        error.to_string().contains("instanceCount is 1, wanted 2"),
        "{error}"
    );
}

#[tokio::test]
async fn names_taken_or_not_visible_yet_are_polled_again() {
    for name in [ErrorName::Conflict, ErrorName::NotFound] {
        let world = scoring(World::new(20).await).await;
        let sagemaker = &world.sagemaker;
        sagemaker.refuse("CreateTransformJob", name, "ResourceInUse", "a race");
        world.drive().await.unwrap();
        assert_eq!(world.count("CreateTransformJob"), 1, "{name}");
    }
    let world = scoring(World::new(20).await).await;
    let sagemaker = &world.sagemaker;
    let quota = ErrorName::ResourceLimitExceeded;
    sagemaker.refuse(
        "CreateTransformJob",
        quota,
        "ResourceLimitExceeded",
        "a quota",
    );
    assert_eq!(world.drive().await.unwrap_err().name(), quota);
    world.drive().await.unwrap();
}

#[tokio::test]
async fn an_old_run_that_is_redriven_does_not_replace_a_later_one() {
    let old = scoring(World::new(20).await).await;
    let later = scoring(old.next(21).await).await;
    later.drive().await.unwrap();
    let error = old.call().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::Conflict, "{error}");
    assert!(
        later
            .sagemaker
            .describe_endpoint(PIPELINE)
            .await
            .unwrap()
            .is_none()
    );
}
