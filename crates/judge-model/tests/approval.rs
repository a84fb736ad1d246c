//! A person is asked, answers or does not answer, and the verdict says so.

#![allow(clippy::unwrap_used)] // A test that cannot continue has failed.

mod support;

use contract::states::{Decision, Verdict};
use lake::memory::poll_at_most;
use lake::records::{ApprovalDecision, ApprovalRecord, ApprovalRequest, Plan, VerdictRecord};
use lake::{ObjectStore, documents};
use serde_json::json;
use support::{BEFORE, World, run, run_keys};

async fn asking(rmse: f64) -> World {
    World::with(Some(rmse), json!({"approval": {"withinHours": 2}})).await
}

async fn answer(world: &World, decision: ApprovalDecision) {
    let record = ApprovalRecord {
        decision,
        at: 1,
        by: Some("eva".to_owned()),
        reason: Some("looks\ngood".to_owned()),
    };
    documents::commit(&world.store, &run_keys().approval(), &record)
        .await
        .unwrap();
}

async fn request(world: &World) -> ApprovalRequest {
    documents::read(&world.store, &run_keys().approval_request(), "a request")
        .await
        .unwrap()
}

#[tokio::test]
async fn the_message_says_how_to_approve_and_the_answer_becomes_the_verdict() {
    for (decision, verdict, words) in [
        (
            ApprovalDecision::Approved,
            Verdict::Promote,
            "approved by eva: looks good",
        ),
        (
            ApprovalDecision::Rejected,
            Verdict::Keep,
            "rejected by eva: looks good",
        ),
    ] {
        let world = asking(0.5).await;
        let asked = world.call().await.unwrap();
        assert_eq!(asked.verdict, Decision::AskApproval);
        let command = |verb: &str| {
            format!(
                "millrace {verb} {} --bucket memory --pipeline default",
                run()
            )
        };
        for part in [
            command("approve"),
            command("reject"),
            "within 2 hours".to_owned(),
            "the first model of this pipeline".to_owned(),
            "https://console.aws.amazon.com/states/home?region=#/v2/executions/details/arn:e"
                .to_owned(),
        ] {
            assert!(asked.reason.contains(&part), "{part}: {}", asked.reason);
        }
        assert!(world.store.get(&run_keys().verdict()).await.is_err());

        let waiting = world.call_with(Some("token")).await.unwrap();
        assert_eq!(waiting.verdict, Decision::AwaitApproval);
        assert_eq!(request(&world).await.task_token, "token");
        assert_eq!(
            world.call().await.unwrap().verdict,
            Decision::AwaitApproval,
            "sent once"
        );

        answer(&world, decision).await;
        let output = world.call().await.unwrap();
        assert_eq!(output.verdict, verdict.into());
        assert!(output.reason.ends_with(words), "{}", output.reason);
        let record: VerdictRecord = documents::read(&world.store, &run_keys().verdict(), "it")
            .await
            .unwrap();
        assert_eq!((record.verdict, &record.reason), (verdict, &output.reason));
        assert_eq!(world.call().await.unwrap(), output);
    }
}

#[tokio::test]
async fn nobody_is_asked_about_a_model_that_is_not_better() {
    let world = asking(0.5).await;
    world.crown(BEFORE, 0.4).await;
    assert_eq!(world.call().await.unwrap().verdict, Decision::Keep);
    assert!(world.store.get(&run_keys().proposal()).await.is_err());
}

#[tokio::test]
async fn after_the_deadline_the_champion_stays_whatever_is_answered_later() {
    let world = asking(0.5).await;
    world.call().await.unwrap();
    world.call_with(Some("token")).await.unwrap();
    let mut long_ago = request(&world).await;
    let limit = 2 * 3600;
    long_ago.asked_at -= limit - 60;
    let key = run_keys().approval_request();
    documents::write(&world.store, &key, &long_ago)
        .await
        .unwrap();
    // Another token does not restart the deadline.
    let waiting = world.call_with(Some("other")).await.unwrap();
    assert_eq!(waiting.verdict, Decision::AwaitApproval);
    assert_eq!(request(&world).await.asked_at, long_ago.asked_at);

    long_ago.asked_at -= 60;
    documents::write(&world.store, &key, &long_ago)
        .await
        .unwrap();
    let output = world.call().await.unwrap();
    assert_eq!(output.verdict, Decision::Keep);
    let words = "nobody approved it within 2 hours";
    assert!(output.reason.ends_with(words), "{}", output.reason);
    answer(&world, ApprovalDecision::Approved).await;
    assert_eq!(world.call().await.unwrap(), output);
}

#[tokio::test]
async fn an_answer_in_time_counts_even_if_it_is_read_late() {
    let world = asking(0.5).await;
    world.call().await.unwrap();
    world.call_with(Some("token")).await.unwrap();
    answer(&world, ApprovalDecision::Approved).await;
    let mut long_ago = request(&world).await;
    long_ago.asked_at = 0;
    let key = run_keys().approval_request();
    documents::write(&world.store, &key, &long_ago)
        .await
        .unwrap();
    assert_eq!(world.call().await.unwrap().verdict, Decision::Promote);
}

#[tokio::test]
async fn a_person_decides_on_what_was_proposed_whatever_serves_by_then() {
    let world = asking(0.5).await;
    let asked = world.call().await.unwrap();
    world.crown(BEFORE, 0.1).await;
    world.call_with(Some("token")).await.unwrap();
    answer(&world, ApprovalDecision::Approved).await;
    let output = world.call().await.unwrap();
    assert_eq!((output.verdict, output.champion), (Decision::Promote, None));
    assert_eq!(asked.champion, None);
}

#[tokio::test]
async fn a_crash_at_any_point_of_any_call_ends_in_the_same_place() {
    for polls in 0..40 {
        let world = asking(0.5).await;
        let _ = poll_at_most(polls, world.call());
        assert_eq!(world.call().await.unwrap().verdict, Decision::AskApproval);
        let _ = poll_at_most(polls, world.call_with(Some("token")));
        world.call_with(Some("token")).await.unwrap();
        answer(&world, ApprovalDecision::Approved).await;
        let _ = poll_at_most(polls, world.call());
        let output = world.call().await.unwrap();
        assert_eq!(output.verdict, Decision::Promote, "after {polls} polls");
        assert_eq!(world.sagemaker.packages().len(), 1);
    }
}

#[tokio::test]
async fn a_definition_says_whether_a_message_is_sent_and_its_subject() {
    for (notify, verdict, subject) in [
        (
            json!({"subjects": {"approval": "Films: a new model"}}),
            Decision::AskApproval,
            "Films: a new model",
        ),
        (
            json!({"on": ["success"]}),
            Decision::AwaitApproval,
            "default awaits approval",
        ),
    ] {
        let world = asking(0.5).await;
        let key = run_keys().plan();
        let mut plan: Plan = documents::read(&world.store, &key, "the plan")
            .await
            .unwrap();
        plan.definition.notify = Some(serde_json::from_value(notify).unwrap());
        documents::write(&world.store, &key, &plan).await.unwrap();
        let asked = world.call().await.unwrap();
        assert_eq!(asked.verdict, verdict);
        assert!(asked.subject.ends_with(subject), "{}", asked.subject);
    }
}
