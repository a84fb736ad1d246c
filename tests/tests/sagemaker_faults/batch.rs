//! A pipeline with batch scoring, from the training job to the predictions, with the functions
//! killed between any two of their calls.

use crate::steps::{Ending, Step};
use crate::world::{self, World, id, name};
use end_to_end::packages::Packages;
use serde_json::{Value, json};
use std::path::PathBuf;

async fn world(caption: &str, packages: &Packages, record: PathBuf) -> World {
    let mut world = World::start(caption, packages, record).await;
    world.batch = json!({"input": "validation", "maxPayloadMb": 8});
    world
}

/// Trains a model of this number, and scores with it.
async fn score(world: &mut World, day: u32, number: &str, killing: bool) -> Result<(), Ending> {
    let training = json!({"hyperparameters": {"number": number}});
    let run = world.run_with(day, &training).await;
    world.go_through(&run, killing).await
}

/// The run is champion, and its model has scored every row once; no other model is left.
async fn has_scored(world: &World, day: u32, number: f64) {
    assert_eq!(world.predictions(&id(day)).await, World::answers(number));
    let champion = world.champion().await;
    assert_eq!((champion.run, champion.endpoint), (id(day), None));
    assert_eq!(world.kept().await, (vec![name(day)], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_is_scored_once_whatever_happens_on_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let packages = Packages::built().await;
    for (caption, faults) in [
        ("nothing", json!([])),
        (
            "throttled",
            json!([{"fault": "refuse", "operation": "CreateTransformJob", "code": "ThrottlingException", "times": 2}]),
        ),
        (
            "the answer is lost",
            json!([{"fault": "lose", "operation": "CreateTransformJob", "times": 1}]),
        ),
        (
            "what is new shows late",
            json!([{"fault": "stale", "seconds": 1.5}]),
        ),
    ] {
        let record = folder.path().join(format!("{caption}.jsonl"));
        let mut world = world(caption, &packages, record.clone()).await;
        score(&mut world, 20, "0.5", false).await.unwrap();
        has_scored(&world, 20, 0.5).await;
        world.faults(faults).await;
        score(&mut world, 21, "0.25", true).await.unwrap();
        world.faults(json!([])).await;
        has_scored(&world, 21, 0.25).await;
        // Of the run before the predictions stay.
        assert_eq!(world.predictions(&id(20)).await, World::answers(0.5));
        assert!(world.kills() > 6, "{caption}: only {} kills", world.kills());
        assert_eq!(world.transform_jobs().await, 2, "{caption}");
        assert_eq!(world.completed_jobs().await, 2, "{caption}");
        world::hold(&record);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_leaves_the_champion_and_a_redrive_scores_without_training() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("calls.jsonl");
    let packages = Packages::built().await;
    let mut world = world("no ping", &packages, record.clone()).await;
    score(&mut world, 20, "0.5", false).await.unwrap();
    let fault = json!([{"fault": "no-ping", "name": name(21)}]);
    world.faults(fault).await;
    let failed = score(&mut world, 21, "0.25", false).await.unwrap_err();
    assert_eq!(
        (failed.at, failed.name.as_str()),
        (Step::Deploy, "TransformFailed"),
        "{failed:?}"
    );
    assert_eq!(world.champion().await.run, id(20));
    assert!(world.predictions(&id(21)).await.is_empty());

    world.faults(json!([])).await;
    let trained = world.training_jobs().await;
    // A retry reports the same, and starts no other job; a redrive does.
    let again = world.go_through(&id(21), true).await.unwrap_err();
    assert_eq!(again.name, "TransformFailed", "{again:?}");
    assert_eq!(world.transform_jobs().await, 2);
    world.redrives += 1;
    world.go_through(&id(21), true).await.unwrap();
    has_scored(&world, 21, 0.25).await;
    assert_eq!(world.transform_jobs().await, 3);
    assert_eq!(
        world.training_jobs().await,
        trained,
        "training is not paid twice"
    );
    // The next model is compared with its champion.
    world.batch = Value::Null;
    let run = world.run(22).await;
    world.go_through(&run, false).await.unwrap();
    world.is_champion(22).await.unwrap();
    world::hold(&record);
}
