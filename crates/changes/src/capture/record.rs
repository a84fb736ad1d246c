//! A record of a stream, as Lambda hands it over, and the line that it becomes.
//!
//! Source of the format: AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB"; Amazon
//! DynamoDB Streams API Reference, `Record` and `StreamRecord`.

use super::scan::{Scan, push_value};
use lake::captured::{NoSequenceNumber, SequenceNumber};
use std::fmt;

/// A record that no line can be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is no object, or its `dynamodb` is none.
    #[error("`{name}` is no object")]
    NoObject {
        /// The member, or the record.
        name: &'static str,
    },
    /// It lacks a member.
    #[error("`{name}` is missing")]
    Missing {
        /// The member.
        name: &'static str,
    },
    /// It has a member twice.
    #[error("`{name}` occurs twice")]
    Twice {
        /// The member.
        name: &'static str,
    },
    /// A member is an object without attributes.
    #[error("`{name}` is empty")]
    Empty {
        /// The member.
        name: &'static str,
    },
    /// It is about something else than an item that was inserted, modified or removed.
    #[error("`eventName` is {name}, and not INSERT, MODIFY or REMOVE")]
    Event {
        /// What `eventName` is.
        name: String,
    },
    /// It has no place in its stream.
    #[error("`SequenceNumber`: {0}")]
    Sequence(#[from] NoSequenceNumber),
    /// It has an image that its kind of change does not have.
    #[error("`{name}` in a record of {event}")]
    Unexpected {
        /// The kind of change.
        event: Event,
        /// The image.
        name: &'static str,
    },
    /// It is of another stream than the rest of its batch.
    #[error("`eventSourceARN` is {arn}, another one than the batch's")]
    OtherStream {
        /// The ARN.
        arn: String,
    },
}

/// The kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The key had no item before.
    Insert,
    /// The key had an item, and has another one.
    Modify,
    /// The key has no item any more.
    Remove,
}

impl Event {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Modify => "MODIFY",
            Self::Remove => "REMOVE",
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The principal of removals that the table's time to live makes.
const TIME_TO_LIVE: &str = "dynamodb.amazonaws.com";

const KEYS: &str = "Keys";
const NEW_IMAGE: &str = "NewImage";
const OLD_IMAGE: &str = "OldImage";

/// The members of a record as they are written, those that are `null` left out.
#[derive(Debug, Default)]
pub struct Members<'a> {
    /// `eventSourceARN`.
    pub arn: Option<&'a str>,
    /// `StreamViewType`.
    pub view: Option<&'a str>,
    event: Option<&'a str>,
    principal: Option<&'a str>,
    sequence: Option<&'a str>,
    created: Option<&'a str>,
    keys: Option<&'a str>,
    new_image: Option<&'a str>,
    old_image: Option<&'a str>,
    has_change: bool,
    twice: Option<&'static str>,
}

impl<'a> Members<'a> {
    /// Finds the members of the record that comes next, and passes over it. Members that are not known
    /// are passed over.
    pub fn find(scan: &mut Scan<'a>) -> Option<Self> {
        let mut found = Self::default();
        scan.object(|scan, name| match name {
            "dynamodb" if scan.peek() == Some(b'{') => {
                if found.has_change {
                    found.twice = Some("dynamodb");
                }
                found.has_change = true;
                found.change(scan)
            }
            "userIdentity" if scan.peek() == Some(b'{') => scan.object(|scan, name| {
                let value = scan.value()?;
                if name.eq_ignore_ascii_case("principalId") {
                    found.principal = text(value);
                }
                Some(())
            }),
            "eventName" => found.set("eventName", scan, |found| &mut found.event),
            "eventSourceARN" => found.set("eventSourceARN", scan, |found| &mut found.arn),
            _ => scan.value().map(|_| ()),
        })?;
        Some(found)
    }

    fn change(&mut self, scan: &mut Scan<'a>) -> Option<()> {
        scan.object(|scan, name| match name {
            KEYS => self.set(KEYS, scan, |found| &mut found.keys),
            NEW_IMAGE => self.set(NEW_IMAGE, scan, |found| &mut found.new_image),
            OLD_IMAGE => self.set(OLD_IMAGE, scan, |found| &mut found.old_image),
            "SequenceNumber" => self.set("SequenceNumber", scan, |found| &mut found.sequence),
            "StreamViewType" => self.set("StreamViewType", scan, |found| &mut found.view),
            "ApproximateCreationDateTime" => {
                let name = "ApproximateCreationDateTime";
                self.set(name, scan, |found| &mut found.created)
            }
            _ => scan.value().map(|_| ()),
        })
    }

