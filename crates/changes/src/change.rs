//! A line of an incremental export.
//!
//! Source of the format: Amazon DynamoDB Developer Guide, "DynamoDB table export output format",
//! "Incremental export output".

use crate::key::{KeyError, KeyReader};
use dynamodb_json::{ItemError, Map, Value};
use lake::records::ChangeView;

/// A line that is no change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The line is not an object of attribute maps.
    #[error(transparent)]
    Line(#[from] ItemError),
    /// The line is an item, as a full export has it.
    #[error(
        "`Item` is a line of a full export, which does not say what was deleted; an incremental export has `Keys` \
         and images. Local servers write such files; DynamoDB does not"
    )]
    WholeItem,
    /// The line has a member that changes do not have.
    #[error("unknown member `{name}`; a change has Metadata, Keys, OldImage and NewImage")]
    Unknown {
        /// The member.
        name: String,
    },
    /// The line has a member twice.
    #[error("`{name}` occurs twice")]
    Twice {
        /// The member.
        name: String,
    },
    /// The line lacks a member.
    #[error("`{name}` is missing")]
    Missing {
        /// The member.
        name: &'static str,
    },
    /// The time of the change is not as DynamoDB writes it.
    #[error("`Metadata` has no `WriteTimestampMicros` of type N")]
    NoTime,
    /// The old image is there, though the export was requested without.
    #[error("`OldImage` in an export of new images")]
    OldImage,
    /// A captured change has no sequence number.
    #[error("`Metadata` has no `SequenceNumber` of type S with up to 40 digits")]
    NoSequence,
    /// A captured change is not called as its images are.
    #[error("`Metadata` calls the change {event:?}, which does not fit its images")]
    Event {
        /// What it is called.
        event: String,
    },
    /// `Keys` has other attributes than the table's key.
    #[error("`Keys` has {found} attributes; the key of the table has {expected}")]
    KeyCount {
        /// Attributes of the table's key.
        expected: usize,
        /// Attributes of `Keys`.
        found: usize,
    },
    /// A key cannot be read.
    #[error("{member}: {source}")]
    Key {
        /// `Keys`, or the image.
        member: &'static str,
        /// What is wrong with it.
        source: KeyError,
    },
    /// An image has another key than the change.
    #[error("`{image}` has another key than `Keys`")]
    OtherKey {
        /// The image.
        image: &'static str,
    },
    /// Two changes of a window have the same key.
    #[error("a second change of the same key in one window: {keys}")]
    SecondInWindow {
        /// The key, as it stands in the line.
        keys: String,
    },
    /// There are more changed keys than can be held.
    #[error("more than {most} keys changed, which are held in memory: a full export is cheaper")]
    TooMany {
        /// The most that can be held.
        most: usize,
    },
}

/// The change of one key in one window: its state before and after.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The hash of its key.
    pub key: u128,
    /// The key attributes.
    pub keys: Map<'a>,
    /// The item that was replaced or removed, where old images are exported.
    pub old_image: Option<Map<'a>>,
    /// The item since then; `None` if it was removed.
    pub new_image: Option<Map<'a>>,
}

const METADATA: &str = "Metadata";
const KEYS: &str = "Keys";
const OLD_IMAGE: &str = "OldImage";
const NEW_IMAGE: &str = "NewImage";

/// The members of a line, each a map.
pub struct Members<'a> {
    pub metadata: Map<'a>,
    keys: Map<'a>,
    old_image: Option<Map<'a>>,
    new_image: Option<Map<'a>>,
}

impl<'a> Members<'a> {
    /// Reads a line, with or without its line break, and checks all of it.
    pub fn read(line: &'a [u8]) -> Result<Self, ChangeError> {
        let (mut metadata, mut keys, mut old_image, mut new_image) = (None, None, None, None);
        for (name, map) in dynamodb_json::parse_maps(line)? {
            let name = name.decode();
            let place = match name.as_ref() {
                METADATA => &mut metadata,
                KEYS => &mut keys,
                OLD_IMAGE => &mut old_image,
                NEW_IMAGE => &mut new_image,
                "Item" => return Err(ChangeError::WholeItem),
                _ => {
                    return Err(ChangeError::Unknown {
                        name: name.into_owned(),
                    });
                }
            };
            if place.replace(map).is_some() {
                return Err(ChangeError::Twice {
                    name: name.into_owned(),
                });
            }
        }
        Ok(Self {
            metadata: metadata.ok_or(ChangeError::Missing { name: METADATA })?,
            keys: keys.ok_or(ChangeError::Missing { name: KEYS })?,
            old_image,
            new_image,
        })
    }

    /// The change, if its images have its key.
    pub fn change(self, keys: &mut KeyReader) -> Result<Change<'a>, ChangeError> {
        let (expected, found) = (keys.names().len(), self.keys.attributes().count());
        if expected != found {
            return Err(ChangeError::KeyCount { expected, found });
        }
        let mut hash = |member, map: &Map<'_>| {
            let hash = keys.of_item(map);
            hash.map_err(|source| ChangeError::Key { member, source })
        };
        let change = Change {
            key: hash(KEYS, &self.keys)?,
            keys: self.keys,
            old_image: self.old_image,
            new_image: self.new_image,
        };
        for (image, map) in [(OLD_IMAGE, self.old_image), (NEW_IMAGE, self.new_image)] {
            if let Some(map) = map
                && hash(image, &map)? != change.key
            {
                return Err(ChangeError::OtherKey { image });
            }
        }
        Ok(change)
    }
}

impl<'a> Change<'a> {
    /// Reads a line of an incremental export, with or without its line break, and checks all of it.
    ///
    /// A line without images is the removal of a key. With old images, its key had no item before:
    /// it was inserted and removed in the same window, which DynamoDB is documented to leave out.
    ///
    /// # Errors
    /// If it is anything but a change of an item of the table.
    pub fn parse(
        line: &'a [u8],
        keys: &mut KeyReader,
        view: ChangeView,
    ) -> Result<Self, ChangeError> {
        let members = Members::read(line)?;
        if !matches!(
            members.metadata.get("WriteTimestampMicros"),
            Some(Value::N(_))
        ) {
            return Err(ChangeError::NoTime);
        }
        if view == ChangeView::NewImage && members.old_image.is_some() {
            return Err(ChangeError::OldImage);
        }
        members.change(keys)
    }
}
