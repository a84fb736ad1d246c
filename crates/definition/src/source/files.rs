//! Files in an S3 bucket as a source: where they are, how their lines are read.

use super::image_labels::address;
use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Files in an S3 bucket, such as an old export of a table. Each line becomes an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FilesSource {
    /// A folder, such as `s3://old-exports/orders/2023-05-01/`, or one object. Of a table's export it
    /// is the folder of exactly one export.
    pub uri: String,
    /// What the files are.
    pub format: FileFormat,
    /// The names of the attributes that identify an item, such as the table's key. Every item has
    /// them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<String>,
    /// Whether an export of AWS Data Pipeline without `manifest` and `_SUCCESS` is refused. An export
    /// by a Hive query wrote neither, so nobody can tell whether it is whole.
    #[serde(default = "always", skip_serializing_if = "is_always")]
    // The schema has no default of a value that is not written.
    #[schemars(extend("default" = true))]
    pub require_manifest: bool,
    /// How CSV files are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csv: Option<CsvFiles>,
}

const fn always() -> bool {
    true
}

// serde asks with a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_always(value: &bool) -> bool {
    *value
}

/// What files hold. Each may be compressed with gzip, which is detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum FileFormat {
    /// A full export by DynamoDB itself, in DynamoDB JSON: compared with its manifests.
    DynamodbExport,
    /// An export by AWS Data Pipeline or the connector of Amazon EMR: `{"id":{"s":"a"}}` a line, or
    /// in the older form with control characters between the attributes.
    DataPipeline,
    /// A JSON object a line. Text is `S`, a number `N` with all its digits, a list `L`, an object `M`.
    JsonLines,
    /// CSV by RFC 4180. A cell is text unless `csv.types` says otherwise; an empty cell is no
    /// attribute.
    Csv,
}

impl FileFormat {
    /// The name in definitions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DynamodbExport => "dynamodbExport",
            Self::DataPipeline => "dataPipeline",
            Self::JsonLines => "jsonLines",
            Self::Csv => "csv",
        }
    }
}

/// How CSV files are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CsvFiles {
    /// What separates cells: one ASCII character, such as a tab.
    pub delimiter: char,
    /// The names of the columns, if the files have no header. By default the first line of each file
    /// is its header.
    pub columns: Vec<String>,
    /// The types of columns that are not text.
    pub types: BTreeMap<String, CellType>,
}

impl Default for CsvFiles {
    fn default() -> Self {
        Self {
            delimiter: ',',
            columns: Vec::new(),
            types: BTreeMap::new(),
        }
    }
}

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CellType {
    /// Text.
    Text,
    /// A number, whose digits are kept.
    Number,
    /// `true` or `false`.
    Boolean,
}

impl FilesSource {
    /// The bucket, and the key of an object or the beginning of the keys of a folder.
    ///
    /// # Errors
    /// If `uri` is no address; a validated definition has none of these.
    pub fn address(&self) -> Result<(&str, &str), String> {
        address(&self.uri).ok_or_else(|| {
            format!(
                "{:?} is no address of a folder or an object, such as s3://bucket/folder/",
                self.uri
            )
        })
    }

    pub(super) fn validate(&self, faults: &mut Faults) {
        if let Err(message) = self.address() {
            faults.add("source.files.uri", message);
        }
        if let Some(name) = repeated(&self.key) {
            faults.add("source.files.key", format!("names `{name}` twice"));
        }
        if self.key.iter().any(String::is_empty) {
            faults.add("source.files.key", "must hold the names of attributes");
        }
        if !self.require_manifest && self.format != FileFormat::DataPipeline {
            faults.add(
                "source.files.requireManifest",
                format!(
                    "is of exports of Data Pipeline, and the format is {}: remove it",
                    self.format.as_str()
                ),
            );
        }
        match &self.csv {
            Some(_) if self.format != FileFormat::Csv => faults.add(
                "source.files.csv",
                format!(
                    "is of CSV, and the format is {}: remove one",
                    self.format.as_str()
                ),
            ),
            Some(csv) => csv.validate(faults),
            None => {}
        }
    }
}

impl CsvFiles {
    fn validate(&self, faults: &mut Faults) {
        let is_separator =
            self.delimiter.is_ascii() && !matches!(self.delimiter, '"' | '\n' | '\r' | '\0');
        if !is_separator {
            faults.add(
                "source.files.csv.delimiter",
                format!(
                    "{:?} cannot separate cells: one ASCII character",
                    self.delimiter
                ),
            );
        }
        if let Some(name) = repeated(&self.columns) {
            faults.add("source.files.csv.columns", format!("names `{name}` twice"));
        }
        if self.columns.iter().any(String::is_empty) {
            faults.add("source.files.csv.columns", "has a column without a name");
        }
        let known = |name: &String| self.columns.is_empty() || self.columns.contains(name);
        for name in self.types.keys().filter(|name| !known(name)) {
            faults.add(
                format!("source.files.csv.types.{name}"),
                "is none of csv.columns: correct one of them",
            );
        }
    }
}

/// The first name that occurs twice.
fn repeated(names: &[String]) -> Option<&str> {
    let mut seen = BTreeSet::new();
    names
        .iter()
        .find(|name| !seen.insert(name.as_str()))
        .map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn faults(source: Value) -> Vec<String> {
        let source: FilesSource = contract::read::from_value(source).unwrap();
        let mut faults = Faults::default();
        source.validate(&mut faults);
        faults.as_slice().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_right_has_no_fault() {
        for source in [
            json!({"uri": "s3://old/orders/", "format": "dataPipeline", "requireManifest": false}),
            json!({"uri": "s3://old/orders", "format": "dynamodbExport", "key": ["id", "at"]}),
            json!({"uri": "s3://old/o.jsonl.gz", "format": "jsonLines"}),
            json!({"uri": "s3://old/o.tsv", "format": "csv", "csv": {
                "delimiter": "\t", "columns": ["a", "b"], "types": {"b": "number"},
            }}),
        ] {
            assert_eq!(faults(source), Vec::<String>::new());
        }
    }

    #[test]
    fn each_mistake_names_its_field() {
        for (source, path) in [
            (
                json!({"uri": "old/orders", "format": "csv"}),
                "source.files.uri",
            ),
            (
                json!({"uri": "s3://old", "format": "csv"}),
                "source.files.uri",
            ),
            (
                json!({"uri": "s3://old/o", "format": "csv", "key": ["a", "a"]}),
                "source.files.key",
            ),
            (
                json!({"uri": "s3://old/o", "format": "csv", "requireManifest": false}),
                "source.files.requireManifest",
            ),
            (
                json!({"uri": "s3://old/o", "format": "jsonLines", "csv": {}}),
                "source.files.csv",
            ),
            (
                json!({"uri": "s3://old/o", "format": "csv", "csv": {"delimiter": "\""}}),
                "source.files.csv.delimiter",
            ),
            (
                json!({"uri": "s3://old/o", "format": "csv", "csv": {"columns": ["a", ""]}}),
                "source.files.csv.columns",
            ),
            (
                json!({"uri": "s3://old/o", "format": "csv", "csv": {
                    "columns": ["a"], "types": {"b": "number"},
                }}),
                "source.files.csv.types.b",
            ),
        ] {
            let found = faults(source);
            assert!(
                matches!(found.as_slice(), [one] if one.contains(path)),
                "{path}: {found:?}"
            );
        }
    }
}
