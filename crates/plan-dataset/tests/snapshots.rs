//! What the export's record says of the snapshots of all segments: where the next run may begin to
//! read changes.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use contract::states::RunInput;
use contract::{Invocation, RunId};
use lake::records::{ExportRecord, SegmentRecord, SnapshotRead};
use lake::{MemoryStore, RunKeys, documents, segment};
use profile::Profile;
use serde_json::json;
use std::time::{Duration, SystemTime};

const RUN: &str = "20261120-173000-1a2b3c4d";

fn snapshot(position: Option<u64>) -> SnapshotRead {
    SnapshotRead {
        taken: "2026-11-20T17:31:00Z".to_owned(),
        rows: 10,
        compared: vec!["count".to_owned()],
        bad_texts: 0,
        position,
    }
}

/// The position of an export whose segments were read in these snapshots.
async fn position(segments: &[Vec<SnapshotRead>]) -> Option<u64> {
    let store = MemoryStore::new();
    let run = RunId::parse(RUN).unwrap();
    let keys = RunKeys::new("default", &run);
    let count = u32::try_from(segments.len()).unwrap();
    let plan = json!({
        "run": RUN, "execution": "arn:e", "started": "2026-11-20T17:30:00Z",
        "definition": {"source": {"dynamodb": {"table": "t"}}},
        "keyAttributes": ["id"], "route": "Scan", "reason": "a test", "segments": count, "tasks": [],
        "estimate": {"items": 0, "bytes": 0, "readUnits": 0},
    });
    documents::write(&store, &keys.plan(), &plan).await.unwrap();
    for (number, snapshots) in (0..).zip(segments) {
        let record = SegmentRecord {
            snapshots: snapshots.clone(),
            ..SegmentRecord::new(number, count, Profile::new())
        };
        segment::commit(&store, &keys, 0, &record, None)
            .await
            .unwrap();
    }
    let input = RunInput {
        pipeline: "default".to_owned(),
        run,
    };
    let time = Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now() + Duration::from_mins(10),
    };
    plan_dataset::handle(&store, 1, input, time).await.unwrap();
    let record: ExportRecord = documents::read(&store, &keys.export(), "the export")
        .await
        .unwrap();
    record.snapshots.unwrap().position
}

#[tokio::test]
async fn changes_are_read_from_the_least_position_if_every_segment_has_one() {
    let (seven, nine) = (snapshot(Some(7)), snapshot(Some(9)));
    let all = [vec![nine.clone()], vec![nine.clone(), seven.clone()]];
    assert_eq!(position(&all).await, Some(7));
    // Of a segment without a snapshot nobody knows since when it changed.
    let gap = [vec![nine.clone()], vec![], vec![seven.clone()]];
    assert_eq!(position(&gap).await, None);
    let first = [vec![], vec![nine.clone()]];
    assert_eq!(position(&first).await, None);
    // Nor of a snapshot without a position.
    let without = [vec![nine, snapshot(None)], vec![seven]];
    assert_eq!(position(&without).await, None);
}
