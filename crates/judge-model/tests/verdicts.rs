//! A verdict is reached once, from what the lake holds.

#![allow(clippy::unwrap_used)] // A test that cannot continue has failed.

mod support;

use contract::states::Decision;
use contract::{ErrorName, Named, RunId};
use lake::memory::poll_at_most;
use lake::records::VerdictRecord;
use lake::{ObjectStore, documents};
use support::{BEFORE, World, run, run_keys};

#[tokio::test]
async fn the_verdict_is_written_with_the_champion_it_was_compared_with() {
    let world = World::trained(Some(0.5)).await;
    world.crown(BEFORE, 0.75).await;
    let output = world.call().await.unwrap();
    assert_eq!((output.verdict, output.value), (Decision::Promote, 0.5));
    assert_eq!(output.champion, Some(0.75));
    let record: VerdictRecord = documents::read(&world.store, &run_keys().verdict(), "a verdict")
        .await
        .unwrap();
    assert_eq!(record.champion_run, Some(RunId::parse(BEFORE).unwrap()));
    assert_eq!(record.reason, output.reason);
}

#[tokio::test]
async fn a_verdict_is_final_whatever_the_champion_is_later() {
    let world = World::trained(Some(0.5)).await;
    let first = world.call().await.unwrap();
    assert_eq!((first.verdict, first.champion), (Decision::Promote, None));
    world.crown(run().as_str(), 0.5).await;
    assert_eq!(world.call().await.unwrap(), first);
    world.crown(BEFORE, 0.1).await;
    assert_eq!(world.call().await.unwrap(), first);
}

#[tokio::test]
async fn a_missing_metric_names_the_reported_ones() {
    let world = World::trained(None).await;
    let error = world.call().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::MetricMissing);
    let text = error.to_string();
    assert!(text.contains("reports validation:ndcg"), "{text}");
    assert!(world.store.get(&run_keys().verdict()).await.is_err());
}

#[tokio::test]
async fn without_a_trained_model_there_is_no_verdict() {
    let world = World::trained(Some(0.5)).await;
    world.store.delete(&run_keys().training()).await.unwrap();
    let error = world.call().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::NotFound);
    assert!(error.to_string().contains("training.json"), "{error}");
}

#[tokio::test]
async fn a_crash_at_any_point_leaves_one_verdict() {
    for polls in 0..20 {
        let world = World::trained(Some(0.5)).await;
        let _ = poll_at_most(polls, world.call());
        let output = world.call().await.unwrap();
        assert_eq!(output.verdict, Decision::Promote, "after {polls} polls");
    }
}
