//! The S3 adapter against a real S3 server on loopback, and against servers that misbehave.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use aws::s3::S3Store;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use contract::{ErrorName, Named};
use lake::records::ChannelFile;
use lake::store::{
    ByteStream, CopyingUpload, ObjectStore, PutOutcome, StoreError, TaggedStore, Upload,
};
use local_servers::s3::S3;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const BUCKET: &str = "lake";

async fn store(server: &S3) -> S3Store {
    S3Store::new(&aws::local(server.url()).await, BUCKET)
}

/// A server that reads a request and answers the `n`th with what `answer(n)` says, then hangs up.
async fn scripted(
    answer: impl Fn(usize) -> String + Send + Sync + 'static,
) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
                let mut buffer = [0; 4096];
                let read = socket.read(&mut buffer).await.unwrap();
                request.extend_from_slice(&buffer[..read]);
            }
            let turn = count.fetch_add(1, Ordering::SeqCst);
            socket.write_all(answer(turn).as_bytes()).await.unwrap();
        }
    });
    (url, asked)
}

fn response(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

// ---- the port ----

#[tokio::test]
async fn the_adapter_conforms_to_the_port() {
    let server = S3::start(&[BUCKET]).await;
    lake::conformance::check(&store(&server).await, "conformance/").await;
    lake::conformance::check_copies(&store(&server).await, "copies/").await;
}

#[tokio::test]
async fn folders_are_listed_without_their_objects() {
    let server = S3::start(&[BUCKET]).await;
    let store = store(&server).await;
    for key in [
        "raw/p/run=2/a",
        "raw/p/run=1/a",
        "raw/p/run=1/b/c",
        "raw/q/run=3/a",
    ] {
        store.put(key, Bytes::from_static(b"x")).await.unwrap();
    }
    let folders = store.folders("raw/p/run=").await.unwrap();
    assert_eq!(folders, ["raw/p/run=1/", "raw/p/run=2/"]);
    assert!(store.folders("raw/p/run=3").await.unwrap().is_empty());
}

// ---- objects ----

#[tokio::test]
async fn a_listing_has_all_pages() {
    let server = S3::start(&[BUCKET]).await;
    let store = store(&server).await;
    let folder = server.folder().join(BUCKET).join("many");
    std::fs::create_dir(&folder).unwrap();
    for number in 0..1050 {
        std::fs::write(folder.join(format!("{number:05}")), "x").unwrap();
    }
    let listed = store.list("many/").await.unwrap();
    assert_eq!(listed.len(), 1050);
    assert!(listed.is_sorted_by(|one, next| one.key < next.key));
}

#[tokio::test]
async fn a_missing_bucket_is_no_missing_object() {
    // s3s-fs says NoSuchKey here; this is what S3 says.
    let missing = response("404 Not Found", "<Error><Code>NoSuchBucket</Code></Error>");
    let (url, _) = scripted(move |_| missing.clone()).await;
    let store = S3Store::new(&aws::local(&url).await, BUCKET);
    let error = store.get("a").await.unwrap_err();
    let StoreError::Service(error) = error else {
        panic!("{error}")
    };
    assert_eq!(error.name(), ErrorName::NotFound);
    assert!(error.to_string().contains("NoSuchBucket"), "{error}");
}

#[tokio::test]
async fn a_stream_gives_the_object_in_frames() {
    let server = S3::start(&[BUCKET]).await;
    let store = store(&server).await;
    let body: Bytes = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    store.put("big", body.clone()).await.unwrap();
    let mut stream = store.stream("big").await.unwrap();
    let mut received = Vec::new();
    let mut frames = 0;
    while let Some(frame) = stream.next().await.unwrap() {
        received.extend_from_slice(&frame);
        frames += 1;
    }
    assert!(frames > 1);
    assert!(received == body, "the bytes differ");
}

#[tokio::test]
async fn a_transfer_that_ends_early_is_an_error() {
    let (url, _) = scripted(|_| "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort".into()).await;
    let store = S3Store::new(&aws::local(&url).await, BUCKET);
    let error = store.get("a").await.unwrap_err();
    assert!(error.to_string().contains("IncompleteBody"), "{error}");
}

// ---- conditional puts ----

#[tokio::test]
async fn a_conditional_put_waits_for_the_outcome_of_a_race() {
    let conflict = response(
        "409 Conflict",
        "<Error><Code>ConditionalRequestConflict</Code></Error>",
    );
    let lost = response(
        "412 Precondition Failed",
        "<Error><Code>PreconditionFailed</Code></Error>",
    );
    let (url, asked) = scripted(move |turn| {
        if turn == 0 {
            conflict.clone()
        } else {
            lost.clone()
        }
    })
    .await;
    let store = S3Store::new(&aws::local(&url).await, BUCKET);
    let outcome = store
        .put_if_absent("commit", Bytes::from_static(b"mine"))
        .await
        .unwrap();
    assert_eq!(outcome, PutOutcome::AlreadyThere);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_conditional_put_whose_answer_got_lost_is_still_this_writers() {
    for (there, outcome) in [
        ("mine", PutOutcome::Created),
        ("theirs", PutOutcome::AlreadyThere),
    ] {
        let (url, _) = scripted(move |turn| match turn {
            0 => response(
                "500 Internal Server Error",
                "<Error><Code>InternalError</Code></Error>",
            ),
            1 => response(
                "412 Precondition Failed",
                "<Error><Code>PreconditionFailed</Code></Error>",
            ),
            _ => response("200 OK", there),
        })
        .await;
        let store = S3Store::new(&aws::local(&url).await, BUCKET);
        let got = store
            .put_if_absent("commit", Bytes::from_static(b"mine"))
            .await
            .unwrap();
        assert_eq!(got, outcome, "{there}");
    }
}

// ---- uploads ----

#[tokio::test]
async fn a_small_piece_that_is_not_the_last_is_refused() {
    let server = S3::start(&[BUCKET]).await;
    let store = store(&server).await;
    let mut upload = store.upload("model").await.unwrap();
    upload.send(Bytes::from_static(b"small")).await.unwrap();
    upload.send(Bytes::from_static(b"next")).await.unwrap();
    let error = upload.complete().await.unwrap_err();
    assert!(error.to_string().contains("EntityTooSmall"), "{error}");
}

/// Completes an upload, loses the answer, and then knows no such upload. What became of the object
/// is its size, or that it is not there.
#[derive(Debug, Clone)]
struct Forgetful {
    completions: Arc<AtomicUsize>,
    object: Option<usize>,
}

impl HttpConnector for Forgetful {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let begun =
            "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>";
        let (status, body) = match (request.method(), self.object) {
            ("POST", _) if request.uri().contains("uploadId") => {
                match self.completions.fetch_add(1, Ordering::SeqCst) {
                    0 => (500, "<Error><Code>InternalError</Code></Error>"),
                    _ => (404, "<Error><Code>NoSuchUpload</Code></Error>"),
                }
            }
            ("POST", _) => (200, begun),
            ("HEAD", None) => (404, ""),
            _ => (200, ""),
        };
        let status = StatusCode::try_from(status).unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(body));
        if let ("HEAD", Some(bytes)) = (request.method(), self.object) {
            let headers = response.headers_mut();
            headers.insert("content-length", bytes.to_string());
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}

#[tokio::test]
async fn an_upload_whose_completion_was_not_answered_is_complete_if_its_object_is_there() {
    const PIECE: usize = 5 << 20;
    for (object, is_complete) in [(Some(PIECE), true), (Some(PIECE - 1), false), (None, false)] {
        let connector = SharedHttpConnector::new(Forgetful {
            completions: Arc::default(),
            object,
        });
        let config = aws::local("http://s3.test").await.into_builder();
        let config = config.http_client(http_client_fn(move |_, _| connector.clone()));
        let store = S3Store::new(&config.build(), BUCKET);
        let mut upload = store.upload("a").await.unwrap();
        upload.send(Bytes::from(vec![0; PIECE])).await.unwrap();
        let outcome = upload.complete().await;
        assert_eq!(outcome.is_ok(), is_complete, "{object:?}: {outcome:?}");
        // The service may still be at it, for an attempt that nobody waits for: worth another
        // attempt.
        if let Err(error) = outcome {
            let StoreError::Service(error) = error else {
                panic!("{object:?}: {error}");
            };
            assert_eq!(error.name, ErrorName::ServiceUnavailable, "{object:?}");
        }
    }
}

/// Copies every part, and keeps of each its number and its range.
#[derive(Debug, Clone, Default)]
struct Copier(Arc<Mutex<Vec<Copied>>>);

/// The number of a part, and its range.
type Copied = (String, Option<String>);

impl HttpConnector for Copier {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let copied = "<CopyPartResult><ETag>e</ETag></CopyPartResult>";
        let begun =
            "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>";
        let body = match request.method() {
            "PUT" => {
                let range = request.headers().get("x-amz-copy-source-range");
                let parameters = request.uri().split(['?', '&']);
                let number = parameters.filter_map(|one| one.strip_prefix("partNumber="));
                let number = number.map(str::to_owned).collect();
                self.0
                    .lock()
                    .unwrap()
                    .push((number, range.map(str::to_owned)));
                copied
            }
            _ => begun,
        };
        let status = StatusCode::try_from(200).unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
    }
}

#[tokio::test]
async fn an_object_above_five_gibibytes_is_copied_in_ranges() {
    const MOST: u64 = 5 << 30;
    for (bytes, expected) in [
        (MOST, vec![None]),
        (
            MOST + 1,
            vec![
                Some("bytes=0-2684354560"),
                Some("bytes=2684354561-5368709120"),
            ],
        ),
        (
            12_000_000_000,
            vec![
                Some("bytes=0-3999999999"),
                Some("bytes=4000000000-7999999999"),
                Some("bytes=8000000000-11999999999"),
            ],
        ),
    ] {
        let service = Copier::default();
        let connector = SharedHttpConnector::new(service.clone());
        let config = aws::local("http://s3.test").await.into_builder();
        let config = config.http_client(http_client_fn(move |_, _| connector.clone()));
        let store = S3Store::new(&config.build(), BUCKET);
        let mut upload = store.upload("joined.rec").await.unwrap();
        upload.copy("packed.rec", bytes).await.unwrap();
        let copied = service.0.lock().unwrap().clone();
        let ranges: Vec<_> = copied.iter().map(|(_, range)| range.as_deref()).collect();
        assert_eq!(ranges, expected);
        let numbers: Vec<_> = copied.iter().map(|(number, _)| number.clone()).collect();
        let counted: Vec<_> = (1..=expected.len()).map(|n| n.to_string()).collect();
        assert_eq!(numbers, counted);
    }
}

/// Lists the file that is to be joined, and refuses to copy it and to abort the upload.
#[derive(Debug, Clone)]
struct Stubborn;

impl HttpConnector for Stubborn {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let begun =
            "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>";
        let listed = "<ListBucketResult><Contents><Key>packed.rec</Key><Size>9000000</Size></Contents>\
            <IsTruncated>false</IsTruncated></ListBucketResult>";
        let (status, body) = match request.method() {
            "POST" => (200, begun),
            "GET" => (200, listed),
            "PUT" => (403, "<Error><Code>AccessDenied</Code></Error>"),
            _ => (400, "<Error><Code>InvalidRequest</Code></Error>"),
        };
        let status = StatusCode::try_from(status).unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
    }
}

