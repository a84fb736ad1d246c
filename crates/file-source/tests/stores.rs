//! Reading files of stores that answer as S3 may: in frames of any size, denied, or gone.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use bytes::Bytes;
use contract::{ErrorName, ServiceError};
use definition::{FileFormat, FilesSource};
use file_source::FileReader;
use flate2::Compression;
use flate2::write::GzEncoder;
use lake::memory::{MemoryUpload, poll_at_most};
use lake::records::{FileRange, FilesPlan, SourceFile};
use lake::store::{ByteStream, ListPage, ObjectMeta, PutOutcome};
use lake::{MemoryStore, ObjectStore, PagedStore, StoreError};
use raw_export::{ReadSegments, SegmentRequest, conformance};
use serde_json::json;
use source::{PageBuffer, Throttles};
use std::io::Write;

const SEGMENTS: usize = 3;

/// A bucket whose objects come in small frames, and may be denied.
#[derive(Debug, Clone, Default)]
struct Bucket {
    store: MemoryStore,
    denies_objects: bool,
    denies_lists: bool,
}

struct Frames(Bytes);

impl ByteStream for Frames {
    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        const FRAME: usize = 97;
        if self.0.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.0.split_to(FRAME.min(self.0.len()))))
    }
}

fn denied(operation: &'static str, key: &str) -> StoreError {
    StoreError::from(ServiceError {
        name: ErrorName::AccessDenied,
        service: "S3",
        operation,
        subject: key.to_owned(),
        code: "AccessDenied".to_owned(),
        message: "Access Denied".to_owned(),
        source: None,
    })
}

impl PagedStore for Bucket {
    type Body = Frames;

    fn other(&self, _: &str) -> Self {
        self.clone()
    }

    async fn list_page(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: u32,
    ) -> Result<ListPage, StoreError> {
        if self.denies_lists {
            return Err(denied("ListObjectsV2", prefix));
        }
        self.store.list_page(prefix, after, most).await
    }

    async fn get_if_match(&self, key: &str, etag: &str) -> Result<Option<Bytes>, StoreError> {
        if self.denies_objects {
            return Err(denied("GetObject", key));
        }
        self.store.get_if_match(key, etag).await
    }

    async fn stream_if_match(
        &self,
        key: &str,
        etag: &str,
        from: u64,
    ) -> Result<Option<Frames>, StoreError> {
        let body = self.get_if_match(key, etag).await?;
        let from = usize::try_from(from).unwrap();
        Ok(body.map(|body| Frames(body.slice(from.min(body.len())..))))
    }
}

impl ObjectStore for Bucket {
    type Upload = MemoryUpload;

    fn bucket(&self) -> &str {
        self.store.bucket()
    }

    async fn get(&self, key: &str) -> Result<Bytes, StoreError> {
        self.store.get(key).await
    }

    async fn stream(&self, key: &str) -> Result<impl ByteStream, StoreError> {
        self.store.stream(key).await
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        self.store.put(key, body).await
    }

    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<PutOutcome, StoreError> {
        self.store.put_if_absent(key, body).await
    }

