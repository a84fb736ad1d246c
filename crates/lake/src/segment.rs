//! The commit protocol of a segment.
//!
//! Progress is a chain of checkpoints, each complete in itself, and then the manifest, which is the last
//! record. Each is written with `If-None-Match: *`: of two attempts that overlap, one commits the
//! record; the other learns that it lost, discards its own part, and continues from the winner's. A
//! manifest ends the segment, however long another attempt's chain may grow: it lists every item once,
//! and nobody reads a chain beside a manifest.

use crate::documents::{self, DocumentError};
use crate::keys::RunKeys;
use crate::records::{Part, SegmentRecord};
use crate::store::{ObjectStore, PutOutcome};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How far a segment has come.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress<P> {
    /// Its manifest is there.
    Whole(SegmentRecord<P>),
    /// It has `checkpoints` checkpoints, the last of which is the record; none at all if 0.
    At {
        /// Links of the chain.
        checkpoints: u32,
        /// The last link.
        record: Option<SegmentRecord<P>>,
    },
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// The link stands as written.
    Won,
    /// Another attempt's link stands; this attempt's new part is gone.
    Lost,
}

/// Reads how far a segment has come.
///
/// # Errors
/// If a link is unreadable, or the store fails.
pub async fn progress<P: DeserializeOwned>(
    store: &impl ObjectStore,
    keys: &RunKeys,
    segment: u32,
) -> Result<Progress<P>, DocumentError> {
    if let Some(whole) = manifest(store, keys, segment).await? {
        return Ok(Progress::Whole(whole));
    }
    let (checkpoints, record) = last_link(store, keys, segment).await?;
    Ok(Progress::At {
        checkpoints,
        record,
    })
}

/// The chain's length and its last link. Links follow each other without a gap, so that the end is
/// found by doubling and halving: a chain of a thousand takes twenty reads.
async fn last_link<P: DeserializeOwned>(
    store: &impl ObjectStore,
    keys: &RunKeys,
    segment: u32,
) -> Result<(u32, Option<SegmentRecord<P>>), DocumentError> {
    let link = async |number| {
        let key = keys.checkpoint(segment, number);
        documents::read_if_there(store, &key, "a segment's checkpoint").await
    };
    let (mut there, mut last) = (0, None);
    let mut absent = None;
    while absent != Some(there + 1) {
        let next = match absent {
            None => (there * 2).max(1),
            Some(absent) => there + (absent - there) / 2,
        };
        match link(next).await? {
            Some(record) => (there, last) = (next, Some(record)),
            None => absent = Some(next),
        }
    }
    Ok((there, last))
}

/// A segment's manifest, if the segment is whole.
///
/// # Errors
/// If it is unreadable, or the store fails.
pub async fn manifest<P: DeserializeOwned>(
    store: &impl ObjectStore,
    keys: &RunKeys,
    segment: u32,
) -> Result<Option<SegmentRecord<P>>, DocumentError> {
    documents::read_if_there(
        store,
        &keys.segment_manifest(segment),
        "a segment's manifest",
    )
    .await
}

/// Commits a record: as the checkpoint after `checkpoints` others if it has a cursor, as the manifest
/// if it has none. The manifest is not stored as a checkpoint as well. `new_part` is the part that no
/// record lists yet.
///
/// # Errors
/// If the store fails.
pub async fn commit<P: Serialize + Sync>(
    store: &impl ObjectStore,
    keys: &RunKeys,
    checkpoints: u32,
    record: &SegmentRecord<P>,
    new_part: Option<&Part>,
) -> Result<Commit, DocumentError> {
    let key = if record.cursor.is_some() {
        keys.checkpoint(record.segment, checkpoints + 1)
    } else {
        keys.segment_manifest(record.segment)
    };
    if documents::commit(store, &key, record).await? == PutOutcome::AlreadyThere {
        if let Some(part) = new_part {
            store.delete(&part.key).await?;
        }
        return Ok(Commit::Lost);
    }
    Ok(Commit::Won)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;
    use crate::memory::poll_at_most;
    use crate::records::{Checksum, Encoding};
    use bytes::Bytes;
    use contract::RunId;

    fn keys() -> RunKeys {
        RunKeys::new("p", &RunId::parse("20261120-173000-1a2b3c4d").unwrap())
    }

    fn record(cursor: Option<u32>) -> SegmentRecord<u32> {
        SegmentRecord {
            cursor: cursor.map(|c| serde_json::json!({"k": {"N": c.to_string()}})),
            ..SegmentRecord::new(3, 8, 0)
        }
    }

    fn part(key: &str) -> Part {
        Part {
            key: key.to_owned(),
            items: 1,
            raw_bytes: 1,
            bytes: 1,
            checksum: Checksum(1),
            encoding: Encoding::Zstd,
        }
    }

    #[tokio::test]
    async fn of_two_attempts_one_commits_and_the_other_discards_its_part() {
        let store = MemoryStore::new();
        for key in ["winner", "loser"] {
            store.put(key, Bytes::from_static(b"lines")).await.unwrap();
        }
        let first = commit(&store, &keys(), 0, &record(Some(1)), Some(&part("winner"))).await;
        assert_eq!(first.unwrap(), Commit::Won);
        let second = commit(&store, &keys(), 0, &record(Some(9)), Some(&part("loser"))).await;
        assert_eq!(second.unwrap(), Commit::Lost);
        store.get("winner").await.unwrap();
        store.get("loser").await.unwrap_err();
        let at = progress::<u32>(&store, &keys(), 3).await.unwrap();
        assert_eq!(
            at,
            Progress::At {
                checkpoints: 1,
                record: Some(record(Some(1)))
            }
        );
    }

    #[tokio::test]
    async fn the_last_record_is_stored_once_and_ends_the_segment_for_all() {
        let store = MemoryStore::new();
        commit(&store, &keys(), 0, &record(Some(1)), None)
            .await
            .unwrap();
        store
            .put("loser", Bytes::from_static(b"lines"))
            .await
            .unwrap();
        let end = commit(&store, &keys(), 1, &record(None), None).await;
        assert_eq!(end.unwrap(), Commit::Won);
        // Another attempt, which read the same checkpoint, is still at work.
        let behind = commit(&store, &keys(), 1, &record(Some(2)), None).await;
        assert_eq!(behind.unwrap(), Commit::Won);
        let at = progress::<u32>(&store, &keys(), 3).await.unwrap();
        assert_eq!(at, Progress::Whole(record(None)));
        let late = commit(&store, &keys(), 2, &record(None), Some(&part("loser"))).await;
        assert_eq!(late.unwrap(), Commit::Lost);
        store.get("loser").await.unwrap_err();
        let stored = store.list(&keys().segments()).await.unwrap();
        assert_eq!(
            stored.len(),
            3,
            "two checkpoints and the manifest: {stored:?}"
        );
    }

    #[tokio::test]
    async fn the_end_of_a_long_chain_is_found_in_a_few_reads() {
        let store = MemoryStore::new();
        for length in 1..=200 {
            let key = keys().checkpoint(3, length);
            documents::commit(&store, &key, &record(Some(length)))
                .await
                .unwrap();
            let Some(Ok(Progress::At { checkpoints, record: last })) =
                // Two pauses a read, and one read of the manifest.
                poll_at_most(40, progress::<u32>(&store, &keys(), 3))
            else {
                panic!("{length} links take more than 19 reads");
            };
            assert_eq!((checkpoints, last), (length, Some(record(Some(length)))));
        }
    }
}
