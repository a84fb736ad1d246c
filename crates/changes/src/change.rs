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

impl<'a> Change<'a> {
    /// Reads a line, with or without its line break, and checks all of it.
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
        let (mut metadata, mut key, mut old_image, mut new_image) = (None, None, None, None);
        for (name, map) in dynamodb_json::parse_maps(line)? {
            let name = name.decode();
            let place = match name.as_ref() {
                METADATA => &mut metadata,
                KEYS => &mut key,
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
        let metadata: Map<'_> = metadata.ok_or(ChangeError::Missing { name: METADATA })?;
        if !matches!(metadata.get("WriteTimestampMicros"), Some(Value::N(_))) {
            return Err(ChangeError::NoTime);
        }
        let key: Map<'_> = key.ok_or(ChangeError::Missing { name: KEYS })?;
        let (expected, found) = (keys.names().len(), key.attributes().count());
        if expected != found {
            return Err(ChangeError::KeyCount { expected, found });
        }
        if view == ChangeView::NewImage && old_image.is_some() {
            return Err(ChangeError::OldImage);
        }
        let mut hash = |member, map: &Map<'_>| {
            let hash = keys.of_item(map);
            hash.map_err(|source| ChangeError::Key { member, source })
        };
        let change = Self {
            key: hash(KEYS, &key)?,
            keys: key,
            old_image,
            new_image,
        };
        for (image, map) in [(OLD_IMAGE, old_image), (NEW_IMAGE, new_image)] {
            if let Some(map) = map
                && hash(image, &map)? != change.key
            {
                return Err(ChangeError::OtherKey { image });
            }
        }
        Ok(change)
    }
}
