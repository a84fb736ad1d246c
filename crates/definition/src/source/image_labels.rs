//! Where the labels of images are.

use crate::faults::Faults;
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
    /// In a tag of the object: the tag's key. It is a request for each image.
    Tag(String),
    /// In a small file beside the image. It is a request for each image.
    Sidecar(SidecarLabels),
    /// In a DynamoDB table. All images are looked up in every run.
    Table(TableLabels),
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

/// Labels in a file beside each image, whose key is that of the image with another ending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SidecarLabels {
    /// What stands in place of the image's ending, with its dot: the label of `a/7.jpg` is in
    /// `a/7.json`.
    #[serde(default = "default_suffix")]
    pub suffix: String,
    /// The field of the JSON document that holds the label, such as `$.label` or `sign.class`.
    /// Without it, the whole text of the file is the label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// Labels in a DynamoDB table with a partition key alone, of text or whole numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TableLabels {
    /// The table, which the stack's `TableName` must allow.
    pub name: String,
    /// The attribute that is its partition key.
    pub key: String,
    /// The attribute with the label: text, a number or a boolean.
    #[serde(default = "default_label_column")]
    pub attribute: String,
    /// The part of `keys` whose value is the item's key; by default the image's whole key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

fn default_suffix() -> String {
    ".json".to_owned()
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
            Self::Key(_) | Self::Tag(_) | Self::Sidecar(_) | Self::Table(_) => None,
            Self::Manifest(labels) => Some((&labels.uri, "source.images.labels.manifest.uri")),
            Self::Csv(labels) => Some((&labels.uri, "source.images.labels.csv.uri")),
        }
    }
}

impl ImageLabels {
    /// The field of a definition that says where the labels are.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Key(_) => "source.images.labels.key",
            Self::Manifest(_) => "source.images.labels.manifest",
            Self::Csv(_) => "source.images.labels.csv",
            Self::Tag(_) => "source.images.labels.tag",
            Self::Sidecar(_) => "source.images.labels.sidecar",
            Self::Table(_) => "source.images.labels.table",
        }
    }

    /// Whether a label may change without a change of any listing: such labels are never taken over
    /// with the lines of an earlier index.
    pub const fn is_unlisted(&self) -> bool {
        matches!(self, Self::Table(_))
    }

    /// Checks the labels against the parts of the keys, and the endings of the images.
    pub(super) fn validate(&self, parts: &[String], include: &[String], faults: &mut Faults) {
        let has_part = |part: &String| parts.iter().any(|one| one == part);
        let no_part = |part: &str| {
            let known: Vec<_> = parts.iter().map(|part| format!("`{part}`")).collect();
            format!("`keys` has no part {{{part}}}; it has {}", known.join(", "))
        };
        match self {
            Self::Key(part) if !has_part(part) => faults.add(self.field(), no_part(part)),
            Self::Manifest(labels) if labels.attribute.is_empty() => faults.add(
                "source.images.labels.manifest.attribute",
                "must not be empty",
            ),
            // Source: Amazon S3 user guide, "Object tagging".
            Self::Tag(tag) if !(1..=128).contains(&tag.chars().count()) => {
                faults.add(self.field(), "must be a tag's key, of 1 to 128 characters");
            }
            Self::Sidecar(labels) => labels.validate(include, faults),
            Self::Table(labels) => {
                for (field, text) in [
                    ("name", &labels.name),
                    ("key", &labels.key),
                    ("attribute", &labels.attribute),
                ] {
                    if text.is_empty() {
                        let field = format!("source.images.labels.table.{field}");
                        faults.add(field, "must not be empty");
                    }
                }
                if labels.attribute == labels.key && !labels.key.is_empty() {
                    faults.add(
                        "source.images.labels.table.attribute",
                        format!(
                            "is the table's key, {:?}: name the attribute with the label",
                            labels.key
                        ),
                    );
                }
                if let Some(part) = labels.from.as_ref().filter(|part| !has_part(part)) {
                    faults.add("source.images.labels.table.from", no_part(part));
                }
            }
            _ => {}
        }
        if let Some((uri, field)) = self.uri()
            && address(uri).is_none()
        {
            faults.add(
                field,
                format!("{uri:?} is no address of an object: s3://bucket/key"),
            );
        }
    }
}

impl SidecarLabels {
    /// The key of an image's sidecar.
    pub fn key_for(&self, image: &str) -> String {
        let name = image.rfind('/').map_or(0, |slash| slash + 1);
        let stem = image[name..]
            .rfind('.')
            .map_or(image, |dot| &image[..name + dot]);
        format!("{stem}{}", self.suffix)
    }

    /// The names of the fields that lead to the label, if it is in a JSON document.
    pub fn fields(&self) -> Option<impl Iterator<Item = &str>> {
        let path = self.path.as_deref()?;
        Some(path.strip_prefix("$.").unwrap_or(path).split('.'))
    }

    fn validate(&self, include: &[String], faults: &mut Faults) {
        const SUFFIX: &str = "source.images.labels.sidecar.suffix";
        if self.suffix.is_empty() || self.suffix.contains('/') {
            faults.add(
                SUFFIX,
                format!("{:?} is no ending of a name: such as .json", self.suffix),
            );
        }
        let ending = self.suffix.rsplit_once('.').map(|(_, ending)| ending);
        if let Some(ending) = ending
            && include.iter().any(|one| one.eq_ignore_ascii_case(ending))
        {
            faults.add(
                SUFFIX,
                format!(
                    "`include` has {ending:?}: a file with that ending would be an image itself"
                ),
            );
        }
        if self
            .suffix
            .rsplit_once('.')
            .is_some_and(|(_, it)| it == "json")
            && self.path.is_none()
        {
            faults.add(
                "source.images.labels.sidecar.path",
                "must name the field of the JSON document that holds the label, such as $.label",
            );
        }
        let mut fields = self.fields().into_iter().flatten();
        if fields.any(|field| field.is_empty() || field.contains(['[', '$'])) {
            faults.add(
                "source.images.labels.sidecar.path",
                "must be names of fields with dots between them, such as $.label or sign.class",
            );
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
