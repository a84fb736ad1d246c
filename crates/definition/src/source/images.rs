//! Images in a bucket as a source: which objects, what their keys say, where their labels are.

use super::image_changes::Changed;
use super::image_labels::{ImageLabels, is_bucket};
use super::image_reading::{ImageLimits, ImageMetadata, ImageRead, ImageVerify, TagReads};
use super::keys::KeyPattern;
use crate::faults::Faults;
use crate::{Dataset, NamedPath};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Images in an S3 bucket. Each becomes an item: its key, size, format, dimensions, digest, label,
/// and the named parts of its key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImagesSource {
    /// The bucket; by default the lake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// What the keys look like, such as `images/{class}/{name}.{ext}`. A part in braces ends where
    /// the text behind it begins, holds no `/`, and becomes an attribute of that name, except `ext`.
    /// It ends with `.{ext}`. In the lake, keys begin with `images/`.
    pub keys: String,
    /// Keys must begin with this; by default with the text before the first part of `keys`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The endings of the objects to read, in lower case. Others are counted and not read.
    #[serde(default = "default_include")]
    pub include: Vec<String>,
    /// Where the labels are; without it, images have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<ImageLabels>,
    /// Which keys a run lists to find what changed.
    #[serde(default, skip_serializing_if = "Changed::is_default")]
    pub changed: Changed,
    /// How closely an image is looked at.
    #[serde(default)]
    pub verify: ImageVerify,
    /// Which images are good enough; others are quarantined.
    #[serde(default)]
    pub accept: ImageLimits,
    /// How fast the bucket is read.
    #[serde(default)]
    pub read: ImageRead,
    /// What is kept of the images' metadata.
    #[serde(default)]
    pub metadata: ImageMetadata,
    /// Ranges of keys to split the bucket into, each read by a function of its own; by default one
    /// per 2,000 images, at most 128.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub ranges: Option<u32>,
}

fn default_include() -> Vec<String> {
    ["jpg", "jpeg", "png"].map(str::to_owned).to_vec()
}

/// The attributes of every image, whose names no part of a key may have.
pub const IMAGE_ATTRIBUTES: [&str; 19] = [
    "bucket",
    "capturedAt",
    "channels",
    "differenceHash",
    "digest",
    "etag",
    "format",
    "height",
    "key",
    "label",
    "labelConfidence",
    "labelEtag",
    "latitude",
    "longitude",
    "modified",
    "orientation",
    "quarantined",
    "size",
    "width",
];

/// Parts of keys that usually name a series of images, of which each looks like the one before.
const SERIES: [&str; 6] = ["camera", "group", "patient", "session", "trip", "vehicle"];

/// Where images lie in the lake.
pub const LAKE_IMAGES: &str = "images/";

impl ImagesSource {
    /// The bucket's name, for messages.
    pub fn name(&self) -> &str {
        self.bucket.as_deref().unwrap_or("the lake")
    }

    /// The pattern of the keys.
    ///
    /// # Errors
    /// If `keys` is no pattern; a validated definition has none of these.
    pub fn pattern(&self) -> Result<KeyPattern, String> {
        KeyPattern::parse(&self.keys)
    }

    /// What all keys begin with.
    pub fn prefix(&self) -> String {
        let given = self.prefix.clone();
        given.unwrap_or_else(|| {
            self.pattern()
                .map_or_else(|_| String::new(), |p| p.prefix().to_owned())
        })
    }

