//! The commands `rollback` and `clean` after deployments by the functions.

use crate::world::{self, World, id, name};
use end_to_end::packages::Packages;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deployed_can_be_rolled_back_cleaned_up_and_deployed_again() {
    let folder = tempfile::tempdir().unwrap();
    let packages = Packages::built().await;
    let record = folder.path().join("calls.jsonl");
    let mut world = World::start("rollback", &packages, record.clone()).await;
    for (day, most) in [(19, 3), (20, 3), (21, 6)] {
        world.autoscaling = json!({
            "minInstances": 1, "maxInstances": most, "invocationsPerInstance": 600,
        });
        let run = world.run(day).await;
        world.go_through(&run, false).await.unwrap();
        assert_eq!(world.scaled().await, Some((1, most)));
    }
    assert_eq!(world.roll_back().await, Some(name(21)));
    world.is_champion(20).await.unwrap();
    assert_eq!(world.scaled().await, Some((1, 3)));
    assert_eq!(world.roll_back().await, None);
    world.is_champion(20).await.unwrap();

    // The next run is judged against it and replaces it. It is scaled no more.
    world.autoscaling = Value::Null;
    let run = world.run(22).await;
    world.go_through(&run, false).await.unwrap();
    world.is_champion(22).await.unwrap();
    assert_eq!(world.scaled().await, None);

    assert_eq!(world.clean(1).await, [19, 21].map(id));
    let kept = [20, 22].map(name).to_vec();
    assert_eq!(world.kept().await, (kept.clone(), kept));
    assert_eq!(world.roll_back().await, Some(name(22)));
    world.is_champion(20).await.unwrap();
    world::hold(&record);
}
