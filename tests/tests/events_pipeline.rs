//! From events that an application puts into the deployed delivery stream to an answering endpoint, on
//! local AWS with the deployed functions; then the run after some of them were delivered twice.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use contract::states::{Outcome, PublishReportOutput, RowCounts};
use end_to_end::pipeline::Pipeline;
use lake::records::Plan;
use lake::{RunKeys, documents};
use millrace::demo::data::Interactions;
use millrace::demo::{Algorithm, events};
use millrace::progress::Progress;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ITEMS: usize = 3000;

#[tokio::test(flavor = "multi_thread")]
async fn events_train_a_model_and_those_that_come_twice_are_one_row() {
    let pipeline = Pipeline::start_with(events::PARAMETER).await;
    let interactions = Interactions::generate(7, ITEMS);
    let definition = events::definition(Algorithm::Recommender);
    pipeline.define("default", &definition.to_string()).await;
    put(&pipeline, &interactions).await;

    let (first, keys) = run(&pipeline).await;
    assert_eq!(first.outcome, Outcome::Deployed);
    assert_eq!(first.items, ITEMS as u64);
    let rows = first.rows.unwrap();
    pipeline
        .assert_recommends(&keys, &interactions, &first)
        .await;
    let verified = pipeline.verify(&keys).await;
    assert!(
        verified.contains("every object holds what was committed"),
        "{verified}"
    );
    let raw = pipeline.raw_items(&keys).await;
    assert_eq!(values(raw.iter()), values(interactions.items()));

    // A fifth of them is put again.
    let mut again = interactions.clone();
    again.rows.truncate(ITEMS / 5);
    put(&pipeline, &again).await;
    let (second, keys) = run(&pipeline).await;
    assert_eq!(second.items, (ITEMS + ITEMS / 5) as u64);
    let plan: Plan = documents::read(&pipeline.lake, &keys.plan(), "the plan")
        .await
        .unwrap();
    let (_, events) = plan.events().unwrap();
    let fresh = events.fresh().count() as u64;
    assert!(
        fresh > 0 && fresh < events.listing().objects / 2,
        "{}",
        plan.reason
    );
    let kept = |rows: RowCounts| (rows.train, rows.validation);
    assert_eq!(kept(second.rows.unwrap()), kept(rows));

    // Nothing came.
    let (third, _) = run(&pipeline).await;
    assert_eq!(third.outcome, Outcome::NothingNew);
    pipeline.local.stop().await.unwrap();
}

async fn put(pipeline: &Pipeline, interactions: &Interactions) {
    events::put(&pipeline.local, interactions, &Progress::quiet())
        .await
        .unwrap();
}

async fn run(pipeline: &Pipeline) -> (PublishReportOutput, RunKeys) {
    let output = pipeline.run_well(&json!({})).await;
    let keys = RunKeys::new(&output.pipeline, &output.run);
    (output, keys)
}

/// What is the same in a table's item and in an event: by the key, the rating and the device.
fn values<'i>(items: impl Iterator<Item = &'i Value>) -> BTreeMap<String, (Value, Value)> {
    items
        .map(|item| {
            let key = ["user_id", "event_id"].map(|name| item[name]["S"].as_str().unwrap());
            let device = item["context"]["M"]["device"].clone();
            (key.join(" "), (item["rating"].clone(), device))
        })
        .collect()
}
