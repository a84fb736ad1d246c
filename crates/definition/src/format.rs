//! The format of the channels' files. The crate `format` writes them.

use crate::faults::Faults;
use crate::image_files::ImageFiles;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The format of the channels' files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Format {
    /// SageMaker's CSV: the label first, no header, numeric cells, an empty one for a missing
    /// value.
    #[default]
    Csv,
    /// RFC 4180 CSV with the columns' names in its first line, for other readers: SageMaker's
    /// algorithms would read the header as a row.
    CsvWithHeader,
    /// RecordIO-protobuf of float32, every feature of every row. It has no missing values.
    RecordIo,
    /// RecordIO-protobuf of float32, only the features that are not 0: what Factorization Machines
    /// reads.
    RecordIoSparse,
    /// JSON Lines of two lists of tokens and a label: what Object2Vec reads.
    JsonLines(TokenLists),
    /// Parquet of float32 columns, a null for a missing value: what XGBoost and Athena read.
    Parquet,
    /// MXNet's image records, one file for each channel: what SageMaker's image classification
    /// reads. Of a source of images only.
    ImageRecordIo(ImageFiles),
    /// Archives of `WebDataset`: each image with its class and what is known of it. Of a source of
    /// images only.
    WebDataset(ImageFiles),
    /// SageMaker's augmented manifest, one for each channel: a line for each image, with its URI and
    /// its class. The images stay where they are and as they are. Of a source of images only, with
    /// `training.inputMode` `pipe`.
    AugmentedManifest,
    /// A file for each image in a folder of its class: what TensorFlow and torchvision read. Of a
    /// source of images only, with `dataset.deduplicate` by `digest`, which names a file.
    ImageFolders(ImageFiles),
    /// A file for each image, and MXNet's list of them in a channel of its own: what SageMaker's
    /// image classification reads of few images. As `imageFolders`.
    ImageList(ImageFiles),
}

/// The columns of the two lists of tokens. Their values are whole numbers from 0, such as an
/// ordinal's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenLists {
    /// Paths of the columns of the first list, such as `user_id`.
    pub in0: Vec<String>,
    /// Paths of the columns of the second list, such as `item_id`.
    pub in1: Vec<String>,
}

impl Format {
    /// The format's name in `dataset.format`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::CsvWithHeader => "csvWithHeader",
            Self::RecordIo => "recordIo",
            Self::RecordIoSparse => "recordIoSparse",
            Self::JsonLines(_) => "jsonLines",
            Self::Parquet => "parquet",
            Self::ImageRecordIo(_) => "imageRecordIo",
            Self::WebDataset(_) => "webDataset",
            Self::AugmentedManifest => "augmentedManifest",
            Self::ImageFolders(_) => "imageFolders",
            Self::ImageList(_) => "imageList",
        }
    }

    /// How images become files, if the rows are images.
    pub const fn images(&self) -> Option<&ImageFiles> {
        match self {
            Self::ImageRecordIo(files)
            | Self::WebDataset(files)
            | Self::ImageFolders(files)
            | Self::ImageList(files) => Some(files),
            Self::AugmentedManifest => Some(&ImageFiles::DEFAULT),
            Self::Csv
            | Self::CsvWithHeader
            | Self::RecordIo
            | Self::RecordIoSparse
            | Self::JsonLines(_)
            | Self::Parquet => None,
        }
    }

    /// The media type of the files, for SageMaker.
    pub const fn content_type(&self) -> &'static str {
        match self {
            Self::Csv | Self::CsvWithHeader => "text/csv",
            Self::RecordIo | Self::RecordIoSparse => "application/x-recordio-protobuf",
            Self::JsonLines(_) => "application/jsonlines",
            Self::Parquet => "application/x-parquet",
            // What an augmented manifest names reaches the container as records.
            Self::ImageRecordIo(_) | Self::AugmentedManifest => "application/x-recordio",
            Self::WebDataset(_) => "application/x-tar",
            Self::ImageFolders(_) | Self::ImageList(_) => "application/x-image",
        }
    }

    /// The file name ending.
    pub const fn extension(&self) -> &'static str {
        match self {
            Self::Csv | Self::CsvWithHeader => "csv",
            Self::RecordIo | Self::RecordIoSparse => "pbr",
            Self::JsonLines(_) => "jsonl",
            Self::Parquet => "parquet",
            Self::ImageRecordIo(_) => "rec",
            Self::WebDataset(_) => "tar",
            Self::AugmentedManifest => "manifest",
            // The list of the channel's objects, which is no file of the channel.
            Self::ImageFolders(_) | Self::ImageList(_) => "objects",
        }
    }

    /// The attributes of a line that training reads, in their order, where a channel is an augmented
    /// manifest; else none.
    pub const fn attributes(&self) -> &'static [&'static str] {
        match self {
            Self::AugmentedManifest => &["source-ref", "class"],
            _ => &[],
        }
    }

    /// The channel with the list of a channel's images, if the format has one.
    pub fn list_channel(&self, channel: &str) -> Option<String> {
        matches!(self, Self::ImageList(_)).then(|| ImageFiles::list_channel(channel))
    }

    /// Whether each image is an object of its own in its channel.
    pub const fn is_of_objects(&self) -> bool {
        matches!(self, Self::ImageFolders(_) | Self::ImageList(_))
    }

    /// Whether a channel is one file, of which instances cannot take shares.
    pub const fn is_one_file(&self) -> bool {
        matches!(self, Self::ImageRecordIo(_) | Self::AugmentedManifest)
    }

    /// Whether rows can have a weight.
    pub const fn takes_weights(&self) -> bool {
        matches!(self, Self::Csv | Self::CsvWithHeader | Self::Parquet)
    }

    // serde asks with a reference.
    pub(crate) fn is_csv(&self) -> bool {
        *self == Self::Csv
    }

    pub(super) fn validate(&self, faults: &mut Faults) {
        if let Some(files) = self.images() {
            files.validate(self.as_str(), faults);
        }
        let Self::JsonLines(TokenLists { in0, in1 }) = self else {
            return;
        };
        for (path, list, other) in [
            ("dataset.format.jsonLines.in0", in0, in1),
            ("dataset.format.jsonLines.in1", in1, in0),
        ] {
            if list.is_empty() {
                faults.add(path, "name at least one column");
            }
            if let Some(twice) = list.iter().find(|column| other.contains(column)) {
                faults.add(path, format!("the column {twice:?} is in both lists"));
            }
        }
    }
}