#[tokio::test]
async fn a_join_that_fails_says_why_also_if_its_upload_cannot_be_aborted() {
    let connector = SharedHttpConnector::new(Stubborn);
    let config = aws::local("http://s3.test").await.into_builder();
    let config = config.http_client(http_client_fn(move |_, _| connector.clone()));
    let store = S3Store::new(&config.build(), BUCKET);
    let file = ChannelFile {
        channel: "train".to_owned(),
        key: "packed.rec".to_owned(),
        rows: 1,
        bytes: 9_000_000,
        digest: None,
        pieces: Vec::new(),
        checksum: None,
        objects: None,
    };
    let error = lake::join(&store, &[file], "train.rec").await.unwrap_err();
    assert_eq!(error.name(), ErrorName::AccessDenied, "{error}");
    let text = contract::chain(&error);
    assert!(text.contains("UploadPartCopy"), "{text}");
}

// ---- signatures ----

/// Answers everything, and keeps what was said about each body: its hash and its CRC.
#[derive(Debug, Clone, Default)]
struct Witness(Arc<Mutex<Vec<(String, bool)>>>);

impl HttpConnector for Witness {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if request.method() == "PUT" {
            let hash = request.headers().get("x-amz-content-sha256").unwrap();
            let has_crc = request.headers().get("x-amz-checksum-crc32").is_some();
            self.0.lock().unwrap().push((hash.to_owned(), has_crc));
        }
        let body =
            "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>";
        let status = StatusCode::try_from(200).unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
    }
}

