//! What the notice of a failed run says to the person on call.

use crate::execution::{ARN, ClosedLake, Mailbox, Recorded};
use crate::lake::{self, run_keys};
use crate::{FAILURES, failed};
use ::lake::executions::Failure;
use ::lake::{MemoryStore, ObjectStore, RunKeys};
use contract::failed::{FailedOutput, FailedRequest};
use contract::{ErrorName, ExecutionStatus, Named};
use publish_report::{PublishReportError, report_failed};

async fn report(
    store: &impl ObjectStore,
    execution: &Recorded,
    mailbox: &Mailbox,
) -> Result<FailedOutput, PublishReportError> {
    let execution_arn = ARN.to_owned();
    let request = FailedRequest {
        execution: execution_arn,
    };
    report_failed(store, execution, mailbox, "millrace", request).await
}

fn training_failed() -> Recorded {
    let (step, error, cause) = FAILURES[5];
    Recorded::failed(step, error, cause)
}

#[tokio::test]
async fn a_notice_says_what_why_since_when_and_what_to_do() {
    let (step, error, cause) = FAILURES[5];
    let (_, mailbox) = failed(step, error, cause).await;
    let sent = mailbox.sent.into_inner().unwrap();
    assert_eq!(sent.len(), 1);
    assert_eq!(
        sent[0].subject,
        "millrace: default failed in StartTraining: TrainingFailed"
    );
    let run = lake::run();
    for line in [
        format!("Pipeline default, run {run}"),
        "What happened: the training job failed; the line has SageMaker's reason".to_owned(),
        format!("Cause: {cause}"),
        "Since: 2026-11-20 17:48 UTC; it started at 2026-11-20 17:30 UTC and ran for 18 min 31 s"
            .to_owned(),
        format!(
            "In service: The endpoint films serves the model of run {}.",
            lake::CHAMPION
        ),
        "What to do: read the job's log, correct image or hyperparameters, start again".to_owned(),
        format!(
            "To continue in the step that failed: millrace redrive {ARN} --region eu-central-1"
        ),
        format!(
            "Its page: https://console.aws.amazon.com/s3/object/memory?region=eu-central-1&prefix={}",
            run_keys().page()
        ),
        format!(
            "Its execution: https://console.aws.amazon.com/states/home?region=eu-central-1#/v2/executions/details/{ARN}"
        ),
    ] {
        assert!(
            sent[0].body.lines().any(|it| it == line),
            "{line}\nis not in\n{}",
            sent[0].body
        );
    }
}

#[tokio::test]
async fn a_failure_is_told_once_and_again_after_a_redrive() {
    let mut execution = training_failed();
    let store = lake::lake(&lake::films(), execution.entered, 0.62, true).await;
    let mailbox = Mailbox::default();
    let first = report(&store, &execution, &mailbox).await.unwrap();
    assert!(first.notified && first.page_key == Some(run_keys().page()));
    assert!(!report(&store, &execution, &mailbox).await.unwrap().notified);
    execution.redrives = 1;
    assert!(report(&store, &execution, &mailbox).await.unwrap().notified);
    assert_eq!(mailbox.sent.into_inner().unwrap().len(), 2);
}

