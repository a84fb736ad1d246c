//! The first deployment and the next.

use crate::support::{PIPELINE, RUN, World, name_of};
use contract::states::Status;
use sagemaker_ports::Endpoints;
use serde_json::json;

// The first deployment.

#[tokio::test]
async fn the_first_model_gets_its_endpoint_and_answers() {
    let world = World::new(20).await;
    let first = world.call().await.unwrap();
    assert_eq!(
        (first.status, first.phase.as_str()),
        (Status::InProgress, "Creating")
    );
    let done = world.drive().await.unwrap();
    assert_eq!(
        (done.phase.as_str(), done.endpoint.as_str()),
        ("InService", PIPELINE)
    );

    let name = world.name();
    assert_eq!(name, format!("{PIPELINE}-{RUN}"));
    let wanted = [
        format!("CreateModel {name}"),
        format!("CreateEndpointConfig {name}"),
        format!("CreateEndpoint {PIPELINE} {name}"),
        // Five rows of the first validation file that has any, without the label.
        format!("InvokeEndpoint {PIPELINE} 0,0.5\n1,0.5\n2,0.5\n3,0.5\n4,0.5\n"),
    ];
    assert_eq!(world.sagemaker.log(), wanted);

    let record = world.record().await.unwrap();
    assert_eq!(
        (record.smoke_rows, &record.previous_endpoint_config),
        (5, &None)
    );
    let champion = world.champion().await.unwrap();
    assert_eq!(
        (champion.run.as_str(), champion.endpoint_config.as_ref()),
        (RUN, Some(&name))
    );
    assert_eq!(champion.dataset, world.keys().dataset());
}

#[tokio::test]
async fn a_finished_deployment_is_reported_again_and_changes_nothing() {
    let world = World::new(20).await;
    let done = world.drive().await.unwrap();
    let log = world.sagemaker.log();
    assert_eq!(world.call().await.unwrap(), done);
    assert_eq!(world.sagemaker.log(), log);
}

#[tokio::test]
async fn without_validation_rows_training_rows_are_sent() {
    let world = World::new(20).await;
    world.dataset(0).await;
    world.drive().await.unwrap();
    assert!(
        world
            .sagemaker
            .log()
            .contains(&format!("InvokeEndpoint {PIPELINE} 10,20\n11,21\n"))
    );
    assert_eq!(world.record().await.unwrap().smoke_rows, 2);
}

// The next deployment.

#[tokio::test]
async fn the_next_model_replaces_the_champion_by_an_update() {
    let world = World::new(20).await;
    world.drive().await.unwrap();
    let next = world.next(21).await;
    next.drive().await.unwrap();
    assert_eq!(next.config().await, name_of(21));
    assert_eq!(
        (next.count("CreateEndpoint "), next.count("UpdateEndpoint")),
        (1, 1)
    );
    let champion = next.champion().await.unwrap();
    assert_eq!(champion.previous_endpoint_config, Some(name_of(20)));
    let record = next.record().await.unwrap();
    assert_eq!(record.previous_endpoint_config, Some(name_of(20)));
}

#[tokio::test]
async fn a_named_endpoint_on_instances_is_what_the_definition_says() {
    let world = World::new(20).await;
    let compute = json!({"instances": {"instanceType": "ml.m5.large", "count": 2}});
    world
        .plan(json!({"name": "films", "compute": compute}))
        .await;
    assert_eq!(world.drive().await.unwrap().endpoint, "films");
    let config = world
        .sagemaker
        .describe_config(&world.name())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(serde_json::to_value(config.compute).unwrap(), compute);
}
