//! `logs` shows what the functions of a run have written, and why one was killed.

use crate::refused;
use crate::world::{World, execution};
use serde_json::{Value, json};

/// The run of the execution `failed`, when it started in milliseconds.
const STARTED: i64 = 1_795_858_256_500;

fn entered(id: i64, state: &str) -> Value {
    json!({
        "id": id, "timestamp": 1_795_858_256.5, "type": "TaskStateEntered",
        "stateEnteredEventDetails": {"name": state},
    })
}

fn event(after: i64, message: &Value) -> Value {
    json!({"timestamp": STARTED + after, "message": message.to_string()})
}

fn written(after: i64, run: &str, request: &str, rest: &Value) -> Value {
    let mut line = json!({
        "timestamp": format!("2026-11-28T09:30:{}.000Z", 56 + after / 1000), "level": "INFO",
        "span": {"name": "invocation", "request_id": request, "run": run},
    });
    let fields = line.as_object_mut().unwrap();
    fields.extend(rest.as_object().unwrap().clone());
    event(after, &line)
}

/// A run that failed in `PlanDataset`, whose function was killed.
async fn failed() -> (World, String) {
    let world = World::new().await;
    let mut failed = execution("failed", "default", "FAILED");
    failed["error"] = json!("States.Timeout");
    world.account().executions = vec![failed];
    let listed = world.run("runs --json").await;
    let listed: Value = serde_json::from_str(&listed.output).unwrap();
    let run = listed["runs"][0]["run"].as_str().unwrap().to_owned();
    let mut account = world.account();
    account.history = vec![entered(1, "PlanExport"), entered(2, "PlanDataset")];
    let of_plan = vec![
        written(500, &run, "a", &json!({"message": "planned", "items": 20})),
        written(600, "another", "b", &json!({"message": "of another run"})),
        written(700, &run, "a", &json!({"message": "answered", "millis": 7})),
    ];
    let report = json!({
        "time": "2026-11-28T09:31:26.000Z", "type": "platform.report",
        "record": {"requestId": "c", "status": "timeout"},
    });
    let of_dataset = vec![
        event(30_000, &report),
        written(1000, &run, "c", &json!({"message": "reads the profile"})),
    ];
    let group = |function: &str| format!("/aws/lambda/millrace/{function}");
    account.logs.insert(group("plan-export"), of_plan);
    account.logs.insert(group("plan-dataset"), of_dataset);
    drop(account);
    (world, run)
}

#[tokio::test]
async fn the_step_that_failed_is_shown_in_the_order_of_time() {
    let (world, run) = failed().await;
    let ended = world.run("logs").await;
    assert_eq!((ended.code, &*ended.error), (0, ""), "{ended:?}");
    let lines: Vec<_> = ended.output.lines().collect();
    let expected = [
        "09:30:57.000  plan-dataset  INFO   reads the profile",
        "09:31:26.000  plan-dataset  -      platform.report  \
         record={\"requestId\":\"c\",\"status\":\"timeout\"}",
    ];
    assert_eq!(lines, expected);
    let status = world.run("status").await;
    let hint = format!("  log       millrace logs {run}\n");
    assert!(status.output.contains(&hint), "{status:?}");
}

#[tokio::test]
async fn a_step_can_be_named_and_lines_of_other_runs_are_left_out() {
    let (world, run) = failed().await;
    let ended = world.run("logs --step planexport --json").await;
    let lines: Value = serde_json::from_str(&ended.output).unwrap();
    assert_eq!(lines["run"], run.as_str());
    assert_eq!(lines["groups"], json!(["/aws/lambda/millrace/plan-export"]));
    let messages: Vec<_> = lines["lines"].as_array().unwrap().iter().collect();
    let messages: Vec<_> = messages.iter().map(|line| &line["message"]).collect();
    assert_eq!(messages, ["planned", "answered"]);
    assert_eq!(lines["lines"][0]["fields"], json!({"items": 20}));

    let ended = world.run("logs --step Deploy").await;
    assert_eq!(ended.code, 5, "{ended:?}");
    let expected = "has no step `Deploy`; it has PlanExport, PlanDataset\n";
    assert!(ended.error.ends_with(expected), "{ended:?}");
    world
        .account()
        .logs
        .remove("/aws/lambda/millrace/plan-dataset");
    let ended = world.run("logs").await;
    assert_eq!(ended.code, 5, "{ended:?}");
    let expected = "CloudWatch Logs FilterLogEvents of /aws/lambda/millrace/plan-dataset";
    assert!(ended.error.contains(expected), "{ended:?}");
    let arn = crate::world::MACHINE;
    let ended = world.run(&format!("logs --state-machine-arn {arn}")).await;
    refused(&ended, 2, &["log groups are named by the stack"], "--stack");
}
