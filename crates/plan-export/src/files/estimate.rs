//! Estimates reading files: items, minutes and money.

use super::sample::Sample;
use crate::dynamodb::{EXPORT_MEMORY_MB, JSON_PER_BYTE, PriceList, STORED_PER_JSON};
use crate::work::{Work, micro_dollars, whole};
use contract::states::{Cost, Estimate, MOST_CHILDREN};
use definition::Limits;
use lake::records::FilesPlan;

/// Bytes of lines that a function reads, converts and writes per second.
const BYTES_PER_SECOND: f64 = 40e6;
/// Seconds that a function takes before its first line, and for each range.
const SECONDS_PER_TASK: f64 = 0.2;
const SECONDS_PER_RANGE: f64 = 0.1;
const BYTES_PER_PART: f64 = 64.0 * 1024.0 * 1024.0;
const BYTES_PER_PIECE: f64 = 6.0 * 1024.0 * 1024.0;
/// Requests and transitions: a range's object, its manifest and progress; its parts.
const GETS_PER_RANGE: f64 = 4.0;
const PUTS_PER_PART: f64 = 3.0;
const TRANSITIONS_PER_TASK: f64 = 4.0;
/// Keys of a page of a listing.
const LISTED: f64 = 1000.0;

/// Estimates reading all files, which are like the sample.
pub fn estimate(limits: &Limits, plan: &FilesPlan, sample: &Sample, concurrency: u32) -> Work {
    let read = sample.read;
    let stored = plan.bytes() as f64;
    // A frame of a compressed file holds more lines than the page that was read of it.
    let per_stored = ratio(read.text as f64, read.stored as f64).max(1.0);
    let text = if sample.is_whole {
        read.text as f64
    } else {
        stored * per_stored
    };
    let by_manifest: Option<u64> = plan.files.iter().map(|file| file.items).sum();
    let items = match by_manifest {
        Some(items) => items,
        None if sample.is_whole => read.items,
        None => whole(text * ratio(read.items as f64, read.text as f64)),
    };
    let json = items as f64 * ratio(sample.raw_bytes as f64, read.items as f64);
    let ranges = plan.ranges.len() as f64;
    let most = u32::try_from(plan.ranges.len())
        .unwrap_or(u32::MAX)
        .min(MOST_CHILDREN);
    let tasks = u32::try_from(whole((text / super::TASK as f64).ceil()))
        .unwrap_or(u32::MAX)
        .clamp(1, most.max(1));
    let at_once = tasks.min(concurrency).max(1);
    let work =
        text / BYTES_PER_SECOND + ranges * SECONDS_PER_RANGE + f64::from(tasks) * SECONDS_PER_TASK;
    let prices = PriceList::of(&limits.prices);
    let gb = f64::from(EXPORT_MEMORY_MB) / 1024.0;
    let parts = (json / BYTES_PER_PART).ceil().max(ranges);
    let gets = micro_dollars(ranges * prices.s3_get);
    let lambda = micro_dollars(work * gb * prices.lambda_gb_second);
    let requests = micro_dollars(
        ranges * GETS_PER_RANGE * prices.s3_get
            + (parts * PUTS_PER_PART
                + ranges
                + json * STORED_PER_JSON / BYTES_PER_PIECE
                + (plan.files.len() as f64 / LISTED).ceil())
                * prices.s3_put
            + f64::from(tasks)
                * (TRANSITIONS_PER_TASK * prices.state_transition + prices.lambda_request),
    );
    Work {
        estimate: Estimate {
            items,
            // As a table counts its bytes, so that what follows is estimated alike.
            bytes: whole(json / JSON_PER_BYTE),
            read_units: 0,
            minutes: Some(work / f64::from(at_once) / 60.0),
            cost: Some(Cost {
                total: micro_dollars(gets + lambda + requests),
                reads: gets,
                lambda,
                requests,
            }),
        },
        tasks,
        at_once,
    }
}

fn ratio(of: f64, to: f64) -> f64 {
    if to > 0.0 { of / to } else { 0.0 }
}
