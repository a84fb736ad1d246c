//! Every end of a deployment, called again and again, and through crashes at every point.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

mod support;

use contract::definition::Shift;
use contract::states::Status;
use contract::{ErrorName, Named};
use lake::memory::poll_at_most;
use lake::{ObjectStore, documents};
use model::memory::{EndpointOutcome, Fault};
use model::{EndpointStatus, Endpoints};
use serde_json::json;
use std::time::Duration;
use support::{PIPELINE, RUN, World, name_of};

// The first deployment.

#[tokio::test]
async fn the_first_model_gets_its_endpoint_and_proves_itself() {
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
        (champion.run.as_str(), &champion.endpoint_config),
        (RUN, &name)
    );
    assert_eq!(champion.dataset, world.keys().dataset());
}

#[tokio::test]
async fn what_is_done_is_told_again_and_changes_nothing() {
    let world = World::new(20).await;
    let done = world.drive().await.unwrap();
    let log = world.sagemaker.log();
    assert_eq!(world.call().await.unwrap(), done);
    assert_eq!(world.sagemaker.log(), log);
}

#[tokio::test]
async fn without_validation_rows_the_training_data_is_asked_about() {
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

// Rollbacks.

#[tokio::test]
async fn a_rollback_is_told_with_or_without_a_reason_and_can_be_tried_again() {
    for reason in [
        Some("the container did not pass the ping health check"),
        None,
    ] {
        let world = World::new(20).await;
        world.drive().await.unwrap();
        let next = world.next(21).await;
        let outcome = EndpointOutcome::RollsBack(reason.map(str::to_owned));
        next.sagemaker.script_endpoint(outcome);
        let error = next.drive().await.unwrap_err();
        let text = error.to_string();
        assert_eq!(error.name(), ErrorName::RolledBack, "{text}");
        assert!(text.contains(reason.unwrap_or("gives no reason")), "{text}");
        assert_eq!(next.champion().await.unwrap().run, world.run);
        assert_eq!(next.count("UpdateEndpoint"), 1);
        assert!(next.record().await.is_none());

        next.drive().await.unwrap();
        assert_eq!(next.config().await, name_of(21));
    }
}

#[tokio::test]
async fn a_description_that_lags_behind_is_no_rollback() {
    let mut world = World::new(20).await;
    world.settle = Duration::from_hours(1);
    world.drive().await.unwrap();
    let next = world.next(21).await;
    next.sagemaker
        .script_endpoint(EndpointOutcome::RollsBack(None));
    for _ in 0..10 {
        let output = next.call().await.unwrap();
        assert_eq!(output.status, Status::InProgress);
    }
    assert_eq!(next.count("UpdateEndpoint"), 1);
}

#[tokio::test]
async fn an_update_by_somebody_else_is_not_fought_over() {
    let world = World::new(20).await;
    world.drive().await.unwrap();
    let next = world.next(21).await;
    next.call().await.unwrap();
    while next.config().await != name_of(21) {}
    next.plant("theirs").await;
    next.sagemaker
        .update_endpoint(PIPELINE, "theirs", None)
        .await
        .unwrap();
    let error = next.drive().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::Conflict);
    assert!(error.to_string().contains("theirs"), "{error}");
    assert_eq!(next.count("UpdateEndpoint"), 2);
}

#[tokio::test]
async fn an_update_of_others_before_ours_is_waited_for() {
    let world = World::new(20).await;
    world.drive().await.unwrap();
    let next = world.next(21).await;
    next.plant("theirs").await;
    next.sagemaker
        .update_endpoint(PIPELINE, "theirs", None)
        .await
        .unwrap();
    next.drive().await.unwrap();
    assert_eq!(next.config().await, name_of(21));
    // What is known to have served is what to go back to, but what was in force is kept as well.
    let champion = next.champion().await.unwrap();
    assert_eq!(champion.previous_endpoint_config, Some(name_of(20)));
}

// Endpoints that cannot serve.

#[tokio::test]
async fn every_status_without_a_way_on_is_told_with_its_reason() {
    for status in [
        EndpointStatus::Failed,
        EndpointStatus::OutOfService,
        EndpointStatus::Deleting,
        EndpointStatus::UpdateRollbackFailed,
    ] {
        let world = World::new(20).await;
        let outcome = EndpointOutcome::Ends(status, "no memory left".to_owned());
        world.sagemaker.script_endpoint(outcome);
        for _ in 0..2 {
            let error = world.drive().await.unwrap_err();
            let text = error.to_string();
            assert_eq!(error.name(), ErrorName::DeploymentFailed);
            assert!(
                text.contains(status.as_str()) && text.contains("no memory left"),
                "{text}"
            );
        }
        assert!(world.champion().await.is_none());
    }
}

const BAD: &str = "0.5\nNaN\n0.5\n0.5\n0.5\n";

