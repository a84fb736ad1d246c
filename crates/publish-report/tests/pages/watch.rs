//! What people are told of runs that go on, of data that gets old, and of runs that ended well.

use crate::execution::{ARN, Mailbox, NoBus, Recorded};
use crate::lake::{self, run_keys};
use ::lake::executions::{
    DescribeExecution, ExecutionRecord, HistoryEvent, ListRunning, MapRunInfo, ReadHistory,
    RunningExecution,
};
use ::lake::records::Plan;
use ::lake::{MemoryStore, ObjectStore, documents};
use contract::checked::{CheckOutput, CheckRequest};
use contract::failed::{ReportInput, ReportOutput};
use contract::states::{Outcome, PublishReportInput};
use contract::{ErrorName, ExecutionStatus, Invocation, Named, ServiceError};
use definition::Definition;
use publish_report::{PublishReportError, answer};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

const MACHINE: &str = "arn:aws:states:eu-central-1:123456789012:stateMachine:millrace-retrain";

/// Step Functions with one execution, or none.
struct Machine {
    execution: Recorded,
    /// How long it has been running, if it is.
    age: Option<Duration>,
}

impl Machine {
    fn running_for(minutes: u64) -> Self {
        let mut execution = Recorded::succeeded();
        execution.status = ExecutionStatus::Running;
        execution.entered = 6;
        Self {
            execution,
            age: Some(Duration::from_mins(minutes)),
        }
    }

    fn idle() -> Self {
        Self {
            execution: Recorded::succeeded(),
            age: None,
        }
    }
}

impl ListRunning for Machine {
    async fn running(&self, machine: &str) -> Result<Vec<RunningExecution>, ServiceError> {
        assert_eq!(machine, MACHINE);
        Ok(self
            .age
            .iter()
            .map(|age| RunningExecution {
                arn: ARN.to_owned(),
                started: SystemTime::now() - *age,
            })
            .collect())
    }
}

impl DescribeExecution for Machine {
    async fn execution(&self, arn: &str) -> Result<ExecutionRecord, ServiceError> {
        self.execution.execution(arn).await
    }
}

impl ReadHistory for Machine {
    async fn events_of(&self, arn: &str) -> Result<Vec<HistoryEvent>, ServiceError> {
        self.execution.events_of(arn).await
    }

    async fn map_runs_of(&self, arn: &str) -> Result<Vec<MapRunInfo>, ServiceError> {
        self.execution.map_runs_of(arn).await
    }

    async fn failure_of_a_child(
        &self,
        arn: &str,
    ) -> Result<Option<::lake::executions::Failure>, ServiceError> {
        self.execution.failure_of_a_child(arn).await
    }
}

async fn report(
    store: &MemoryStore,
    machine: &Machine,
    mailbox: &Mailbox,
    input: ReportInput,
) -> Result<ReportOutput, PublishReportError> {
    let invocation = Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now(),
    };
    answer(
        store, &NoBus, machine, mailbox, "millrace", input, invocation,
    )
    .await
}

async fn check(store: &MemoryStore, machine: &Machine, mailbox: &Mailbox) -> CheckOutput {
    let request = CheckRequest {
        state_machine: MACHINE.to_owned(),
    };
    match report(store, machine, mailbox, ReportInput::Check(request)).await {
        Ok(ReportOutput::Checked(output)) => output,
        other => panic!("{other:?}"),
    }
}

/// A lake whose pipeline has these parts of a definition.
async fn with(parts: &Value) -> MemoryStore {
    let store = MemoryStore::new();
    let text = parts.to_string();
    store.put("config/default.json", text.into()).await.unwrap();
    store
}

/// Changes the definition of the run's plan.
async fn plan_says(store: &MemoryStore, change: impl FnOnce(&mut Definition)) {
    let key = run_keys().plan();
    let mut plan: Plan = documents::read(store, &key, "the plan").await.unwrap();
    change(&mut plan.definition);
    documents::write(store, &key, &plan).await.unwrap();
}

