//! Clean-up of old configurations.

use crate::support::{PIPELINE, World, name_of};
use serde_json::json;

#[tokio::test]
async fn old_configurations_are_removed_and_needed_ones_stay() {
    let mut world = World::new(10).await;
    world.drive().await.unwrap();
    // Another pipeline whose name begins with this one's, and a person's.
    let others = [
        format!("{PIPELINE}-eu-20260101-000000-00000000"),
        format!("{PIPELINE}-by-hand"),
    ];
    for other in &others {
        world.plant(other).await;
    }
    for day in 11..=15 {
        world = world.next(day).await;
        world.drive().await.unwrap();
    }
    let mut wanted = vec![others[0].clone(), others[1].clone()];
    wanted.extend([13, 14, 15].map(name_of));
    assert_eq!(world.sagemaker.configs(), wanted);
    wanted.sort();
    assert_eq!(world.sagemaker.models(), wanted);
}

#[tokio::test]
async fn what_another_stack_has_under_the_pipelines_name_is_neither_removed_nor_counted() {
    let mut world = World::new(10).await;
    world.drive().await.unwrap();
    // A pipeline of the same name, whose runs only its own lake knows.
    let others = [8, 9, 12].map(name_of);
    for other in &others {
        world.plant(other).await;
    }
    for day in [13, 14] {
        world = world.next(day).await;
        world.drive().await.unwrap();
    }
    let own = [10, 13, 14].map(name_of);
    let mut wanted: Vec<_> = others.into_iter().chain(own).collect();
    wanted.sort();
    assert_eq!(world.sagemaker.models(), wanted);
}

#[tokio::test]
async fn the_definition_says_how_many_stay_and_the_previous_one_always_does() {
    let mut world = World::new(10).await;
    world.plan(json!({"keep": 2})).await;
    world.drive().await.unwrap();
    for day in [11, 12, 13] {
        world = world.next(day).await;
        world.plan(json!({"keep": 2})).await;
        // Each run but the last one's endpoint fails its real request: it never is the champion.
        if day < 13 {
            world.sagemaker.script_answer("text/csv", "");
            world.drive().await.unwrap_err();
        }
    }
    world.drive().await.unwrap();
    // 10 is the previous champion; 11 and 12 were rolled back.
    assert_eq!(world.sagemaker.configs(), [10, 13].map(name_of));
}

#[tokio::test]
async fn a_configuration_that_serves_under_the_old_endpoint_name_stays() {
    let mut world = World::new(10).await;
    world.plan(json!({"name": "before"})).await;
    world.drive().await.unwrap();
    for day in 11..=14 {
        world = world.next(day).await;
        world.drive().await.unwrap();
    }
    assert_eq!(world.sagemaker.configs(), [10, 12, 13, 14].map(name_of));
}
