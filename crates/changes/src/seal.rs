//! Adds up what was merged, and commits what the run's items are a state of.

use crate::{ChangedKeys, ChangesError};
use futures::TryStreamExt;
use futures::stream::{self, StreamExt};
use lake::native::NativeExport;
use lake::records::{
    Audit, CaptureSource, ChangeView, ChangedRecord, ChangesRecord, Checksum, Contents, Merged,
    SegmentRecord, SnapshotKind, SnapshotRecord, Window,
};
use lake::{ObjectStore, PutOutcome, RunKeys, documents, segment};
use serde::de::IgnoredAny;
use std::ops::Range;

/// Manifests that are read at once.
const AT_ONCE: usize = 64;

/// What the segments of an incremental run are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sealed {
    /// The state of the table at the end of the last window.
    Whole(SnapshotRecord),
    /// The same, to be compared with an export of the whole table. No snapshot is committed.
    Compare(Merged),
    /// Not that: the changes do not fit the base. Why, in one sentence.
    Disagree(String),
}

/// Checks that the segments hold what the base and the changes say, and commits the snapshot.
///
/// # Errors
/// If a segment is not whole, or the lake fails.
pub async fn seal_changes(
    store: &impl ObjectStore,
    keys: &RunKeys,
    changes: &ChangesRecord,
) -> Result<Sealed, ChangesError> {
    let compacted = ChangedKeys::record(store, keys).await?;
    let manifests = manifests(store, keys, 0..changes.total_segments()).await?;
    if let Some(why) = disagreement(changes, &compacted, &manifests) {
        return Ok(Sealed::Disagree(why));
    }
    let base = &changes.base;
    let captured = changes.captured.as_ref();
    let last = changes.windows.last();
    let as_of = match captured {
        Some(captured) => captured.source.listed_at,
        None => last.map_or(base.as_of, |last| last.window.to),
    };
    if changes.audit {
        let contents = contents(keys, &manifests)?;
        return Ok(Sealed::Compare(Merged { as_of, contents }));
    }
    let snapshot = SnapshotRecord {
        run: keys.run().clone(),
        as_of,
        items: items(&manifests),
        segments: changes.total_segments(),
        full_as_of: base.full_as_of,
        generation: base.generation + 1,
        changed_keys: compacted.keys.saturating_sub(same(&manifests)),
        kind: match captured {
            Some(captured) if !captured.settles => base.kind,
            _ => SnapshotKind::Exact,
        },
        capture: captured.map(|captured| captured.source.clone()),
        audit: None,
    };
    commit(store, keys, snapshot).await.map(Sealed::Whole)
}

/// Commits the snapshot of a native export of the whole table, as of a moment in seconds since 1970;
/// `merged` is what changes came to as of the same moment, for comparing.
///
/// # Errors
/// If a segment is not whole, the items are not those of the export, or the lake fails.
pub async fn seal_full(
    store: &impl ObjectStore,
    keys: &RunKeys,
    export: &NativeExport,
    as_of: i64,
    merged: Option<Contents>,
) -> Result<SnapshotRecord, ChangesError> {
    let segments = export.segments();
    let manifests = manifests(store, keys, segments.clone()).await?;
    let found = items(&manifests);
    if found != export.items {
        return Err(ChangesError::ItemsDiffer {
            run: keys.run().clone(),
            said: export.items,
            found,
        });
    }
    let audit = match merged {
        None => None,
        Some(merged) => Some(Audit {
            merged,
            exported: contents(keys, &manifests)?,
        }),
    };
    let snapshot = SnapshotRecord {
        run: keys.run().clone(),
        as_of,
        items: found,
        segments: segments.end - segments.start,
        full_as_of: as_of,
        generation: 0,
        changed_keys: 0,
        audit,
        kind: SnapshotKind::Exact,
        capture: None,
    };
    commit(store, keys, snapshot).await
}

