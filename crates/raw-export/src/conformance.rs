//! The conformance suite of [`ReadSegments`]: after crashes and overlaps, the committed parts must
//! list every item once.
//!
//! A test of an implementation calls [`holds`] with a function that makes a source of the given
//! lines. Its pages should be small, so that a segment of twenty lines has several.

use crate::{Page, ReadSegments, SegmentRequest, Settings, TaskExport, TimeLimit};
use contract::RunId;
use contract::states::ExportTask;
use lake::memory::poll_at_most;
use lake::records::SegmentRecord;
use lake::{MemoryStore, RunKeys, part, segment};
use profile::Profile;
use serde_json::Value;
use source::{PageBuffer, Throttles};
use std::time::Duration;
use tokio::time::Instant;

const SEGMENTS: u32 = 3;
const LONG: Duration = Duration::from_hours(1);

/// Checks a source against all cases.
///
/// # Panics
/// If it does not conform.
pub async fn holds<R: ReadSegments>(source: impl Fn(Vec<Vec<u8>>) -> R) {
    a_cursor_continues_at_every_page_boundary(&source).await;
    holds_of_commits(|lines, _, _| source(lines)).await;
}

/// Checks a source whose cursors stand for what was committed: it is made with the lake that a run is
/// exported to, and the run's keys. All cases but that of a cursor that nobody committed.
///
/// # Panics
/// If it does not conform.
pub async fn holds_of_commits<R: ReadSegments>(
    source: impl Fn(Vec<Vec<u8>>, &MemoryStore, &RunKeys) -> R,
) {
    let keys = keys();
    let source = |lines, store: &MemoryStore| source(lines, store, &keys);
    every_line_comes_once(&source).await;
    a_crash_at_any_point_loses_and_doubles_nothing(&source).await;
    of_two_attempts_that_overlap_every_line_counts_once(&source).await;
    without_time_each_call_moves_on(&source).await;
}

fn lines(count: u32) -> Vec<Vec<u8>> {
    let line =
        |n| format!("{{\"Item\":{{\"id\":{{\"S\":\"é{n:04}\"}},\"n\":{{\"N\":\"{n}\"}}}}}}\n");
    (0..count).map(|n| line(n).into_bytes()).collect()
}

fn keys() -> RunKeys {
    let run = RunId::parse("20261120-173000-1a2b3c4d").expect("it is a run's id");
    RunKeys::new("p", &run)
}

/// Exports all segments as one task. Returns whether they are complete.
async fn export<R: ReadSegments>(
    store: &MemoryStore,
    reader: &R,
    attempt: &str,
    left: Duration,
) -> bool {
    let task = TaskExport {
        store,
        reader,
        keys: &keys(),
        source_name: "the source",
        total_segments: SEGMENTS,
        declared: &[],
        attempt,
        settings: Settings {
            // Small parts: several checkpoints a segment.
            part_bytes: 300,
            ..Settings::default()
        },
        time: TimeLimit::within(left),
        max_units: None,
    };
    let all = ExportTask {
        index: 0,
        first_segment: 0,
        segment_count: SEGMENTS,
    };
    let end = task.run(&all).await.expect("the task can be read");
    assert!(end.held_up.is_none(), "{:?}", end.held_up);
    end.segments.iter().all(|segment| segment.whole)
}

/// All lines that the manifests list, sorted; the counts must agree with them.
async fn exported(store: &MemoryStore) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for number in 0..SEGMENTS {
        let manifest: Option<SegmentRecord<Profile>> = segment::manifest(store, &keys(), number)
            .await
            .expect("a manifest can be read");
        let manifest = manifest.expect("the segment is whole");
        let before = all.len();
        for listed in &manifest.parts {
            part::read_lines(store, listed, |line| all.push([line, b"\n"].concat()))
                .await
                .expect("a listed part can be read");
        }
        let items = (all.len() - before) as u64;
        assert_eq!(manifest.totals.items, items, "items of segment {number}");
        assert_eq!(
            manifest.profile.items(),
            items,
            "every item is profiled once"
        );
    }
    all.sort_unstable();
    all
}

