//! A model that awaits a person's approval, on local AWS with the deployed functions: the run waits
//! for its token, follows the decision, and serves the approved model.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use contract::RunId;
use contract::states::{Outcome, PublishReportOutput, Verdict};
use end_to_end::pipeline::Pipeline;
use lake::records::{ApprovalDecision, ApprovalRequest, Champion, VerdictRecord};
use lake::{ObjectStore, RunKeys, documents, keys};
use millrace::approval::{self, Answer, ApprovalError};
use millrace::demo::data::Interactions;
use millrace::demo::{self, TABLE};
use millrace::execution::Execution;
use serde_json::json;
use std::time::Duration;

const PIPELINE: &str = "default";
const ITEMS: usize = 20_000;
/// From an execution's start to its question.
const PATIENCE: Duration = Duration::from_mins(3);

/// Starts a run, and waits until it asks.
async fn asking(pipeline: &Pipeline) -> (Execution, RunKeys) {
    let asked = async || -> Vec<String> {
        let reports = pipeline.lake.list("reports/").await.unwrap();
        let keys = reports.into_iter().map(|object| object.key);
        keys.filter(|key| key.ends_with("/approval-request.json"))
            .collect()
    };
    let before = asked().await;
    let execution = pipeline.start_run(&json!({})).await;
    let key = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(key) = asked().await.into_iter().find(|key| !before.contains(key)) {
                return key;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    let key = key.await.expect("the run asks");
    let run = key.split("run=").nth(1).unwrap().split('/').next().unwrap();
    (
        execution,
        RunKeys::new(PIPELINE, &RunId::parse(run).unwrap()),
    )
}

async fn decide(
    pipeline: &Pipeline,
    keys: &RunKeys,
    decision: ApprovalDecision,
) -> Result<String, ApprovalError> {
    let machines = aws::sfn::StateMachines::new(pipeline.local.aws_config());
    let answer = Answer {
        pipeline: PIPELINE,
        run: keys.run(),
        decision,
        by: Some("ada".to_owned()),
        reason: Some("the rmse of new users".to_owned()),
    };
    let given = approval::decide(&pipeline.lake, &machines, answer).await?;
    Ok(given.text())
}

async fn ended(execution: Execution) -> PublishReportOutput {
    let finished = execution.wait().await.expect("the execution succeeds");
    contract::read::from_value(finished.output).unwrap()
}

async fn champion(pipeline: &Pipeline) -> Option<Champion> {
    documents::read_if_there(&pipeline.lake, &keys::champion(PIPELINE), "the champion")
        .await
        .unwrap()
}

async fn verdict(pipeline: &Pipeline, keys: &RunKeys) -> VerdictRecord {
    documents::read(&pipeline.lake, &keys.verdict(), "the verdict")
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_for_a_person_and_follows_the_decision() {
    let pipeline = Pipeline::start().await;
    let interactions = Interactions::generate(42, ITEMS);
    pipeline.fill(TABLE, &interactions).await;
    let mut definition = serde_json::to_value(demo::definition()).unwrap();
    definition["promotion"]["approval"] = json!({"withinHours": 1});
    // So that the same data again is worth a question.
    definition["promotion"]["minimumGain"] = json!(-1.0);
    pipeline.define(PIPELINE, &definition.to_string()).await;

    let (execution, first) = asking(&pipeline).await;
    assert!(champion(&pipeline).await.is_none(), "nothing serves yet");
    let told = decide(&pipeline, &first, ApprovalDecision::Approved).await;
    assert!(told.unwrap().ends_with("the state machine continues\n"));
    let output = ended(execution).await;
    assert_eq!(
        (output.outcome, &output.run),
        (Outcome::Deployed, first.run())
    );
    let approved = verdict(&pipeline, &first).await;
    assert_eq!(approved.verdict, Verdict::Promote);
    assert!(
        approved.reason.contains("ada") && approved.reason.contains("new users"),
        "{}",
        approved.reason
    );
    assert_eq!(champion(&pipeline).await.unwrap().run, *first.run());

    let (execution, second) = asking(&pipeline).await;
    // Somebody else's token wakes nobody: the run waits on.
    let request: ApprovalRequest =
        documents::read(&pipeline.lake, &first.approval_request(), "a request")
            .await
            .unwrap();
    let machines = aws::sfn::StateMachines::new(pipeline.local.aws_config());
    assert!(!machines.send_back(&request.task_token).await.unwrap());
    decide(&pipeline, &second, ApprovalDecision::Rejected)
        .await
        .unwrap();
    let output = ended(execution).await;
    assert_eq!(
        (output.outcome, &output.run),
        (Outcome::KeptChampion, second.run())
    );
    let rejected = verdict(&pipeline, &second).await;
    assert_eq!(rejected.verdict, Verdict::Keep);
    assert!(rejected.reason.contains("rejected"), "{}", rejected.reason);
    assert_eq!(champion(&pipeline).await.unwrap().run, *first.run());

    // What is decided stands, and its token is used up.
    let late = decide(&pipeline, &second, ApprovalDecision::Approved).await;
    assert!(
        matches!(late, Err(ApprovalError::Decided { .. })),
        "{late:?}"
    );
    let again = decide(&pipeline, &second, ApprovalDecision::Rejected).await;
    assert!(again.unwrap().contains("no task waits for it now"));
    pipeline.local.stop().await.unwrap();
}
