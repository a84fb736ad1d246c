//! Batch scoring with a transform job, instead of an endpoint.

use super::{Compute, Dataset, Encoding, Endpoint, Format};
use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A transform job instead of an endpoint: each promoted model scores a batch of rows, and no
/// resource keeps running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Batch {
    /// The rows to score. The predictions are written below `predictions/<pipeline>/run=<id>/`, a
    /// file `….out` for each input file.
    pub input: BatchInput,
    /// The instance type.
    #[serde(default = "default_instance_type")]
    pub instance_type: String,
    /// The number of instances.
    #[serde(default = "default_count")]
    #[schemars(range(min = 1))]
    pub count: u32,
    /// Maximum megabytes of a request to the model, 1 to 100; by default 6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub max_payload_mb: Option<u32>,
}

/// The rows to score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum BatchInput {
    /// The run's own validation rows, without their labels.
    Validation,
    /// The run's own test rows, without their labels.
    Test,
    /// All objects of the lake with this key prefix, which must be below `scoring/`: rows of
    /// features, a line each, encoded in the columns' order, without label, weight or header. No
    /// part of the encoding may be inferred from the table, because it would differ from run to
    /// run: each column states its encoding, with its vocabulary, and no scale. The format is CSV;
    /// if the dataset's format is RecordIO or JSON Lines, it is one JSON request a line.
    Prefix(String),
}

fn default_instance_type() -> String {
    "ml.m5.large".to_owned()
}

const fn default_count() -> u32 {
    1
}

impl BatchInput {
    /// The dataset's channel to score; empty for a prefix.
    pub const fn channel(&self) -> &'static str {
        match self {
            Self::Validation => "validation",
            Self::Test => "test",
            Self::Prefix(_) => "",
        }
    }

    fn validate(&self, dataset: &Dataset, faults: &mut Faults) {
        let split = &dataset.split;
        let times = split.time.as_ref();
        let (share, from) = match self {
            Self::Prefix(prefix) => {
                let below = prefix.strip_prefix(Batch::INPUTS);
                if below.is_none_or(str::is_empty) {
                    let message =
                        format!("must be a key prefix of the lake below {}", Batch::INPUTS);
                    faults.add("batch.input.prefix", message);
                }
                check_encodings(dataset, faults);
                return;
            }
            Self::Validation => (
                split.validation,
                times.and_then(|it| it.validation_from.as_ref()),
            ),
            Self::Test => (split.test, times.and_then(|it| it.test_from.as_ref())),
        };
        if share <= 0.0 && from.is_none() {
            let channel = self.channel();
            let message = format!("there are no such rows: set dataset.split.{channel}");
            faults.add("batch.input", message);
            return;
        }
        // SageMaker can leave columns out of CSV, but not out of the dataset's other formats.
        let why = match dataset.format {
            Format::Csv => return,
            Format::CsvWithHeader => "the header would be scored as a row",
            Format::RecordIo | Format::RecordIoSparse | Format::JsonLines(_) | Format::Parquet => {
                "the label can be left out of lines of CSV only"
            }
            Format::ImageRecordIo(_)
            | Format::WebDataset(_)
            | Format::AugmentedManifest
            | Format::ImageFolders(_)
            | Format::ImageList(_) => "a model of images scores images, one file each",
        };
        let message = format!("must be {{\"prefix\": …}} unless dataset.format is csv: {why}");
        faults.add("batch.input", message);
    }
}

/// Rows that exist before the run can only have the run's encoding if no part of it is inferred
/// from the run's table: a vocabulary that has grown changes every code.
fn check_encodings(dataset: &Dataset, faults: &mut Faults) {
    const PREFIX: &str = "batch.input.prefix";
    let Some(columns) = &dataset.columns else {
        return faults.add(
            PREFIX,
            "rows that are there before the run need columns that do not change from run to run: state dataset.columns"
                .to_owned(),
        );
    };
    let learned = columns.iter().find_map(|column| {
        let what = match column.encoding {
            _ if column.scale.is_some() => "`scale`",
            None => "the encoding, since none is stated,",
            Some(Encoding::Ordinal | Encoding::OneHot) if column.vocabulary.is_none() => {
                "the vocabulary, since none is stated,"
            }
            Some(Encoding::MultiHot) if column.vocabulary.is_none() && column.buckets.is_none() => {
                "the vocabulary, since neither it nor `buckets` is stated,"
            }
            Some(_) => return None,
        };
        Some((&column.path, what))
    });
    if let Some((path, what)) = learned {
        faults.add(PREFIX, format!(
            "rows that are there before the run cannot be encoded as its own: of the column {path:?} {what} follows \
             each run's table"
        ));
    }
}

impl Batch {
    /// The required beginning of an input's prefix: SageMaker's role can read nothing else in the
    /// lake.
    pub const INPUTS: &str = "scoring/";

    pub(crate) fn validate(&self, dataset: &Dataset, endpoint: &Endpoint, faults: &mut Faults) {
        let of_endpoints = [
            ("endpoint.name", endpoint.name.is_some()),
            ("endpoint.compute", endpoint.compute != Compute::default()),
            ("endpoint.autoscaling", endpoint.autoscaling.is_some()),
            ("endpoint.guardrails", endpoint.guardrails.is_some()),
            ("endpoint.dataCapture", endpoint.data_capture.is_some()),
            (
                "endpoint.startupSeconds",
                endpoint.startup_seconds.is_some(),
            ),
            (
                "endpoint.maxLatencyMilliseconds",
                endpoint.max_latency_milliseconds.is_some(),
            ),
            ("endpoint.keep", endpoint.keep.is_some()),
        ];
        for (path, _) in of_endpoints.into_iter().filter(|(_, asked)| *asked) {
            faults.add(
                path,
                "there is no endpoint where `batch` is set: leave out one of both; only endpoint.environment may \
                 stand beside it",
            );
        }
        if !self.instance_type.starts_with("ml.") {
            faults.add(
                "batch.instanceType",
                "must be one of SageMaker's, as ml.m5.large",
            );
        }
        if self.count == 0 {
            faults.add("batch.count", "must be at least 1");
        }
        if self
            .max_payload_mb
            .is_some_and(|it| !(1..=100).contains(&it))
        {
            faults.add("batch.maxPayloadMb", "must be 1 to 100");
        }
        self.input.validate(dataset, faults);
    }
}
