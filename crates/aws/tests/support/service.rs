//! A server that says what a test wants, and keeps what it was asked.

use aws::sagemaker::SageMaker;
use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Answers in turn with what it was given, and keeps the requests as (operation, body).
#[derive(Clone, Default)]
pub struct Script {
    answers: Arc<Mutex<VecDeque<(StatusCode, Value)>>>,
    requests: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Script {
    /// The adapter, talking to this script.
    pub async fn adapter(&self) -> SageMaker {
        let script = self.clone();
        let app =
            Router::new().fallback(async move |request: Request| script.answer(request).await);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, app).await });
        SageMaker::new(&aws::local(&url).await)
    }

    async fn answer(
        &self,
        request: Request,
    ) -> (StatusCode, [(&'static str, &'static str); 1], Bytes) {
        let (head, body) = request.into_parts();
        let target = head.headers.get("x-amz-target");
        let operation = match target {
            Some(target) => target
                .to_str()
                .unwrap()
                .trim_start_matches("SageMaker.")
                .to_owned(),
            None => head.uri.path().to_owned(),
        };
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body =
            serde_json::from_slice(&body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&body)));
        self.requests.lock().unwrap().push((operation, body));
        let (status, answer) = self.answers.lock().unwrap().pop_front().unwrap();
        let text = serde_json::to_vec(&answer).unwrap();
        (
            status,
            [("content-type", "application/x-amz-json-1.1")],
            text.into(),
        )
    }

    pub fn says(&self, answer: Value) {
        self.answers
            .lock()
            .unwrap()
            .push_back((StatusCode::OK, answer));
    }

    pub fn refuses(&self, status: u16, code: &str, message: &str) {
        let answer = json!({"__type": code, "message": message, "Message": message});
        let status = StatusCode::from_u16(status).unwrap();
        self.answers.lock().unwrap().push_back((status, answer));
    }

    pub fn request(&self) -> (String, Value) {
        self.requests.lock().unwrap().pop().unwrap()
    }
}
