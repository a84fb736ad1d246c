//! Autoscaling of the endpoint.

use crate::support::{PIPELINE, World, name_of};
use contract::{ErrorName, Named};
use definition::Autoscaling;
use lake::memory::poll_at_most;
use sagemaker_ports::Scaling;
use sagemaker_ports::memory::EndpointOutcome;
use serde_json::{Value, json};

fn endpoint(instance_type: &str, autoscaling: Option<u32>) -> Value {
    let mut endpoint =
        json!({"compute": {"instances": {"instanceType": instance_type, "count": 2}}});
    if let Some(most) = autoscaling {
        endpoint["autoscaling"] =
            json!({"minInstances": 1, "maxInstances": most, "invocationsPerInstance": 600});
    }
    endpoint
}

async fn scaling(world: &World) -> Option<Autoscaling> {
    world.sagemaker.describe_scaling(PIPELINE).await.unwrap()
}

/// The operations that took effect, without their subjects.
fn operations(world: &World) -> Vec<String> {
    let log = world.sagemaker.log().into_iter();
    log.map(|line| line.split(' ').next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn an_endpoint_is_scaled_once_it_has_answered_and_its_counts_are_kept() {
    let world = World::new(20).await;
    world.plan(endpoint("ml.m5.large", Some(4))).await;
    world.drive().await.unwrap();
    assert!(operations(&world).ends_with(&["InvokeEndpoint".into(), "PutScalingPolicy".into()]));
    let wanted = Autoscaling {
        min_instances: 1,
        max_instances: 4,
        invocations_per_instance: 600,
        scale_in_cooldown_seconds: 300,
        scale_out_cooldown_seconds: 60,
    };
    assert_eq!(scaling(&world).await, Some(wanted));

    let next = world.next(21).await;
    next.plan(endpoint("ml.m5.large", Some(4))).await;
    next.drive().await.unwrap();
    assert_eq!(next.count("PutScalingPolicy"), 1);
    assert_eq!(next.sagemaker.retained(), Some(true));

    let wider = next.next(22).await;
    wider.plan(endpoint("ml.m5.large", Some(8))).await;
    wider.drive().await.unwrap();
    assert_eq!(scaling(&wider).await.unwrap().max_instances, 8);
}

#[tokio::test]
async fn without_the_setting_the_policy_goes_and_the_count_is_the_definitions() {
    let world = World::new(20).await;
    world.plan(endpoint("ml.m5.large", Some(4))).await;
    world.drive().await.unwrap();
    let next = world.next(21).await;
    next.plan(endpoint("ml.m5.large", None)).await;
    next.drive().await.unwrap();
    assert_eq!(next.sagemaker.retained(), Some(false));
    assert_eq!(scaling(&next).await, None);
    // Nothing scales it, so the definition's count applies.
    let later = next.next(22).await;
    later.plan(endpoint("ml.m5.large", None)).await;
    later.drive().await.unwrap();
    assert_eq!(later.sagemaker.retained(), Some(false));
    // A policy of somebody else keeps its count.
    later.sagemaker.scale_by_others(PIPELINE);
    let last = later.next(23).await;
    last.plan(endpoint("ml.m5.large", None)).await;
    last.drive().await.unwrap();
    assert_eq!(last.sagemaker.retained(), Some(true));
}

#[tokio::test]
async fn another_instance_type_is_not_scaled_while_it_comes_into_service() {
    let world = World::new(20).await;
    world.plan(endpoint("ml.m5.large", Some(4))).await;
    world.drive().await.unwrap();
    let next = world.next(21).await;
    next.plan(endpoint("ml.c5.large", Some(4))).await;
    next.drive().await.unwrap();
    let after = operations(&next);
    let place = |operation: &str| after.iter().rposition(|it| it == operation).unwrap();
    assert!(place("DeleteScalingPolicy") < place("UpdateEndpoint"));
    assert!(place("UpdateEndpoint") < place("PutScalingPolicy"));
    assert_eq!(scaling(&next).await.unwrap().max_instances, 4);
}

#[tokio::test]
async fn a_champion_after_a_rollback_is_scaled_as_before() {
    for fails in [true, false] {
        let world = World::new(20).await;
        world.plan(endpoint("ml.m5.large", Some(4))).await;
        world.drive().await.unwrap();
        let next = world.next(21).await;
        next.plan(endpoint("ml.c5.large", Some(9))).await;
        let expected = if fails {
            let outcome = EndpointOutcome::RollsBack(None);
            next.sagemaker.script_endpoint(outcome);
            ErrorName::RolledBack
        } else {
            next.sagemaker.script_answer("text/csv", "nan\n");
            ErrorName::SmokeTestFailed
        };
        assert_eq!(next.drive().await.unwrap_err().name(), expected);
        assert_eq!(next.config().await, name_of(20));
        assert_eq!(
            scaling(&next).await.unwrap().max_instances,
            4,
            "{expected:?}"
        );
    }
}

#[tokio::test]
async fn a_crash_at_any_point_leaves_it_scaled_as_defined() {
    for polls in 1.. {
        let world = World::new(20).await;
        world.plan(endpoint("ml.m5.large", Some(4))).await;
        world.drive().await.unwrap();
        let next = world.next(21).await;
        next.plan(endpoint("ml.c5.large", Some(8))).await;
        let mut finished = true;
        for _ in 0..6 {
            finished &= poll_at_most(polls, next.call()).is_some();
        }
        next.drive().await.unwrap();
        assert_eq!(scaling(&next).await.unwrap().max_instances, 8, "{polls}");
        assert_eq!(next.champion().await.unwrap().run, next.run);
        if finished {
            return;
        }
    }
}
