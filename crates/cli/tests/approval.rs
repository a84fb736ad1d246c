//! `millrace approve` and `millrace reject`, run as a person runs them, against an S3 server and a
//! Step Functions that knows which task waits.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use aws::s3::S3Store;
use axum::Router;
use axum::http::StatusCode;
use contract::RunId;
use lake::records::{ApprovalDecision, ApprovalRecord, ApprovalRequest};
use lake::{ObjectStore, RunKeys, documents};
use local_servers::s3::S3;
use serde_json::{Value, json};
use std::process::Output;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::process::Command;

const BUCKET: &str = "lake";
const RUN: &str = "20261120-173000-1a2b3c4d";

/// What Step Functions does with a token.
#[derive(Debug, Clone, Default)]
struct Tasks {
    /// The token of the task that waits, if one does.
    waiting: Option<&'static str>,
    /// An error's code, whatever the token.
    refuses: Option<&'static str>,
    sent: Vec<Value>,
}

impl Tasks {
    fn answer(&mut self, request: Value) -> (StatusCode, String) {
        let code = match (self.refuses, self.waiting) {
            (Some(code), _) => code,
            (None, Some(token)) if request["taskToken"] == token => "",
            _ => "TaskTimedOut",
        };
        self.sent.push(request);
        if code.is_empty() {
            self.waiting = None;
            return (StatusCode::OK, "{}".to_owned());
        }
        let refusal = json!({"__type": code, "message": "no"});
        (StatusCode::BAD_REQUEST, refusal.to_string())
    }
}

/// A lake, and a state machine.
struct World {
    s3: S3,
    store: S3Store,
    tasks: Arc<Mutex<Tasks>>,
    machines: String,
}

