//! A server on loopback that answers each request with the next line of its script.

use bytes::Bytes;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// One answer.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Bytes of a frame; 0 for one frame.
    pub frame: usize,
    /// Whether the connection breaks when the body is through.
    pub breaks: bool,
}

impl Answer {
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: 200,
            body: body.into(),
            ..Self::default()
        }
    }

    #[must_use]
    #[allow(dead_code, reason = "not every test's answers have headers")]
    pub fn header(mut self, name: &'static str, value: &dyn std::fmt::Display) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    fn frames(&self) -> Vec<Result<Frame<Bytes>, std::io::Error>> {
        let size = if self.frame == 0 {
            self.body.len().max(1)
        } else {
            self.frame
        };
        let frames = self
            .body
            .chunks(size)
            .map(|frame| Ok(Frame::data(Bytes::copy_from_slice(frame))));
        let end = self
            .breaks
            .then(|| Err(std::io::ErrorKind::BrokenPipe.into()));
        frames.chain(end).collect()
    }
}

/// The server; it stops when dropped.
pub struct Script {
    pub url: String,
    requests: Arc<Mutex<Vec<(String, Value)>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Script {
    /// The last answer is given again for ever.
    pub async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answers) = (requests.clone(), Arc::new(answers));
        let task = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let (seen, answers) = (seen.clone(), answers.clone());
                let service =
                    service_fn(move |request| answer(seen.clone(), answers.clone(), request));
                tokio::spawn(async move {
                    // A body that breaks ends the connection with an error.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(socket), service)
                        .await;
                });
            }
        });
        Self {
            url,
            requests,
            task,
        }
    }

    /// The bodies of the requests so far.
    pub fn requests(&self) -> Vec<Value> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|(_, body)| body.clone()).collect()
    }

    /// Their paths.
    #[allow(dead_code, reason = "not every test's service has paths")]
    pub fn paths(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|(path, _)| path.clone()).collect()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Body =
    StreamBody<futures::stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, std::io::Error>>>>;

async fn answer(
    seen: Arc<Mutex<Vec<(String, Value)>>>,
    answers: Arc<Vec<Answer>>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path().to_owned();
    let request = request.into_body().collect().await.unwrap().to_bytes();
    let turn = {
        let mut seen = seen.lock().unwrap();
        let body = if request.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&request).unwrap()
        };
        seen.push((path, body));
        seen.len() - 1
    };
    let answer = &answers[turn.min(answers.len() - 1)];
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    let frames = futures::stream::iter(answer.frames());
    Ok(response.body(StreamBody::new(frames)).unwrap())
}
