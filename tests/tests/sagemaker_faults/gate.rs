//! Sits between a function and its services: forwards and counts calls, and kills the function when
//! the chosen one is answered, before the function gets the answer. A death before the next call is
//! equivalent; but after the last call there is no next.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// Counts the calls of one function to all its services.
#[derive(Debug, Default)]
pub struct Gate {
    calls: AtomicU32,
    /// The call at which the function is to die; 0 for none.
    dies_at: AtomicU32,
    dying: Notify,
}

impl Gate {
    /// Counts from 0 again; the function is to die at this call, if at any.
    pub fn arm(&self, dies_at: Option<u32>) {
        self.calls.store(0, Ordering::SeqCst);
        self.dies_at.store(dies_at.unwrap_or(0), Ordering::SeqCst);
    }

    /// When the chosen call is answered.
    pub async fn reached(&self) {
        self.dying.notified().await;
    }

    /// Whether this call is the chosen one.
    fn is_fatal(&self) -> bool {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        call == self.dies_at.load(Ordering::SeqCst)
    }

    async fn die(&self) -> ! {
        self.dying.notify_one();
        // The process that waits for the answer is about to be killed.
        std::future::pending().await
    }

    /// Opens a port that forwards calls to the server at `upstream`.
    pub async fn open(self: &Arc<Self>, upstream: &str) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let through = Through {
            gate: self.clone(),
            upstream: upstream.to_owned(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        };
        let router = Router::new().fallback(pass).with_state(through);
        let router = router.layer(axum::extract::DefaultBodyLimit::disable());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }
}

#[derive(Clone)]
struct Through {
    gate: Arc<Gate>,
    upstream: String,
    client: reqwest::Client,
}

async fn pass(
    State(through): State<Through>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let is_fatal = through.gate.is_fatal();
    // The host stays as the client has signed it.
    let url = format!("{}{uri}", through.upstream);
    let request = through.client.request(method, url).headers(headers);
    let Ok(answer) = request.body(body).send().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    for of_the_connection in [CONNECTION, TRANSFER_ENCODING, CONTENT_LENGTH] {
        headers.remove(of_the_connection);
    }
    let Ok(body) = answer.bytes().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    if is_fatal {
        through.gate.die().await;
    }
    (status, headers, body).into_response()
}
