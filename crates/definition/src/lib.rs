//! The pipeline definition: the content of `config/<pipeline>.json`, and what an execution's input
//! may override.
//!
//! A run ends where its definition ends: with a `source` alone it exports, with a `dataset` it
//! makes training files, with `training` a model, and with `promotion` it deploys. Within the parts
//! that are given, every field but the table, the label, the image (or algorithm) and the metric
//! has a default.

mod algorithm;
mod autoscaling;
mod batch;
mod column;
mod compute;
mod condition;
mod dataset;
mod differences;
mod duration;
mod endpoint;
mod faults;
mod form;
mod format;
mod gate;
mod guardrails;
mod hyperparameters;
mod image_files;
mod labels;
mod limits;
mod notify;
mod parts;
mod paths;
pub mod prices;
mod promotion;
mod ready;
mod reevaluation;
mod registry;
mod sample;
mod source;
mod split;
mod training;
mod tuning;
mod validate;

pub use algorithm::{Algorithm, AlgorithmName, CSV_WEIGHTS};
pub use autoscaling::Autoscaling;
pub use batch::{Batch, BatchInput};
pub use column::{Column, Encoding, Missing, Precision, Scale, TimePart, TimeUnit};
pub use compute::{Compute, ComputeKind};
pub use condition::{Comparison, Condition, Literal, Operand};
pub use dataset::{Dataset, Deduplicate, LabelEncoding};
pub use differences::{FieldChange, differences};
pub use duration::{EXECUTION_SECONDS, LongestRun, RESERVED_SECONDS};
pub use endpoint::{DataCapture, Endpoint};
pub use faults::{Faults, FieldError};
pub use format::{Format, TokenLists};
pub use gate::{ColumnGate, DriftGate, Gate, ItemGate};
pub use guardrails::{Guardrails, Shift, update_seconds};
pub use image_files::ImageFiles;
pub use labels::{Labels, channel_of_metric, needs_two_classes};
pub use limits::{CountLimit, Limits, Prices};
pub use notify::{Late, NoticeKind, Notify, Stale, Subjects};
pub use parts::PartMissing;
pub use paths::{NamedPath, PathUsage};
pub use promotion::{Approval, Goal, Promotion};
pub use ready::{Awaited, ItemCount, Precondition, Ready, awaited};
pub use reevaluation::{Reevaluate, RowMetric};
pub use sample::Sample;
pub use source::{
    BadText, CellType, Changed, ChangesFrom, Consistency, CsvFiles, CsvLabels, DynamoDbSource,
    EVENTS, Engine, EventsSource, FileFormat, FilesSource, Filter, IMAGE_ATTRIBUTES, ImageFormat,
    ImageLabels, ImageLimits, ImageMetadata, ImageRead, ImageVerify, ImagesSource, Incremental,
    KeyPattern, LAKE_IMAGES, ManifestLabels, Mode, Position, ReadBudget, SidecarLabels, Since,
    Source, SqlSource, TableChanges, TableLabels, TableName, TagReads, address,
};
pub use split::{Split, TimeSplit};
pub use training::{Distribution, InputMode, Kms, MetricDefinition, Scalar, Spot, Training, Vpc};
pub use tuning::{Tuning, TuningRange, TuningScale, TuningStrategy};

use contract::Names;
use contract::read::ReadError;
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The definition of one pipeline, from its table to its endpoint. `dataset`, `training` and
/// `promotion` may be left out from the end; the run then succeeds after the last part that is
/// given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Definition {
    /// The pipeline's name: 1 to 32 of `a-z`, `0-9` and inner single hyphens.
    #[serde(default = "default_pipeline")]
    pub pipeline: String,
    /// The source of the items.
    pub source: Source,
    /// What must be true before the source is read. Without it, a run begins at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<Ready>,
    /// The checks of the exported items, whatever is made of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<ItemGate>,
    /// How items become rows. Without it the run ends as `Exported`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<Dataset>,
    /// How a model is trained on the rows. Without it the run ends as `DatasetSealed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<Training>,
    /// When a model replaces the champion. Without it the run ends as `Trained`, and deploys
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<Promotion>,
    /// The endpoint of a promoted model. Needs `promotion`; the default is a serverless endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// Batch scoring with a promoted model, instead of an endpoint. Needs `promotion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,
    /// When a run is late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<Late>,
    /// When the newest good data is stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<Stale>,
    /// Which notices are sent. The default is failures, and late runs, stale data and models that
    /// await approval if the definition has these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<Notify>,
    /// Limits of a run's cost.
    #[serde(default)]
    pub limits: Limits,
}

fn default_pipeline() -> String {
    Names::DEFAULT_PIPELINE.to_owned()
}

impl Definition {
    /// Fills in the defaults that one part has for another.
    fn fill(&mut self) {
        if let (Source::Events(events), Some(dataset)) = (&self.source, &mut self.dataset) {
            events.remove_duplicates(dataset);
        }
    }
}

/// Parses a definition and checks the parts that this crate knows; `more` adds the faults that
/// other crates know of.
///
/// # Errors
/// Names the field that is unknown, missing or of another type, or every field that cannot be
/// carried out.
pub fn read(
    definition: &Value,
    more: impl FnOnce(&Definition, &mut Faults),
) -> Result<Definition, Faults> {
    let form::Form {
        mut faults, known, ..
    } = form::check(definition);
    match contract::read::from_value::<Definition>(known) {
        // What can be read in spite of a fault of form is checked as well.
        Ok(mut definition) => {
            definition.fill();
            let mut rules = Faults::default();
            definition.check(&mut rules);
            more(&definition, &mut rules);
            // Of a range that both know, the rule says why.
            faults.retain_others(&rules);
            faults.extend(rules);
            faults.none_or().map(|()| definition)
        }
        Err(ReadError { path, message }) => {
            if faults.as_slice().is_empty() {
                faults.add(path, message);
            }
            Err(faults)
        }
    }
}

/// The JSON Schema of `config/<pipeline>.json`. It allows `$schema`, by which editors find it and
/// which [`read`] ignores.
pub fn schema() -> Schema {
    let mut schema = schema_for!(Definition);
    let fields = schema.get_mut("properties").and_then(Value::as_object_mut);
    if let Some(fields) = fields {
        let link = json!({
            "description": "The address of this schema, for editors. It is ignored.",
            "type": "string",
        });
        fields.insert("$schema".to_owned(), link);
    }
    schema
}

/// The examples of the README, compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
