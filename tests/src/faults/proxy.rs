//! A proxy that forwards requests to a service and injects faults, as its schedule says.

use super::event::{Event, EventCounts, Fault, Service};
use super::schedule::Schedule;
use crate::proxy::{Answer, Listening, Upstream};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderMap};
use hyper::{Method, Request, Response, StatusCode, http::request};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// A proxy; it stops when dropped.
pub struct Proxy(Listening);

impl Proxy {
    /// Starts in front of the server at `upstream`, such as `http://127.0.0.1:4577`.
    ///
    /// # Panics
    /// If the machine has no port left.
    pub async fn start(upstream: &str, schedule: Schedule, events: Arc<EventCounts>) -> Self {
        let handing = Handing {
            upstream: Upstream::new(upstream),
            schedule,
            events,
        };
        Self(Listening::start(Arc::new(handing)).await)
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        self.0.url()
    }
}

type Frames = Vec<Result<Frame<Bytes>, std::io::Error>>;
type Body = StreamBody<futures::stream::Iter<<Frames as IntoIterator>::IntoIter>>;
type Answered = Result<Response<Body>, std::io::Error>;

/// What hands the requests on.
struct Handing {
    upstream: Upstream,
    schedule: Schedule,
    events: Arc<EventCounts>,
}

impl Answer for Handing {
    type Body = Body;

    async fn answer(&self, request: Request<Incoming>) -> Answered {
        let (head, body) = request.into_parts();
        // DynamoDB is only read here, by POST.
        let is_write = self.schedule.service() == Service::S3 && head.method != Method::GET;
        let fault = self.schedule.draw(is_write);
        if fault == Some(Fault::RequestCut) && announced(&head.headers) > 0 {
            return self.cut_request(&head, body).await;
        }
        let body = body.collect().await.map_err(std::io::Error::other)?;
        let body = body.to_bytes();
        match fault {
            Some(fault @ (Fault::Throttled | Fault::Failed | Fault::Unavailable)) => {
                self.note(fault);
                let which = self.schedule.below(2);
                return Ok(refusal(self.schedule.service(), fault, which));
            }
            Some(Fault::RequestLost) => {
                self.note(Fault::RequestLost);
                return Err(ErrorKind::ConnectionReset.into());
            }
            Some(Fault::Delayed) => {
                self.note(Fault::Delayed);
                tokio::time::sleep(self.schedule.delay()).await;
            }
            Some(Fault::PageEmpty) => {
                if let Some(page) = empty_page(&head.headers, &body) {
                    self.note(Fault::PageEmpty);
                    return Ok(page);
                }
            }
            _ => {}
        }
        tokio::time::sleep(self.schedule.latency()).await;
        let (status, headers, answer) = self.upstream.hand_on(&head, body).await?;
        if status == StatusCode::PRECONDITION_FAILED {
            self.events.note(Event::RaceLost);
        }
        if status == StatusCode::OK && completes_upload(&head) {
            self.events.note(Event::UploadedInPieces);
        }
        match fault {
            Some(Fault::AnswerLost) => {
                self.note(Fault::AnswerLost);
                Err(ErrorKind::ConnectionReset.into())
            }
            Some(Fault::AnswerCut) if answer.len() > 1 => {
                self.note(Fault::AnswerCut);
                let end = 1 + self.schedule.below(answer.len() - 1);
                let frames = vec![
                    Ok(Frame::data(answer.slice(..end))),
                    Err(ErrorKind::ConnectionReset.into()),
                ];
                Ok(response(status, headers, answer.len(), frames))
            }
            Some(Fault::BitFlipped) if is_protected(&head, status, &headers) => {
                self.note(Fault::BitFlipped);
                let mut flipped = BytesMut::from(&answer[..]);
                let at = self.schedule.below(flipped.len());
                flipped[at] ^= 1 << self.schedule.below(8);
                Ok(whole(status, headers, flipped.freeze()))
            }
            _ => Ok(whole(status, headers, answer)),
        }
    }
}

impl Handing {
    fn note(&self, fault: Fault) {
        let service = self.schedule.service();
        self.events.note(Event::Fault(service, fault));
    }

