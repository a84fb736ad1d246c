//! Where the labels of images are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where an image's label is: exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ImageLabels {
    /// In the key: the name of a part of `keys`.
    Key(String),
    /// In a manifest of SageMaker Ground Truth, or any augmented manifest.
    Manifest(ManifestLabels),
    /// In a CSV file with a header.
    Csv(CsvLabels),
}

/// Labels in an augmented manifest: a JSON object per line, with the image's address in
/// `source-ref`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManifestLabels {
    /// The manifest, as `s3://bucket/key`, of at most 256 MiB.
    pub uri: String,
    /// The attribute with the label. Where `<attribute>-metadata` has a `class-name`, that is the
    /// label.
    pub attribute: String,
}

/// Labels in a CSV file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CsvLabels {
    /// The file, as `s3://bucket/key`, of at most 256 MiB.
    pub uri: String,
    /// The column with the images' keys.
    #[serde(default = "default_key_column")]
    pub key: String,
    /// The column with their labels.
    #[serde(default = "default_label_column")]
    pub label: String,
}

fn default_key_column() -> String {
    "key".to_owned()
}

fn default_label_column() -> String {
    "label".to_owned()
}

impl ImageLabels {
    /// The file that holds the labels, and its field.
    pub fn uri(&self) -> Option<(&str, &'static str)> {
        match self {
            Self::Key(_) => None,
            Self::Manifest(labels) => Some((&labels.uri, "source.images.labels.manifest.uri")),
            Self::Csv(labels) => Some((&labels.uri, "source.images.labels.csv.uri")),
        }
    }
}

/// The bucket and the key of an address, `s3://bucket/key`.
pub fn address(uri: &str) -> Option<(&str, &str)> {
    let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/')?;
    (is_bucket(bucket) && !key.is_empty()).then_some((bucket, key))
}

/// Source: Amazon S3 user guide, "General purpose bucket naming rules".
pub(crate) fn is_bucket(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
}
