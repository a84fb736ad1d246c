//! Keys of what is captured of tables' streams, and the order of its changes.
//!
//! ```text
//! changes/<table>/stream=<label>/arrived=<yyyyMMddHH>/<first>-<last>-<attempt>.jsonl.zst
//! changes/<table>/stream=<label>/unreadable/<first>-<attempt>-<number>.json
//! aws/lambda/<mapping>/<shard>/…          batches that Lambda gave up, and <key>.replayed.json
//! ```

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

/// Prefix of all captured changes.
pub const CHANGES: &str = "changes/";
/// Prefix under which Lambda itself stores the batches that it gave up. Source: AWS Lambda Developer
/// Guide, "Retaining discarded batches".
pub const GIVEN_UP: &str = "aws/lambda/";

const ENDING: &str = ".jsonl.zst";
const REPLAYED: &str = ".replayed.json";
const UNREADABLE: &str = "unreadable/";
const ARRIVED: &str = "arrived=";

/// The position of a change in its stream. Positions are ordered as numbers, however many leading
/// zeros each is written with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceNumber([u8; Self::DIGITS]);

impl SequenceNumber {
    /// Most digits. Source: Amazon DynamoDB Streams API Reference, `StreamRecord`.
    pub const DIGITS: usize = 40;

    /// The number with leading zeros, in 40 digits.
    pub fn padded(&self) -> &str {
        // Digits are ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// A text that is no sequence number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no sequence number, which has 1 to 40 digits")]
pub struct NoSequenceNumber {
    text: String,
}

impl FromStr for SequenceNumber {
    type Err = NoSequenceNumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.as_bytes();
        let fits = (1..=Self::DIGITS).contains(&digits.len());
        if !fits || !digits.iter().all(u8::is_ascii_digit) {
            let text: String = text.chars().take(2 * Self::DIGITS).collect();
            return Err(NoSequenceNumber { text });
        }
        let mut padded = [b'0'; Self::DIGITS];
        padded[Self::DIGITS - digits.len()..].copy_from_slice(digits);
        Ok(Self(padded))
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.padded())
    }
}

impl fmt::Debug for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.padded())
    }
}

/// An hour of UTC, as `2026112809`. Hours are ordered as times.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hour(String);

impl Hour {
    /// The hour that this moment is in; the first one that can be written for any before 1970.
    pub fn of(moment: SystemTime) -> Self {
        let moment = jiff::Timestamp::try_from(moment).unwrap_or_default();
        Self(moment.strftime("%Y%m%d%H").to_string())
    }

    /// The hour as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Hour {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let is_hour = text.len() == 10 && digits;
        is_hour.then(|| Self(text.to_owned())).ok_or(())
    }
}

/// A stream of a table. A stream that is enabled again is another one, with another label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CapturedStream {
    table: String,
    label: String,
}

impl CapturedStream {
    /// The stream with this ARN; `None` if it is not the ARN of a DynamoDB table's stream.
    pub fn of_arn(arn: &str) -> Option<Self> {
        let (service, resource) = arn.split_once(":table/")?;
        let mut service = service.split(':');
        if service.next() != Some("arn") || service.nth(1) != Some("dynamodb") {
            return None;
        }
        let (table, label) = resource.split_once("/stream/")?;
        let named = |name: &str| !name.is_empty() && !name.contains('/');
        (named(table) && named(label)).then(|| Self {
            table: table.to_owned(),
            label: label.to_owned(),
        })
    }

    /// The table's name.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The stream's label: the time at which it was enabled.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Prefix of everything captured of the stream.
    pub fn prefix(&self) -> String {
        format!("{CHANGES}{}/stream={}/", self.table, self.label)
    }

    /// Prefix of the objects that arrived in an hour; with those of later hours they are the keys
    /// from here on, in the order of keys.
    pub fn arrived(&self, hour: &Hour) -> String {
        format!("{}{ARRIVED}{}/", self.prefix(), hour.as_str())
    }

