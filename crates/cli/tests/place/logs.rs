//! `logs` shows what the functions of a run have written, and why one was killed.

use crate::refused;
use crate::world::{World, execution};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout};

/// The run of the execution `failed`, when it started in milliseconds.
const STARTED: i64 = 1_795_858_256_500;

fn entered(id: i64, state: &str) -> Value {
    json!({
        "id": id, "timestamp": 1_795_858_256.5, "type": "TaskStateEntered",
        "stateEnteredEventDetails": {"name": state},
    })
}

fn event(after: i64, message: &Value) -> Value {
    let message = message.to_string();
    json!({"eventId": format!("{after}"), "timestamp": STARTED + after, "message": message})
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

/// A run that goes on, in its first step, and a program that follows its lines.
struct Followed {
    world: World,
    run: String,
    /// When it started, in milliseconds.
    started: i64,
    running: Child,
    lines: BufReader<ChildStdout>,
}

impl Followed {
    async fn new(options: &str) -> Self {
        let world = World::new().await;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let started = i64::try_from(now.as_millis()).unwrap();
        let mut running = execution("followed", "default", "RUNNING");
        running["startDate"] = json!(now.as_secs_f64());
        {
            let mut account = world.account();
            account.executions = vec![running];
            account.history = vec![entered(1, "PlanExport")];
            for function in ["plan-export", "plan-dataset"] {
                account.logs.insert(group(function), Vec::new());
            }
        }
        let listed = world.run("runs --json").await;
        let listed: Value = serde_json::from_str(&listed.output).unwrap();
        let run = listed["runs"][0]["run"].as_str().unwrap().to_owned();
        let mut program = world.command(&format!("logs --follow {options}"), &[]);
        program.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = program.spawn().unwrap();
        let lines = BufReader::new(running.stdout.take().unwrap());
        Self {
            world,
            run,
            started,
            running,
            lines,
        }
    }

    /// A function writes a line, so many milliseconds after the start.
    fn write(&self, function: &str, after: i64, request: &str, rest: &Value) {
        self.log(function, after, written(after, &self.run, request, rest));
    }

    fn log(&self, function: &str, after: i64, mut event: Value) {
        event["timestamp"] = json!(self.started + after);
        let mut account = self.world.account();
        account.logs.get_mut(&group(function)).unwrap().push(event);
    }

    fn enter(&self, id: i64, state: &str) {
        self.world.account().history.push(entered(id, state));
    }

    fn fail(&self) {
        let mut account = self.world.account();
        let mut failed = execution("followed", "default", "FAILED");
        failed["startDate"] = account.executions[0]["startDate"].clone();
        failed["stopDate"] = json!(failed["startDate"].as_f64().unwrap() + 90.0);
        account.executions = vec![failed];
    }

    async fn next(&mut self) -> String {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line);
        let read = tokio::time::timeout(Duration::from_secs(30), read).await;
        read.expect("a line").unwrap();
        line
    }

    /// The other lines, the exit code, and what was said on standard error.
    async fn end(mut self) -> (String, Option<i32>, String) {
        let (mut rest, mut said) = (String::new(), String::new());
        self.lines.read_to_string(&mut rest).await.unwrap();
        let mut error = self.running.stderr.take().unwrap();
        error.read_to_string(&mut said).await.unwrap();
        (rest, self.running.wait().await.unwrap().code(), said)
    }
}

fn group(function: &str) -> String {
    format!("/aws/lambda/millrace/{function}")
}

#[tokio::test]
async fn lines_are_followed_through_the_steps_until_the_run_ends() {
    let mut followed = Followed::new("").await;
    let planned = json!({"message": "planned", "items": 20});
    followed.write("plan-export", 100, "a", &planned);
    let first = "09:30:56.000  plan-export      INFO   planned  items=20\n";
    assert_eq!(followed.next().await, first);
    let answered = json!({"message": "answered", "millis": 7});
    followed.write("plan-export", 700, "a", &answered);
    let second = "09:30:56.000  plan-export      INFO   answered  millis=7\n";
    assert_eq!(followed.next().await, second, "the first one once only");

    followed.enter(2, "PlanDataset");
    let reads = json!({"message": "reads the profile"});
    followed.write("plan-dataset", 1000, "c", &reads);
    let third = "09:30:57.000  plan-dataset     INFO   reads the profile\n";
    assert_eq!(followed.next().await, third);
    // Lambda ends the invocation, which does not name the run.
    let report = json!({
        "time": "2026-11-28T09:31:26.000Z", "type": "platform.report",
        "record": {"requestId": "c", "status": "timeout"},
    });
    followed.log("plan-dataset", 30_000, event(30_000, &report));
    followed.fail();
    let (rest, code, said) = followed.end().await;
    let expected = "09:31:26.000  plan-dataset     -      platform.report  \
                    record={\"requestId\":\"c\",\"status\":\"timeout\"}\n";
    assert_eq!(rest, expected);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said, "the run ended: failed: AttributeMissing\n");
}

#[tokio::test]
async fn a_step_that_is_to_come_is_waited_for_and_a_signal_says_how_to_come_back() {
    let mut followed = Followed::new("--step PlanDataset").await;
    followed.write("plan-export", 0, "a", &json!({"message": "planned"}));
    tokio::time::sleep(Duration::from_secs(2)).await;
    followed.enter(2, "PlanDataset");
    let reads = json!({"message": "reads the profile"});
    followed.write("plan-dataset", 1000, "c", &reads);
    let line = "09:30:57.000  plan-dataset     INFO   reads the profile\n";
    assert_eq!(followed.next().await, line);
    let process = i32::try_from(followed.running.id().unwrap()).unwrap();
    kill(Pid::from_raw(process), Signal::SIGINT).unwrap();
    let run = followed.run.clone();
    let (_, code, said) = followed.end().await;
    assert_eq!(code, Some(130), "{said}");
    let early = "waits for a step `PlanDataset`; so far there are PlanExport\n";
    assert!(said.starts_with(early), "{said}");
    let back = format!(
        "the run continues; come back with: millrace logs {run} --follow --step PlanDataset\n"
    );
    assert!(said.ends_with(&back), "{said}");

    let followed = Followed::new("--step Never").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    followed.fail();
    let world = &followed.world;
    let usage = world.run("logs --follow --json").await;
    let words = "'--follow' cannot be used with '--json'";
    assert!(usage.code == 2 && usage.error.contains(words), "{usage:?}");
    let (_, code, said) = followed.end().await;
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("has no step `Never`"), "{said}");
}