#[tokio::test]
async fn bodies_are_hashed_only_where_nothing_else_protects_them_and_always_have_a_crc() {
    for (endpoint, hashed) in [("https://s3.test", false), ("http://s3.test", true)] {
        let witness = Witness::default();
        let connector = SharedHttpConnector::new(witness.clone());
        let config = aws::local(endpoint).await.into_builder();
        let config = config.http_client(http_client_fn(move |_, _| connector.clone()));
        let store = S3Store::new(&config.build(), BUCKET);
        store.put("a", Bytes::from_static(b"body")).await.unwrap();
        let mut upload = store.upload("b").await.unwrap();
        let piece = Bytes::from(vec![0; 5 << 20]);
        upload.send(piece).await.unwrap();
        let said = witness.0.lock().unwrap().clone();
        assert_eq!(said.len(), 2, "{endpoint}");
        for (hash, has_crc) in said {
            assert_eq!(hash != "UNSIGNED-PAYLOAD", hashed, "{endpoint}: {hash}");
            assert!(has_crc, "{endpoint}");
        }
    }
}

#[tokio::test]
async fn a_tag_is_found_by_its_key_and_an_object_that_is_gone_is_said() {
    let tags = "<?xml version=\"1.0\"?><Tagging><TagSet><Tag><Key>other</Key><Value>x</Value></Tag>\
                <Tag><Key>sign</Key><Value>a &amp; b</Value></Tag></TagSet></Tagging>";
    let gone = "<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>";
    let denied = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
    let (url, _) = scripted(move |turn| match turn {
        0 | 1 => response("200 OK", tags),
        2 => response("404 Not Found", gone),
        _ => response("403 Forbidden", denied),
    })
    .await;
    let store = S3Store::new(&aws::local(&url).await, BUCKET);
    let tag = async |tag| store.tag("images/a.jpg", tag).await;
    assert_eq!(tag("sign").await.unwrap().as_deref(), Some("a & b"));
    assert_eq!(tag("label").await.unwrap(), None);
    assert!(matches!(
        tag("sign").await,
        Err(StoreError::NotFound { .. })
    ));
    let error = tag("sign").await.unwrap_err();
    assert_eq!(error.name(), ErrorName::AccessDenied);
    assert!(contract::chain(&error).contains("GetObjectTagging"));
}
