//! How images become training files.

use crate::faults::Faults;
use crate::{Dataset, Distribution, Format, InputMode, LabelEncoding, Training};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How images become training files. Each is turned as its EXIF orientation says, and loses its
/// metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImageFiles {
    /// Pixels of the shorter side to which larger images are made smaller. By default they keep
    /// their size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 8, max = 16_384))]
    pub resize: Option<u32>,
    /// Quality of a JPEG that is made smaller, 1 to 100.
    #[serde(default = "default_quality")]
    #[schemars(range(min = 1, max = 100))]
    pub quality: u8,
    /// Megabytes of images that one function packs into one file of each channel; what the channel
    /// has in the end depends on the format.
    #[serde(default = "default_file_mb")]
    #[schemars(range(min = 1, max = 16_384))]
    pub file_mb: u32,
}

const fn default_quality() -> u8 {
    90
}

const fn default_file_mb() -> u32 {
    256
}

impl Default for ImageFiles {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl ImageFiles {
    /// What holds where nothing is stated.
    pub const DEFAULT: Self = Self {
        resize: None,
        quality: default_quality(),
        file_mb: default_file_mb(),
    };

    /// Megabytes of the most images that one function packs: at 20 MB a second, which encoding every
    /// image again may come down to, they take fourteen of its fifteen minutes.
    pub const MOST_MB: u32 = 16_384;

    /// The channel with the list of a channel's images.
    pub fn list_channel(channel: &str) -> String {
        format!("{channel}_lst")
    }

