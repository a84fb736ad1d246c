//! What Firehose asks and is answered. Source: Amazon Data Firehose Developer Guide, "Required
//! parameters for transformation".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
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

/// Outcome of a record, as Firehose spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Its lines are delivered.
    Ok,
    /// Nothing of it is delivered, which is as it should be.
    Dropped,
    /// Firehose keeps what was put among what failed.
    ProcessingFailed,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "Ok",
            Self::Dropped => "Dropped",
            Self::ProcessingFailed => "ProcessingFailed",
        }
    }
}

/// The answer: each record once, in the order in which they came. It is written as it is sent, since
/// base64 has nothing that JSON would escape.
#[derive(Debug)]
pub(crate) struct Answer {
    text: String,
}

impl Answer {
    /// An answer without records, and room for so many bytes.
    pub(crate) fn new(room: usize) -> Self {
        let mut text = String::with_capacity(room);
        text.push_str("{\"records\":[");
        Self { text }
    }

    /// Adds a record, with base64 of its lines. Firehose asks for `data` in any case.
    pub(crate) fn push(
        &mut self,
        id: &str,
        outcome: Outcome,
        lines: &[u8],
    ) -> serde_json::Result<()> {
        let comma = if self.text.ends_with('[') { "" } else { "," };
        self.text.push_str(comma);
        self.text.push_str("{\"recordId\":");
        self.text.push_str(&serde_json::to_string(id)?);
        self.text.push_str(",\"result\":\"");
        self.text.push_str(outcome.as_str());
        self.text.push_str("\",\"data\":\"");
        STANDARD.encode_string(lines, &mut self.text);
        self.text.push_str("\"}");
        Ok(())
    }

    /// The answer as JSON.
    pub(crate) fn end(mut self) -> serde_json::Result<Box<RawValue>> {
        self.text.push_str("]}");
        RawValue::from_string(self.text)
    }
}

/// What an answered record takes beside its id and its data:
/// `{"recordId":"","result":"ProcessingFailed","data":""},`.
const AROUND: usize = 54;

/// The most bytes that a record takes in the answer with so many bytes of lines, without having
/// encoded them. An id has nothing that JSON would escape, or it counts six times.
pub(crate) fn size(id: &str, lines: usize) -> usize {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    let id = if id.bytes().all(plain) {
        id.len()
    } else {
        id.len() * 6
    };
    AROUND + id + lines.div_ceil(3) * 4
}
