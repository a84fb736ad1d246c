//! What Firehose asks and is answered. Source: Amazon Data Firehose Developer Guide, "Required
//! parameters for transformation".

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// An invocation's records. What else it says, such as the region or the stream's ARN, which one of
/// AWS's own examples misspells, is of no use here.
#[derive(Debug, Deserialize)]
pub(crate) struct Batch<'b> {
    #[serde(borrow)]
    pub(crate) records: Vec<Record<'b>>,
}

/// One record.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record<'b> {
    #[serde(borrow)]
    pub(crate) record_id: Cow<'b, str>,
    /// Base64 of what was put.
    #[serde(borrow)]
    pub(crate) data: Cow<'b, str>,
}

/// The answer: each record once, in the order in which they came.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// The records.
    pub records: Vec<Answered>,
}

/// The answer for one record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answered {
    /// The record, as Firehose named it.
    pub record_id: String,
    /// Its outcome.
    pub result: Outcome,
    /// Base64 of its lines; empty if it has none, for Firehose asks for it in any case.
    pub data: String,
}

/// Outcome of a record, as Firehose spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Outcome {
    /// Its lines are delivered.
    Ok,
    /// Nothing of it is delivered, which is as it should be.
    Dropped,
    /// Firehose keeps what was put among what failed.
    ProcessingFailed,
}

/// What an answered record takes beside its id and its data:
/// `{"recordId":"","result":"ProcessingFailed","data":""},`.
const AROUND: usize = 54;

impl Answered {
    /// The most bytes that the record takes in the answer with so many bytes of lines, without
    /// having encoded them. An id has nothing that JSON would escape, or it counts six times.
    pub(crate) fn size(id: &str, lines: usize) -> usize {
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        let id = if id.bytes().all(plain) {
            id.len()
        } else {
            id.len() * 6
        };
        AROUND + id + lines.div_ceil(3) * 4
    }
}
