//! Estimates indexing a bucket of images: minutes and money.

use super::labels::LabelReads;
use super::survey::Survey;
use crate::dynamodb::{EXPORT_MEMORY_MB, PriceList};
use crate::work::micro_dollars;
use contract::states::{Cost, Estimate};
use definition::{ImageVerify, ImagesSource, Limits};

/// CPU seconds of a gigabyte of images that are decoded, and of one whose structure is read: both
/// were measured on a desktop processor.
const DECODE_SECONDS_PER_GB: f64 = 50.0;
const STRUCTURE_SECONDS_PER_GB: f64 = 2.5;
/// Milliseconds that a function spends on an image beside that.
const SECONDS_PER_IMAGE: f64 = 0.004;
/// Keys of a page of a listing. A range is listed once, and again by each invocation.
const LISTED: f64 = 1000.0;
/// Requests and transitions for each range: its part and commit, its progress.
const PUTS: f64 = 5.0;
const GETS: f64 = 4.0;
const TRANSITIONS: f64 = 4.0;

/// Items of a table of labels that a read request unit is for, read without consistency: two, of up to
/// 4 KiB.
const ITEMS_OF_UNIT: u64 = 2;

/// Estimates reading what is new, and its labels, by so many functions at once.
pub fn estimate(
    source: &ImagesSource,
    limits: &Limits,
    survey: &Survey,
    labels: LabelReads,
    at_once: u32,
) -> Estimate {
    let label_requests = labels.requests() as f64;
    let reads = survey.reads as f64;
    let per_gb = match source.verify {
        ImageVerify::Decode => DECODE_SECONDS_PER_GB,
        ImageVerify::Structure => STRUCTURE_SECONDS_PER_GB,
    };
    let pages = survey.objects as f64 / LISTED + survey.ranges.len() as f64;
    let requests = reads + label_requests;
    let work = survey.read_bytes as f64 / 1e9 * per_gb + requests * SECONDS_PER_IMAGE + pages * 0.1;
    let by_rate = requests / f64::from(source.read.requests_per_second.max(1));
    let seconds = by_rate.max(work / f64::from(at_once.max(1)));
    let prices = PriceList::of(&limits.prices);
    let gb = f64::from(EXPORT_MEMORY_MB) / 1024.0;
    let lambda = micro_dollars(work.max(by_rate) * gb * prices.lambda_gb_second);
    let ranges = survey.ranges.len() as f64;
    let read_units = labels.items.div_ceil(ITEMS_OF_UNIT);
    let gets =
        micro_dollars(requests * prices.s3_get + read_units as f64 * prices.read_request_unit);
    let requests = micro_dollars(
        pages * prices.s3_put
            + ranges
                * (PUTS * prices.s3_put
                    + GETS * prices.s3_get
                    + TRANSITIONS * prices.state_transition
                    + prices.lambda_request),
    );
    Estimate {
        items: survey.images,
        bytes: survey.read_bytes,
        read_units,
        minutes: Some(seconds / 60.0),
        cost: Some(Cost {
            total: micro_dollars(gets + lambda + requests),
            reads: gets,
            lambda,
            requests,
        }),
    }
}
