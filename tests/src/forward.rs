//! A proxy in front of a server, which lets a test look at each request.

use crate::proxy::{Answer, Listening, Upstream};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Request, Response};
use std::io::Error;
use std::sync::Arc;

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
pub struct Forward(Listening);

impl Forward {
    /// Starts in front of the server at `upstream`.
    ///
    /// # Panics
    /// If the machine has no port left.
    pub async fn start(upstream: &str, look: Arc<impl Look>) -> Self {
        let upstream = Upstream::new(upstream);
        Self(Listening::start(Arc::new(Handing { upstream, look })).await)
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        self.0.url()
    }
}

struct Handing<L> {
    upstream: Upstream,
    look: Arc<L>,
}

impl<L: Look> Answer for Handing<L> {
    type Body = Full<Bytes>;

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Error> {
        let (head, body) = request.into_parts();
        self.look.request(&head);
        let body = body.collect().await.map_err(Error::other)?.to_bytes();
        let (status, headers, body) = self.upstream.hand_on(&head, body).await?;
        let mut response = Response::new(Full::new(self.look.body(&head, body)?));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}
