//! A second interpreter of the state machine: moto's, with scripted functions behind it.
//!
//! moto sends every call of a task to one port. A router on this port answers the functions' calls
//! from the scripts and forwards all others (an `ItemReader` that reads its list) to moto.

use crate::script::{Answer, Script};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// The bucket of the lists that the `ItemReader`s read.
pub const BUCKET: &str = "lake";
const PATIENCE: Duration = Duration::from_mins(2);
// A port may be taken between being found free and being listened on.
const ATTEMPTS: u32 = 3;

/// The ARN of a function.
pub fn function_arn(verb: &str) -> String {
    format!("arn:aws:lambda:us-east-1:123456789012:function:{verb}")
}

/// How an execution ended.
#[derive(Debug)]
pub struct Ended {
    /// `SUCCEEDED`, `FAILED`, …
    pub status: String,
    /// The error's name, if it failed.
    pub error: Option<String>,
    /// The error's cause, if it failed.
    pub cause: Option<String>,
    /// Its output, if it succeeded.
    pub output: Option<Value>,
    /// The machine's own states that it entered, in their order; not those of Maps' children.
    pub visited: Vec<String>,
}

/// moto's server, as long as this lives.
#[derive(Debug)]
pub struct Interpreter {
    url: String,
    http: reqwest::Client,
    server: Child,
    published: Arc<Mutex<Vec<String>>>,
    _folder: TempDir,
}

