//! Reading a file in ranges, in pages, and by readers that continue where another one stopped: each
//! line once, whatever the places.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use contract::{ErrorName, ServiceError};
use definition::{FileFormat, FilesSource};
use file_source::FileReader;
use flate2::Compression;
use flate2::write::GzEncoder;
use lake::records::{FileRange, FilesPlan, SourceFile};
use lake::{MemoryStore, ObjectStore};
use proptest::prelude::*;
use raw_export::{Page, ReadSegments, SegmentRequest};
use serde_json::{Value, json};
use source::{PageBuffer, Throttles};
use std::io::Write;

fn source(format: FileFormat) -> FilesSource {
    contract::read::from_value(json!({"uri": "s3://old/orders/", "format": format.as_str()}))
        .unwrap()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

async fn plan(store: &MemoryStore, object: Vec<u8>, ranges: Vec<FileRange>) -> FilesPlan {
    store.put("orders/part", object.into()).await.unwrap();
    let [listed] = store.list("orders/").await.unwrap().try_into().unwrap();
    FilesPlan {
        bucket: "old".to_owned(),
        folder: "orders/".to_owned(),
        files: vec![SourceFile {
            name: "part".to_owned(),
            bytes: listed.size,
            etag: listed.etag.unwrap(),
            items: None,
            md5: None,
        }],
        ranges,
        pace: String::new(),
        warnings: Vec::new(),
    }
}

/// Reads a segment; with `resumes`, each page by a reader of its own.
async fn read(
    store: &MemoryStore,
    source: &FilesSource,
    plan: &FilesPlan,
    segment: u32,
    resumes: bool,
) -> Result<(Vec<String>, usize), ServiceError> {
    let throttles = Throttles::new();
    let mut buffer = PageBuffer::new();
    let (mut lines, mut pages, mut cursor) = (Vec::new(), 0, None::<Value>);
    let mut reader = FileReader::new(store.clone(), source, plan);
    loop {
        let request = SegmentRequest {
            segment,
            total_segments: 1,
            cursor: cursor.as_ref(),
            stop: tokio_now(),
            throttles: &throttles,
        };
        let Page::Read { end, .. } = reader.page(&request, &mut buffer).await? else {
            panic!("a reader of files has no budget");
        };
        lines.extend(buffer.lines().unwrap().lines().map(str::to_owned));
        pages += 1;
        cursor = end.cursor;
        if cursor.is_none() {
            return Ok((lines, pages));
        }
        if resumes {
            reader = FileReader::new(store.clone(), source, plan);
        }
    }
}

fn tokio_now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

fn whole() -> Vec<FileRange> {
    vec![FileRange::default()]
}

fn items(count: usize, filler: usize) -> Vec<String> {
    let filler = "x".repeat(filler);
    (0..count)
        .map(|n| format!(r#"{{"id":"{n}","text":"{filler}"}}"#))
        .collect()
}

#[tokio::test]
async fn a_reader_continues_where_another_one_stopped() {
    let store = MemoryStore::new();
    let json = items(9000, 300).join("\n");
    let csv: String = std::iter::once("id,text\r\n".to_owned())
        .chain((0..9000).map(|n| format!("{n},\"{}\r\n\"\"{n}\"\"\"\r\n", "x".repeat(300))))
        .collect();
    for (format, text) in [(FileFormat::JsonLines, json), (FileFormat::Csv, csv)] {
        for object in [text.clone().into_bytes(), gzip(text.as_bytes())] {
            let plan = plan(&store, object, whole()).await;
            let source = source(format);
            let (at_once, pages) = read(&store, &source, &plan, 0, false).await.unwrap();
            assert_eq!(at_once.len(), 9000);
            assert!(pages >= 2, "{pages}");
            let (resumed, more) = read(&store, &source, &plan, 0, true).await.unwrap();
            assert!(at_once == resumed, "{format:?}");
            assert_eq!(pages, more);
        }
    }
}

#[tokio::test]
async fn what_was_replaced_is_refused_in_the_middle() {
    let store = MemoryStore::new();
    let text = items(9000, 300).join("\n");
    let source = source(FileFormat::JsonLines);
    let plan = plan(&store, text.clone().into_bytes(), whole()).await;
    let throttles = Throttles::new();
    let mut buffer = PageBuffer::new();
    let request = |cursor| SegmentRequest {
        segment: 0,
        total_segments: 1,
        cursor,
        stop: tokio_now(),
        throttles: &throttles,
    };
    let reader = FileReader::new(store.clone(), &source, &plan);
    let Page::Read { end, .. } = reader.page(&request(None), &mut buffer).await.unwrap() else {
        panic!("a page");
    };
    let cursor = end.cursor.unwrap();
    store
        .put("orders/part", text.replace('x', "y").into())
        .await
        .unwrap();
    let later = FileReader::new(store.clone(), &source, &plan);
    let error = later
        .page(&request(Some(&cursor)), &mut buffer)
        .await
        .unwrap_err();
    assert_eq!(error.name, ErrorName::FilesIncomplete, "{error}");
    assert!(
        error.to_string().contains("s3://old/orders/part"),
        "{error}"
    );
}

#[tokio::test]
async fn a_line_at_fault_is_named() {
    let store = MemoryStore::new();
    let mut lines = items(4000, 300);
    lines[3999] = r#"{"id":}"#.to_owned();
    let text = lines.join("\n");
    let source = source(FileFormat::JsonLines);
    for (object, says) in [
        (text.clone().into_bytes(), "line 4000: "),
        (gzip(text.as_bytes()), "line 4000: "),
    ] {
        let plan = plan(&store, object, whole()).await;
        for resumes in [false, true] {
            let error = read(&store, &source, &plan, 0, resumes).await.unwrap_err();
            assert_eq!(error.name, ErrorName::FileUnreadable);
            let error = error.to_string();
            assert!(error.contains("s3://old/orders/part"), "{error}");
            assert!(error.contains(says), "{error}");
        }
    }
    let object = text.clone().into_bytes();
    let half = (object.len() / 2) as u64;
    let ranges = vec![FileRange {
        file: 0,
        start: half,
        end: None,
    }];
    let plan_of_half = plan(&store, object, ranges).await;
    let error = read(&store, &source, &plan_of_half, 0, false)
        .await
        .unwrap_err();
    let at = text.rfind('\n').unwrap() + 1;
    assert!(
        error
            .to_string()
            .contains(&format!("the line at byte {at}: ")),
        "{error}"
    );
    // A cut file is damaged, and not shorter.
    let mut cut = gzip(items(100, 10).join("\n").as_bytes());
    cut.truncate(cut.len() - 5);
    let plan = plan(&store, cut, whole()).await;
    let error = read(&store, &source, &plan, 0, false).await.unwrap_err();
    assert_eq!(error.name, ErrorName::FileUnreadable);
    assert!(error.to_string().contains("cut off"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn ranges_hold_each_line_once(
        lengths in proptest::collection::vec(0_usize..40, 1..30),
        mut places in proptest::collection::vec(1_u64..900, 0..5),
        ends_with_a_break in any::<bool>(),
        crlf in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let lines: Vec<_> = lengths.iter().enumerate().map(|(n, length)| {
                format!(r#"{{"n":{n},"t":"{}"}}"#, "z".repeat(*length))
            }).collect();
            let mut text = lines.join(if crlf { "\r\n" } else { "\n" });
            if ends_with_a_break {
                text.push('\n');
            }
            places.retain(|place| *place < text.len() as u64);
            places.sort_unstable();
            places.dedup();
            let starts = std::iter::once(0).chain(places.iter().copied());
            let ends = places.iter().copied().map(Some).chain([None]);
            let ranges: Vec<_> = starts.zip(ends)
                .map(|(start, end)| FileRange { file: 0, start, end }).collect();
            let store = MemoryStore::new();
            let count = u32::try_from(ranges.len()).unwrap();
            let source = source(FileFormat::JsonLines);
            let plan = plan(&store, text.into_bytes(), ranges).await;
            let mut found = Vec::new();
            for segment in 0..count {
                found.extend(read(&store, &source, &plan, segment, true).await.unwrap().0);
            }
            let numbers: Vec<_> = found.iter().map(|line| {
                let line: Value = serde_json::from_str(line).unwrap();
                line["Item"]["n"]["N"].as_str().unwrap().parse::<usize>().unwrap()
            }).collect();
            assert_eq!(numbers, (0..lengths.len()).collect::<Vec<_>>());
        });
    }
}
