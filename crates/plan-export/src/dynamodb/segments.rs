//! Divides the scan of a table into segments and tasks.

use super::estimate::{Shape, TASK_BYTES_PER_SECOND, read_units};
use contract::states::MOST_CHILDREN;
use definition::DynamoDbSource;
use lake::records::ReadPlan;
use source::TableInfo;

/// A segment of this size takes seconds, and a crash repeats little.
const BYTES_PER_SEGMENT: u64 = 128 * 1024 * 1024;
const MAXIMUM_SEGMENTS: u32 = 10_000;
/// Segments of a table that was not counted yet: of a small one most are empty, which costs a request each; a
/// terabyte in so many takes hours, not days.
const UNCOUNTED_SEGMENTS: u32 = 64;
/// One scan in flight leaves a vCPU idle most of the time; 16 keep it fed in modest memory.
const SEGMENTS_PER_TASK: u32 = 16;
/// Segments of a task that takes them 16 at a time, when the budget needs no more functions: each
/// invocation checks all of them.
const SEGMENTS_IN_TURN: u32 = 64;

/// Number of segments of the scan, and of the tasks that share them.
///
/// Functions that wait for the budget are paid for waiting, so there are no more of them than the
/// budget needs, with a margin.
pub fn shape(source: &DynamoDbSource, info: &TableInfo, read: &ReadPlan) -> Shape {
    let by_size = if info.bytes == 0 {
        UNCOUNTED_SEGMENTS
    } else {
        u32::try_from(info.bytes.div_ceil(BYTES_PER_SEGMENT))
            .unwrap_or(MAXIMUM_SEGMENTS)
            .clamp(1, MAXIMUM_SEGMENTS)
    };
    let (segments, per_task) = match (source.segments_per_task, workers(source, info, read)) {
        (Some(per_task), _) => (source.segments.unwrap_or(by_size), per_task.max(1)),
        (None, None) => (source.segments.unwrap_or(by_size), SEGMENTS_PER_TASK),
        (None, Some(workers)) => {
            let enough = by_size.min(workers * SEGMENTS_IN_TURN);
            let segments = source.segments.unwrap_or(enough);
            let evenly = segments.div_ceil(workers);
            (segments, evenly.clamp(SEGMENTS_PER_TASK, SEGMENTS_IN_TURN))
        }
    };
    Shape {
        segments,
        tasks: segments.div_ceil(per_task).min(MOST_CHILDREN),
    }
}

/// Number of functions that use up the budget, with a margin; `None` if nothing limits the reads.
fn workers(source: &DynamoDbSource, info: &TableInfo, read: &ReadPlan) -> Option<u32> {
    // A table that was not counted is as any other: only the bytes of a read unit matter.
    let counted = TableInfo {
        bytes: if info.bytes == 0 { 1 << 30 } else { info.bytes },
        ..info.clone()
    };
    let units = read_units(source, &counted).max(1) as f64;
    let units_per_second = TASK_BYTES_PER_SECOND * units / counted.bytes as f64;
    // The bounds are those of the state machine.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let workers = |rcu: f64| {
        let wanted = (rcu / units_per_second).ceil();
        wanted.clamp(1.0, f64::from(read.concurrency)) as u32
    };
    read.rcu.map(workers)
}