    /// Prefix of all objects of changes.
    pub fn objects(&self) -> String {
        format!("{}{ARRIVED}", self.prefix())
    }

    /// Key of an object of changes. `attempt` is unique, so that no object replaces another one.
    pub fn object(
        &self,
        hour: &Hour,
        first: &SequenceNumber,
        last: &SequenceNumber,
        attempt: &str,
    ) -> String {
        format!("{}{first}-{last}-{attempt}{ENDING}", self.arrived(hour))
    }

    /// Prefix of the records whose shape is not known.
    pub fn unreadable(&self) -> String {
        format!("{}{UNREADABLE}", self.prefix())
    }

    /// Whether a key is that of a record whose shape is not known, or of the record of its replay.
    pub fn is_unreadable(key: &str) -> bool {
        let below = key.strip_prefix(CHANGES);
        below.and_then(|below| below.split('/').nth(2)) == UNREADABLE.strip_suffix('/')
    }

    /// Key of a record whose shape is not known: the `number`th of the batch that begins with `first`,
    /// where any record of the batch has a sequence number.
    pub fn unreadable_record(
        &self,
        first: Option<&SequenceNumber>,
        attempt: &str,
        number: usize,
    ) -> String {
        let first = first.map_or("unknown", SequenceNumber::padded);
        format!("{}{first}-{attempt}-{number:05}.json", self.unreadable())
    }
}

/// What the key of an object of changes says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapturedObject {
    /// The stream that the changes are of.
    pub stream: CapturedStream,
    /// When the object was written.
    pub arrived: Hour,
    /// The smallest sequence number of its changes.
    pub first: SequenceNumber,
    /// The largest one.
    pub last: SequenceNumber,
    /// The attempt that wrote it.
    pub attempt: String,
}

impl CapturedObject {
    /// Reads a key; `None` if it is not the key of an object of changes.
    pub fn parse(key: &str) -> Option<Self> {
        let mut folders = key.strip_prefix(CHANGES)?.split('/');
        let table = folders.next().filter(|table| !table.is_empty())?;
        let label = folders.next()?.strip_prefix("stream=")?;
        let arrived = folders.next()?.strip_prefix(ARRIVED)?.parse().ok()?;
        let name = folders.next()?.strip_suffix(ENDING)?;
        let mut numbers = name.splitn(3, '-');
        let first = numbers.next()?.parse().ok()?;
        let last = numbers.next()?.parse().ok()?;
        let attempt = numbers.next().filter(|attempt| !attempt.is_empty())?;
        let whole = folders.next().is_none() && !label.is_empty() && first <= last;
        whole.then(|| Self {
            stream: CapturedStream {
                table: table.to_owned(),
                label: label.to_owned(),
            },
            arrived,
            first,
            last,
            attempt: attempt.to_owned(),
        })
    }
}

/// Prefix of the batches that Lambda gave up of one event source mapping.
pub fn given_up(mapping: &str) -> String {
    format!("{GIVEN_UP}{mapping}/")
}

/// Key of the record that says that an object's changes were replayed.
pub fn replayed(key: &str) -> String {
    format!("{key}{REPLAYED}")
}

