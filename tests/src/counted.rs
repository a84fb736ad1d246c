//! A proxy in front of a server that counts the requests of each kind.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use local_servers::s3::S3;
use md5::{Digest, Md5};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Error;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Requests to S3 of one kind, by what they ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `GetObject` of an object whose key has a folder of this name first.
    Get(&'static str),
    /// `ListObjectsV2`.
    List,
    /// All others.
    Other,
}

/// A proxy; it stops when dropped.
pub struct Counted {
    url: String,
    counts: Arc<Mutex<BTreeMap<Kind, u64>>>,
    task: JoinHandle<()>,
}

impl Counted {
    /// Starts in front of an S3 server. Keys are counted by the first of these folders that they begin
    /// with.
    ///
    /// # Panics
    /// If the machine has no port left.
    pub async fn start(server: &S3, folders: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr();
        let address = address.expect("a bound socket has an address");
        let counts = Arc::new(Mutex::new(BTreeMap::new()));
        let client = reqwest::Client::builder().no_proxy().build();
        let handing = Arc::new(Handing {
            upstream: server.url().to_owned(),
            folder: server.folder().to_owned(),
            client: client.expect("a client without TLS"),
            folders,
            counts: counts.clone(),
        });
        let task = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.expect("the port stays");
                tokio::spawn(handing.clone().serve(socket));
            }
        });
        Self {
            url: format!("http://{address}"),
            counts,
            task,
        }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many requests of this kind there were.
    pub fn count(&self, kind: Kind) -> u64 {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(&kind).copied().unwrap_or_default()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Handing {
    upstream: String,
    folder: PathBuf,
    client: reqwest::Client,
    folders: &'static [&'static str],
    counts: Arc<Mutex<BTreeMap<Kind, u64>>>,
}

impl Handing {
    async fn serve(self: Arc<Self>, socket: TcpStream) {
        let answer = service_fn(|request| self.answer(request));
        // A client that hangs up is no failure of the proxy.
        let _ = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(socket), answer)
            .await;
    }

    /// Requests for a bucket, `/bucket?list-type=2`, and for an object, `/bucket/key`.
    fn kind(&self, method: &Method, uri: &Uri) -> Kind {
        if *method != Method::GET {
            return Kind::Other;
        }
        let query = uri.query().unwrap_or_default();
        if query.contains("list-type=2") {
            return Kind::List;
        }
        let key = uri.path().trim_start_matches('/').split_once('/');
        let key = key.map_or("", |(_, key)| key);
        let is_object = query.is_empty() || query.starts_with("x-id=GetObject");
        let mut folders = self.folders.iter();
        let folder = folders.find(|folder| is_object && key.starts_with(**folder));
        folder.map_or(Kind::Other, |folder| Kind::Get(folder))
    }

    /// S3 lists entity tags, and the server leaves them out: the MD5 of each file.
    fn with_entity_tags(&self, bucket: &str, listing: &[u8]) -> Result<Bytes, Error> {
        let listing = std::str::from_utf8(listing).map_err(Error::other)?;
        let mut objects = listing.split("<Contents>");
        let mut whole = objects.next().unwrap_or_default().to_owned();
        for object in objects {
            let key = object
                .split_once("<Key>")
                .and_then(|(_, rest)| rest.split_once("</Key>"));
            let (key, _) = key.ok_or_else(|| Error::other("an object without a key"))?;
            let file = std::fs::read(self.folder.join(bucket).join(key))?;
            let digest = Md5::digest(&file);
            whole.push_str("<Contents><ETag>&quot;");
            for byte in digest {
                write!(whole, "{byte:02x}").map_err(Error::other)?;
            }
            whole.push_str("&quot;</ETag>");
            whole.push_str(object);
        }
        Ok(whole.into())
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Error> {
        let (head, body) = request.into_parts();
        let kind = self.kind(&head.method, &head.uri);
        *self
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(kind)
            .or_default() += 1;
        let body = body.collect().await.map_err(Error::other)?.to_bytes();
        // The host stays as the client has signed it.
        let url = format!("{}{}", self.upstream, head.uri);
        let bucket = head.uri.path().trim_start_matches('/').to_owned();
        let request = self.client.request(head.method, url);
        let request = request.headers(head.headers).body(body);
        let answer = request.send().await.map_err(Error::other)?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        for of_the_connection in [CONNECTION, TRANSFER_ENCODING, CONTENT_LENGTH] {
            headers.remove(of_the_connection);
        }
        let mut body = answer.bytes().await.map_err(Error::other)?;
        if kind == Kind::List {
            let bucket = bucket.split('/').next().unwrap_or_default();
            body = self.with_entity_tags(bucket, &body)?;
        }
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}