#[tokio::test]
async fn a_model_that_fails_the_smoke_test_is_taken_back_and_the_champion_serves_on() {
    let world = World::new(20).await;
    world.drive().await.unwrap();
    let next = world.next(21).await;
    next.sagemaker.script_answer("text/csv", BAD);
    let error = next.drive().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::SmokeTestFailed);
    let text = error.to_string();
    assert!(
        text.contains("NaN") && text.contains(&format!("back on {}", name_of(20))),
        "{text}"
    );
    assert_eq!(next.champion().await.unwrap().run, world.run);
    assert_eq!(next.config().await, name_of(20), "nothing is left half-way");
    // A redrive tries again.
    next.drive().await.unwrap();
    assert_eq!(next.champion().await.unwrap().run, next.run);
}

#[tokio::test]
async fn a_first_model_that_fails_the_smoke_test_has_nothing_to_go_back_to() {
    let world = World::new(20).await;
    world.sagemaker.script_answer("text/csv", BAD);
    let error = world.drive().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::SmokeTestFailed, "{error}");
    assert!(world.champion().await.is_none());
    world.drive().await.unwrap();
}

#[tokio::test]
async fn a_crash_on_the_way_back_still_ends_on_the_champion() {
    for polls in 0..60 {
        let world = World::new(20).await;
        world.drive().await.unwrap();
        let next = world.next(21).await;
        // Every answer of the new model is bad, also when the endpoint is asked again.
        for _ in 0..8 {
            next.sagemaker.script_answer("text/csv", BAD);
        }
        for _ in 0..6 {
            let _ = poll_at_most(polls, next.call());
        }
        let mut told = 0;
        for _ in 0..20 {
            if let Err(error) = next.call().await {
                assert_eq!(error.name(), ErrorName::SmokeTestFailed, "{error}");
                told += 1;
                break;
            }
        }
        assert_eq!(told, 1, "after {polls} polls");
        assert_eq!(next.champion().await.unwrap().run, world.run);
        assert_eq!(next.config().await, name_of(20), "after {polls} polls");
    }
}

#[tokio::test]
async fn a_lost_request_or_answer_at_any_call_ends_in_the_same_place() {
    for fault in [Fault::RequestLost, Fault::AnswerLost] {
        for number in 0.. {
            let world = World::new(20).await;
            world.drive().await.unwrap();
            let next = world.next(21).await;
            next.sagemaker.fail_call(number, fault);
            if let Err(error) = next.drive().await {
                assert_eq!(error.name(), ErrorName::ServiceUnavailable, "{error}");
                next.drive().await.unwrap();
            }
            if !next.sagemaker.has_failed() {
                assert!(number > 10, "only {number} calls to fail");
                break;
            }
            assert_eq!(next.config().await, name_of(21), "call {number}");
            assert_eq!(next.champion().await.unwrap().run, next.run);
            assert_eq!(next.count("CreateModel"), 2, "call {number}");
        }
    }
}

// What an endpoint may be.

fn instances() -> serde_json::Value {
    json!({"instances": {"instanceType": "ml.m5.large", "count": 2}})
}

#[tokio::test]
async fn an_endpoint_on_instances_is_updated_by_a_canary_under_the_stacks_alarms() {
    let world = World::new(20).await;
    world.plan(json!({"compute": instances()})).await;
    world.drive().await.unwrap();
    let next = world.next(21).await;
    next.plan(json!({"compute": instances()})).await;
    next.drive().await.unwrap();
    let guard = next.sagemaker.guard().unwrap();
    assert_eq!(guard.shift, Shift::Canary { percent: 10 });
    assert_eq!(guard.alarms, ["errors", "latency"]);
    assert_eq!(guard.bake_seconds, 300);

    let last = next.next(22).await;
    let guardrails = json!({"shift": "allAtOnce", "bakeSeconds": 0, "alarms": []});
    last.plan(json!({"compute": instances(), "guardrails": guardrails}))
        .await;
    last.drive().await.unwrap();
    let guard = last.sagemaker.guard().unwrap();
    assert_eq!((guard.shift, guard.alarms.len()), (Shift::AllAtOnce, 0));
}

#[tokio::test]
async fn a_serverless_endpoint_is_updated_without_guardrails() {
    let world = World::new(20).await;
    world.drive().await.unwrap();
    let next = world.next(21).await;
    next.drive().await.unwrap();
    assert_eq!(next.sagemaker.guard(), None);
}

#[tokio::test]
async fn capture_environment_and_network_reach_model_and_configuration() {
    let world = World::new(20).await;
    world
        .plan(json!({
            "compute": instances(), "dataCapture": {"percent": 25}, "startupSeconds": 600,
            "environment": {"LEVEL": "info"},
        }))
        .await;
    world.drive().await.unwrap();
    let config = world
        .sagemaker
        .describe_config(&world.name())
        .await
        .unwrap();
    let config = config.unwrap();
    let capture = config.capture.unwrap();
    assert_eq!((capture.percent, config.startup_seconds), (25, Some(600)));
    assert_eq!(capture.destination, "s3://memory/captured/default");
    let model = world.sagemaker.describe_model(&world.name()).await.unwrap();
    assert!(model.unwrap().environment.contains_key("LEVEL"));
}

