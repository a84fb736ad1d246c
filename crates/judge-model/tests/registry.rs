//! A run's model is one version in the registry; its approval status follows the decision.

#![allow(clippy::unwrap_used)] // A test that cannot continue has failed.

mod support;

use contract::{ErrorName, Named};
use lake::memory::poll_at_most;
use lake::records::{ApprovalDecision, ApprovalRecord, ModelPackageRecord};
use lake::{ObjectStore, documents};
use sagemaker_ports::PackageApproval;
use sagemaker_ports::memory::Fault;
use serde_json::{Value, json};
use support::{BEFORE, World, run, run_keys};

fn only(world: &World) -> sagemaker_ports::memory::Package {
    let packages = world.sagemaker.packages();
    assert_eq!(packages.len(), 1, "{packages:?}");
    packages.into_iter().next().unwrap()
}

#[tokio::test]
async fn a_promoted_model_is_approved_with_its_metrics_and_another_is_rejected() {
    let world = World::trained(Some(0.5)).await;
    world.call().await.unwrap();
    let package = only(&world);
    assert_eq!(package.spec.group, "default");
    assert_eq!(package.spec.approval, PackageApproval::Approved);
    assert_eq!(package.spec.token, run().as_str());
    assert!(package.spec.token.len() <= 36);
    assert_eq!(
        (package.spec.image.as_str(), package.spec.artifact.as_str()),
        ("recommender:1", "s3://a")
    );
    assert_eq!(package.spec.properties["value"], "0.5");
    assert!(package.reason.unwrap().contains("the first model"));
    let metrics = world.store.get(&run_keys().model_metrics()).await.unwrap();
    let metrics: Value = serde_json::from_slice(&metrics).unwrap();
    assert_eq!(metrics["metrics"]["validation:rmse"]["value"], 0.5);
    assert!(package.spec.metrics.ends_with(&run_keys().model_metrics()));

    let world = World::trained(Some(0.5)).await;
    world.crown(BEFORE, 0.1).await;
    world.call().await.unwrap();
    assert_eq!(only(&world).spec.approval, PackageApproval::Rejected);
}

#[tokio::test]
async fn what_a_person_decides_reaches_the_registry() {
    let world = World::with(
        Some(0.5),
        json!({"approval": {}, "modelPackageGroup": "films"}),
    )
    .await;
    world.call().await.unwrap();
    let package = only(&world);
    assert_eq!(package.spec.group, "films");
    assert_eq!(
        package.spec.approval,
        PackageApproval::PendingManualApproval
    );
    world.call_with(Some("token")).await.unwrap();
    let record = ApprovalRecord {
        decision: ApprovalDecision::Rejected,
        at: 1,
        by: Some("eva".to_owned()),
        reason: None,
    };
    documents::commit(&world.store, &run_keys().approval(), &record)
        .await
        .unwrap();
    world.call().await.unwrap();
    let package = only(&world);
    assert_eq!(package.spec.approval, PackageApproval::Rejected);
    assert!(package.reason.unwrap().ends_with("rejected by eva"));
}

#[tokio::test]
async fn register_false_leaves_the_registry_alone() {
    let world = World::with(Some(0.5), json!({"register": false})).await;
    world.call().await.unwrap();
    assert!(world.sagemaker.log().is_empty());
}

#[tokio::test]
async fn a_refusal_is_reported_and_the_next_call_registers() {
    let world = World::trained(Some(0.5)).await;
    let name = ErrorName::AccessDenied;
    world
        .sagemaker
        .refuse("CreateModelPackage", name, "Code", "no");
    assert_eq!(world.call().await.unwrap_err().name(), name);
    world.call().await.unwrap();
    assert_eq!(only(&world).spec.approval, PackageApproval::Approved);
}

#[tokio::test]
async fn a_crash_or_a_lost_answer_at_any_point_makes_one_version() {
    for polls in 0..40 {
        let world = World::trained(Some(0.5)).await;
        let _ = poll_at_most(polls, world.call());
        world.call().await.unwrap();
        assert_eq!(only(&world).spec.approval, PackageApproval::Approved);
    }
    for fault in [Fault::RequestLost, Fault::AnswerLost] {
        for number in 0.. {
            let world = World::trained(Some(0.5)).await;
            world.sagemaker.fail_call(number, fault);
            if let Err(error) = world.call().await {
                assert_eq!(error.name(), ErrorName::ServiceUnavailable);
                world.call().await.unwrap();
            }
            assert_eq!(only(&world).spec.approval, PackageApproval::Approved);
            let key = run_keys().model_package();
            let record: ModelPackageRecord =
                documents::read(&world.store, &key, "it").await.unwrap();
            assert_eq!(record.approval, "Approved");
            if !world.sagemaker.has_failed() {
                assert!(number > 3, "only {number} calls to fail");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_group_of_another_owner_is_a_conflict_unless_it_may_be_adopted() {
    use sagemaker_ports::{ModelPackages, Owner};
    let world = World::trained(Some(0.5)).await;
    let other = Owner::new("shop", "other").tags();
    world
        .sagemaker
        .create_group("default", &other)
        .await
        .unwrap();
    let error = world.call().await.unwrap_err();
    assert_eq!(error.name(), ErrorName::Conflict);
    let text = error.to_string();
    assert!(
        text.contains("the pipeline other of the stack shop") && text.contains("endpoint.adopt"),
        "{text}"
    );
    assert!(world.sagemaker.packages().is_empty());

    let world = World::trained(Some(0.5)).await;
    world
        .sagemaker
        .create_group("default", &other)
        .await
        .unwrap();
    let key = run_keys().plan();
    let plan = world.store.get(&key).await.unwrap();
    let mut plan: Value = serde_json::from_slice(&plan).unwrap();
    plan["definition"]["endpoint"]["adopt"] = json!(true);
    documents::write(&world.store, &key, &plan).await.unwrap();
    world.call().await.unwrap();
    assert_eq!(world.sagemaker.packages().len(), 1);
    let tags = world.sagemaker.group_tags("default").await.unwrap();
    assert_eq!(tags, Some(Owner::new("shop", "default").tags()));
}
