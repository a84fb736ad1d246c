//! A line of an object of captured changes: a record of a table's stream.

use crate::change::Members;
use crate::{Change, ChangeError, KeyReader};
use dynamodb_json::{Map, Value};
use lake::captured::SequenceNumber;

/// Who removes an item when its time to live is over. Source: Amazon DynamoDB Developer Guide,
/// "DynamoDB Streams and Time to Live".
const TIME_TO_LIVE: &str = "dynamodb.amazonaws.com";
/// Digits of the larger part.
const HIGH: usize = 8;

/// A sequence number in 20 bytes, which are ordered as the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sequence(pub [u8; Self::WIDTH]);

impl Sequence {
    /// Its bytes.
    pub const WIDTH: usize = 20;
}

impl From<&SequenceNumber> for Sequence {
    fn from(number: &SequenceNumber) -> Self {
        // Forty digits are no more than a number of eight and one of 32.
        let (high, low) = number.padded().split_at(HIGH);
        let (high, low): (u32, u128) = (digits(high), digits(low));
        let mut bytes = [0; Self::WIDTH];
        bytes[..4].copy_from_slice(&high.to_be_bytes());
        bytes[4..].copy_from_slice(&low.to_be_bytes());
        Self(bytes)
    }
}

fn digits<N: std::str::FromStr + Default>(text: &str) -> N {
    text.parse().unwrap_or_default()
}

/// A change that was captured of a table's stream.
#[derive(Debug, Clone, Copy)]
pub struct CapturedChange<'a> {
    /// The change, with both its images.
    pub change: Change<'a>,
    /// Its place among the changes of its key.
    pub sequence: SequenceNumber,
    /// Whether it is the removal of an item whose time to live was over.
    pub is_expiry: bool,
}

impl<'a> CapturedChange<'a> {
    /// Reads a line, with or without its line break, and checks all of it.
    ///
    /// # Errors
    /// If it is anything but a change of an item of the table, with all its images.
    pub fn parse(line: &'a [u8], keys: &mut KeyReader) -> Result<Self, ChangeError> {
        let members = Members::read(line)?;
        let metadata = members.metadata;
        let text = |name| text(&metadata, name);
        let sequence = text("SequenceNumber").and_then(|text| text.parse().ok());
        let sequence = sequence.ok_or(ChangeError::NoSequence)?;
        let event = text("EventName").unwrap_or_default();
        let change = members.change(keys)?;
        let images = (change.old_image.is_some(), change.new_image.is_some());
        let fits = match event.as_str() {
            "INSERT" => images == (false, true),
            "MODIFY" => images == (true, true),
            "REMOVE" => images == (true, false),
            _ => false,
        };
        if !fits {
            return Err(ChangeError::Event { event });
        }
        Ok(Self {
            change,
            sequence,
            is_expiry: change.new_image.is_none()
                && text("UserIdentity").is_some_and(|who| who == TIME_TO_LIVE),
        })
    }
}

fn text(metadata: &Map<'_>, name: &str) -> Option<String> {
    match metadata.get(name)? {
        Value::S(text) => Some(text.decode().into_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_ordered_as_their_numbers() {
        let numbers = [
            "0",
            "7",
            "000000000000000000011",
            "99999999999999999999999999999999",
            "100000000000000000000000000000000",
            "4421584500000000017450439091000000000000",
            "9999999999999999999999999999999999999999",
        ];
        let sequences = numbers.map(|text| Sequence::from(&text.parse().unwrap()));
        assert!(sequences.is_sorted_by(|one, two| one < two));
        let [one, two] = ["42", "00042"].map(|text| Sequence::from(&text.parse().unwrap()));
        assert_eq!(one, two);
    }
}
