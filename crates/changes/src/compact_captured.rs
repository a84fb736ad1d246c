//! Compacts captured changes: their objects are read once for the last change of each key, and once
//! more for its item.

use crate::applied::{Applied, REMEMBERED};
use crate::captured::{BaseIs, Collected, Latest};
use crate::captured_files::{self, CapturedLines};
use crate::compact::{Compact, Compacted, Writing};
use crate::{ChangeError, ChangesError};
use futures::{StreamExt, TryStreamExt, stream};
use lake::captured::SequenceNumber;
use lake::records::{CapturedChanges, ChangedRecord, SnapshotKind};
use lake::{ByteStream, ObjectStore, RunKeys};

/// Objects that are opened ahead of the one that is read.
const AHEAD: usize = 16;

impl<'a, S: ObjectStore> Compact<'a, S> {
    /// Reads all captured changes, and commits the items that they end with and the keys.
    pub(crate) async fn run_captured(
        &self,
        captured: &CapturedChanges,
    ) -> Result<Compacted, ChangesError> {
        let base = &self.changes.base;
        let base_is = match base.kind {
            SnapshotKind::Exact => BaseIs::Exact,
            SnapshotKind::Fuzzy(_) if captured.settles => BaseIs::OneOfItsStates,
            SnapshotKind::Fuzzy(_) => BaseIs::Ahead,
        };
        // What was read at many moments is no state that a change could have been merged into.
        let applied = if base_is == BaseIs::Exact {
            let base = RunKeys::new(self.keys.pipeline(), &base.run);
            Applied::load(self.store, &base).await?
        } else {
            Applied::default()
        };
        let key_attributes = &self.changes.key_attributes;
        let mut collected = Collected::new(key_attributes, captured.keep_expired);
        let mut opened = stream::iter(&captured.objects)
            .map(|file| captured_files::open(self.store, file))
            .buffered(AHEAD);
        while let Some(lines) = opened.try_next().await? {
            read(lines, |line| collected.take(line, &applied)).await?;
        }
        drop(opened);
        let mut latest = collected.into_latest(base_is);
        let mut writing = self.resume().await?;
        match self.items(captured, &mut latest, &mut writing).await {
            Ok(None) => {}
            Ok(Some(changes)) => return Ok(Compacted::InProgress { changes }),
            Err(error) => {
                if let Some(writing) = writing {
                    writing.part.abandon().await;
                }
                return Err(error);
            }
        }
        self.end(writing).await?;
        let record = self.commit_latest(captured, latest, &applied).await?;
        Ok(Compacted::Done(record))
    }

    /// Reads the objects again, and writes each key's item. Returns how many are committed if it goes
    /// no further.
    async fn items(
        &self,
        captured: &CapturedChanges,
        latest: &mut Latest,
        place: &mut Option<Writing<'a, S>>,
    ) -> Result<Option<u64>, ChangesError> {
        // Where the segment is whole, only the keys that disagree are still to be named.
        if place.is_none() && latest.disagreed == 0 {
            return Ok(None);
        }
        let mut item = Vec::new();
        let mut items = 0_u64;
        let mut opened = stream::iter(&captured.objects)
            .map(|file| captured_files::open(self.store, file))
            .buffered(AHEAD);
        while let Some(mut lines) = opened.try_next().await? {
            loop {
                let batch = lines.batch(|line| {
                    let (number, image) = latest.take(line)?;
                    if let Some(image) = image {
                        items += 1;
                        if let Some(writing) = &mut *place
                            && items > writing.committed
                        {
                            writing.push(image, &mut item)?;
                        }
                    }
                    Ok(number)
                });
                match batch.await {
                    Ok(true) => {}
                    Ok(false) => {
                        lines.finish()?;
                        break;
                    }
                    Err(failure) => return Err(lines.explain(failure).await),
                }
                if let Some(end) = self.write(place, items).await? {
                    return Ok(Some(end));
                }
            }
        }
        Ok(None)
    }

    async fn commit_latest(
        &self,
        captured: &CapturedChanges,
        mut latest: Latest,
        applied: &Applied,
    ) -> Result<ChangedRecord, ChangesError> {
        let listed_at = captured.source.listed_at;
        let keep_from = (listed_at - REMEMBERED).min(self.changes.base.as_of);
        let remembered = applied.and(latest.sequences(listed_at), keep_from);
        let key = self.keys.applied_sequences(self.attempt);
        let applied = remembered.write(self.store, key).await?;
        let record = ChangedRecord {
            replaced: latest.most_found,
            always: Some(latest.always),
            removed: latest.removed,
            changes: latest.changes,
            disagreed: latest.disagreed,
            examples: std::mem::take(&mut latest.examples),
            applied: Some(applied),
            ..self.record()
        };
        let keys = latest.into_keys();
        self.commit_keys(&keys, record).await
    }
}

/// Reads a whole object.
async fn read<B: ByteStream>(
    mut lines: CapturedLines<'_, B>,
    mut take: impl FnMut(&[u8]) -> Result<SequenceNumber, ChangeError>,
) -> Result<(), ChangesError> {
    loop {
        match lines.batch(&mut take).await {
            Ok(true) => {}
            Ok(false) => return lines.finish(),
            Err(failure) => return Err(lines.explain(failure).await),
        }
    }
}
