//! A search for the best hyperparameters, from the tuning job to the endpoint, with the functions
//! killed between any two of their calls.

use crate::world::{self, World};
use end_to_end::packages::Packages;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_best_of_a_search_is_trained_once_judged_and_served() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("calls.jsonl");
    let packages = Packages::built().await;
    let mut world = World::start("a search", &packages, record.clone()).await;
    let tuning = json!({"tuning": {
        "strategy": "grid", "maxParallelJobs": 3,
        "ranges": {"number": {"categorical": [0.7, 0.3, 0.5]}},
    }});
    let run = world.run_with(21, &tuning).await;
    world.go_through(&run, true).await.unwrap();
    assert!(world.kills() > 3, "only {} kills", world.kills());
    assert_eq!(world.training_jobs().await, 3, "each value is tried once");
    let trained = world.trained(&run).await;
    let best = trained.metrics["validation:rmse"];
    assert!((best - 0.3).abs() < 1e-9, "{best}");
    let search = trained.tuning.unwrap();
    assert_eq!(search.hyperparameters["number"], "0.3");
    assert_eq!(search.completed, 3);
    world.is_champion(21).await.unwrap();
    world::hold(&record);
}
