//! Answers Firehose's invocations: events of JSON become raw lines. Every record is answered once,
//! in order, and an answer stays below what Lambda lets through.
//!
//! It reads and writes nothing, and never puts anything back into a stream: Firehose keeps what
//! failed, and `millrace replay --events` takes it up.

mod batch;
mod error;
mod settings;

pub use error::TransformRecordsError;
pub use settings::{Conditions, Required};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use batch::{Answer, Batch, Outcome, Record, size};
use events::{Counts, Refusal, Transform};
use lambda_shell::Unit;
use serde_json::value::RawValue;

/// The most bytes of an answer. Lambda lets 6 MB through; with more, Firehose takes the whole batch
/// as failed.
pub const MAX_ANSWER: usize = 5_900_000;

/// So many refusals of a batch are logged with their reasons; of the others, how many.
const LOGGED: usize = 20;

/// Answers one invocation, which is the JSON that Firehose sent, and writes the batch's metrics.
///
/// # Errors
/// If it is not what Firehose sends. Of a single record nothing is an error: it is answered as
/// `ProcessingFailed`.
pub fn handle(
    transform: &mut Transform,
    pipeline: &str,
    invocation: &[u8],
) -> Result<Box<RawValue>, TransformRecordsError> {
    let (answer, totals) = answer(transform, invocation)?;
    totals.report(pipeline);
    Ok(answer)
}

/// Answers one invocation.
///
/// # Errors
/// As [`handle`].
pub fn answer(
    transform: &mut Transform,
    invocation: &[u8],
) -> Result<(Box<RawValue>, Totals), TransformRecordsError> {
    let batch: Batch<'_> =
        serde_json::from_slice(invocation).map_err(TransformRecordsError::NotRecords)?;
    // As failed, every record is in the answer in any case.
    let least = batch.records.iter();
    let least: usize = least.map(|it| size(&it.record_id, 0)).sum();
    let mut work = Work {
        transform,
        room: MAX_ANSWER.saturating_sub(least),
        data: Vec::new(),
        lines: Vec::new(),
        totals: Totals::default(),
    };
    // Lines are some two times as long as events.
    let mut answer = Answer::new(invocation.len() * 2);
    for record in &batch.records {
        let outcome = work.outcome(record);
        let lines = match outcome {
            Outcome::Ok => work.lines.as_slice(),
            Outcome::Dropped | Outcome::ProcessingFailed => &[],
        };
        let added = answer.push(&record.record_id, outcome, lines);
        added.map_err(TransformRecordsError::Answer)?;
    }
    let answer = answer.end().map_err(TransformRecordsError::Answer)?;
    Ok((answer, work.totals))
}

/// Why a record failed.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("byte {offset}: the record's data is no base64")]
    Base64 { offset: usize },
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(
        "the answer would be above {MAX_ANSWER} bytes; the record waits for `millrace replay --events`: lower the \
         stream's buffer for the function"
    )]
    TooLarge,
}

/// Outcomes of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Events that are lines.
    pub kept: u64,
    /// Events for which a condition does not hold.
    pub dropped: u64,
    /// Records that failed.
    pub failed: u64,
}

impl Totals {
    fn report(&self, pipeline: &str) {
        let count = |name, count: u64| (name, count as f64, Unit::Count);
        lambda_shell::emit_metrics(
            pipeline,
            &[
                count("EventsKept", self.kept),
                count("EventsDropped", self.dropped),
                count("EventRecordsFailed", self.failed),
            ],
        );
        if self.failed > LOGGED as u64 {
            let more = self.failed - LOGGED as u64;
            tracing::warn!(more, "more records failed than have their reasons logged");
        }
    }
}

/// A batch that is being transformed; its buffers are used for all records.
struct Work<'t> {
    transform: &'t mut Transform,
    /// Bytes that the answer still has for lines.
    room: usize,
    data: Vec<u8>,
    lines: Vec<u8>,
    totals: Totals,
}

impl Work<'_> {
    /// Transforms a record; if it is `Ok`, its lines are at hand.
    fn outcome(&mut self, record: &Record<'_>) -> Outcome {
        match self.record(record) {
            Ok(counts) => {
                self.totals.kept += counts.kept;
                self.totals.dropped += counts.dropped;
                if counts.kept == 0 {
                    Outcome::Dropped
                } else {
                    Outcome::Ok
                }
            }
            Err(failed) => {
                self.totals.failed += 1;
                if self.totals.failed <= LOGGED as u64 {
                    tracing::warn!(record = %record.record_id, "failed: {failed}");
                }
                Outcome::ProcessingFailed
            }
        }
    }

    fn record(&mut self, record: &Record<'_>) -> Result<Counts, Failed> {
        self.data.clear();
        self.lines.clear();
        let decoded = STANDARD.decode_vec(record.data.as_bytes(), &mut self.data);
        decoded.map_err(|error| Failed::Base64 {
            offset: match error {
                base64::DecodeError::InvalidByte(offset, _)
                | base64::DecodeError::InvalidLastSymbol(offset, _) => offset,
                _ => record.data.len(),
            },
        })?;
        let counts = self.transform.record(&self.data, &mut self.lines)?;
        let id = &record.record_id;
        let more = size(id, self.lines.len()) - size(id, 0);
        let left = self.room.checked_sub(more);
        self.room = left.ok_or(Failed::TooLarge)?;
        Ok(counts)
    }
}

/// The examples of the README, compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
