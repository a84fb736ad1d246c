//! A function's process, driven through a Lambda Runtime API of its own, as Lambda does: it is
//! started on first use, kept warm, stopped at its time limit, and started again.
//!
//! Source: "Using the Lambda runtime API for custom runtimes", AWS Lambda Developer Guide.

use crate::REGION;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::Value;
use std::fs::File;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

/// The most bytes of an answer that are read.
const LARGEST: usize = 32 << 20;
const NAME: &str = "function-under-test";

/// How an invocation failed, by the name that the state machine's `ErrorEquals` sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvocationError {
    /// The name.
    pub name: String,
    /// What the function says.
    pub message: String,
}

/// A function: its program, what is around it, and its process if it has one now.
pub struct Function {
    program: PathBuf,
    environment: Vec<(String, String)>,
    log: PathBuf,
    process: Option<Process>,
}

impl Function {
    /// A function that runs `program` with nothing but `environment` around it. What it prints is
    /// added to the file `log`.
    pub fn new(
        program: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
        log: &Path,
    ) -> Self {
        Self {
            program: program.to_owned(),
            environment: environment.into_iter().collect(),
            log: log.to_owned(),
            process: None,
        }
    }

    /// The id of its process, if it has one now.
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().and_then(|process| process.child.id())
    }

    /// Starts the process, if there is none, and tells how long it took until it asked for its
    /// first invocation; None if it ended, or did not ask within `time`.
    pub async fn first_poll(&mut self, time: Duration) -> Option<Duration> {
        let begun = Instant::now();
        if self.process.is_none() {
            self.process = Some(self.start().await);
        }
        let process = self.process.as_mut()?;
        tokio::select! {
            polled = process.polls.recv() => polled.map(|at| at - begun),
            _ = process.child.wait() => None,
            () = tokio::time::sleep(time) => None,
        }
    }

    /// Invokes the function, which has `time` for its answer and is then killed. A caller that
    /// gives up waiting has to [`Function::kill`] the process.
    ///
    /// # Errors
    /// As the function says, or, as Lambda names it, `Runtime.ExitError` if the process ended and
    /// `Sandbox.Timedout` if its time was over.
    ///
    /// # Panics
    /// If the program cannot be started.
    pub async fn invoke(
        &mut self,
        payload: Value,
        time: Duration,
    ) -> Result<Value, InvocationError> {
        if self.process.is_none() {
            self.process = Some(self.start().await);
        }
        let process = self.process.as_mut().expect("it has just been started");
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        let request = Request {
            id: format!(
                "{:08x}-0000-4000-8000-{:012x}",
                fastrand::u32(..),
                fastrand::u32(..)
            ),
            deadline: since_epoch.expect("a clock after 1970") + time,
            payload,
        };
        process
            .requests
            .send(request)
            .expect("the API runs as long");
        let (name, message) = tokio::select! {
            outcome = process.outcomes.recv() => return outcome.expect("the API runs as long"),
            status = process.child.wait() => {
                let status = status.expect("a child can be waited for");
                ("Runtime.ExitError", format!("the process ended: {status}"))
            }
            () = tokio::time::sleep(time) => {
                ("Sandbox.Timedout", format!("timed out after {time:?}"))
            }
        };
        self.kill().await;
        Err(InvocationError {
            name: name.to_owned(),
            message,
        })
    }

    /// Kills the process, if there is one, in whatever it is at. The next invocation starts
    /// another.
    ///
    /// # Panics
    /// If it cannot be killed.
    pub async fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.child.kill().await.expect("a child can be killed");
        }
    }

    async fn start(&self) -> Process {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.expect("the log can be written");
        let errors = log.try_clone().expect("an open file can be shared");
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", NAME)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{NAME}"))
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "stream")
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .kill_on_drop(true);
        let child = command.spawn();
        let child = child
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", self.program.display()));
        Process::new(child, listener)
    }
}

/// A process, and the API that it alone polls: nothing of it reaches the one that comes after it.
struct Process {
    child: Child,
    requests: mpsc::UnboundedSender<Request>,
    outcomes: mpsc::UnboundedReceiver<Outcome>,
    polls: mpsc::UnboundedReceiver<Instant>,
    task: JoinHandle<()>,
}

type Outcome = Result<Value, InvocationError>;

struct Request {
    id: String,
    deadline: Duration,
    payload: Value,
}

impl Process {
    fn new(child: Child, listener: TcpListener) -> Self {
        let (requests, waiting) = mpsc::unbounded_channel();
        let (answering, outcomes) = mpsc::unbounded_channel();
        let (polling, polls) = mpsc::unbounded_channel();
        let api = Api {
            waiting: Arc::new(Mutex::new(waiting)),
            answering,
            polling,
        };
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(response),
            )
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            // More than Lambda takes: what becomes of a larger answer, its caller says.
            .layer(DefaultBodyLimit::max(LARGEST))
            .with_state(api);
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("the port stays");
        });
        Self {
            child,
            requests,
            outcomes,
            polls,
            task,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Api {
    waiting: Arc<Mutex<mpsc::UnboundedReceiver<Request>>>,
    answering: mpsc::UnboundedSender<Outcome>,
    polling: mpsc::UnboundedSender<Instant>,
}

async fn next(State(api): State<Api>) -> impl IntoResponse {
    // Nobody need be interested.
    let _ = api.polling.send(Instant::now());
    let request = api.waiting.lock().await.recv().await;
    let Some(request) = request else {
        return StatusCode::GONE.into_response();
    };
    let arn = format!("arn:aws:lambda:{REGION}:000000000000:function:{NAME}");
    let headers = [
        ("lambda-runtime-aws-request-id", request.id),
        (
            "lambda-runtime-deadline-ms",
            request.deadline.as_millis().to_string(),
        ),
        ("lambda-runtime-invoked-function-arn", arn),
    ];
    (headers, Json(request.payload)).into_response()
}

async fn response(State(api): State<Api>, body: Bytes) -> StatusCode {
    match serde_json::from_slice(&body) {
        Ok(value) => api.answer(Ok(value)),
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    error_type: String,
    error_message: String,
}

async fn error(State(api): State<Api>, body: Bytes) -> StatusCode {
    match serde_json::from_slice::<Failure>(&body) {
        Ok(failure) => api.answer(Err(InvocationError {
            name: failure.error_type,
            message: failure.error_message,
        })),
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

impl Api {
    fn answer(&self, outcome: Outcome) -> StatusCode {
        match self.answering.send(outcome) {
            Ok(()) => StatusCode::ACCEPTED,
            Err(_) => StatusCode::GONE,
        }
    }
}
