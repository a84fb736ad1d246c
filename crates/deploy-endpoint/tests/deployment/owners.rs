//! Endpoints of another owner.

use crate::support::{PIPELINE, World, name_of};
use contract::{ErrorName, Named};
use sagemaker_ports::{Endpoints, Owner, Tags};
use serde_json::json;

/// A world whose endpoint somebody else created with another configuration and these tags.
async fn taken(tags: &[(&str, &str)]) -> World {
    let world = World::new(20).await;
    world.plant("foreign-config").await;
    let tags: Tags = tags
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let created = world
        .sagemaker
        .create_endpoint(PIPELINE, "foreign-config", &tags);
    created.await.unwrap();
    world
}

#[tokio::test]
async fn an_endpoint_of_another_owner_is_a_conflict_that_names_the_owner() {
    for (tags, owner) in [
        (&[][..], "it has no tags"),
        (&[("team", "payments")][..], "team=payments"),
        (
            &[("millrace:stack", "shop"), ("millrace:pipeline", "other")][..],
            "the pipeline other of the stack shop",
        ),
        (
            &[("millrace:stack", "test"), ("millrace:pipeline", PIPELINE)][..],
            "the pipeline default of the stack test",
        ),
    ] {
        let world = taken(tags).await;
        let error = world.drive().await.unwrap_err();
        assert_eq!(error.name(), ErrorName::Conflict);
        let text = error.to_string();
        assert!(
            text.contains(owner) && text.contains("endpoint.adopt"),
            "{text}"
        );
        assert_eq!(world.config().await, "foreign-config");
        assert_eq!(world.count("UpdateEndpoint"), 0);
        assert!(world.champion().await.is_none());
    }
}

#[tokio::test]
async fn an_adopted_endpoint_belongs_to_the_pipeline_from_then_on() {
    let world = taken(&[("millrace:stack", "shop"), ("millrace:pipeline", "other")]).await;
    world.plan(json!({"adopt": true})).await;
    world.drive().await.unwrap();
    assert_eq!(world.config().await, name_of(20));
    let tags = world.sagemaker.endpoint_tags(PIPELINE).await.unwrap();
    assert_eq!(tags, Some(Owner::new("shop", PIPELINE).tags()));
    // Without `adopt`.
    world.next(21).await.drive().await.unwrap();
}

#[tokio::test]
async fn an_endpoint_outside_the_stack_is_not_adopted() {
    for tags in [
        &[][..],
        &[("millrace:stack", "test"), ("millrace:pipeline", PIPELINE)][..],
    ] {
        let world = taken(tags).await;
        world.plan(json!({"adopt": true})).await;
        let error = world.drive().await.unwrap_err();
        assert_eq!(error.name(), ErrorName::Conflict);
        assert_eq!(world.count("AddTags") + world.count("UpdateEndpoint"), 0);
    }
}

#[tokio::test]
async fn an_endpoint_that_a_run_created_belongs_to_the_next_run_too() {
    let world = World::new(20).await;
    world.drive().await.unwrap();
    let tags = world.sagemaker.endpoint_tags(PIPELINE).await.unwrap();
    assert_eq!(tags, Some(Owner::new("shop", PIPELINE).tags()));
    world.next(21).await.drive().await.unwrap();
}
