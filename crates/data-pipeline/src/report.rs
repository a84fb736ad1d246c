//! The report: one line for each field of the input.

use schemars::JsonSchema;
use serde::Serialize;

/// What a conversion made, and what became of every field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Report {
    /// The pipelines that were read, in order.
    pub pipelines: Vec<PipelineReport>,
    /// Numbers of fields of all pipelines, by outcome.
    pub counts: Counts,
    /// The commands that are left to run, in order.
    pub next: Vec<String>,
}

/// What became of a pipeline of AWS Data Pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PipelineReport {
    /// The file.
    pub file: String,
    /// The resource's name, if the file is a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Number of its objects.
    pub objects: usize,
    /// The exports that were found, each with a definition of its own.
    pub exports: Vec<ExportReport>,
    /// What is to be known of the whole.
    pub notes: Vec<String>,
    /// One line for each field.
    pub fields: Vec<Line>,
}

/// An export that has become a pipeline of Millrace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportReport {
    /// The pipeline's name.
    pub pipeline: String,
    /// The activity that exported.
    pub activity: String,
    /// The table, or the query's file.
    pub table: String,
    /// The definition's file, relative to the folder of the output.
    pub definition: String,
    /// The file with the schedule's parameters; absent if the pipeline is started by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// When it runs, in words.
    pub runs: String,
}

/// What became of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Line {
    /// The part of the definition.
    pub part: Part,
    /// The id of the object or parameter; absent for values and for the pipeline itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The object's type; absent if it has none.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The field.
    pub field: String,
    /// Its value as it was written, on one line; secrets are `••••`.
    pub value: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Where it is now, such as `config/keys.json#source.dynamodb.table`.
    pub to: Vec<String>,
    /// Why, and what to do.
    pub why: String,
}

/// A part of a definition of Data Pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    /// The pipeline itself.
    Pipeline,
    /// One of its objects.
    Object,
    /// One of its parameters.
    Parameter,
    /// The value of a parameter.
    Value,
}

/// What became of a field, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Its value stands in the output.
    Taken,
    /// The output follows from it.
    Derived,
    /// The output does nearly the same; the line says what differs.
    Approximated,
    /// Nothing needs it.
    Dropped,
    /// Millrace does not do it; the line says what does.
    NoCounterpart,
    /// It is no field that AWS Data Pipeline documents.
    Unknown,
}

impl Outcome {
    /// All of them, best first.
    pub const ALL: [Self; 6] = [
        Self::Taken,
        Self::Derived,
        Self::Approximated,
        Self::Dropped,
        Self::NoCounterpart,
        Self::Unknown,
    ];

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Derived => "derived",
            Self::Approximated => "approximated",
            Self::Dropped => "dropped",
            Self::NoCounterpart => "no counterpart",
            Self::Unknown => "unknown",
        }
    }

    /// A sign for lists.
    pub const fn sign(self) -> char {
        match self {
            Self::Taken => '=',
            Self::Derived => '→',
            Self::Approximated => '≈',
            Self::Dropped => '-',
            Self::NoCounterpart => '✗',
            Self::Unknown => '?',
        }
    }
}

/// Numbers of fields, by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Counts {
    /// Fields whose value stands in the output.
    pub taken: usize,
    /// Fields that the output follows from.
    pub derived: usize,
    /// Fields that the output nearly keeps.
    pub approximated: usize,
    /// Fields that nothing needs.
    pub dropped: usize,
    /// Fields that Millrace has nothing for.
    pub no_counterpart: usize,
    /// Fields that AWS Data Pipeline does not document.
    pub unknown: usize,
}

impl Counts {
    /// The number of an outcome.
    pub const fn of(&self, outcome: Outcome) -> usize {
        match outcome {
            Outcome::Taken => self.taken,
            Outcome::Derived => self.derived,
            Outcome::Approximated => self.approximated,
            Outcome::Dropped => self.dropped,
            Outcome::NoCounterpart => self.no_counterpart,
            Outcome::Unknown => self.unknown,
        }
    }

    pub(crate) fn add(&mut self, outcome: Outcome) {
        *match outcome {
            Outcome::Taken => &mut self.taken,
            Outcome::Derived => &mut self.derived,
            Outcome::Approximated => &mut self.approximated,
            Outcome::Dropped => &mut self.dropped,
            Outcome::NoCounterpart => &mut self.no_counterpart,
            Outcome::Unknown => &mut self.unknown,
        } += 1;
    }
}

impl Report {
    /// Whether every field is taken, derived, approximated, or not needed; if `is_strict`, none
    /// approximated.
    pub fn is_complete(&self, is_strict: bool) -> bool {
        let Counts {
            approximated,
            no_counterpart,
            unknown,
            ..
        } = self.counts;
        no_counterpart + unknown == 0 && !(is_strict && approximated > 0)
    }
}
