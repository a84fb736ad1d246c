//! The source of the items: one variant of [`Source`] for each kind.

mod dynamodb;
mod dynamodb_changes;
mod dynamodb_filter;
mod events;
mod files;
mod image_changes;
mod image_labels;
mod image_reading;
mod images;
mod incremental;
mod keys;
mod sql;
#[cfg(test)]
mod toy;

pub use dynamodb::{DynamoDbSource, Filter, Mode, ReadBudget};
pub use dynamodb_changes::{ChangesFrom, TableChanges};
pub use events::{EVENTS, EventsSource};
pub use files::{CellType, CsvFiles, FileFormat, FilesSource};
pub use image_changes::{Changed, Since};
pub(crate) use image_labels::is_bucket;
pub use image_labels::{
    CsvLabels, ImageLabels, ManifestLabels, SidecarLabels, TableLabels, address,
};
pub use image_reading::{
    ImageFormat, ImageLimits, ImageMetadata, ImageRead, ImageVerify, Position, TagReads,
};
pub use images::{IMAGE_ATTRIBUTES, ImagesSource, LAKE_IMAGES};
pub use incremental::Incremental;
pub use keys::KeyPattern;
pub use sql::{BadText, Consistency, Engine, SqlSource, TableName};

use crate::NamedPath;
use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The source of the items: exactly one kind of source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// An Amazon DynamoDB table.
    #[serde(rename = "dynamodb")]
    DynamoDb(DynamoDbSource),
    /// A table of a relational database.
    Sql(SqlSource),
    /// Images in an S3 bucket.
    Images(ImagesSource),
    /// Files in an S3 bucket, such as an old export of a table.
    Files(FilesSource),
    /// Events that a delivery stream writes into the lake.
    Events(EventsSource),
    /// A source that exists only in this crate's tests: it shows what a new kind has to touch.
    #[cfg(test)]
    Toy(toy::ToySource),
}

impl Source {
    /// The kind's name in definitions.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::DynamoDb(_) => "dynamodb",
            Self::Sql(_) => "sql",
            Self::Images(_) => "images",
            Self::Files(_) => "files",
            Self::Events(_) => "events",
            #[cfg(test)]
            Self::Toy(_) => "toy",
        }
    }

    /// The name of the source, such as the table's.
    pub fn name(&self) -> &str {
        match self {
            Self::DynamoDb(source) => &source.table,
            Self::Sql(source) => source.name(),
            Self::Images(source) => source.name(),
            Self::Files(source) => &source.uri,
            Self::Events(_) => EVENTS,
            #[cfg(test)]
            Self::Toy(source) => &source.name,
        }
    }

    /// The table, if the source is a DynamoDB table.
    pub const fn dynamodb(&self) -> Option<&DynamoDbSource> {
        match self {
            Self::DynamoDb(source) => Some(source),
            Self::Sql(_) | Self::Images(_) | Self::Files(_) | Self::Events(_) => None,
            #[cfg(test)]
            Self::Toy(_) => None,
        }
    }

    /// The table or query, if the source is a relational database.
    pub const fn sql(&self) -> Option<&SqlSource> {
        match self {
            Self::Sql(source) => Some(source),
            Self::DynamoDb(_) | Self::Images(_) | Self::Files(_) | Self::Events(_) => None,
            #[cfg(test)]
            Self::Toy(_) => None,
        }
    }

    /// The images, if the source is a bucket of them.
    pub const fn images(&self) -> Option<&ImagesSource> {
        match self {
            Self::Images(source) => Some(source),
            Self::DynamoDb(_) | Self::Sql(_) | Self::Files(_) | Self::Events(_) => None,
            #[cfg(test)]
            Self::Toy(_) => None,
        }
    }

    /// The files, if the source is a folder of them.
    pub const fn files(&self) -> Option<&FilesSource> {
        match self {
            Self::Files(source) => Some(source),
            Self::DynamoDb(_) | Self::Sql(_) | Self::Images(_) | Self::Events(_) => None,
            #[cfg(test)]
            Self::Toy(_) => None,
        }
    }

    /// The events, if the source is a delivery stream's.
    pub const fn events(&self) -> Option<&EventsSource> {
        match self {
            Self::Events(source) => Some(source),
            Self::DynamoDb(_) | Self::Sql(_) | Self::Images(_) | Self::Files(_) => None,
            #[cfg(test)]
            Self::Toy(_) => None,
        }
    }

    /// Every attribute path of the source.
    pub(crate) fn paths(&self) -> Vec<NamedPath<'_>> {
        match self {
            Self::DynamoDb(source) => source.paths(),
            // Columns are compared with the database's catalogue, parts of keys against the pattern,
            // and the key of files and the id of events against a sample.
            Self::Sql(_) | Self::Images(_) | Self::Files(_) | Self::Events(_) => Vec::new(),
            #[cfg(test)]
            Self::Toy(_) => Vec::new(),
        }
    }

    pub(crate) fn validate(&self, faults: &mut Faults) {
        match self {
            Self::DynamoDb(source) => source.validate(faults),
            Self::Sql(source) => source.validate(faults),
            Self::Images(source) => source.validate(faults),
            Self::Files(source) => source.validate(faults),
            Self::Events(source) => source.validate(faults),
            #[cfg(test)]
            Self::Toy(source) => source.validate(faults),
        }
    }
}