#[tokio::test]
async fn a_late_run_is_told_once_with_its_step_and_what_to_do() {
    let store = with(&json!({"late": {"afterMinutes": 60}})).await;
    let mailbox = Mailbox::default();
    let in_time = check(&store, &Machine::running_for(59), &mailbox).await;
    assert_eq!((in_time.running, in_time.late), (1, 0));
    // From the minute on that the definition says.
    let at_once = with(&json!({"late": {"afterMinutes": 60}})).await;
    let due = Machine::running_for(60);
    assert_eq!(check(&at_once, &due, &Mailbox::default()).await.late, 1);
    let late = Machine::running_for(61);
    // Since its last redrive, which Step Functions lists as its start.
    let since = || {
        let since = SystemTime::now() - Duration::from_mins(61);
        let since = jiff::Timestamp::try_from(since).unwrap();
        format!(
            "Since: {} UTC; it has run",
            since.strftime("%Y-%m-%d %H:%M")
        )
    };
    let before = since();
    assert_eq!(check(&store, &late, &mailbox).await.late, 1);
    let minutes = [before, since()];
    assert_eq!(check(&store, &late, &mailbox).await.late, 0);
    let sent = mailbox.sent.into_inner().unwrap();
    assert_eq!(sent.len(), 1);
    assert_eq!(
        sent[0].subject,
        "millrace: default is late: it has run for 1 h 1 min"
    );
    for words in [
        &format!("Pipeline default, run {}", lake::run()),
        "has not ended 60 minutes after its start or last redrive (late.afterMinutes)",
        "In the step: StartTraining, for ",
        &format!("What to do: millrace watch {ARN} --region eu-central-1"),
        &format!("#/v2/executions/details/{ARN}"),
    ] {
        assert!(sent[0].body.contains(words), "{words}\n{}", sent[0].body);
    }
    let is_since = minutes.iter().any(|since| sent[0].body.contains(since));
    assert!(is_since, "{minutes:?}\n{}", sent[0].body);
}

#[tokio::test]
async fn the_plan_of_a_run_says_when_it_is_late() {
    let store = lake::lake(&lake::films(), 6, 0.62, true).await;
    plan_says(&store, |definition| {
        definition.late = Some(definition::Late { after_minutes: 30 });
    })
    .await;
    let later = json!({"late": {"afterMinutes": 600}}).to_string();
    store
        .put("config/default.json", later.into())
        .await
        .unwrap();
    let mailbox = Mailbox::default();
    let output = check(&store, &Machine::running_for(31), &mailbox).await;
    assert_eq!(output.late, 1);
}