    /// Hands on half of what was announced, byte by byte as a broken connection does, and hangs up.
    async fn cut_request(&self, head: &request::Parts, mut body: Incoming) -> Answered {
        self.note(Fault::RequestCut);
        let half = announced(&head.headers) / 2;
        let mut begun = BytesMut::new();
        while begun.len() < half
            && let Some(frame) = body.frame().await
        {
            let frame = frame.map_err(std::io::Error::other)?;
            begun.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new()));
        }
        begun.truncate(half);
        let mut text = format!("{} {} HTTP/1.1\r\n", head.method, head.uri);
        for (name, value) in &head.headers {
            let value = value.to_str().map_err(std::io::Error::other)?;
            write!(text, "{name}: {value}\r\n").expect("writing to a string does not fail");
        }
        text.push_str("\r\n");
        let mut upstream = TcpStream::connect(self.upstream.address()).await?;
        upstream.write_all(text.as_bytes()).await?;
        upstream.write_all(&begun).await?;
        upstream.flush().await?;
        Err(ErrorKind::ConnectionReset.into())
    }
}

fn announced(headers: &HeaderMap) -> usize {
    let length = headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    length.unwrap_or(0)
}

fn completes_upload(head: &request::Parts) -> bool {
    let query = head.uri.query().unwrap_or("");
    head.method == Method::POST && query.contains("uploadId=")
}

fn operation(headers: &HeaderMap) -> &str {
    let target = headers.get("x-amz-target");
    let target = target.and_then(|target| target.to_str().ok()).unwrap_or("");
    target.rsplit('.').next().unwrap_or("")
}

/// Whether the answer comes with a checksum of its body: nobody can see a flipped bit without one.
fn is_protected(head: &request::Parts, status: StatusCode, headers: &HeaderMap) -> bool {
    let of_scan = operation(&head.headers) == "Scan" && headers.contains_key("x-amz-crc32");
    let of_object = head.method == Method::GET
        && headers
            .keys()
            .any(|name| name.as_str().starts_with("x-amz-checksum-"));
    status == StatusCode::OK && (of_scan || of_object)
}

/// DynamoDB's possible answer to an unfinished scan: no items, and the cursor.
fn empty_page(headers: &HeaderMap, body: &[u8]) -> Option<Response<Body>> {
    if operation(headers) != "Scan" {
        return None;
    }
    let request: Value = serde_json::from_slice(body).ok()?;
    let start = request.get("ExclusiveStartKey")?;
    let page = json!({
        "Count": 0,
        "ScannedCount": 0,
        "Items": [],
        "LastEvaluatedKey": start,
        "ConsumedCapacity": { "TableName": request["TableName"], "CapacityUnits": 0.5 },
    });
    let page = page.to_string();
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-crc32", crc32fast::hash(page.as_bytes()).into());
    Some(whole(StatusCode::OK, headers, page.into()))
}

/// A refusal in the service's own words.
fn refusal(service: Service, fault: Fault, which: usize) -> Response<Body> {
    let (status, code) = match (service, fault) {
        (Service::DynamoDb, Fault::Throttled) => (
            StatusCode::BAD_REQUEST,
            [
                "ProvisionedThroughputExceededException",
                "ThrottlingException",
            ][which],
        ),
        (Service::S3, Fault::Throttled) => (StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
        (Service::DynamoDb, Fault::Failed) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError")
        }
        (Service::S3, Fault::Failed) => (StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
    };
    let body = match service {
        Service::DynamoDb => {
            let namespace = "com.amazonaws.dynamodb.v20120810";
            json!({ "__type": format!("{namespace}#{code}"), "message": "a fault" }).to_string()
        }
        Service::S3 => format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <Error><Code>{code}</Code><Message>a fault</Message></Error>"
        ),
    };
    whole(status, HeaderMap::new(), body.into())
}

fn whole(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response<Body> {
    response(status, headers, body.len(), vec![Ok(Frame::data(body))])
}

fn response(
    status: StatusCode,
    mut headers: HeaderMap,
    announced: usize,
    frames: Frames,
) -> Response<Body> {
    if status != StatusCode::NO_CONTENT {
        headers.insert(CONTENT_LENGTH, announced.into());
    }
    let mut response = Response::new(StreamBody::new(futures::stream::iter(frames)));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
