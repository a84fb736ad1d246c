//! A proxy in front of a server, which lets a test look at each request.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::io::Error;
use std::net::Ipv4Addr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What looks at the requests of a proxy.
pub trait Look: Send + Sync + 'static {
    /// Sees a request before it is handed on.
    fn request(&self, head: &Parts);

    /// Changes the body of its answer.
    ///
    /// # Errors
    /// If it cannot be changed.
    fn body(&self, _head: &Parts, body: Bytes) -> Result<Bytes, Error> {
        Ok(body)
    }
}

/// A proxy; it stops when dropped.
pub struct Forward {
    url: String,
    task: JoinHandle<()>,
}

impl Forward {
    /// Starts in front of the server at `upstream`.
    ///
    /// # Panics
    /// If the machine has no port left.
    pub async fn start(upstream: &str, look: Arc<impl Look>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr();
        let address = address.expect("a bound socket has an address");
        let client = reqwest::Client::builder().no_proxy().build();
        let handing = Arc::new(Handing {
            upstream: upstream.to_owned(),
            client: client.expect("a client without TLS"),
            look,
        });
        let task = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.expect("the port stays");
                tokio::spawn(handing.clone().serve(socket));
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

impl Drop for Forward {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Handing<L> {
    upstream: String,
    client: reqwest::Client,
    look: Arc<L>,
}

impl<L: Look> Handing<L> {
    async fn serve(self: Arc<Self>, socket: TcpStream) {
        let answer = service_fn(|request| self.answer(request));
        // A client that hangs up is no failure of the proxy.
        let _ = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(socket), answer)
            .await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Error> {
        let (head, body) = request.into_parts();
        self.look.request(&head);
        let body = body.collect().await.map_err(Error::other)?.to_bytes();
        // The host stays as the client has signed it.
        let url = format!("{}{}", self.upstream, head.uri);
        let request = self.client.request(head.method.clone(), url);
        let request = request.headers(head.headers.clone()).body(body);
        let answer = request.send().await.map_err(Error::other)?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        for of_the_connection in [CONNECTION, TRANSFER_ENCODING, CONTENT_LENGTH] {
            headers.remove(of_the_connection);
        }
        let body = answer.bytes().await.map_err(Error::other)?;
        let mut response = Response::new(Full::new(self.look.body(&head, body)?));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}
