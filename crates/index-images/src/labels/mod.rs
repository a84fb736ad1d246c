//! Where the labels of a task's images are found: in keys, in a file, in tags, in sidecars, in a table.

mod file;
mod sidecar;
mod table;

pub use sidecar::Sidecars;
pub use table::TableKeys;

use crate::IndexImagesError;
use crate::pace::Pace;
use crate::read::{Absent, Fetched, fetch, patiently};
use contract::{ErrorName, ServiceError};
use definition::{ImageLabels, ImagesSource, KeyPattern, SidecarLabels};
use file::FileLabels;
use lake::records::{ImagesPlan, KeyRange};
use lake::{ObjectMeta, StoreError, TaggedStore};
use serde_json::Value;
use source::Throttles;
use std::collections::BTreeMap;

/// The file with the labels gives several for this image.
pub const LABELS_DISAGREE: &str = "LabelsDisagree";
/// The sidecar is no such document, or the label is neither text, a number nor a boolean.
pub const LABEL_UNREADABLE: &str = "LabelUnreadable";

/// An image's label.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// The label.
    pub text: String,
    /// The labeller's confidence, from 0 to 1.
    pub confidence: Option<f64>,
}

/// What is known of an image's label.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Labelled {
    /// The label, if there is one.
    pub label: Option<Label>,
    /// Why the image is quarantined for its label.
    pub refused: Option<&'static str>,
    /// The entity tag of the sidecar that says so.
    pub etag: Option<String>,
}

impl Labelled {
    fn text(text: Option<String>) -> Self {
        Self {
            label: text.map(|text| Label {
                text,
                confidence: None,
            }),
            ..Self::default()
        }
    }

    fn refused(reason: &'static str) -> Self {
        Self {
            refused: Some(reason),
            ..Self::default()
        }
    }
}

/// What looking for an image's label gave.
#[derive(Debug, Default)]
pub struct Found {
    pub labelled: Labelled,
    /// Requests that were made for it.
    pub requests: u64,
    /// Why the label could not be read, although there is one: the next run looks again.
    pub absent: Option<Absent>,
    /// The service's error, if access to it was denied.
    pub denied: Option<Box<ServiceError>>,
}

/// Where labels come from.
#[derive(Debug)]
pub enum Labels {
    /// There are none.
    None,
    /// The part of the key with this number.
    Part(KeyPattern, usize),
    /// A file.
    File(FileLabels),
    /// The object's tag with this key.
    Tag(String),
    /// A file beside each image.
    Sidecar(SidecarLabels),
    /// A table. All images are looked up.
    Table(TableKeys),
}

impl Labels {
    /// The labels of the images in these ranges.
    pub async fn load(
        store: &impl TaggedStore,
        source: &ImagesSource,
        plan: &ImagesPlan,
        ranges: &[KeyRange],
    ) -> Result<Self, IndexImagesError> {
        let Some(labels) = &source.labels else {
            return Ok(Self::None);
        };
        let pattern = || {
            let pattern = source.pattern();
            pattern.map_err(|message| IndexImagesError::Keys { message })
        };
        Ok(match labels {
            ImageLabels::Key(part) => {
                let pattern = pattern()?;
                let place = pattern.parts().position(|name| name == part);
                place.map_or(Self::None, |place| Self::Part(pattern, place))
            }
            ImageLabels::Manifest(_) | ImageLabels::Csv(_) => {
                Self::File(file::load(store, labels, plan, ranges).await?)
            }
            ImageLabels::Tag(tag) => Self::Tag(tag.clone()),
            ImageLabels::Sidecar(labels) => Self::Sidecar(labels.clone()),
            ImageLabels::Table(labels) => {
                let is_number = plan.label_keys_are_numbers;
                Self::Table(TableKeys::new(labels.clone(), pattern()?, is_number))
            }
        })
    }

    /// Whether a request is made for the label of this image alone.
    pub fn asks_for(&self, sidecar: Option<&ObjectMeta>) -> bool {
        match self {
            Self::Tag(_) => true,
            Self::Sidecar(_) => sidecar.is_some(),
            Self::None | Self::Part(..) | Self::File(_) | Self::Table(_) => false,
        }
    }

    /// The label of an image. `in_table` is what the table has of a page's images.
    pub async fn find<S: TaggedStore>(
        &self,
        bucket: &S,
        image: &str,
        sidecar: Option<&ObjectMeta>,
        in_table: &BTreeMap<String, Option<String>>,
        (pace, throttles): (&Pace, &Throttles),
    ) -> Result<Found, ServiceError> {
        let labelled = match self {
            Self::None => Labelled::default(),
            Self::Part(pattern, number) => {
                let parts = pattern.read(image);
                let part =
                    parts.and_then(|parts| parts.get(*number).map(|part| (*part).to_owned()));
                Labelled::text(part)
            }
            Self::File(labels) => match labels.get(image) {
                None => Labelled::default(),
                Some(None) => Labelled::refused(LABELS_DISAGREE),
                Some(label) => Labelled {
                    label: label.clone(),
                    ..Labelled::default()
                },
            },
            Self::Table(keys) => match keys.key_of(image).and_then(|key| in_table.get(&key)) {
                None => Labelled::default(),
                Some(None) => Labelled::refused(LABEL_UNREADABLE),
                Some(Some(text)) => Labelled::text(Some(text.clone())),
            },
            Self::Tag(tag) => return tag_of(bucket, image, tag, (pace, throttles)).await,
            Self::Sidecar(labels) => {
                let Some(sidecar) = sidecar else {
                    return Ok(Found::default());
                };
                return sidecar_of(bucket, sidecar, labels, (pace, throttles)).await;
            }
        };
        Ok(Found {
            labelled,
            ..Found::default()
        })
    }
}

async fn tag_of<S: TaggedStore>(
    bucket: &S,
    image: &str,
    tag: &str,
    (pace, throttles): (&Pace, &Throttles),
) -> Result<Found, ServiceError> {
    let read = patiently(pace, throttles, || bucket.tag(image, tag)).await;
    let mut found = Found {
        requests: 1,
        ..Found::default()
    };
    match read {
        Ok(text) => {
            found.labelled = Labelled::text(text.filter(|text| !text.is_empty()));
        }
        Err(StoreError::NotFound { .. }) => found.absent = Some(Absent::Vanished),
        Err(StoreError::Service(error)) if error.name == ErrorName::AccessDenied => {
            found.absent = Some(Absent::Unreadable);
            found.denied = Some(error);
        }
        Err(StoreError::Service(error)) => return Err(*error),
    }
    Ok(found)
}

async fn sidecar_of<S: TaggedStore>(
    bucket: &S,
    sidecar: &ObjectMeta,
    labels: &SidecarLabels,
    (pace, throttles): (&Pace, &Throttles),
) -> Result<Found, ServiceError> {
    let mut found = Found::default();
    if sidecar.size > sidecar::MOST_BYTES {
        found.labelled = Labelled::refused(LABEL_UNREADABLE);
        return Ok(found);
    }
    found.requests = 1;
    match fetch(bucket, sidecar, pace, throttles).await? {
        Fetched::Whole(bytes) => {
            found.labelled = sidecar::read(labels, &bytes);
            found.labelled.etag.clone_from(&sidecar.etag);
        }
        Fetched::Absent(absent, denied) => {
            found.absent = Some(absent);
            found.denied = denied;
        }
    }
    Ok(found)
}

/// A label that is text, a number or a boolean.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}
