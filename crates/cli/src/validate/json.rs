//! What was found, as JSON for programs.

use super::{Checked, Unchecked};
use schemars::JsonSchema;
use serde::Serialize;

/// What is wrong with definitions.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Validation {
    /// One entry for each file.
    pub definitions: Vec<Definition>,
}

/// A definition.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Definition {
    /// The file.
    pub file: String,
    /// Its pipeline; absent if the form is not valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    /// Whether there is no fault.
    pub valid: bool,
    /// Whether it was also checked against the account.
    pub online: bool,
    /// Items of the table that were read to find the label and the columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
    /// What is wrong, in the order of the file.
    pub faults: Vec<Fault>,
    /// What was not checked against the account.
    pub not_checked: Vec<Unchecked>,
}

/// Items of the table that were read to find the label and the columns.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sample {
    /// Number of items.
    pub items: u64,
    /// Read units that they cost.
    pub read_units: f64,
}

/// A fault at its place.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The field, such as `dataset.columns[2].encoding`; `.` for the whole text.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Validation {
    /// What was found in these files.
    pub fn of(checked: &[Checked]) -> Self {
        Self {
            definitions: checked.iter().map(of_file).collect(),
        }
    }
}

fn of_file(checked: &Checked) -> Definition {
    let document = &checked.document;
    let faults = checked.faults().iter().map(|fault| {
        let (line, column) = document.line_and_column(fault.span.start);
        Fault {
            line,
            column,
            path: fault.path.clone(),
            message: fault.message.clone(),
        }
    });
    let sample = checked.sample.map(|sample| Sample {
        items: sample.items,
        read_units: sample.read_units,
    });
    Definition {
        file: document.name.clone(),
        pipeline: checked.pipeline.clone(),
        valid: checked.faults().is_empty(),
        online: checked.online,
        sample,
        faults: faults.collect(),
        not_checked: checked.unchecked.clone(),
    }
}
