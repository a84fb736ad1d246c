//! The demo of changes on local AWS with the deployed functions: a scan, changes of the table that its
//! stream's function captures, and a run that reads nothing of the table and still has all of it.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use contract::states::{Outcome, Route};
use end_to_end::pipeline::{assert_same_items, raw_items};
use lake::RunKeys;
use lake::documents;
use lake::records::{Plan, SnapshotRecord};
use millrace::demo::{Algorithm, DemoSource, Settings, incremental};
use millrace::local::Options;
use millrace::progress::Progress;

const ITEMS: usize = 3000;

#[tokio::test(flavor = "multi_thread")]
async fn the_second_run_has_the_whole_table_and_reads_none_of_it() {
    let options = Options::new(Progress::plain());
    let local = incremental::start(&options).await.unwrap();
    let settings = Settings {
        items: ITEMS,
        seed: 42,
        user: None,
        algorithm: Algorithm::Recommender,
        source: DemoSource::Dynamodb,
        incremental: true,
    };
    let ended = incremental::run(&local, &settings, &Progress::plain()).await;
    let ended = ended.unwrap();
    println!("{ended}");
    let (lake, first) = (local.lake(), &ended.first.output);
    let keys = RunKeys::new(&first.pipeline, &first.run);
    let plan: Plan = documents::read(&lake, &keys.plan(), "plan").await.unwrap();
    assert_eq!(plan.route, Route::Scan, "{}", plan.reason);
    assert_eq!(first.items, ITEMS as u64);
    let scanned: SnapshotRecord = documents::read(&lake, &keys.snapshot(), "snapshot")
        .await
        .unwrap();
    assert_eq!((scanned.generation, scanned.items), (0, ITEMS as u64));

    assert_eq!(ended.plan.route, Route::Stream, "{}", ended.plan.reason);
    assert_eq!(ended.plan.estimate.read_units, 0);
    assert!(ended.plan.sample.is_none(), "the table was not read");
    let second = &ended.second.output;
    assert!(matches!(
        second.outcome,
        Outcome::Deployed | Outcome::KeptChampion
    ));
    assert_eq!(ended.snapshot.generation, 1);
    assert_eq!(ended.snapshot.changed_keys, ended.written);
    assert_eq!(second.items, ended.table.len() as u64);
    let keys = RunKeys::new(&second.pipeline, &second.run);
    assert_same_items(&raw_items(&lake, &keys).await, ended.table.iter());
    let text = ended.to_string();
    let says = format!(
        "{} keys changed; 3,000 → {} items; 0 read units",
        ended.written,
        millrace::progress::count(second.items)
    );
    assert!(text.starts_with(&says), "{text}");
    local.stop().await.unwrap();
}
