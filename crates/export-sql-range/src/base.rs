//! The lines of the base's segment whose keys did not change.

use crate::changed::{Changed, not_a_row, unreadable};
use contract::ServiceError;
use futures::TryStreamExt;
use futures::stream::{self, BoxStream, StreamExt};
use lake::part::{self, LineCount};
use lake::records::{Part, SegmentRecord};
use lake::{ObjectStore, PartError, RunKeys, segment};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use source::PageBuffer;
use sql_source::LineKeys;
use std::collections::BTreeMap;
use std::ops::Range;

/// Position of the next line in the base segment's parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BasePosition {
    /// The part, by its place in the segment's manifest.
    pub part: usize,
    /// Lines of it that were read.
    pub line: u64,
}

/// The parts of the base's segments, by their numbers.
pub type BaseParts = BTreeMap<u32, Vec<Part>>;

/// Finds the parts of these segments of the base.
pub async fn parts(
    store: &impl ObjectStore,
    base: &RunKeys,
    segments: Range<u32>,
) -> Result<BaseParts, ServiceError> {
    let mut all = BaseParts::new();
    for segment in segments {
        let manifest: Option<SegmentRecord<IgnoredAny>> = segment::manifest(store, base, segment)
            .await
            .map_err(|error| unreadable(&base.segment_manifest(segment), &error))?;
        let whole = manifest.ok_or_else(|| gone(base, segment))?;
        all.insert(segment, whole.parts);
    }
    Ok(all)
}

/// A segment of the base, read from a position on.
pub struct BaseLines<'s, S> {
    store: &'s S,
    parts: &'s [Part],
    position: BasePosition,
    /// Lines at the beginning of the part that an earlier call read.
    skip: u64,
    open: Option<BoxStream<'s, Result<Vec<u8>, PartError>>>,
}

impl<'s, S: ObjectStore> BaseLines<'s, S> {
    /// The lines of these parts, from a position on.
    pub const fn new(store: &'s S, parts: &'s [Part], position: BasePosition) -> Self {
        Self {
            store,
            parts,
            position,
            skip: position.line,
            open: None,
        }
    }

    /// Position of the next line.
    pub const fn position(&self) -> BasePosition {
        self.position
    }

    /// Adds the next lines to the buffer, but for those whose keys changed. Returns whether there may
    /// be more. Unless there are none, the position moves on: a call may have time for one page.
    pub async fn next(
        &mut self,
        keys: &LineKeys,
        changed: &Changed,
        buffer: &mut PageBuffer,
    ) -> Result<bool, ServiceError> {
        loop {
            let Some(part) = self.parts.get(self.position.part) else {
                return Ok(false);
            };
            let open = match &mut self.open {
                Some(open) => open,
                None => self.open.insert(lines(self.store, part)),
            };
            let Some(batch) = open.next().await else {
                self.open = None;
                self.position = BasePosition {
                    part: self.position.part + 1,
                    line: 0,
                };
                self.skip = 0;
                continue;
            };
            let batch = batch.map_err(|error| unreadable(&part.key, &error))?;
            let mut has_moved = false;
            for line in batch.split_inclusive(|byte| *byte == b'\n') {
                if self.skip > 0 {
                    self.skip -= 1;
                    continue;
                }
                has_moved = true;
                self.position.line += 1;
                let key = keys.hash(line).ok_or_else(|| not_a_row(&part.key))?;
                if !changed.contains(key) {
                    buffer.push_with(|out| out.extend_from_slice(line));
                }
            }
            if has_moved {
                return Ok(true);
            }
        }
    }
}

/// The lines of a part in batches, which are checked at its end against its record.
fn lines<'s, S: ObjectStore>(
    store: &'s S,
    part: &'s Part,
) -> BoxStream<'s, Result<Vec<u8>, PartError>> {
    let opened = async move {
        let reader = part::open(store, part).await?;
        let state = (reader, LineCount::default());
        Ok::<_, PartError>(stream::try_unfold(state, move |state| async move {
            let (mut reader, mut count) = state;
            let Some(batch) = reader.next().await?.map(<[u8]>::to_vec) else {
                count.check(store.bucket(), part)?;
                return Ok(None);
            };
            count.raw_bytes += batch.len() as u64;
            for line in part::lines(&batch) {
                count.add_line(line);
            }
            Ok(Some((batch, (reader, count))))
        }))
    };
    stream::once(opened).try_flatten().boxed()
}

fn gone(base: &RunKeys, segment: u32) -> ServiceError {
    ServiceError {
        name: contract::ErrorName::NotFound,
        service: "the lake",
        operation: "GetObject",
        subject: base.segment_manifest(segment),
        code: "BaseGone".to_owned(),
        message: format!(
            "segment {segment} of run {}, whose unchanged rows are merged, is gone: start a new run, which reads \
             the whole table",
            base.run()
        ),
        source: None,
    }
}