/// Commits the snapshot of a table that was read after its changes began to be captured, until `now`,
/// in seconds since 1970: by a scan, or a native export.
///
/// # Errors
/// If a segment is not whole, or the lake fails.
pub async fn seal_captured(
    store: &impl ObjectStore,
    keys: &RunKeys,
    capture: &CaptureSource,
    segments: Range<u32>,
    now: i64,
) -> Result<SnapshotRecord, ChangesError> {
    let listed_at = capture.listed_at;
    let snapshot = SnapshotRecord {
        run: keys.run().clone(),
        as_of: listed_at,
        items: items(&manifests(store, keys, segments.clone()).await?),
        segments: segments.end - segments.start,
        full_as_of: listed_at,
        generation: 0,
        changed_keys: 0,
        kind: SnapshotKind::Fuzzy(Window {
            from: listed_at,
            to: now,
        }),
        capture: Some(capture.clone()),
        audit: None,
    };
    commit(store, keys, snapshot).await
}

/// Why the segments are not the table's state, if they are not.
fn disagreement(
    changes: &ChangesRecord,
    compacted: &ChangedRecord,
    manifests: &[SegmentRecord<IgnoredAny>],
) -> Option<String> {
    let of = |examples: &[String]| examples.join("; ");
    if compacted.disagreed > 0 {
        return Some(format!(
            "{} changes do not follow from the change before, such as those of {}: changes are missing",
            compacted.disagreed,
            of(&compacted.examples)
        ));
    }
    let applied = || {
        let applied = manifests.iter();
        applied.filter_map(|manifest| manifest.applied.as_ref())
    };
    let disagreed: u64 = applied().map(|applied| applied.disagreed).sum();
    if disagreed > 0 {
        let examples = applied().flat_map(|applied| applied.examples.iter().cloned());
        let examples: Vec<_> = examples.take(crate::compaction::EXAMPLES).collect();
        return Some(format!(
            "{disagreed} items of the base are not those that their changes replaced, such as {}: changes are missing",
            of(&examples)
        ));
    }
    let superseded: u64 = applied().map(|applied| applied.superseded).sum();
    let (least, most) = (
        compacted.always.unwrap_or(compacted.replaced),
        compacted.replaced,
    );
    if changes.view == ChangeView::NewAndOldImages && !(least..=most).contains(&superseded) {
        let between = if least == most {
            most.to_string()
        } else {
            format!("{least} to {most}")
        };
        return Some(format!(
            "the changes replaced {between} items of the base, and it has {superseded} of them: changes are missing"
        ));
    }
    let written = compacted.keys - compacted.removed;
    let expected = changes.base.items + written;
    let found = items(manifests);
    (expected != found + superseded).then(|| {
        format!(
            "the base has {} items, {superseded} of which changed, and {written} changed items were written, but the \
             segments hold {found}",
            changes.base.items
        )
    })
}

/// What all segments hold.
fn contents(
    keys: &RunKeys,
    manifests: &[SegmentRecord<IgnoredAny>],
) -> Result<Contents, ChangesError> {
    let mut values = Checksum::default();
    for manifest in manifests {
        values += manifest.values.ok_or_else(|| ChangesError::NotHashed {
            run: keys.run().clone(),
            segment: manifest.segment,
        })?;
    }
    Ok(Contents {
        items: items(manifests),
        values,
    })
}

/// Changed keys whose items are as the base has them.
fn same(manifests: &[SegmentRecord<IgnoredAny>]) -> u64 {
    let applied = manifests
        .iter()
        .filter_map(|manifest| manifest.applied.as_ref());
    applied.map(|applied| applied.same).sum()
}

fn items(manifests: &[SegmentRecord<IgnoredAny>]) -> u64 {
    manifests.iter().map(|manifest| manifest.totals.items).sum()
}

async fn manifests(
    store: &impl ObjectStore,
    keys: &RunKeys,
    segments: Range<u32>,
) -> Result<Vec<SegmentRecord<IgnoredAny>>, ChangesError> {
    let manifests = stream::iter(segments).map(|number| async move {
        let manifest = segment::manifest(store, keys, number).await?;
        manifest.ok_or_else(|| ChangesError::SegmentNotWhole {
            run: keys.run().clone(),
            segment: number,
        })
    });
    manifests.buffered(AT_ONCE).try_collect().await
}

/// Commits the snapshot; another call that came first committed the same.
async fn commit(
    store: &impl ObjectStore,
    keys: &RunKeys,
    snapshot: SnapshotRecord,
) -> Result<SnapshotRecord, ChangesError> {
    let key = keys.snapshot();
    Ok(match documents::commit(store, &key, &snapshot).await? {
        PutOutcome::Created => snapshot,
        PutOutcome::AlreadyThere => documents::read(store, &key, "a snapshot").await?,
    })
}