    /// Whether an object is to be read, by the ending of its key.
    pub fn includes(&self, key: &str) -> bool {
        let name = key.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').is_some_and(|(_, ending)| {
            self.include
                .iter()
                .any(|one| one.eq_ignore_ascii_case(ending))
        })
    }

    pub(crate) fn validate(&self, faults: &mut Faults) {
        if let Some(bucket) = &self.bucket
            && !is_bucket(bucket)
        {
            faults.add(
                "source.images.bucket",
                format!("{bucket:?} is no bucket's name: the name alone, without s3:// and keys"),
            );
        }
        let parts = match self.pattern() {
            Ok(pattern) => {
                self.validate_keys(&pattern, faults);
                pattern.parts().map(str::to_owned).collect()
            }
            Err(message) => {
                faults.add("source.images.keys", message);
                Vec::new()
            }
        };
        self.validate_labels(&parts, faults);
        self.changed.validate(&parts, faults);
        if self.include.is_empty() {
            faults.add("source.images.include", "must name an ending, such as jpg");
        }
        for (at, ending) in self.include.iter().enumerate() {
            let is_ending = !ending.is_empty()
                && ending
                    .bytes()
                    .all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
            if !is_ending {
                faults.add(
                    format!("source.images.include[{at}]"),
                    format!(
                        "{ending:?} is no ending: lower-case letters and digits, without a dot"
                    ),
                );
            }
        }
        self.accept.validate(faults);
        if self.read.requests_per_second == 0 {
            faults.add("source.images.read.requestsPerSecond", "must be at least 1");
        }
        if self.ranges.is_some_and(|n| !(1..=10_000).contains(&n)) {
            faults.add("source.images.ranges", "must be 1 to 10,000");
        }
    }

    /// Checks that a dataset names attributes that images have.
    pub(crate) fn check_dataset(&self, dataset: &Dataset, faults: &mut Faults) {
        let Ok(pattern) = self.pattern() else { return };
        let parts: Vec<_> = pattern.parts().collect();
        for NamedPath { field, text, .. } in dataset.paths() {
            let name = text.split(['.', '[']).next().unwrap_or_default();
            if name == "label" && self.labels.is_none() {
                faults.add(field, "images have no label: give `source.images.labels`");
            } else if !IMAGE_ATTRIBUTES.contains(&name) && !parts.contains(&name) {
                faults.add(
                    field,
                    format!(
                        "{name:?} is no attribute of an image; the parts of `keys` are: {}",
                        parts.join(", ")
                    ),
                );
            }
        }
    }

    /// What is probably one series of images and may be torn apart by the split: `by` names none of
    /// the parts of `keys` that usually are series.
    pub(crate) fn split_warning(&self, dataset: &Dataset) -> Option<String> {
        let pattern = self.pattern().ok()?;
        let series: Vec<&str> = pattern
            .parts()
            .filter(|part| SERIES.contains(part))
            .collect();
        let split = &dataset.split;
        let is_kept = |part: &&str| split.by.iter().any(|by| by == part);
        if series.is_empty() || split.time.is_some() || series.iter().any(is_kept) {
            return None;
        }
        let (names, quoted) = (series.join(" or "), series.join("` or `"));
        Some(format!(
            "images of one {names} may be trained on and validated on: `dataset.split.by` does not name `{quoted}`"
        ))
    }

    fn validate_keys(&self, pattern: &KeyPattern, faults: &mut Faults) {
        for part in pattern.parts() {
            if IMAGE_ATTRIBUTES.contains(&part) {
                faults.add(
                    "source.images.keys",
                    format!("the part {{{part}}} has the name of an attribute that every image has: rename it"),
                );
            }
        }
        let (literal, prefix) = (pattern.prefix(), self.prefix());
        if prefix.starts_with('/') {
            faults.add(
                "source.images.prefix",
                "keys of S3 do not begin with /: leave it out",
            );
        }
        if !prefix.starts_with(literal) {
            faults.add(
                "source.images.prefix",
                format!("{prefix:?} does not begin with {literal:?}, as `keys` does"),
            );
        }
        if self.bucket.is_none() && !prefix.starts_with(LAKE_IMAGES) {
            let field = if self.prefix.is_some() {
                "prefix"
            } else {
                "keys"
            };
            faults.add(
                format!("source.images.{field}"),
                format!("in the lake, images lie below {LAKE_IMAGES}: begin with it, or name another `bucket`"),
            );
        }
    }

    fn validate_labels(&self, parts: &[String], faults: &mut Faults) {
        if let Some(labels) = &self.labels {
            labels.validate(parts, &self.include, faults);
        }
        let has_tag = matches!(self.labels, Some(ImageLabels::Tag(_)));
        if self.read.tags == TagReads::All && !has_tag {
            faults.add(
                "source.images.read.tags",
                "is for labels in tags: give `source.images.labels.tag`, or leave it out",
            );
        }
    }

    /// Whether the labels of all images are looked up in every run, although nothing else changed.
    pub fn looks_up_all_labels(&self) -> bool {
        self.labels.as_ref().is_some_and(ImageLabels::is_unlisted)
            || self.read.tags == TagReads::All
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SidecarLabels;
    use serde_json::{Value, json};

    fn faults(change: &Value) -> String {
        let mut source = json!({"keys": "images/{class}/{name}.{ext}", "labels": {"key": "class"}});
        for (field, value) in change.as_object().unwrap() {
            source[field] = value.clone();
        }
        let source: ImagesSource = serde_json::from_value(source).unwrap();
        let mut faults = Faults::default();
        source.validate(&mut faults);
        faults.to_string()
    }

    #[test]
    fn a_good_source_has_no_faults() {
        for good in [
            json!({}),
            json!({"labels": null}),
            json!({"prefix": "images/cats/"}),
            json!({"bucket": "fleet-images", "keys": "{class}/{name}.{ext}"}),
            json!({"labels": {"csv": {"uri": "s3://fleet-images/labels.csv"}}}),
            json!({"labels": {"manifest": {"uri": "s3://b-1/o.manifest", "attribute": "state"}}}),
            json!({"labels": {"tag": "label"}, "read": {"tags": "all"}}),
            json!({"labels": {"sidecar": {"suffix": ".txt"}}}),
            json!({"labels": {"sidecar": {"path": "$.sign.class"}}}),
            json!({"labels": {"table": {"name": "signs", "key": "id", "from": "name"}}}),
            json!({"changed": "all"}),
            json!({"keys": "images/date={date}/{name}.{ext}", "labels": null,
                "changed": {"since": {"part": "date", "lateDays": 3}}}),
        ] {
            assert_eq!(faults(&good), "", "{good}");
        }
    }

    #[test]
    fn each_mistake_names_its_field_and_the_way_out() {
        for (change, says) in [
            (json!({"bucket": "s3://b"}), "source.images.bucket"),
            (json!({"keys": "images/{class}/{name}"}), "`.{ext}`"),
            (json!({"keys": "images/{class}/{class}.{ext}"}), "twice"),
            (
                json!({"keys": "images/{class}{name}.{ext}"}),
                "nothing between",
            ),
            (
                json!({"keys": "images/{class/x.{ext}"}),
                "source.images.keys",
            ),
            (
                json!({"keys": "images/{size}/{class}.{ext}"}),
                "every image has",
            ),
            (
                json!({"keys": "processed/{class}/{name}.{ext}"}),
                "below images/",
            ),
            (
                json!({"keys": "/images/{class}/{name}.{ext}"}),
                "do not begin with /",
            ),
            (
                json!({"prefix": "pictures/"}),
                "does not begin with \"images/\"",
            ),
            (
                json!({"labels": {"key": "kind"}}),
                "no part {kind}; it has `class`, `name`",
            ),
            (
                json!({"labels": {"csv": {"uri": "labels.csv"}}}),
                "s3://bucket/key",
            ),
            (json!({"labels": {"tag": ""}}), "1 to 128 characters"),
            (json!({"read": {"tags": "all"}}), "source.images.labels.tag"),
            (
                json!({"labels": {"sidecar": {"suffix": ""}}}),
                "such as .json",
            ),
            (
                json!({"labels": {"sidecar": {"suffix": ".mask.PNG"}}}),
                "would be an image itself",
            ),
            (
                json!({"labels": {"sidecar": {}}}),
                "sidecar.path`: must name the field",
            ),
            (
                json!({"labels": {"sidecar": {"path": "$..label"}}}),
                "names of fields",
            ),
            (
                json!({"labels": {"table": {"name": "t", "key": "id", "from": "trip"}}}),
                "table.from`: `keys` has no part {trip}",
            ),
            (
                json!({"labels": {"table": {"name": "t", "key": "label"}}}),
                "is the table's key",
            ),
            (
                json!({"labels": {"table": {"name": "", "key": "id"}}}),
                "source.images.labels.table.name",
            ),
            (
                json!({"changed": {"since": {"part": "name"}}}),
                "the first part of `keys`, which is {class}",
            ),
            (json!({"include": []}), "such as jpg"),
            (json!({"include": [".JPG"]}), "without a dot"),
            (
                json!({"accept": {"maxPixels": 1_000_000_000_u64}}),
                "held in memory",
            ),
            (json!({"accept": {"formats": []}}), "such as jpeg"),
            (json!({"accept": {"minSide": 0}}), "at least 1"),
            (json!({"read": {"requestsPerSecond": 0}}), "at least 1"),
            (json!({"ranges": 0}), "1 to 10,000"),
        ] {
            assert!(
                faults(&change).contains(says),
                "{change}: {}",
                faults(&change)
            );
        }
    }

    #[test]
    fn a_dataset_names_what_images_have() {
        let check = |labels: Value, dataset: Value| {
            let source = json!({"keys": "images/{class}/{name}.{ext}", "labels": labels});
            let source: ImagesSource = serde_json::from_value(source).unwrap();
            let mut faults = Faults::default();
            source.check_dataset(&serde_json::from_value(dataset).unwrap(), &mut faults);
            faults.to_string()
        };
        let key = json!({"key": "class"});
        let columns = json!([{"path": "width"}, {"path": "class"}]);
        let good = json!({"label": "label", "columns": columns});
        assert_eq!(check(key.clone(), good), "");
        let unlabelled = check(Value::Null, json!({"label": "label"}));
        assert!(
            unlabelled.contains("give `source.images.labels`"),
            "{unlabelled}"
        );
        let unknown = check(key, json!({"label": "label", "exclude": ["vehicle"]}));
        assert!(unknown.contains("dataset.exclude[0]"), "{unknown}");
        assert!(unknown.contains("are: class, name"), "{unknown}");
    }

    #[test]
    fn a_split_that_tears_a_series_apart_is_warned_of() {
        let warning = |keys: &str, split: Value| {
            let source: ImagesSource = serde_json::from_value(json!({"keys": keys})).unwrap();
            let dataset = json!({"label": "label", "split": split});
            source.split_warning(&serde_json::from_value(dataset).unwrap())
        };
        let one = "images/vehicle={vehicle}/{day}/{name}.{ext}";
        let two = "images/{patient}/{session}/{name}.{ext}";
        for (keys, split, named) in [
            (one, json!({}), Some("does not name `vehicle`")),
            (
                one,
                json!({"by": ["name"]}),
                Some("does not name `vehicle`"),
            ),
            (
                one,
                json!({"by": ["day", "name"]}),
                Some("images of one vehicle may"),
            ),
            (one, json!({"by": ["vehicle"]}), None),
            (one, json!({"by": ["vehicle", "day"]}), None),
            (one, json!({"time": {"path": "capturedAt"}}), None),
            (two, json!({"by": ["name"]}), Some("`patient` or `session`")),
            (two, json!({"by": ["patient"]}), None),
            ("images/{class}/{name}.{ext}", json!({}), None),
        ] {
            let found = warning(keys, split.clone());
            assert_eq!(
                found.is_some(),
                named.is_some(),
                "{keys} {split}: {found:?}"
            );
            let says = found
                .zip(named)
                .is_none_or(|(found, named)| found.contains(named));
            assert!(says, "{keys} {split}");
        }
    }

    #[test]
    fn a_sidecar_has_the_images_name_and_its_own_ending() {
        let labels = |suffix: &str| {
            let labels = json!({"suffix": suffix, "path": "$.a.b"});
            serde_json::from_value::<SidecarLabels>(labels).unwrap()
        };
        for (image, suffix, sidecar) in [
            ("i/a.jpg", ".json", "i/a.json"),
            ("i/a.b.jpg", ".json", "i/a.b.json"),
            ("i.d/a", ".json", "i.d/a.json"),
            ("a.jpg", "-label.txt", "a-label.txt"),
        ] {
            assert_eq!(labels(suffix).key_for(image), sidecar);
        }
        let labels = labels(".json");
        assert!(labels.fields().unwrap().eq(["a", "b"]));
    }
    #[test]
    fn what_is_read_is_chosen_by_the_ending() {
        let source = json!({"keys": "images/{name}.{ext}"});
        let source: ImagesSource = serde_json::from_value(source).unwrap();
        for (key, is_read) in [
            ("images/a.jpg", true),
            ("images/a.b.JPEG", true),
            ("images/a.txt", false),
            ("images/a", false),
            ("images.jpg/a", false),
            ("images/jpg", false),
            ("images/a.jpg/", false),
        ] {
            assert_eq!(source.includes(key), is_read, "{key}");
        }
    }
}