#[tokio::test]
async fn a_run_that_goes_on_or_succeeded_is_left_alone() {
    for status in [
        ExecutionStatus::Running,
        ExecutionStatus::PendingRedrive,
        ExecutionStatus::Succeeded,
    ] {
        let execution = Recorded {
            status,
            ..training_failed()
        };
        let (store, mailbox) = (MemoryStore::new(), Mailbox::default());
        let output = report(&store, &execution, &mailbox).await.unwrap();
        assert!(!output.notified && output.page_key.is_none());
        assert!(store.list("").await.unwrap().is_empty());
        assert!(mailbox.sent.into_inner().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_stopped_run_and_one_that_ran_out_of_time_are_told_too() {
    for (status, words) in [
        (ExecutionStatus::Aborted, "was stopped in StartTraining"),
        (
            ExecutionStatus::TimedOut,
            "ran out of time in StartTraining",
        ),
    ] {
        let execution = Recorded {
            status,
            failure: None,
            ..training_failed()
        };
        let (store, mailbox) = (MemoryStore::new(), Mailbox::default());
        report(&store, &execution, &mailbox).await.unwrap();
        let sent = mailbox.sent.into_inner().unwrap();
        assert_eq!(sent[0].subject, format!("millrace: default {words}"));
        assert!(sent[0].body.contains("What to do: "), "{}", sent[0].body);
    }
}

#[tokio::test]
async fn an_execution_that_ran_out_of_time_is_not_a_call_that_did() {
    let failure = Failure {
        error: "States.Timeout".to_owned(),
        cause: String::new(),
    };
    let execution = Recorded {
        status: ExecutionStatus::TimedOut,
        failure: Some(failure),
        ..training_failed()
    };
    let (store, mailbox) = (MemoryStore::new(), Mailbox::default());
    report(&store, &execution, &mailbox).await.unwrap();
    let sent = mailbox.sent.into_inner().unwrap();
    let words = "What happened: two days have passed";
    assert!(sent[0].body.contains(words), "{}", sent[0].body);
}

#[tokio::test]
async fn a_notice_is_sent_although_the_lake_or_the_history_is_closed() {
    let (closed, open) = (ClosedLake(MemoryStore::new()), MemoryStore::new());
    let without_history = Recorded {
        has_history: false,
        ..training_failed()
    };
    let mailbox = Mailbox::default();
    let of_lake = report(&closed, &training_failed(), &mailbox).await;
    let of_history = report(&open, &without_history, &mailbox).await;
    for refused in [of_lake, of_history] {
        assert_eq!(refused.unwrap_err().name(), ErrorName::AccessDenied);
    }
    let sent = mailbox.sent.into_inner().unwrap();
    assert_eq!(sent.len(), 2);
    for notice in sent {
        assert!(
            notice.subject.contains("default failed"),
            "{}",
            notice.subject
        );
    }
    // A page without steps does not replace one that has them.
    assert!(open.get(&run_keys().page()).await.is_err());
}

#[tokio::test]
async fn a_notice_is_sent_although_the_page_cannot_be_written() {
    let execution = training_failed();
    let store = lake::lake(&lake::films(), execution.entered, 0.62, true).await;
    store.put(&run_keys().plan(), "{".into()).await.unwrap();
    let mailbox = Mailbox::default();
    let error = report(&store, &execution, &mailbox).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::DatasetInvalid);
    let sent = mailbox.sent.into_inner().unwrap();
    assert!(
        sent[0].body.contains("Its page could not be written: "),
        "{}",
        sent[0].body
    );
    assert!(sent[0].body.contains("plan.json"), "{}", sent[0].body);
}

#[tokio::test]
async fn an_input_without_a_pipeline_has_a_notice_and_no_page() {
    let mut execution =
        Recorded::failed("PlanExport", "InvalidDefinition", "`pipeline`: not a name");
    execution.input = r#"{"pipeline": "a/../b"}"#.to_owned();
    let (store, mailbox) = (MemoryStore::new(), Mailbox::default());
    let output = report(&store, &execution, &mailbox).await.unwrap();
    assert!(output.notified && output.run.is_none() && output.page_key.is_none());
    assert!(store.list("").await.unwrap().is_empty());
    let sent = mailbox.sent.into_inner().unwrap();
    assert!(
        sent[0]
            .subject
            .ends_with("failed in PlanExport: InvalidDefinition")
    );
}

#[tokio::test]
async fn a_notice_that_is_refused_is_an_error_and_is_sent_by_the_next_call() {
    let execution = training_failed();
    let store = lake::lake(&lake::films(), execution.entered, 0.62, true).await;
    let full = Mailbox {
        is_full: true,
        ..Mailbox::default()
    };
    let error = report(&store, &execution, &full).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::Throttled);
    let keys: &RunKeys = &run_keys();
    assert!(store.get(&keys.page()).await.is_ok(), "the page is there");
    assert!(
        report(&store, &execution, &Mailbox::default())
            .await
            .unwrap()
            .notified
    );
}