impl Drop for Interpreter {
    fn drop(&mut self) {
        // It has nothing to lose, and may have ended by itself.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[derive(Clone)]
struct Calls {
    scripts: Arc<BTreeMap<String, Arc<Script>>>,
    moto: String,
    http: reqwest::Client,
    published: Arc<Mutex<Vec<String>>>,
}

impl Interpreter {
    /// Starts moto's server on a free port. `scripts` are by the name of the pipeline that an
    /// execution is started with.
    pub async fn start(moto_server: &Path, scripts: BTreeMap<String, Arc<Script>>) -> Self {
        let http = reqwest::Client::builder().no_proxy().build();
        let http = http.expect("a client without TLS");
        let scripts = Arc::new(scripts);
        for _ in 0..ATTEMPTS {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let router = listener.local_addr().expect("it listens").port();
            let port = sagemaker_local::port::reserve().expect("a free port");
            let url = format!("http://127.0.0.1:{port}");
            let published = Arc::new(Mutex::default());
            let calls = Calls {
                published: Arc::clone(&published),
                scripts: Arc::clone(&scripts),
                moto: url.clone(),
                http: http.clone(),
            };
            tokio::spawn(async move { axum::serve(listener, routes(calls)).await });
            let folder = tempfile::tempdir().expect("a temporary folder");
            let server = spawn(moto_server, folder.path(), port, router);
            let mut interpreter = Self {
                url,
                http: http.clone(),
                server,
                published,
                _folder: folder,
            };
            if interpreter.is_up().await {
                return interpreter;
            }
        }
        panic!("{} did not start {ATTEMPTS} times", moto_server.display());
    }

    /// What topics were told, as the requests' forms.
    pub fn published(&self) -> Vec<String> {
        let published = self.published.lock();
        published.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a task's token back.
    pub async fn send_back(&self, token: &str) {
        let request = json!({ "taskToken": token, "output": "{}" });
        self.call("SendTaskSuccess", &request).await;
    }

    /// Where it listens, with all of its services.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it started: it executes state machines, and its bucket exists.
    async fn is_up(&mut self) -> bool {
        let config = format!("{}/moto-api/config", self.url);
        let execute = json!({ "stepfunctions": { "execute_state_machine": true } });
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if !matches!(self.server.try_wait(), Ok(None)) {
                return false;
            }
            let answer = self.http.post(&config).json(&execute).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                let bucket = format!("{}/{BUCKET}", self.url);
                let made = self.http.put(bucket).send().await;
                return made.is_ok_and(|answer| answer.status().is_success());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        false
    }

    /// Puts a list where an `ItemReader` finds it.
    pub async fn put(&self, key: &str, value: &Value) {
        let url = format!("{}/{BUCKET}/{key}", self.url);
        let answer = self.http.put(url).body(value.to_string()).send().await;
        let answer = answer.expect("moto answers");
        assert!(answer.status().is_success(), "{key}: {}", answer.status());
    }

    /// Makes a state machine and returns its ARN.
    pub async fn create(&self, definition: &Value) -> String {
        let request = json!({
            "name": "retrain",
            "definition": definition.to_string(),
            "roleArn": "arn:aws:iam::123456789012:role/retrain",
            "type": "STANDARD",
        });
        let answer = self.call("CreateStateMachine", &request).await;
        text(&answer, "stateMachineArn").expect("moto takes the definition")
    }

    /// Executes a state machine to its end.
    pub async fn run(&self, machine: &str, name: &str, input: &Value) -> Ended {
        let request = json!({
            "stateMachineArn": machine,
            "name": name,
            "input": input.to_string(),
        });
        let answer = self.call("StartExecution", &request).await;
        let arn = json!({ "executionArn": answer["executionArn"] });
        let begun = Instant::now();
        loop {
            let answer = self.call("DescribeExecution", &arn).await;
            let status = text(&answer, "status").expect("an execution has a status");
            if status == "RUNNING" {
                assert!(begun.elapsed() < PATIENCE, "{name} is still running");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
            let output = text(&answer, "output");
            return Ended {
                status,
                error: text(&answer, "error"),
                cause: text(&answer, "cause"),
                output: output.and_then(|output| serde_json::from_str(&output).ok()),
                visited: self.visited(&arn).await,
            };
        }
    }

    async fn visited(&self, arn: &Value) -> Vec<String> {
        let mut visited = Vec::new();
        let mut request = arn.clone();
        loop {
            let answer = self.call("GetExecutionHistory", &request).await;
            let events = answer["events"].as_array().into_iter().flatten();
            let entered =
                events.filter_map(|event| text(&event["stateEnteredEventDetails"], "name"));
            visited.extend(entered);
            match answer.get("nextToken") {
                Some(token @ Value::String(_)) => request["nextToken"] = token.clone(),
                _ => return visited,
            }
        }
    }

    async fn call(&self, operation: &str, request: &Value) -> Value {
        let call = self.http.post(&self.url).body(request.to_string());
        let call = call
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AWSStepFunctions.{operation}"))
            // Only the service's name in it is looked at.
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/states/aws4_request, SignedHeaders=host, Signature=x",
            );
        let answer = call.send().await.expect("moto answers");
        let status = answer.status();
        let text = answer.text().await.expect("moto answers in text");
        assert!(status.is_success(), "{operation}: {status}: {text}");
        serde_json::from_str(&text).expect("moto answers in JSON")
    }
}

fn text(json: &Value, field: &str) -> Option<String> {
    json[field].as_str().map(str::to_owned)
}

fn spawn(moto_server: &Path, folder: &Path, port: u16, router: u16) -> Child {
    // Without it boto calls http://lake.localhost, which not every resolver knows.
    let config = folder.join("config");
    std::fs::write(&config, "[default]\ns3 =\n  addressing_style = path\n")
        .expect("a temporary folder can be written");
    let mut command = Command::new(moto_server);
    command
        .args(["-H", "127.0.0.1", "-p", &port.to_string()])
        .env("MOTO_PORT", router.to_string())
        .env("AWS_CONFIG_FILE", &config)
        .env("NO_PROXY", "localhost,127.0.0.1")
        .env_remove("AWS_PROFILE")
        .env_remove("PYTHONPATH")
        .env_remove("PYTHONHOME")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let server = command.spawn();
    server.unwrap_or_else(|error| panic!("{}: {error}", moto_server.display()))
}

fn routes(calls: Calls) -> Router {
    Router::new()
        .route("/2015-03-31/functions/{function}/invocations", post(invoke))
        .route("/", post(publish))
        .fallback(pass_on)
        .with_state(calls)
}

async fn invoke(
    State(calls): State<Calls>,
    UrlPath(function): UrlPath<String>,
    body: Bytes,
) -> Response {
    let verb = function.rsplit(':').next().unwrap_or("");
    let payload: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    // PlanExport's payload has the execution's input; all others have the pipeline.
    let pipeline = text(&payload, "pipeline").or_else(|| text(&payload["input"], "pipeline"));
    let script = calls.scripts.get(pipeline.as_deref().unwrap_or_default());
    let Some(script) = script else {
        return (StatusCode::NOT_FOUND, format!("no script for {payload}")).into_response();
    };
    match script.answer(verb, &payload) {
        Answer::Output(output) => (StatusCode::OK, output.to_string()).into_response(),
        // What begins so is an answer of the service instead of the function.
        Answer::Error(name, message) if name.starts_with("Lambda.") => {
            let code = name.trim_start_matches("Lambda.").to_owned();
            let message = json!({ "message": message }).to_string();
            let id = "00000000-0000-0000-0000-000000000000".to_owned();
            let headers = [("x-amzn-errortype", code), ("x-amzn-requestid", id)];
            (StatusCode::INTERNAL_SERVER_ERROR, headers, message).into_response()
        }
        Answer::Error(name, message) => {
            let error = json!({ "errorType": name, "errorMessage": message }).to_string();
            let headers = [("x-amz-function-error", "Unhandled")];
            (StatusCode::OK, headers, error).into_response()
        }
    }
}

/// `Publish` of SNS.
async fn publish(State(calls): State<Calls>, form: String) -> Response {
    const ANSWER: &str = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\
        <PublishResult><MessageId>1</MessageId></PublishResult>\
        <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></PublishResponse>";
    let published = calls.published.lock();
    published.unwrap_or_else(PoisonError::into_inner).push(form);
    (StatusCode::OK, ANSWER).into_response()
}

async fn pass_on(State(calls): State<Calls>, uri: Uri, mut headers: HeaderMap) -> Response {
    // Without the signature moto takes the caller for a stranger.
    headers.remove(header::HOST);
    let url = format!("{}{uri}", calls.moto);
    let Ok(answer) = calls.http.get(url).headers(headers).send().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let status = answer.status();
    match answer.bytes().await {
        Ok(bytes) => (status, bytes).into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
