//! How much there is to read, what it takes, and how it is shared out.

use crate::PlanExportError;
use contract::Definition;
use contract::states::{Estimate, ExportTask};
use table::TableInfo;

/// A segment this large keeps one scan busy for seconds, and what a crash repeats stays small.
const BYTES_PER_SEGMENT: u64 = 128 * 1024 * 1024;
const MAXIMUM_SEGMENTS: u32 = 10_000;
/// One scan in flight leaves a vCPU idle most of the time; 16 keep it fed in modest memory.
const SEGMENTS_PER_TASK: u32 = 16;
/// A read capacity unit is one strongly consistent read of 4 KiB, or two eventually consistent ones.
const BYTES_PER_READ_UNIT: u64 = 4096;

/// What reading the whole table takes.
pub fn estimate(definition: &Definition, info: &TableInfo) -> Estimate {
    let source = &definition.source.dynamodb;
    let strong = info.bytes.div_ceil(BYTES_PER_READ_UNIT);
    let read_units = if source.consistent_read {
        strong
    } else {
        strong.div_ceil(2)
    };
    Estimate {
        items: info.items,
        bytes: info.bytes,
        read_units,
        minutes: source
            .read
            .rcu
            .map(|rcu| read_units as f64 / f64::from(rcu) / 60.0),
    }
}

/// Refuses what is above a cap.
pub fn check_limits(definition: &Definition, estimate: &Estimate) -> Result<(), PlanExportError> {
    let limits = &definition.limits;
    if let Some(cap) = limits
        .max_read_units
        .filter(|cap| estimate.read_units > *cap)
    {
        return Err(PlanExportError::LimitExceeded {
            what: "the export",
            estimate: format!("{} read units", estimate.read_units),
            field: "limits.maxReadUnits",
            cap: cap.to_string(),
        });
    }
    if let (Some(cap), Some(minutes)) = (limits.max_minutes, estimate.minutes)
        && minutes > cap
    {
        return Err(PlanExportError::LimitExceeded {
            what: "the export",
            estimate: format!("{minutes:.1} minutes"),
            field: "limits.maxMinutes",
            cap: cap.to_string(),
        });
    }
    Ok(())
}

/// How many segments the scan has.
pub fn count(definition: &Definition, info: &TableInfo) -> u32 {
    definition.source.dynamodb.segments.unwrap_or_else(|| {
        let wanted = info.bytes.div_ceil(BYTES_PER_SEGMENT);
        u32::try_from(wanted)
            .unwrap_or(MAXIMUM_SEGMENTS)
            .clamp(1, MAXIMUM_SEGMENTS)
    })
}

/// Groups segments into tasks of nearly equal size.
pub fn group(definition: &Definition, segments: u32) -> Vec<ExportTask> {
    let per_task = definition
        .source
        .dynamodb
        .segments_per_task
        .unwrap_or(SEGMENTS_PER_TASK);
    let tasks = segments.div_ceil(per_task.max(1));
    let mut first_segment = 0;
    (0..tasks)
        .map(|index| {
            // The first `segments % tasks` tasks take one more.
            let segment_count = segments / tasks + u32::from(index < segments % tasks);
            let task = ExportTask {
                index,
                first_segment,
                segment_count,
            };
            first_segment += segment_count;
            task
        })
        .collect()
}
