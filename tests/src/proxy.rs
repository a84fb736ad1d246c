//! An HTTP server on a free port of this machine, and the server behind it that a proxy hands on to.

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::io::Error;
use std::net::Ipv4Addr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What answers requests.
pub trait Answer: Send + Sync + 'static {
    /// The body of an answer.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + 'static;

    /// Answers a request. An error drops the connection.
    fn answer(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Self::Body>, Error>> + Send;
}

/// A server that listens; it stops when dropped.
pub struct Listening {
    url: String,
    task: JoinHandle<()>,
}

impl Listening {
    /// Starts.
    ///
    /// # Panics
    /// If the machine has no port left.
    pub async fn start(answer: Arc<impl Answer>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr();
        let address = address.expect("a bound socket has an address");
        let task = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.expect("the port stays");
                tokio::spawn(serve(answer.clone(), socket));
            }
        });
        Self {
            url: format!("http://{address}"),
            task,
        }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(answer: Arc<impl Answer>, socket: TcpStream) {
    let answer = service_fn(|request| answer.answer(request));
    // A client that hangs up is no failure of the server, and an answer that fails drops the
    // connection.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(socket), answer)
        .await;
}

/// The server behind a proxy.
pub struct Upstream {
    url: String,
    client: reqwest::Client,
}

impl Upstream {
    /// The server at this URL, such as `http://127.0.0.1:4577`.
    ///
    /// # Panics
    /// If no client can be made.
    pub fn new(url: &str) -> Self {
        let client = reqwest::Client::builder().no_proxy().build();
        Self {
            url: url.to_owned(),
            client: client.expect("a client without TLS"),
        }
    }

    /// Its host and port.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Hands a request on. The answer's headers lack those of the connection.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn hand_on(
        &self,
        head: &Parts,
        body: Bytes,
    ) -> Result<(StatusCode, HeaderMap, Bytes), Error> {
        // The host stays as the client has signed it.
        let url = format!("{}{}", self.url, head.uri);
        let request = self.client.request(head.method.clone(), url);
        let request = request.headers(head.headers.clone()).body(body);
        let answer = request.send().await.map_err(Error::other)?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        for of_the_connection in [CONNECTION, TRANSFER_ENCODING, CONTENT_LENGTH] {
            headers.remove(of_the_connection);
        }
        let body = answer.bytes().await.map_err(Error::other)?;
        Ok((status, headers, body))
    }
}
