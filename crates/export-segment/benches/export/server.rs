//! Answers `Scan` over TLS with pages made beforehand, at almost no cost. The table's name says how
//! many pages each segment has and how long an answer takes: `100-pages-15-ms`.

use crate::Workload;
use crate::pages::Page;
use bytes::Bytes;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

type Answer = Response<StreamBody<Frames>>;
type Frames = futures::stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>;

/// The name of a table of so many pages a segment.
pub fn table(pages: u64, latency: Duration) -> String {
    format!("{pages}-pages-{}-ms", latency.as_millis())
}

/// Which of the `count` pages is the one `at` this place of a segment: neighbouring segments begin
/// at other pages.
pub fn index(at: u64, segment: u64, count: usize) -> usize {
    usize::try_from(at + segment * 7).unwrap_or(0) % count
}

/// Serves until the process ends. Prints the port once it listens; the certificate is written to
/// `certificate`.
pub async fn serve(workload: &Workload, certificate: &Path) -> Result<(), Box<dyn Error>> {
    let acceptor = acceptor(certificate)?;
    let pages: Arc<Vec<_>> = Arc::new(workload.pages().collect());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?.port())?;
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let (pages, acceptor) = (pages.clone(), acceptor.clone());
        tokio::spawn(async move {
            // A client that hangs up is no failure of the server.
            if let Ok(socket) = acceptor.accept(socket).await {
                let service = service_fn(move |request| answer(pages.clone(), request));
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), service)
                    .await;
            }
        });
    }
}

fn acceptor(certificate: &Path) -> Result<TlsAcceptor, Box<dyn Error>> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
    std::fs::write(certificate, made.cert.pem())?;
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn answer(pages: Arc<Vec<Page>>, request: Request<Incoming>) -> Result<Answer, hyper::Error> {
    let target = request.headers().get("x-amz-target").cloned();
    let request = request.into_body().collect().await?.to_bytes();
    let request: Value = serde_json::from_slice(&request).unwrap_or_default();
    if target.is_some_and(|target| target.as_bytes().ends_with(b".DescribeTable")) {
        let table = json!({ "Table": {
            "TableName": request["TableName"],
            "TableStatus": "ACTIVE",
            "KeySchema": [{ "AttributeName": "user_id", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "user_id", "AttributeType": "S" }],
        }});
        let body = Bytes::from(table.to_string());
        let crc = crc32fast::hash(&body);
        return Ok(response(vec![body], crc));
    }
    let mut name = request["TableName"].as_str().unwrap_or_default().split('-');
    let mut number = || name.by_ref().find_map(|word| word.parse::<u64>().ok());
    let (of, latency) = (number().unwrap_or(1), number().unwrap_or(0));
    if latency > 0 {
        tokio::time::sleep(Duration::from_millis(latency)).await;
    }
    let at = request["ExclusiveStartKey"]["page"]["N"].as_str();
    let at = at.and_then(|at| at.parse().ok()).unwrap_or(0);
    let segment = request["Segment"].as_u64().unwrap_or(0);
    let page = &pages[index(at, segment, pages.len())];
    let tail = page.tail((at + 1 < of).then_some(at + 1));
    let mut crc = page.crc.clone();
    crc.update(tail.as_bytes());
    Ok(response(
        vec![page.head.clone(), tail.into()],
        crc.finalize(),
    ))
}

fn response(body: Vec<Bytes>, crc: u32) -> Answer {
    let length: usize = body.iter().map(Bytes::len).sum();
    let frames: Vec<_> = body
        .into_iter()
        .map(|bytes| Ok(Frame::data(bytes)))
        .collect();
    let answer = Response::builder()
        .header("content-type", "application/x-amz-json-1.0")
        .header("content-length", length)
        .header("x-amz-crc32", crc)
        .body(StreamBody::new(futures::stream::iter(frames)));
    answer.expect("the header values are numbers")
}
