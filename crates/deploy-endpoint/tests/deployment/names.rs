//! Resources of the run's name, and which runs may be deployed.

use crate::support::{World, name_of};
use contract::{ErrorName, Named};
use serde_json::json;

// Resources of the run's name.

#[tokio::test]
async fn a_model_of_the_runs_name_that_differs_is_a_conflict() {
    let world = World::new(20).await;
    world.plant(&world.name()).await;
    let error = world.drive().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::Conflict);
    let text = error.to_string();
    assert!(
        text.contains("image is \"other\"") && text.contains("artifact is "),
        "{text}"
    );
}

#[tokio::test]
async fn a_configuration_of_the_runs_name_that_differs_is_a_conflict() {
    let world = World::new(20).await;
    world.call().await.unwrap();
    let compute = json!({"serverless": {"memoryMb": 4096, "maxConcurrency": 5}});
    world.plan(json!({"compute": compute})).await;
    let error = world.drive().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::Conflict);
    assert!(
        error
            .to_string()
            .contains("compute.serverless.memoryMb is 2048, wanted 4096"),
        "{error}"
    );
}

#[tokio::test]
async fn names_taken_or_not_visible_yet_are_polled_again() {
    let races = [
        ("CreateModel", ErrorName::Conflict),
        ("CreateEndpointConfig", ErrorName::Conflict),
        ("CreateEndpointConfig", ErrorName::NotFound),
        ("CreateEndpoint", ErrorName::Conflict),
        ("CreateEndpoint", ErrorName::NotFound),
    ];
    for (operation, name) in races {
        let world = World::new(20).await;
        world
            .sagemaker
            .refuse(operation, name, "ValidationException", "a race");
        world.drive().await.unwrap();
        assert_eq!(world.count("CreateEndpoint "), 1, "{operation} {name}");
    }
    for name in [ErrorName::Conflict, ErrorName::NotFound] {
        let world = World::new(20).await;
        world.drive().await.unwrap();
        let next = world.next(21).await;
        next.sagemaker
            .refuse("UpdateEndpoint", name, "ValidationException", "a race");
        next.drive().await.unwrap();
        assert_eq!(next.count("UpdateEndpoint"), 1, "{name}");
    }
}

// Which runs may be deployed.

#[tokio::test]
async fn only_a_promoted_model_is_deployed() {
    let world = World::new(20).await;
    let keep = json!({"verdict": "Keep", "metric": "m", "value": 0.5, "reason": "worse"});
    world.put(&world.keys().verdict(), &keep).await;
    let error = world.call().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::InvalidRequest);
    assert!(world.sagemaker.log().is_empty());
}

#[tokio::test]
async fn an_old_run_that_is_redriven_does_not_replace_a_later_one() {
    let old = World::new(20).await;
    let later = old.next(21).await;
    later.drive().await.unwrap();
    let error = old.call().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::Conflict, "{error}");
    assert_eq!(later.config().await, name_of(21));
}