#[tokio::test]
async fn instances_are_not_asked_to_become_serverless() {
    let world = World::new(20).await;
    world.plan(json!({"compute": instances()})).await;
    world.drive().await.unwrap();
    let next = world.next(21).await;
    let error = next.drive().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::InvalidDefinition);
    assert!(error.to_string().contains("serverless"), "{error}");
    assert_eq!(next.count("UpdateEndpoint"), 0);
    assert_eq!(next.config().await, name_of(20));
}

#[tokio::test]
async fn a_container_that_refuses_fails_the_smoke_test_and_a_busy_service_does_not() {
    for (answered, told) in [
        (ErrorName::ServiceRejected, ErrorName::SmokeTestFailed),
        (ErrorName::Throttled, ErrorName::Throttled),
        (ErrorName::ServiceUnavailable, ErrorName::ServiceUnavailable),
    ] {
        let world = World::new(20).await;
        world
            .sagemaker
            .refuse("InvokeEndpoint", answered, "ModelError", "status 500");
        assert_eq!(world.drive().await.unwrap_err().name(), told);
        world.drive().await.unwrap();
    }
}

// Things of our name.

#[tokio::test]
async fn a_model_of_our_name_that_differs_is_a_conflict() {
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
async fn a_configuration_of_our_name_that_differs_is_a_conflict() {
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
async fn names_taken_or_not_known_everywhere_yet_are_looked_at_again() {
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

// Who may be deployed.

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

// What is kept.

#[tokio::test]
async fn old_configurations_go_and_what_is_needed_stays() {
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
    // 10 is the champion before; 11 and 12 were taken back.
    assert_eq!(world.sagemaker.configs(), [10, 13].map(name_of));
}

#[tokio::test]
async fn what_serves_under_the_endpoints_old_name_stays() {
    let mut world = World::new(10).await;
    world.plan(json!({"name": "before"})).await;
    world.drive().await.unwrap();
    for day in 11..=14 {
        world = world.next(day).await;
        world.drive().await.unwrap();
    }
    assert_eq!(world.sagemaker.configs(), [10, 12, 13, 14].map(name_of));
}

// Crashes.

#[tokio::test]
async fn a_crash_at_any_point_of_any_call_ends_in_the_same_place() {
    let mut polls = 0;
    loop {
        let world = World::new(19).await;
        world.drive().await.unwrap();
        let mut world = world.next(20).await;
        world.drive().await.unwrap();
        world = world.next(21).await;
        world.plan(json!({"keep": 2})).await;
        // Six looks see the deployment through; each of them dies at the same point first.
        let mut died = false;
        for _ in 0..6 {
            died |= poll_at_most(polls, world.call()).is_none();
        }
        world.drive().await.unwrap();
        assert_eq!(world.config().await, name_of(21), "after {polls} polls");
        let champion = world.champion().await.unwrap();
        assert_eq!(champion.previous_endpoint_config, Some(name_of(20)));
        let record = world.record().await.unwrap();
        assert_eq!(record.previous_endpoint_config, Some(name_of(20)));
        assert_eq!(world.sagemaker.configs(), [20, 21].map(name_of));
        assert_eq!(world.sagemaker.models(), [20, 21].map(name_of));
        assert_eq!(world.count("UpdateEndpoint"), 2, "after {polls} polls");
        if !died {
            break;
        }
        polls += 1;
    }
    assert!(polls > 35, "only {polls} points to crash at");
}

#[tokio::test]
async fn a_crash_around_an_update_that_is_rolled_back_still_tells_the_rollback() {
    for polls in 0..60 {
        let world = World::new(20).await;
        world.drive().await.unwrap();
        let next = world.next(21).await;
        // Twice, since the update may be asked for once more.
        for _ in 0..2 {
            next.sagemaker
                .script_endpoint(EndpointOutcome::RollsBack(None));
        }
        let _ = poll_at_most(polls, next.call());
        let error = next.drive().await.unwrap_err();
        assert_eq!(
            error.name(),
            ErrorName::RolledBack,
            "after {polls} polls: {error}"
        );
        assert_eq!(next.champion().await.unwrap().run, world.run);
    }
}

#[tokio::test]
async fn the_intent_is_there_before_the_update_is_asked_for() {
    let world = World::new(20).await;
    world.drive().await.unwrap();
    let next = world.next(21).await;
    next.sagemaker.refuse(
        "UpdateEndpoint",
        ErrorName::ServiceRejected,
        "ValidationException",
        "no",
    );
    assert_eq!(
        next.call().await.unwrap_err().name(),
        ErrorName::ServiceRejected
    );
    let text = next
        .store
        .get(&next.keys().deployment_intent())
        .await
        .unwrap();
    let intent: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(intent, json!({"from": name_of(20), "to": name_of(21)}));
    // Not taken, so it is asked for again.
    next.drive().await.unwrap();
    let intent: lake::records::DeploymentIntent =
        documents::read(&next.store, &next.keys().deployment_intent(), "an intent")
            .await
            .unwrap();
    assert!(intent.requested_at.is_some());
}