/// The objects among `keys` that wait to be replayed: those without a record beside them. `keys` are
/// all keys below a prefix, in any order.
pub fn waiting<'k>(keys: impl Iterator<Item = &'k str> + Clone) -> impl Iterator<Item = &'k str> {
    let done: std::collections::HashSet<&str> = keys
        .clone()
        .filter_map(|key| key.strip_suffix(REPLAYED))
        .collect();
    keys.filter(move |key| !key.ends_with(REPLAYED) && !done.contains(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn number(text: &str) -> SequenceNumber {
        text.parse().unwrap()
    }

    fn stream() -> CapturedStream {
        let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/shop.v-1_a/stream/2026-11-28T09:12:01.789";
        CapturedStream::of_arn(arn).unwrap()
    }

    #[test]
    fn sequence_numbers_are_ordered_as_numbers() {
        let ordered = [
            "0",
            "000000000000000000009",
            "111",
            "99999999999999999999",
            "4421584500000000017450439091",
            "9999999999999999999999999999999999999999",
        ];
        assert!(ordered.map(number).is_sorted());
        assert_eq!(number("0042"), number("42"));
        assert_eq!(
            number("42").padded(),
            "0000000000000000000000000000000000000042"
        );
        let too_long = "0".repeat(41);
        for other in ["", "12a", "-1", " 1", "1\u{661}", &too_long] {
            let error = other.parse::<SequenceNumber>().unwrap_err();
            assert!(error.to_string().contains("no sequence number"), "{error}");
        }
    }

    #[test]
    fn a_key_says_what_it_was_made_of() {
        let hour = Hour::of(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_859_999));
        assert_eq!(hour.as_str(), "2026112809");
        let (first, last) = (number("000421"), number("999"));
        let key = stream().object(&hour, &first, &last, "1a-2b");
        assert_eq!(
            key,
            "changes/shop.v-1_a/stream=2026-11-28T09:12:01.789/arrived=2026112809/\
             0000000000000000000000000000000000000421-0000000000000000000000000000000000000999-1a-2b.jsonl.zst"
        );
        let expected = CapturedObject {
            stream: stream(),
            arrived: hour,
            first,
            last,
            attempt: "1a-2b".to_owned(),
        };
        assert_eq!(CapturedObject::parse(&key), Some(expected));
        assert!(key.starts_with(&stream().objects()) && key.starts_with(&stream().prefix()));
    }

    #[test]
    fn other_keys_are_not_taken_for_changes() {
        let hour = Hour("2026112809".to_owned());
        let key = |first, last| stream().object(&hour, &number(first), &number(last), "a");
        let good = key("1", "2");
        let longer = good.replacen("/arrived", "/more/arrived", 1);
        let others = [
            key("2", "1"),
            stream().unreadable_record(Some(&number("1")), "a", 0),
            stream().unreadable_record(None, "a", 7),
            longer,
            good.replace("-a.jsonl", ".jsonl"),
            good.replace("arrived=2026112809", "arrived=20261128"),
            good.replace(".zst", ".gz"),
            good.replace("changes/", "raw/"),
            good.replace("shop.v-1_a", ""),
        ];
        assert!(CapturedObject::parse(&good).is_some());
        for other in others {
            assert_eq!(CapturedObject::parse(&other), None, "{other}");
        }
        let unreadable = stream().unreadable_record(None, "a", 7);
        assert!(CapturedStream::is_unreadable(&unreadable));
        assert!(!CapturedStream::is_unreadable(&good));
    }

    #[test]
    fn only_streams_of_tables_are_streams() {
        let others = [
            "arn:aws:dynamodb:eu-west-1:1:table/t",
            "arn:aws:dynamodb:eu-west-1:1:table//stream/x",
            "arn:aws:dynamodb:eu-west-1:1:table/t/stream/",
            "arn:aws:dynamodb:eu-west-1:1:table/t/stream/x/y",
            "arn:aws:kinesis:eu-west-1:1:table/t/stream/x",
            "table/t/stream/x",
            "",
        ];
        for other in others {
            assert_eq!(CapturedStream::of_arn(other), None, "{other}");
        }
        let sample =
            "arn:aws:dynamodb:us-east-1:account-id:table/Ex/stream/2015-06-27T00:48:05.899";
        assert_eq!(CapturedStream::of_arn(sample).unwrap().table(), "Ex");
    }

    #[test]
    fn what_was_replayed_waits_no_more() {
        let (one, two) = ("aws/lambda/m/s/one", "aws/lambda/m/s/two");
        let done = replayed(one);
        let keys = [one, done.as_str(), two];
        assert_eq!(waiting(keys.into_iter()).collect::<Vec<_>>(), [two]);
        assert!(keys.iter().all(|key| key.starts_with(&given_up("m"))));
    }
}