/// Checks that `source` names one kind. An execution's input is merged over the stored definition,
/// so an input that names another kind leaves two.
pub(crate) fn check_one_kind(definition: &serde_json::Value) -> Result<(), String> {
    let Some(kinds) = definition["source"].as_object() else {
        return Ok(());
    };
    let names: Vec<_> = kinds.keys().map(|kind| format!("`{kind}`")).collect();
    match names.as_slice() {
        [] => Err("names no kind of source, such as `dynamodb`".to_owned()),
        [_] => Ok(()),
        several => Err(format!(
            "names {} kinds of source ({}): keep one; an execution's input removes a stored one with null",
            several.len(),
            several.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use crate::faults::Faults;
    use crate::{Definition, FieldError, read};
    use serde_json::{Value, json};

    fn with(source: Value) -> Result<Definition, FieldError> {
        let mut definition = json!({
            "dataset": {"label": "n"},
            "training": {"image": "i"},
            "promotion": {"metric": "m", "goal": "minimize"},
        });
        definition["source"] = source;
        read(&definition, |_, _| ()).map_err(Faults::first)
    }

    #[test]
    fn a_kind_reads_back_as_it_was_written() {
        for source in [
            json!({"toy": {"name": "bricks"}}),
            json!({"dynamodb": {
                "table": "interactions", "mode": "auto", "consistentRead": false, "read": {},
            }}),
        ] {
            let definition = with(source.clone()).unwrap();
            assert_eq!(serde_json::to_value(&definition.source).unwrap(), source);
            definition.validate().unwrap();
            let kind = definition.source.kind();
            assert_eq!(definition.source.dynamodb().is_some(), kind == "dynamodb");
            assert!(source.get(kind).is_some(), "{kind}");
            assert!(source.to_string().contains(definition.source.name()));
        }
    }

    #[test]
    fn each_mistake_names_its_field_and_the_way_out() {
        for (source, path, says) in [
            (json!({"oracle": {}}), "source", "`dynamodb`"),
            (json!({}), "source", "no kind"),
            (
                json!({"dynamodb": {"table": "t"}, "toy": {"name": "bricks"}}),
                "source",
                "`dynamodb`, `toy`",
            ),
            (
                json!({"dynamodb": {}}),
                "source.dynamodb.table",
                "is missing",
            ),
            (
                json!({"dynamodb": {"table": "t", "read": {"rcus": 5}}}),
                "source.dynamodb.read.rcus",
                "is no field",
            ),
            (json!({"toy": {"name": 7}}), "source.toy.name", "text"),
        ] {
            let error = with(source).unwrap_err();
            assert!(error.path.starts_with(path), "{error}");
            assert!(error.message.contains(says), "{error}");
        }
        let error = with(json!({"toy": {"name": ""}})).unwrap_err();
        assert_eq!(error.path, "source.toy.name");
    }
}