async fn every_line_comes_once<R: ReadSegments>(source: &impl Fn(Vec<Vec<u8>>, &MemoryStore) -> R) {
    // Without lines, or with fewer lines than segments, some segments are empty.
    for count in [0, 1, 60] {
        let store = MemoryStore::new();
        assert!(export(&store, &source(lines(count), &store), "a", LONG).await);
        assert_eq!(exported(&store).await, lines(count), "{count} lines");
    }
}

async fn page<R: ReadSegments>(
    reader: &R,
    segment: u32,
    cursor: Option<&Value>,
) -> (Vec<String>, Option<Value>) {
    let mut buffer = PageBuffer::new();
    let request = SegmentRequest {
        segment,
        total_segments: SEGMENTS,
        cursor,
        stop: Instant::now() + LONG,
        throttles: &Throttles::new(),
    };
    let answer = reader.page(&request, &mut buffer).await;
    let Page::Read { end, .. } = answer.expect("a page can be read") else {
        panic!("there is time for a page");
    };
    let lines = buffer.lines().expect("its lines are items");
    (lines.lines().map(str::to_owned).collect(), end.cursor)
}

async fn a_cursor_continues_at_every_page_boundary<R: ReadSegments>(
    source: &impl Fn(Vec<Vec<u8>>) -> R,
) {
    let mut boundaries = 0;
    for segment in 0..SEGMENTS {
        let reader = source(lines(60));
        let (_, mut cursor) = page(&reader, segment, None).await;
        while let Some(at) = cursor {
            boundaries += 1;
            let expected = page(&reader, segment, Some(&at)).await;
            // Another process continues, with the progress that it parses from JSON.
            let text = at.to_string();
            let read = serde_json::from_str(&text).expect("a cursor is JSON");
            let found = page(&source(lines(60)), segment, Some(&read)).await;
            assert_eq!(found, expected, "the page at {text} of segment {segment}");
            cursor = expected.1;
        }
    }
    assert!(
        boundaries > 5,
        "too few pages to see anything: {boundaries}"
    );
}

async fn a_crash_at_any_point_loses_and_doubles_nothing<R: ReadSegments>(
    source: &impl Fn(Vec<Vec<u8>>, &MemoryStore) -> R,
) {
    let mut crashes = 0;
    for polls in 1.. {
        let store = MemoryStore::new();
        // Another process goes on, with a reader of its own.
        let crashing = source(lines(30), &store);
        let ended = poll_at_most(polls, export(&store, &crashing, "crashing", LONG));
        drop(crashing);
        assert!(export(&store, &source(lines(30), &store), "next", LONG).await);
        assert_eq!(exported(&store).await, lines(30), "after {polls} polls");
        if ended.is_some() {
            break;
        }
        crashes += 1;
    }
    assert!(crashes > 10, "too few points to crash at: {crashes}");
}

async fn of_two_attempts_that_overlap_every_line_counts_once<R: ReadSegments>(
    source: &impl Fn(Vec<Vec<u8>>, &MemoryStore) -> R,
) {
    for late in 0..10 {
        let store = MemoryStore::new();
        let readers = [source(lines(60), &store), source(lines(60), &store)];
        let second = async {
            for _ in 0..late {
                tokio::task::yield_now().await;
            }
            export(&store, &readers[1], "second", LONG).await
        };
        let ended = tokio::join!(export(&store, &readers[0], "first", LONG), second);
        assert_eq!(ended, (true, true));
        assert_eq!(exported(&store).await, lines(60), "{late} turns late");
    }
}

async fn without_time_each_call_moves_on<R: ReadSegments>(
    source: &impl Fn(Vec<Vec<u8>>, &MemoryStore) -> R,
) {
    let store = MemoryStore::new();
    let mut calls = 0;
    // Each call is another process, which knows what was committed and nothing else.
    while !export(
        &store,
        &source(lines(30), &store),
        &format!("call{calls}"),
        Duration::ZERO,
    )
    .await
    {
        calls += 1;
        assert!(calls < 100, "a call without time reads no page");
    }
    assert!(calls > 1, "a call without time reads more than it must");
    assert_eq!(exported(&store).await, lines(30));
}
