//! When the champion stays, its endpoint is checked, and recreated if it was deleted.

#![allow(clippy::unwrap_used)] // A test that cannot continue has failed.

mod support;

use contract::states::Decision;
use contract::{ErrorName, Named, RunId};
use lake::memory::poll_at_most;
use lake::{ObjectStore, RunKeys, documents};
use sagemaker_ports::memory::EndpointOutcome;
use sagemaker_ports::{EndpointStatus, Endpoints, Owner};
use serde_json::{Value, json};
use support::{BEFORE, World, run_keys};

/// A world whose champion is better than the run's model, and whose endpoint somebody has deleted.
async fn deleted() -> World {
    let world = World::trained(Some(0.5)).await;
    let before = RunKeys::new("default", &RunId::parse(BEFORE).unwrap());
    for (from, to) in [
        (run_keys().plan(), before.plan()),
        (run_keys().training(), before.training()),
    ] {
        let text = world.store.get(&from).await.unwrap();
        let mut document: Value = serde_json::from_slice(&text).unwrap();
        if document.get("run").is_some() {
            document["run"] = BEFORE.into();
        }
        documents::write(&world.store, &to, &document)
            .await
            .unwrap();
    }
    world.crown(BEFORE, 0.1).await;
    world.sagemaker.delete_endpoint("e");
    world
}

async fn drive(world: &World) -> Decision {
    for _ in 0..20 {
        let output = world.call().await.unwrap();
        if output.verdict != Decision::Compare {
            return output.verdict;
        }
        assert!(output.wait_seconds > 0, "{output:?}");
    }
    panic!("no end");
}

#[tokio::test]
async fn the_endpoint_of_a_champion_that_stays_is_recreated_if_it_is_gone() {
    let world = deleted().await;
    assert_eq!(drive(&world).await, Decision::Keep);
    let info = world.sagemaker.describe_endpoint("e").await.unwrap();
    let info = info.unwrap();
    assert_eq!(
        (info.status, info.config.as_str()),
        (EndpointStatus::InService, "c")
    );
    let tags = world.sagemaker.endpoint_tags("e").await.unwrap();
    assert_eq!(tags, Some(Owner::new("shop", "default").tags()));
    // Once more, it serves, and nothing is created.
    let before = world.sagemaker.log().len();
    assert_eq!(drive(&world).await, Decision::Keep);
    assert_eq!(world.sagemaker.log().len(), before);
}

/// Writes the dataset that the champion was verified with.
async fn sampled(world: &World) {
    let sample = json!({"rows": 2, "contentType": "text/csv", "body": "1,2\n3,4\n"});
    let dataset = json!({
        "run": BEFORE, "rows": {"train": 3, "validation": 3, "rejected": 0}, "channels": ["train"],
        "contentType": "text/csv", "columns": [], "files": [], "sample": sample,
    });
    documents::write(&world.store, "d", &dataset).await.unwrap();
}

#[tokio::test]
async fn a_recreated_endpoint_is_asked_before_it_counts_as_serving() {
    let world = deleted().await;
    sampled(&world).await;
    let output = loop {
        let output = world.call().await.unwrap();
        if output.verdict != Decision::Compare {
            break output;
        }
    };
    assert_eq!(output.verdict, Decision::Keep);
    assert!(
        output.reason.ends_with("it answered 2 rows"),
        "{}",
        output.reason
    );

    let world = deleted().await;
    sampled(&world).await;
    world.sagemaker.script_answer("text/csv", "nan\n1\n");
    let error = loop {
        if let Err(error) = world.call().await {
            break error;
        }
    };
    assert_eq!(error.name(), ErrorName::SmokeTestFailed);
    let text = error.to_string();
    assert!(text.contains("nan") && text.contains(BEFORE), "{text}");
    // A redrive asks again, and it answers.
    assert_eq!(drive(&world).await, Decision::Keep);
}

#[tokio::test]
async fn an_endpoint_that_was_never_gone_is_not_asked() {
    let world = World::trained(Some(0.5)).await;
    world.crown(BEFORE, 0.1).await;
    sampled(&world).await;
    world.sagemaker.script_answer("text/csv", "nan\n1\n");
    assert_eq!(drive(&world).await, Decision::Keep);
}

#[tokio::test]
async fn a_crash_at_any_point_still_recreates_it() {
    for polls in 1.. {
        let world = deleted().await;
        let mut finished = true;
        for _ in 0..6 {
            finished &= poll_at_most(polls, world.call()).is_some();
        }
        assert_eq!(drive(&world).await, Decision::Keep);
        let info = world.sagemaker.describe_endpoint("e").await.unwrap();
        assert_eq!(info.unwrap().status, EndpointStatus::InService);
        if finished {
            return;
        }
    }
}

#[tokio::test]
async fn a_champion_that_cannot_be_recreated_fails_the_run_by_name() {
    let world = deleted().await;
    let why = "no memory left".to_owned();
    let outcome = EndpointOutcome::Ends(EndpointStatus::Failed, why);
    world.sagemaker.script_endpoint(outcome);
    world.call().await.unwrap();
    let error = loop {
        if let Err(error) = world.call().await {
            break error;
        }
    };
    assert_eq!(error.name(), ErrorName::DeploymentFailed);
    let text = error.to_string();
    assert!(
        text.contains("no memory left") && text.contains(BEFORE),
        "{text}"
    );

    let world = World::trained(Some(0.5)).await;
    world.crown(BEFORE, 0.1).await;
    world.sagemaker.delete_endpoint("e");
    let error = world.call().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::DeploymentFailed);
    assert!(error.to_string().contains("does not exist"), "{error}");
}
