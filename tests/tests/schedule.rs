//! The schedules of the stack and of `schedule.yaml` start runs of their pipelines.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use aws::cloudformation::{Stacks, Template};
use end_to_end::workspace::text;
use millrace::local::{Local, Options};
use millrace::progress::Progress;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// The shortest that Scheduler knows.
const EVERY: &str = "rate(1 minute)";
const TIME: Duration = Duration::from_mins(3);

fn parameters(all: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    all.iter().map(owned).collect()
}

/// Calls Step Functions, of which the adapters offer no list.
async fn states(url: &str, operation: &str, input: Value) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client
        .post(url)
        .header("Content-Type", "application/x-amz-json-1.0")
        .header("X-Amz-Target", format!("AWSStepFunctions.{operation}"))
        .header(
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=test/20261120/us-east-1/states/aws4_request, SignedHeaders=host, Signature=0",
        )
        .json(&input);
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{operation}: {answer:?}");
    answer.json().await.unwrap()
}

/// The inputs that executions were started with.
async fn inputs(local: &Local) -> BTreeSet<String> {
    let url = local.url();
    let machine = json!({ "stateMachineArn": local.state_machine_arn() });
    let listed = states(&url, "ListExecutions", machine).await;
    let mut inputs = BTreeSet::new();
    for execution in listed["executions"].as_array().unwrap() {
        let which = json!({ "executionArn": execution["executionArn"] });
        let described = states(&url, "DescribeExecution", which).await;
        inputs.insert(described["input"].as_str().unwrap().to_owned());
    }
    inputs
}

/// The stack of one more schedule.
async fn deploy_another(local: &Local, pipeline: &str) {
    let template = Template::Body(text("infra/schedule.yaml"));
    let parameters = parameters(&[
        ("MillraceStack", "millrace"),
        ("Pipeline", pipeline),
        ("Schedule", EVERY),
        ("ScheduleWindowMinutes", "0"),
        ("ScheduleState", "ENABLED"),
    ]);
    let stacks = Stacks::new(local.aws_config());
    let name = format!("millrace-{pipeline}");
    let begun = stacks.begin(&name, &template, &parameters).await;
    begun.unwrap();
    loop {
        let stack = stacks.describe(&name).await.unwrap().unwrap();
        if !stack.is_changing() {
            assert!(stack.is_ready(), "{stack:?}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_schedule_starts_runs_of_its_pipeline() {
    let mut options = Options::new(Progress::plain());
    options.build = std::env::var_os("MILLRACE_NO_BUILD").is_none();
    options.parameters = parameters(&[("Schedule", EVERY), ("ScheduleState", "ENABLED")]);
    let local = Local::start(&options).await.expect("local AWS");
    assert_eq!(
        inputs(&local).await,
        BTreeSet::new(),
        "nothing was started by hand"
    );
    deploy_another(&local, "films").await;

    let wanted = ["default", "films"].map(|pipeline| format!(r#"{{"pipeline": "{pipeline}"}}"#));
    let begun = Instant::now();
    loop {
        let started = inputs(&local).await;
        assert!(
            started.iter().all(|input| wanted.contains(input)),
            "{started:?}"
        );
        if started.len() == wanted.len() {
            break;
        }
        assert!(
            begun.elapsed() < TIME,
            "after {TIME:?} no more than {started:?}"
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    local.stop().await.unwrap();
}
