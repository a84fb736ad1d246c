//! Estimates reading events: items, minutes and money.

use super::sample::Sample;
use super::share::Kept;
use crate::dynamodb::{EXPORT_MEMORY_MB, JSON_PER_BYTE, PriceList};
use crate::work::{Work, micro_dollars, whole};
use contract::states::{Cost, Estimate};
use definition::Limits;
use lake::records::EventsPlan;

/// Bytes of lines that a function reads and checks per second: half of what was measured of a native
/// export's files.
const BYTES_PER_SECOND: f64 = 100e6;
/// Seconds that a function takes before its first object, for each object, and for each segment.
const SECONDS_PER_TASK: f64 = 0.2;
const SECONDS_PER_OBJECT: f64 = 0.02;
const SECONDS_PER_SEGMENT: f64 = 0.05;
/// Requests: of a segment its manifest, what is kept of it, and its objects.
const GETS_PER_SEGMENT: f64 = 4.0;
const PUTS_PER_SEGMENT: f64 = 3.0;
const TRANSITIONS_PER_TASK: f64 = 4.0;
/// Bytes of lines of a byte as stored, where nothing was read.
const TEXT_PER_STORED: f64 = 8.0;
/// Keys of a page of a listing.
const LISTED: f64 = 1000.0;

/// Estimates reading the new objects, which are like the sample, and taking over the others.
pub fn estimate(
    limits: &Limits,
    plan: &EventsPlan,
    kept: Kept,
    sample: &Sample,
    concurrency: u32,
) -> Work {
    let (mut objects, mut stored) = (0_u64, 0_u64);
    for object in plan.fresh() {
        objects += 1;
        stored += object.bytes;
    }
    let per_stored = if sample.stored > 0 {
        sample.raw_bytes as f64 / sample.stored as f64
    } else {
        TEXT_PER_STORED
    };
    let text = stored as f64 * per_stored;
    let per_item = if sample.items.items > 0 {
        sample.raw_bytes as f64 / sample.items.items as f64
    } else {
        f64::INFINITY
    };
    let items = kept.items + whole(text / per_item);
    let segments = u32::try_from(plan.segments.len()).unwrap_or(u32::MAX);
    let most = segments.clamp(1, super::MOST_CHILDREN);
    let tasks = u32::try_from(stored.div_ceil(super::TASK)).unwrap_or(u32::MAX);
    let tasks = tasks.clamp(1, most);
    let at_once = tasks.min(concurrency).max(1);
    let count = f64::from(segments);
    let work = text / BYTES_PER_SECOND
        + objects as f64 * SECONDS_PER_OBJECT
        + count * SECONDS_PER_SEGMENT
        + f64::from(tasks) * SECONDS_PER_TASK;
    let prices = PriceList::of(&limits.prices);
    let gb = f64::from(EXPORT_MEMORY_MB) / 1024.0;
    let reads = micro_dollars(objects as f64 * prices.s3_get);
    let lambda = micro_dollars(work * gb * prices.lambda_gb_second);
    let pages = (plan.listing().objects as f64 / LISTED).ceil();
    let requests = micro_dollars(
        count * GETS_PER_SEGMENT * prices.s3_get
            + (count * PUTS_PER_SEGMENT + pages) * prices.s3_put
            + f64::from(tasks)
                * (TRANSITIONS_PER_TASK * prices.state_transition + prices.lambda_request),
    );
    Work {
        estimate: Estimate {
            items,
            // As a table counts its bytes, so that what follows is estimated alike.
            bytes: whole((kept.raw_bytes as f64 + text) / JSON_PER_BYTE),
            read_units: 0,
            minutes: Some(work / f64::from(at_once) / 60.0),
            cost: Some(Cost {
                total: micro_dollars(reads + lambda + requests),
                reads,
                lambda,
                requests,
            }),
        },
        tasks,
        at_once,
    }
}
