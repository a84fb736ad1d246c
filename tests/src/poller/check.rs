//! Compares what was captured with the records of the stream.

use super::Record;
use changes::capture;
use lake::ObjectStore;
use lake::captured::{self, CapturedObject, CapturedStream, SequenceNumber};
use lake::part::{LineReader, lines};
use lake::records::Encoding;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// What the lake holds of a stream.
#[derive(Debug, Default)]
pub struct Captured {
    /// Each captured change's line, by the number as it is written.
    pub lines: BTreeMap<String, String>,
    /// Lines that are there more than once.
    pub doubled: u64,
    /// Records of no known shape, as JSON.
    pub unreadable: BTreeSet<String>,
    /// Numbers of records that Lambda gave up and that were not replayed.
    pub given_up: BTreeSet<String>,
}

/// Reads everything that the lake holds of a stream, and checks that each object is what its key says.
///
/// # Errors
/// What is wrong, in words.
pub async fn read(store: &impl ObjectStore, arn: &str) -> Result<Captured, String> {
    let stream = CapturedStream::of_arn(arn).ok_or("the ARN is none of a stream")?;
    let mut found = Captured::default();
    let objects = store.list("").await.map_err(|error| error.to_string())?;
    let keys: Vec<&str> = objects.iter().map(|object| object.key.as_str()).collect();
    for key in captured::waiting(keys.iter().copied()) {
        if key.starts_with(captured::GIVEN_UP) {
            let object = store.get(key).await.map_err(|error| error.to_string())?;
            let (event, size) = capture::payload(&object).map_err(|error| error.to_string())?;
            let event: Value = serde_json::from_str(&event).map_err(|error| error.to_string())?;
            let records = event["Records"].as_array().ok_or("no records")?;
            if size != Some(records.len() as u64) {
                return Err(format!(
                    "{key} has {} records instead of {size:?}",
                    records.len()
                ));
            }
            let numbers = records
                .iter()
                .map(|it| it["dynamodb"]["SequenceNumber"].to_string());
            found.given_up.extend(numbers);
        } else if key.starts_with(&stream.unreadable()) {
            let object = store.get(key).await.map_err(|error| error.to_string())?;
            let record: Value =
                serde_json::from_slice(&object).map_err(|error| error.to_string())?;
            found.unreadable.insert(record.to_string());
        } else {
            let parsed = CapturedObject::parse(key).filter(|it| it.stream == stream);
            let parsed = parsed.ok_or_else(|| format!("{key} is no object of the stream"))?;
            object(store, key, &parsed, &mut found).await?;
        }
    }
    Ok(found)
}

async fn object(
    store: &impl ObjectStore,
    key: &str,
    parsed: &CapturedObject,
    found: &mut Captured,
) -> Result<(), String> {
    let stream = store.stream(key).await.map_err(|error| error.to_string())?;
    let reader = LineReader::new(stream, Encoding::Zstd, store.bucket(), key);
    let mut reader = reader.map_err(|error| error.to_string())?;
    let mut range: Option<(SequenceNumber, SequenceNumber)> = None;
    while let Some(batch) = reader.next().await.map_err(|error| error.to_string())? {
        for line in lines(batch) {
            let text = std::str::from_utf8(line).map_err(|error| error.to_string())?;
            let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
            let number = value["Metadata"]["SequenceNumber"]["S"]
                .as_str()
                .unwrap_or_default();
            let parsed: SequenceNumber = number.parse().map_err(|_| format!("{number:?}"))?;
            let (first, last) = range.unwrap_or((parsed, parsed));
            range = Some((first.min(parsed), last.max(parsed)));
            let other = found.lines.insert(number.to_owned(), text.to_owned());
            if let Some(other) = other {
                found.doubled += 1;
                if other != text {
                    return Err(format!("{number} is captured as {other} and as {text}"));
                }
            }
        }
    }
    if range != Some((parsed.first, parsed.last)) {
        return Err(format!("{key} holds {range:?}"));
    }
    Ok(())
}

/// Whether a line is what a record has to become.
///
/// # Errors
/// What differs.
pub fn line(record: &Record, line: &str) -> Result<(), String> {
    let event = &record.event;
    let change = &event["dynamodb"];
    let mut metadata = json!({
        "SequenceNumber": {"S": record.sequence},
        "ApproximateCreationDateTime": {"N": change["ApproximateCreationDateTime"].to_string()},
        "EventName": {"S": event["eventName"]},
    });
    if let Some(principal) = event["userIdentity"]["principalId"].as_str() {
        metadata["UserIdentity"] = json!({ "S": principal });
    }
    // By the bytes: numbers and the order of attributes stay as they came.
    let mut expected = format!("{{\"Metadata\":{metadata},\"Keys\":{}", change["Keys"]);
    for image in ["NewImage", "OldImage"] {
        if let Some(value) = change.get(image) {
            // Writing to memory cannot fail.
            let _ = write!(expected, ",\"{image}\":{value}");
        }
    }
    expected += "}";
    if expected == line {
        return Ok(());
    }
    Err(format!("{line}\ninstead of\n{expected}"))
}