#[tokio::test]
async fn nobody_is_told_what_nobody_asked_for() {
    for parts in [
        json!({}),
        json!({"late": {"afterMinutes": 5}, "notify": {"on": ["success"]}}),
        json!({"late": {"afterMinutes": "soon"}}),
    ] {
        let (store, mailbox) = (with(&parts).await, Mailbox::default());
        let output = check(&store, &Machine::running_for(700), &mailbox).await;
        assert_eq!((output.running, output.late), (1, 0), "{parts}");
        assert!(mailbox.sent.into_inner().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_notice_that_cannot_be_sent_is_sent_by_the_next_look() {
    let store = with(&json!({
        "late": {"afterMinutes": 5}, "notify": {"subjects": {"late": "Films: late"}},
    }))
    .await;
    let full = Mailbox {
        is_full: true,
        ..Mailbox::default()
    };
    let request = CheckRequest {
        state_machine: MACHINE.to_owned(),
    };
    let late = Machine::running_for(6);
    let refused = report(&store, &late, &full, ReportInput::Check(request)).await;
    assert_eq!(refused.unwrap_err().name(), ErrorName::Throttled);
    let mailbox = Mailbox::default();
    assert_eq!(check(&store, &late, &mailbox).await.late, 1);
    assert_eq!(mailbox.sent.into_inner().unwrap()[0].subject, "Films: late");
}

/// Ends the run of the lake well.
async fn succeed(store: &MemoryStore, mailbox: &Mailbox) {
    let input = PublishReportInput {
        pipeline: "default".to_owned(),
        run: lake::run(),
        outcome: Outcome::Deployed,
    };
    let input = ReportInput::Succeeded(input);
    let ended = report(store, &Machine::idle(), mailbox, input).await;
    assert!(matches!(ended, Ok(ReportOutput::Succeeded(_))), "{ended:?}");
}

#[tokio::test]
async fn a_success_is_told_once_if_it_is_asked_for() {
    for (on, count) in [(json!([]), 0), (json!(["success"]), 1)] {
        let store = lake::lake(&lake::films(), 9, 0.62, true).await;
        plan_says(&store, |definition| {
            definition.notify = Some(serde_json::from_value(json!({"on": on})).unwrap());
        })
        .await;
        let mailbox = Mailbox::default();
        succeed(&store, &mailbox).await;
        succeed(&store, &mailbox).await;
        let sent = mailbox.sent.into_inner().unwrap();
        assert_eq!(sent.len(), count);
        for notice in sent {
            assert!(
                notice.subject.starts_with("millrace: default "),
                "{}",
                notice.subject
            );
            for words in [
                "In service: ",
                "What to do: nothing",
                "Its page: https://",
                "Its execution: https://",
            ] {
                assert!(notice.body.contains(words), "{words}\n{}", notice.body);
            }
        }
    }
}

#[tokio::test]
async fn stale_data_is_told_once_until_there_is_newer() {
    let store = lake::lake(&lake::films(), 9, 0.62, true).await;
    let mailbox = Mailbox::default();
    let parts = json!({"stale": {"afterHours": 24}}).to_string();
    store
        .put("config/default.json", parts.into())
        .await
        .unwrap();
    // Before its first good run, a pipeline has no data.
    assert_eq!(check(&store, &Machine::idle(), &mailbox).await.stale, 0);
    succeed(&store, &mailbox).await;
    assert_eq!(check(&store, &Machine::idle(), &mailbox).await.stale, 0);
    let text = store.get("latest/default.json").await.unwrap();
    let mut latest: Value = serde_json::from_slice(&text).unwrap();
    latest["finished"] = json!("2026-01-02T03:04:05Z");
    store
        .put("latest/default.json", latest.to_string().into())
        .await
        .unwrap();
    assert_eq!(check(&store, &Machine::idle(), &mailbox).await.stale, 1);
    assert_eq!(check(&store, &Machine::idle(), &mailbox).await.stale, 0);
    // A later run's data, which has become stale, too.
    latest["run"] = json!("20260103-030405-00000000");
    latest["finished"] = json!("2026-01-03T03:04:05Z");
    store
        .put("latest/default.json", latest.to_string().into())
        .await
        .unwrap();
    assert_eq!(check(&store, &Machine::idle(), &mailbox).await.stale, 1);
    let sent = mailbox.sent.into_inner().unwrap();
    assert_eq!(sent.len(), 2);
    assert!(
        sent[0]
            .subject
            .starts_with("millrace: default is stale: no good run for "),
        "{}",
        sent[0].subject
    );
    for words in [
        "older than 24 hours (stale.afterHours)",
        "Since: 2026-01-02 03:04 UTC",
        "millrace runs --pipeline default",
        "reports/default/index.html",
    ] {
        assert!(sent[0].body.contains(words), "{words}\n{}", sent[0].body);
    }
}

/// Says when the newest good data of the lake ended, which is of the pipeline `default`.
async fn ended(store: &MemoryStore, pipeline: &str, age: Duration) {
    let text = store.get("latest/default.json").await.unwrap();
    let mut latest: Value = serde_json::from_slice(&text).unwrap();
    let finished = jiff::Timestamp::try_from(SystemTime::now() - age).unwrap();
    latest["finished"] = json!(finished.to_string());
    latest["pipeline"] = json!(pipeline);
    store
        .put(
            &format!("latest/{pipeline}.json"),
            latest.to_string().into(),
        )
        .await
        .unwrap();
}

async fn defined(store: &MemoryStore, pipeline: &str, parts: Value) {
    let key = format!("config/{pipeline}.json");
    store.put(&key, parts.to_string().into()).await.unwrap();
}

#[tokio::test]
async fn data_is_stale_from_the_hour_on_that_the_definition_says() {
    let day = Duration::from_hours(24);
    for (age, on, stale) in [
        (Duration::from_mins(24 * 60 - 1), json!(["stale"]), 0),
        (day, json!(["stale"]), 1),
        (day * 3, json!(["late"]), 0),
    ] {
        let store = lake::lake(&lake::films(), 9, 0.62, true).await;
        let mailbox = Mailbox::default();
        succeed(&store, &mailbox).await;
        let parts = json!({"stale": {"afterHours": 24}, "notify": {"on": on}});
        defined(&store, "default", parts).await;
        ended(&store, "default", age).await;
        let output = check(&store, &Machine::idle(), &mailbox).await;
        assert_eq!(output.stale, stale, "{age:?} {on}");
        let sent = mailbox.sent.into_inner().unwrap().len();
        assert_eq!(sent, stale as usize, "{age:?} {on}");
    }
}

#[tokio::test]
async fn a_pipeline_that_cannot_be_looked_at_hides_no_other() {
    let store = lake::lake(&lake::films(), 9, 0.62, true).await;
    let mailbox = Mailbox::default();
    succeed(&store, &mailbox).await;
    for pipeline in ["bad", "default", "worse"] {
        let parts = json!({"stale": {"afterHours": 24}});
        defined(&store, pipeline, parts).await;
        ended(&store, pipeline, Duration::from_hours(30)).await;
    }
    for (pipeline, text) in [("bad", "{"), ("worse", "[]")] {
        let key = format!("latest/{pipeline}.json");
        store
            .put(&key, text.as_bytes().to_vec().into())
            .await
            .unwrap();
    }
    let request = CheckRequest {
        state_machine: MACHINE.to_owned(),
    };
    let input = ReportInput::Check(request);
    let error = report(&store, &Machine::idle(), &mailbox, input).await;
    let error = contract::chain(&error.unwrap_err());
    assert!(error.contains("latest/bad.json"), "the first: {error}");
    let sent = mailbox.sent.into_inner().unwrap();
    let subjects: Vec<_> = sent.iter().map(|notice| &notice.subject).collect();
    assert_eq!(sent.len(), 1, "{subjects:?}");
    assert!(subjects[0].contains("default is stale"), "{subjects:?}");
}