    pub(crate) fn validate(&self, format: &str, faults: &mut Faults) {
        let field = |name: &str| format!("dataset.format.{format}.{name}");
        if let Some(side) = self.resize
            && !(8..=16_384).contains(&side)
        {
            faults.add(field("resize"), "must be 8 to 16384");
        }
        if !(1..=100).contains(&self.quality) {
            faults.add(field("quality"), "must be 1 to 100");
        }
        if !(1..=Self::MOST_MB).contains(&self.file_mb) {
            faults.add(
                field("fileMb"),
                "must be 1 to 16384: one function must pack a file in its time",
            );
        }
    }
}

/// Checks that rows are images where the format says so, and that the dataset asks nothing else of
/// them.
pub fn check(dataset: &Dataset, is_of_images: bool, faults: &mut Faults) {
    let name = dataset.format.as_str();
    if dataset.format.images().is_none() {
        return;
    }
    if !is_of_images {
        faults.add(
            "dataset.format",
            format!("{name} packs images, and the source is none of images: give `source.images`, or another format"),
        );
    }
    if dataset.columns.is_some() {
        faults.add(
            "dataset.columns",
            format!("the image itself is what {name} has in its rows: leave it out"),
        );
    }
    if !dataset.exclude.is_empty() {
        faults.add(
            "dataset.exclude",
            format!("{name} has no columns to leave one out of: leave it out"),
        );
    }
    if dataset.shard_bytes.is_some() {
        let why = if dataset.format == Format::AugmentedManifest {
            "a manifest has one line for each image, and no files of a size".to_owned()
        } else {
            format!("files of images are measured by `dataset.format.{name}.fileMb`")
        };
        faults.add("dataset.shardBytes", format!("{why}: leave it out"));
    }
    let by = dataset.deduplicate.as_ref().map(|it| it.by.as_slice());
    if dataset.format.is_of_objects() && by != Some(&["digest".to_owned()]) {
        faults.add(
            "dataset.deduplicate",
            format!("{name} names each file by its digest, so equal files must be one row: set it to {{\"by\": [\"digest\"]}}"),
        );
    }
    if dataset.label_encoding != LabelEncoding::Classes {
        faults.add(
            "dataset.labelEncoding",
            format!("{name} numbers the classes of images: set it to \"classes\""),
        );
    }
}

/// Checks that there is a file for each instance that reads a share of them, and that the input mode
/// is one that the format comes in.
pub fn check_training(dataset: &Dataset, training: &Training, faults: &mut Faults) {
    let name = dataset.format.as_str();
    if matches!(dataset.format, Format::ImageList(_))
        && training.distribution == Distribution::ShardedByS3Key
    {
        faults.add(
            "training.distribution",
            "the list of an imageList has every image, also those of other instances: leave it out, or set \
             dataset.format to imageFolders",
        );
    }
    if dataset.format.is_of_objects() && training.input_mode == InputMode::Pipe {
        faults.add(
            "training.inputMode",
            format!("a pipe has no names of files, by which {name} says their classes: leave it out, or set it to \"fastFile\""),
        );
    }
    if dataset.format.is_one_file() && training.distribution == Distribution::ShardedByS3Key {
        faults.add(
            "training.distribution",
            format!(
                "{name} has one file for each channel, of which instances cannot take shares: leave it out, or set \
                 dataset.format to webDataset"
            ),
        );
    }
    if dataset.format == Format::AugmentedManifest && training.input_mode != InputMode::Pipe {
        faults.add(
            "training.inputMode",
            "SageMaker reads what an augmented manifest names in Pipe mode only: set it to \"pipe\", or set \
             dataset.format to imageRecordIo",
        );
    }
    let is_archives = matches!(dataset.format, Format::WebDataset(_));
    if is_archives
        && dataset.deduplicate.is_some()
        && training.distribution == Distribution::ShardedByS3Key
        && training.instance_count > 1
    {
        faults.add(
            "training.distribution",
            "with dataset.deduplicate one function packs all images into one file, of which instances cannot take \
             shares: leave one of the two out",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn faults(dataset: Value, is_of_images: bool) -> String {
        let dataset: Dataset = serde_json::from_value(dataset).unwrap();
        let mut faults = Faults::default();
        dataset.validate(&mut faults);
        check(&dataset, is_of_images, &mut faults);
        faults.to_string()
    }

    fn dataset(change: &Value) -> Value {
        let mut dataset = json!({
            "label": "label", "labelEncoding": "classes", "format": {"imageRecordIo": {}},
        });
        for (field, value) in change.as_object().unwrap() {
            dataset[field] = value.clone();
        }
        dataset
    }

    #[test]
    fn images_are_packed_of_a_source_of_images_only() {
        assert_eq!(faults(dataset(&json!({})), true), "");
        let archive = json!({"format": {"webDataset": {"resize": 256, "fileMb": 64}}});
        assert_eq!(faults(dataset(&archive), true), "");
        let table = faults(dataset(&json!({})), false);
        assert!(table.contains("give `source.images`"), "{table}");
        // Figures of images are a table like any other.
        let csv = dataset(&json!({"format": "csv", "labelEncoding": "number"}));
        assert_eq!(faults(csv, true), "");
    }

    #[test]
    fn one_file_cannot_be_shared_out() {
        let training =
            json!({"image": "own", "instanceCount": 2, "distribution": "shardedByS3Key"});
        let training: Training = serde_json::from_value(training).unwrap();
        let rule = json!({"by": ["digest"]});
        for (format, deduplicate, is_refused) in [
            (json!({"imageRecordIo": {}}), Value::Null, true),
            (json!("augmentedManifest"), Value::Null, true),
            (json!({"webDataset": {}}), Value::Null, false),
            (json!({"webDataset": {}}), rule.clone(), true),
            (json!({"imageFolders": {}}), rule.clone(), false),
            (json!({"imageList": {}}), rule, true),
        ] {
            let dataset = dataset(&json!({"format": format, "deduplicate": deduplicate}));
            let dataset: Dataset = serde_json::from_value(dataset).unwrap();
            let mut faults = Faults::default();
            check_training(&dataset, &training, &mut faults);
            let is_named = faults.to_string().contains("training.distribution");
            assert_eq!(is_named, is_refused, "{format}: {faults}");
        }
    }

    #[test]
    fn what_a_manifest_names_comes_through_pipes_only() {
        for (format, mode, is_refused) in [
            (json!("augmentedManifest"), "file", true),
            (json!("augmentedManifest"), "fastFile", true),
            (json!("augmentedManifest"), "pipe", false),
            (json!({"imageRecordIo": {}}), "file", false),
            (json!({"imageRecordIo": {}}), "pipe", false),
            (json!({"imageFolders": {}}), "pipe", true),
            (json!({"imageList": {}}), "pipe", true),
            (json!({"imageFolders": {}}), "fastFile", false),
        ] {
            let training = json!({"image": "own", "inputMode": mode});
            let training: Training = serde_json::from_value(training).unwrap();
            let dataset = dataset(&json!({"format": format}));
            let dataset: Dataset = serde_json::from_value(dataset).unwrap();
            let mut faults = Faults::default();
            check_training(&dataset, &training, &mut faults);
            let is_named = faults.to_string().contains("training.inputMode");
            assert_eq!(is_named, is_refused, "{format} {mode}: {faults}");
        }
    }

    #[test]
    fn each_mistake_names_its_field() {
        for (change, field) in [
            (json!({"columns": [{"path": "width"}]}), "dataset.columns"),
            (json!({"exclude": ["size"]}), "dataset.exclude"),
            (json!({"shardBytes": 9}), "dataset.shardBytes"),
            (
                json!({"shardBytes": 9, "format": "augmentedManifest"}),
                "a manifest has one line for each image",
            ),
            (json!({"labelEncoding": "number"}), "dataset.labelEncoding"),
            (json!({"weight": "size"}), "dataset.weight"),
            (
                json!({"format": {"imageFolders": {}}}),
                "dataset.deduplicate",
            ),
            (
                json!({"format": {"imageList": {}}, "deduplicate": {"by": ["key"]}}),
                "dataset.deduplicate",
            ),
            (
                json!({"format": {"imageRecordIo": {"resize": 7}}}),
                "dataset.format.imageRecordIo.resize",
            ),
            (
                json!({"format": {"webDataset": {"quality": 0}}}),
                "dataset.format.webDataset.quality",
            ),
            (
                json!({"format": {"webDataset": {"fileMb": 20_000}}}),
                "dataset.format.webDataset.fileMb",
            ),
        ] {
            let found = faults(dataset(&change), true);
            assert!(found.contains(field), "{change}: {found}");
        }
    }
}