    async fn upload(&self, key: &str) -> Result<MemoryUpload, StoreError> {
        self.store.upload(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>, StoreError> {
        self.store.list(prefix).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.store.delete(key).await
    }
}

fn source(format: FileFormat) -> FilesSource {
    contract::read::from_value(json!({"uri": "s3://old/orders/", "format": format.as_str()}))
        .unwrap()
}

/// A bucket with these objects, and the plan of reading them.
fn planned(objects: Vec<Vec<u8>>, ranges: Vec<FileRange>) -> (Bucket, FilesPlan) {
    let bucket = Bucket::default();
    for (number, object) in objects.into_iter().enumerate() {
        let key = format!("orders/{number}");
        let put = poll_at_most(10, bucket.put(&key, object.into()));
        put.unwrap().unwrap();
    }
    let listed = poll_at_most(10, bucket.list("orders/")).unwrap().unwrap();
    let files = listed.into_iter().map(|object| SourceFile {
        name: object.key.strip_prefix("orders/").unwrap().to_owned(),
        bytes: object.size,
        etag: object.etag.unwrap(),
        items: None,
        md5: None,
    });
    let plan = FilesPlan {
        bucket: "old".to_owned(),
        folder: "orders/".to_owned(),
        files: files.collect(),
        ranges,
        pace: String::new(),
        warnings: Vec::new(),
    };
    (bucket, plan)
}

/// A reader that lives as long as the test.
fn reader((bucket, plan): (Bucket, FilesPlan), format: FileFormat) -> FileReader<'static, Bucket> {
    let (source, plan) = (
        Box::leak(Box::new(source(format))),
        Box::leak(Box::new(plan)),
    );
    FileReader::new(bucket, source, plan)
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// The ranges of one file that has so many bytes.
fn thirds(bytes: u64) -> Vec<FileRange> {
    let all = [
        (0, Some(bytes / 3)),
        (bytes / 3, Some(bytes / 3 * 2)),
        (bytes / 3 * 2, None),
    ];
    let range = |(start, end)| FileRange {
        file: 0,
        start,
        end,
    };
    all.map(range).to_vec()
}

/// A file for each segment.
fn whole() -> Vec<FileRange> {
    let range = |file| FileRange {
        file,
        ..FileRange::default()
    };
    (0..3).map(range).collect()
}

fn thirds_of(lines: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let size = lines.len().div_ceil(SEGMENTS).max(1);
    let mut files: Vec<_> = lines.chunks(size).map(<[_]>::concat).collect();
    files.resize(SEGMENTS, Vec::new());
    files
}

#[tokio::test]
async fn files_are_a_source_as_others_are() {
    let native = FileFormat::DynamodbExport;
    // Ranges of one file, files as they are, and compressed ones, whose lines are skipped.
    conformance::holds(|lines| {
        let text = lines.concat();
        let ranges = thirds(text.len() as u64);
        reader(planned(vec![text], ranges), native).with_page(200)
    })
    .await;
    conformance::holds(|lines| reader(planned(thirds_of(&lines), whole()), native).with_page(200))
        .await;
    conformance::holds(|lines| {
        let packed = thirds_of(&lines).iter().map(|text| gzip(text)).collect();
        reader(planned(packed, whole()), native).with_page(200)
    })
    .await;
}

async fn error_of(reader: &FileReader<'_, Bucket>) -> ServiceError {
    let mut buffer = PageBuffer::new();
    let request = SegmentRequest {
        segment: 0,
        total_segments: 1,
        cursor: None,
        stop: tokio::time::Instant::now(),
        throttles: &Throttles::new(),
    };
    reader.page(&request, &mut buffer).await.unwrap_err()
}

#[tokio::test]
async fn a_file_that_is_gone_is_not_called_denied() {
    // Without s3:ListBucket, S3 answers 403 for an object that is not there.
    for (is_there, denies_lists, name, says) in [
        (true, false, ErrorName::AccessDenied, "AccessDenied"),
        (
            false,
            false,
            ErrorName::FilesIncomplete,
            "replaced or removed",
        ),
        (
            false,
            true,
            ErrorName::AccessDenied,
            "or the object was removed",
        ),
    ] {
        let (mut bucket, plan) = planned(vec![b"{\"Item\":{}}\n".to_vec()], whole());
        if !is_there {
            bucket.delete("orders/0").await.unwrap();
        }
        bucket.denies_objects = true;
        bucket.denies_lists = denies_lists;
        let error = error_of(&reader((bucket, plan), FileFormat::DynamodbExport)).await;
        assert_eq!(error.name, name, "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.to_string().contains("orders/0"), "{error}");
    }
}

#[tokio::test]
async fn a_line_that_is_longer_than_any_item_is_named() {
    let short = b"{\"a\": 1}\n";
    let text = [&short[..], &vec![b' '; 17 << 20]].concat();
    for (format, object) in [
        (FileFormat::JsonLines, text.clone()),
        (FileFormat::JsonLines, gzip(&text)),
    ] {
        let error = error_of(&reader(planned(vec![object], whole()), format)).await;
        assert_eq!(error.name, ErrorName::FileUnreadable, "{error}");
        let says = "s3://old/orders/0: LineTooLong: the line at byte 9 is longer than 16777216";
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn of_a_line_only_its_end_is_cut() {
    let text = b" a\x03{\"s\":\" x \"}\x02b \x03{\"n\":\"1\"}\r\n \r\n a\x03{\"s\":\"y\"}".to_vec();
    let reader = reader(planned(vec![text], whole()), FileFormat::DataPipeline);
    let mut buffer = PageBuffer::new();
    let request = SegmentRequest {
        segment: 0,
        total_segments: 1,
        cursor: None,
        stop: tokio::time::Instant::now(),
        throttles: &Throttles::new(),
    };
    reader.page(&request, &mut buffer).await.unwrap();
    let lines: Vec<_> = buffer.lines().unwrap().lines().collect();
    assert_eq!(
        lines,
        [
            r#"{"Item":{" a":{"S":" x "},"b ":{"N":"1"}}}"#,
            r#"{"Item":{" a":{"S":"y"}}}"#
        ]
    );
}