    fn set(
        &mut self,
        name: &'static str,
        scan: &mut Scan<'a>,
        place: impl Fn(&mut Self) -> &mut Option<&'a str>,
    ) -> Option<()> {
        let value = scan.value()?;
        if value != "null" && place(self).replace(value).is_some() {
            self.twice = Some(name);
        }
        Some(())
    }

    /// The change that the members are.
    ///
    /// # Errors
    /// If they are of a shape that DynamoDB is not documented to write.
    pub fn into_change(self) -> Result<Change<'a>, RecordError> {
        if let Some(name) = self.twice {
            return Err(RecordError::Twice { name });
        }
        if !self.has_change {
            return Err(RecordError::NoObject { name: "dynamodb" });
        }
        let missing = |name| RecordError::Missing { name };
        let event = match self.event.ok_or(missing("eventName"))? {
            r#""INSERT""# => Event::Insert,
            r#""MODIFY""# => Event::Modify,
            r#""REMOVE""# => Event::Remove,
            other => {
                let name = other.chars().take(80).collect();
                return Err(RecordError::Event { name });
            }
        };
        let sequence = self.sequence.ok_or(missing("SequenceNumber"))?;
        let sequence = text(sequence).unwrap_or(sequence);
        let image = |name, image, is_expected| match (image, is_expected) {
            (Some(image), true) => attributes(name, image).map(Some),
            (None, true) => Err(missing(name)),
            (Some(_), false) => Err(RecordError::Unexpected { event, name }),
            (None, false) => Ok(None),
        };
        Ok(Change {
            event,
            number: sequence.parse()?,
            sequence,
            created: self.created,
            is_expired: event == Event::Remove && self.principal == Some(TIME_TO_LIVE),
            keys: attributes(KEYS, self.keys.ok_or(missing(KEYS))?)?,
            new_image: image(NEW_IMAGE, self.new_image, event != Event::Remove)?,
            old_image: image(OLD_IMAGE, self.old_image, event != Event::Insert)?,
        })
    }
}

/// A text's content, if it has no escapes.
fn text(value: &str) -> Option<&str> {
    let content = value.strip_prefix('"')?.strip_suffix('"')?;
    (!content.contains('\\')).then_some(content)
}

/// An object with at least one member.
fn attributes<'a>(name: &'static str, value: &'a str) -> Result<&'a str, RecordError> {
    let inner = value.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
    match inner.map(str::trim_ascii_start) {
        None => Err(RecordError::NoObject { name }),
        Some("") => Err(RecordError::Empty { name }),
        Some(_) => Ok(value),
    }
}

/// The change of one item.
#[derive(Debug)]
pub struct Change<'a> {
    /// Its place in the stream.
    pub number: SequenceNumber,
    /// Whether the table's time to live removed the item.
    pub is_expired: bool,
    event: Event,
    sequence: &'a str,
    created: Option<&'a str>,
    keys: &'a str,
    new_image: Option<&'a str>,
    old_image: Option<&'a str>,
}

impl Change<'_> {
    /// Appends the line. Keys and images are the bytes that came.
    pub fn write(&self, lines: &mut Vec<u8>) {
        let mut push = |text: &str| lines.extend_from_slice(text.as_bytes());
        push(r#"{"Metadata":{"SequenceNumber":{"S":""#);
        push(self.sequence);
        if let Some(created) = self.created {
            push(r#""},"ApproximateCreationDateTime":{"N":""#);
            push(text(created).unwrap_or(created));
        }
        push(r#""},"EventName":{"S":""#);
        push(self.event.as_str());
        if self.is_expired {
            push(r#""},"UserIdentity":{"S":""#);
            push(TIME_TO_LIVE);
        }
        push(r#""}},"Keys":"#);
        push_value(self.keys, lines);
        let images = [
            (r#","NewImage":"#, self.new_image),
            (r#","OldImage":"#, self.old_image),
        ];
        for (name, image) in images {
            if let Some(image) = image {
                lines.extend_from_slice(name.as_bytes());
                push_value(image, lines);
            }
        }
        lines.extend_from_slice(b"}\n");
    }
}
