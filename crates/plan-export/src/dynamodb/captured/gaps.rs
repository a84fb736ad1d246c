//! Whether a table's changes are captured without a gap, as far as anybody can tell.

use super::Gap;
use super::listing::Listing;
use crate::PlanExportError;
use ::changes::OVERLAP;
use lake::captured::SequenceNumber;
use lake::{DocumentError, PagedStore, captured};
use source::{CaptureMapping, DescribeCapture, TableStream};
use std::collections::BTreeSet;

/// The images that the records of a stream need.
const VIEW: &str = "NEW_AND_OLD_IMAGES";
/// Seconds after which a record may be lost to the stream, less an hour. Source: Amazon DynamoDB
/// Developer Guide, "Change data capture for DynamoDB Streams": 24 hours.
const LONGEST_LAG: i64 = 23 * 60 * 60;
/// Seconds of which nothing can be lost to the stream, whether anybody has counted or not: the mapping
/// gives a record up after 22 hours, and what it gave up is a gap of its own.
const SURELY_THERE: i64 = 22 * 60 * 60;

/// A capture in which nothing is found wrong.
#[derive(Debug, Clone)]
pub struct Capture {
    pub stream_arn: String,
    pub stream: captured::CapturedStream,
    pub mapping: String,
    pub function: String,
}

/// Looks whether the table's stream is captured; or why it is not.
pub async fn capture(
    captures: &impl DescribeCapture,
    table: &str,
) -> Result<Result<Capture, Gap>, PlanExportError> {
    let Some(TableStream { arn, view }) = captures.stream(table).await? else {
        return Ok(Err(format!(
            "table {table} has no stream: aws dynamodb update-table --table-name {table} --stream-specification \
             StreamEnabled=true,StreamViewType={VIEW}"
        )));
    };
    if view != VIEW {
        return Ok(Err(format!(
            "the table's stream has {view}, and changes need {VIEW}: disable the stream, and enable it with that view"
        )));
    }
    let Some(stream) = captured::CapturedStream::of_arn(&arn) else {
        return Ok(Err(format!("{arn} is no stream of a table")));
    };
    let Some(mapping) = captures.mapping().await? else {
        return Ok(Err(format!(
            "nothing captures the table's stream: set the stack's parameter ChangeStreamArn to {arn}"
        )));
    };
    if let Some(why) = is_idle(&mapping, &arn) {
        return Ok(Err(why));
    }
    Ok(Ok(Capture {
        stream_arn: arn,
        stream,
        mapping: mapping.uuid,
        function: mapping.function.unwrap_or_default(),
    }))
}

/// Why a mapping does not capture the stream from its beginning.
fn is_idle(mapping: &CaptureMapping, stream_arn: &str) -> Option<Gap> {
    let CaptureMapping {
        uuid,
        stream_arn: reads,
        state,
        starting_position,
        last_result,
        ..
    } = mapping;
    let reads = reads.as_deref().unwrap_or("no stream");
    if reads != stream_arn {
        return Some(format!(
            "the event source mapping {uuid} reads {reads}, and the table's stream is {stream_arn}: set the stack's \
             parameter ChangeStreamArn to it"
        ));
    }
    if state != "Enabled" {
        return Some(format!(
            "the event source mapping {uuid} is {state}, not Enabled"
        ));
    }
    let position = starting_position.as_deref().unwrap_or("not known");
    if position != "TRIM_HORIZON" {
        return Some(format!(
            "the starting position of the event source mapping {uuid} is {position}, not TRIM_HORIZON: changes before \
             it are not captured"
        ));
    }
    let problem = last_result
        .as_deref()
        .filter(|last| last.starts_with("PROBLEM"));
    problem.map(|problem| format!("the last call of the event source mapping {uuid}: {problem}"))
}

/// How late changes were captured, at most, in seconds; `None` if nobody has counted.
pub async fn lag(
    captures: &impl DescribeCapture,
    capture: &Capture,
    since: i64,
    now: i64,
) -> Result<Result<Option<i64>, Gap>, PlanExportError> {
    let lag = captures.longest_lag(&capture.function, since).await?;
    Ok(match lag {
        Some(lag) if lag >= LONGEST_LAG => Err(format!(
            "records were {:.1} hours old when they were captured (IteratorAge of {}), and a stream keeps them for 24",
            lag as f64 / 3600.0,
            capture.function
        )),
        None if now - since >= SURELY_THERE => Err(format!(
            "how old records were when they were captured is not known (no IteratorAge of {})",
            capture.function
        )),
        lag => Ok(lag),
    })
}

/// What waits to be replayed, or could not be read, since a moment.
pub async fn left(
    lake: &impl PagedStore,
    capture: &Capture,
    since: i64,
) -> Result<Option<Gap>, PlanExportError> {
    let given_up = captured::given_up(&capture.mapping);
    if let Some((count, first)) = waiting(lake, &given_up, since).await? {
        return Ok(Some(format!(
            "{count} batches wait that Lambda gave up, such as {first}: millrace replay --changes"
        )));
    }
    let unreadable = capture.stream.unreadable();
    let unreadable = waiting(lake, &unreadable, since).await?;
    Ok(unreadable.map(|(count, first)| {
        format!("{count} records had a shape that is not known, such as {first}")
    }))
}

/// How many objects wait below a prefix to be replayed that were written since a moment, and one of
/// them.
async fn waiting(
    lake: &impl PagedStore,
    prefix: &str,
    since: i64,
) -> Result<Option<(usize, String)>, PlanExportError> {
    let listed = lake.list(prefix).await.map_err(DocumentError::from)?;
    let keys = listed.iter().map(|object| object.key.as_str());
    let waiting: BTreeSet<_> = captured::waiting(keys).collect();
    let recent = listed
        .iter()
        .filter(|object| waiting.contains(object.key.as_str()) && object.is_since(since));
    let mut recent = recent.map(|object| object.key.clone());
    Ok(recent.next().map(|first| (recent.count() + 1, first)))
}

/// Looks whether the oldest records that the stream still has are captured, as far as they were made
/// since the base and long enough ago. A probe, and no proof.
pub async fn probe(
    captures: &impl DescribeCapture,
    lake: &impl PagedStore,
    capture: &Capture,
    since: i64,
    now: i64,
) -> Result<Option<Gap>, PlanExportError> {
    let mut oldest = captures.oldest_records(&capture.stream_arn).await?;
    oldest.retain(|record| (since..now - OVERLAP).contains(&record.created));
    let Some(first) = oldest.iter().map(|record| record.created).min() else {
        return Ok(None);
    };
    let listing = Listing::since(lake, &capture.stream, first).await?;
    for record in &oldest {
        let number: Result<SequenceNumber, _> = record.sequence.parse();
        if number.is_ok_and(|number| !listing.may_hold(&number)) {
            return Ok(Some(format!(
                "the stream has record {}, and no captured object has its number",
                record.sequence
            )));
        }
    }
    Ok(None)
}
