//! One task: its segments side by side, until they are whole or the time is over.

use crate::segment::{SegmentEnd, SegmentExport};
use crate::units::Units;
use crate::{RawExportError, ReadSegments};
use contract::states::ExportTask;
use futures::stream::{self, StreamExt};
use lake::{ObjectStore, RunKeys};
use profile::Vocabularies;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::time::Instant;

/// How parts are written.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Bytes of raw lines after which a part ends and the segment's progress is committed.
    pub part_bytes: u64,
    /// zstd's level for the parts; `None` leaves the lines as they are.
    pub compression_level: Option<i32>,
    /// Segments that are read side by side, unless the definition says how many a task has.
    pub side_by_side: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            part_bytes: 64 * 1024 * 1024,
            compression_level: Some(lake::part::LEVEL),
            side_by_side: 16,
        }
    }
}

/// When an invocation stops.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimit {
    /// No page is asked for after this.
    pub stop: Instant,
    /// A page that is not answered by then is given up: what is left is needed to commit.
    pub give_up: Instant,
}

impl TimeLimit {
    /// Time that is held back for sending the last pieces and committing: more than one request that is
    /// answered at its last moment, and the shell's own reserve.
    pub const RESERVE: Duration = Duration::from_secs(90);

    /// For an invocation that has this much time left.
    pub fn within(remaining: Duration) -> Self {
        let reserve = Self::RESERVE.min(remaining / 5);
        let end = Instant::now() + remaining;
        Self {
            stop: end - reserve,
            give_up: end - reserve * 5 / 6,
        }
    }
}

/// What reading a task needs.
#[derive(Debug)]
pub struct TaskExport<'a, S, R> {
    /// The lake.
    pub store: &'a S,
    /// The source.
    pub reader: &'a R,
    /// The run's keys.
    pub keys: &'a RunKeys,
    /// What is read, such as the table, for messages.
    pub source_name: &'a str,
    /// Segments of the whole plan.
    pub total_segments: u32,
    /// Paths that the profile holds apart whatever else there is: all that the definition names.
    pub declared: &'a [String],
    /// The name of this attempt, unique among all attempts.
    pub attempt: &'a str,
    /// How parts are written.
    pub settings: Settings,
    /// When the invocation stops.
    pub time: TimeLimit,
    /// Read units that the task may consume, by all its invocations.
    pub max_units: Option<f64>,
}

/// How far a task is when an invocation ends.
#[derive(Debug)]
pub struct TaskEnd {
    /// Its segments, in no particular order.
    pub segments: Vec<SegmentEnd>,
    /// Why not one page could be read, if the source threw the whole invocation back.
    pub held_up: Option<RawExportError>,
}

impl<S: ObjectStore, R: ReadSegments> TaskExport<'_, S, R> {
    /// Reads until the task's segments are whole or the time is over, and commits. Every invocation
    /// reads at least one page, so that a task always moves on.
    ///
    /// # Errors
    /// Of the source or the lake; whatever was read before is committed all the same.
    pub async fn run(&self, task: &ExportTask) -> Result<TaskEnd, RawExportError> {
        // The segments hold the same users and items: their distinct values are stored once.
        let vocabularies = Vocabularies::new();
        let has_read = AtomicBool::new(false);
        let units = Units::new(self.max_units);
        let segments = task.first_segment..task.first_segment + task.segment_count;
        let exports = segments.map(|segment| {
            SegmentExport {
                task: self,
                vocabularies: &vocabularies,
                has_read: &has_read,
                units: &units,
                segment,
            }
            .run()
        });
        // Each takes memory while it runs: no more at once than the function is made for.
        let ends: Vec<_> = stream::iter(exports)
            .buffer_unordered(self.settings.side_by_side.max(1))
            .collect()
            .await;
        let mut segments = ends.into_iter().collect::<Result<Vec<_>, _>>()?;
        let held_up = segments.iter_mut().find_map(|end| end.held_up.take());
        Ok(TaskEnd {
            segments,
            held_up: held_up.filter(|_| !has_read.into_inner()),
        })
    }
}