impl World {
    async fn new() -> Self {
        let s3 = S3::start(&[BUCKET]).await;
        let store = S3Store::new(&aws::local(s3.url()).await, BUCKET);
        let tasks = Arc::new(Mutex::new(Tasks::default()));
        let seen = tasks.clone();
        let app = Router::new().fallback(async move |body: String| {
            seen.lock()
                .unwrap()
                .answer(serde_json::from_str(&body).unwrap())
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let machines = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, app).await });
        Self {
            s3,
            store,
            tasks,
            machines,
        }
    }

    /// The run asks for approval, and left this token.
    async fn asks(&self, token: &str) {
        let request = ApprovalRequest {
            asked_at: 1_800_000_000,
            task_token: token.to_owned(),
        };
        documents::write(&self.store, &keys().approval_request(), &request)
            .await
            .unwrap();
    }

    fn waits(&self, token: Option<&'static str>) {
        self.tasks.lock().unwrap().waiting = token;
    }

    /// The tokens that were sent back.
    fn sent(&self) -> Vec<String> {
        let tasks = self.tasks.lock().unwrap();
        let tokens = tasks.sent.iter();
        tokens
            .map(|request| request["taskToken"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Runs the command to its end: what it prints, or the line of its error.
    async fn run(&self, command: &str, more: &[&str]) -> Result<String, String> {
        let Output {
            status,
            stdout,
            stderr,
        } = Command::new(env!("CARGO_BIN_EXE_millrace"))
            .args([command, RUN, "--bucket", BUCKET])
            .args(more)
            .env_clear()
            .envs(local_servers::environment())
            .env("AWS_ENDPOINT_URL_S3", self.s3.url())
            .env("AWS_ENDPOINT_URL_SFN", &self.machines)
            .env("USER", "ada")
            .output()
            .await
            .unwrap();
        let (output, error) = [stdout, stderr]
            .map(|text| String::from_utf8(text).unwrap())
            .into();
        if more.contains(&"--json") {
            return Ok(output);
        }
        if status.success() {
            assert_eq!(
                (error.as_str(), output.lines().count()),
                ("", 1),
                "{output}"
            );
            return Ok(output);
        }
        assert_eq!(
            (output.as_str(), error.lines().count()),
            ("", 1),
            "one line: {error}"
        );
        Err(error)
    }

    async fn decision(&self) -> Option<ApprovalRecord> {
        documents::read_if_there(&self.store, &keys().approval(), "a decision")
            .await
            .unwrap()
    }
}

fn keys() -> RunKeys {
    RunKeys::new("default", &RunId::parse(RUN).unwrap())
}

#[tokio::test]
async fn a_decision_is_written_and_wakes_the_state_machine() {
    for (command, decision, word) in [
        ("approve", ApprovalDecision::Approved, "approved"),
        ("reject", ApprovalDecision::Rejected, "rejected"),
    ] {
        let world = World::new().await;
        world.asks("first").await;
        world.waits(Some("first"));
        let output = world.run(command, &["--reason", "the rmse of new users"]);
        let output = output.await.unwrap();
        assert_eq!(
            output,
            format!("{word} run {RUN}: the state machine continues\n")
        );
        assert_eq!(world.sent(), ["first"]);
        // The same decision may be given again.
        world.waits(Some("first"));
        let output = world.run(command, &["--json"]).await.unwrap();
        let given: Value = serde_json::from_str(&output).unwrap();
        let expected = serde_json::json!({
            "pipeline": "default", "run": RUN, "decision": word, "continues": true,
        });
        assert_eq!(given, expected);
        let record = world.decision().await.unwrap();
        assert_eq!(
            (record.decision, record.by.as_deref()),
            (decision, Some("ada"))
        );
        assert_eq!(record.reason.as_deref(), Some("the rmse of new users"));
        assert!(record.at > 1_700_000_000, "seconds since 1970");
    }
}

#[tokio::test]
async fn a_run_that_does_not_await_approval_is_named() {
    let world = World::new().await;
    let error = world.run("approve", &[]).await.unwrap_err();
    assert_eq!(
        error,
        format!(
            "error: run {RUN} of pipeline `default` does not await approval: there is no \
             s3://{BUCKET}/{}\n",
            keys().approval_request()
        )
    );
    assert!(world.decision().await.is_none() && world.sent().is_empty());
}

#[tokio::test]
async fn the_first_decision_is_final() {
    let world = World::new().await;
    world.asks("first").await;
    world.waits(Some("first"));
    world.run("approve", &["--by", "grace"]).await.unwrap();
    let error = world.run("reject", &[]).await.unwrap_err();
    assert_eq!(
        error,
        format!(
            "error: run {RUN} of pipeline `default` is already approved by grace: a decision is final\n"
        )
    );
    assert_eq!(world.sent(), ["first"], "a refused answer wakes no task");

    // The token is used up, and no task waits: the same decision again changes nothing.
    let again = world.run("approve", &[]).await.unwrap();
    assert!(
        again.contains("no task waits for it now") && again.contains("when it is redriven"),
        "{again}"
    );
    let record = world.decision().await.unwrap();
    assert_eq!(record.by.as_deref(), Some("grace"));
}

#[tokio::test]
async fn a_token_that_was_replaced_meanwhile_is_looked_up_again() {
    let world = World::new().await;
    world.asks("first").await;
    world.waits(Some("second"));
    let output = world.run("approve", &[]).await.unwrap();
    assert!(output.contains("no task waits for it"), "{output}");
    assert!(world.sent().iter().all(|token| token == "first"));
    world.asks("second").await;
    let output = world.run("approve", &[]).await.unwrap();
    assert!(
        output.ends_with("the state machine continues\n"),
        "{output}"
    );
}

#[tokio::test]
async fn a_decision_is_kept_if_the_state_machine_could_not_be_woken() {
    let world = World::new().await;
    world.asks("first").await;
    world.tasks.lock().unwrap().refuses = Some("AccessDeniedException");
    let error = world.run("reject", &[]).await.unwrap_err();
    assert!(
        error.starts_with(
            "error: the decision is written, but the state machine could not be woken"
        ) && error.contains("within a quarter of an hour")
            && error.contains("AccessDeniedException"),
        "{error}"
    );
    let record = world.decision().await.unwrap();
    assert_eq!(record.decision, ApprovalDecision::Rejected);
}

#[tokio::test]
async fn what_cannot_be_a_run_or_a_request_is_one_line() {
    let world = World::new().await;
    let request = keys().approval_request();
    world.store.put(&request, "{}".into()).await.unwrap();
    let error = world.run("approve", &[]).await.unwrap_err();
    assert!(
        error.contains("is not readable as a request for approval") && error.contains("askedAt"),
        "{error}"
    );
    assert!(world.decision().await.is_none());
}
