//! Options of `convert`.

use clap::{Args, ValueEnum};
use data_pipeline::Form;
use jiff::Timestamp;
use std::path::PathBuf;

/// The form of a definition of AWS Data Pipeline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum PipelineForm {
    /// Recognised by its fields.
    #[default]
    Auto,
    /// What `aws datapipeline get-pipeline-definition` prints.
    File,
    /// What SDKs return.
    Api,
    /// A template, in JSON or YAML.
    Cloudformation,
}

impl PipelineForm {
    /// As the library names it.
    pub const fn form(self) -> Form {
        match self {
            Self::Auto => Form::Auto,
            Self::File => Form::File,
            Self::Api => Form::Api,
            Self::Cloudformation => Form::CloudFormation,
        }
    }
}

/// Options of `convert`.
#[derive(Debug, Args)]
pub struct Convert {
    /// Definitions of AWS Data Pipeline; `-` is standard input.
    #[arg(value_name = "FILE", required_unless_present = "pipeline_id")]
    pub files: Vec<PathBuf>,
    /// A pipeline of the account, as it was last activated; may be repeated.
    #[arg(
        long,
        value_name = "ID",
        value_parser = pipeline_id,
        conflicts_with_all = ["files", "from", "resource"]
    )]
    pub pipeline_id: Vec<String>,
    /// The profile of the AWS configuration, for --pipeline-id [env: `AWS_PROFILE`]
    #[arg(long, value_name = "NAME", conflicts_with = "files")]
    pub profile: Option<String>,
    /// The AWS region of the pipeline, for --pipeline-id [env: `AWS_REGION`]
    #[arg(long, value_name = "NAME", conflicts_with = "files")]
    pub region: Option<String>,
    /// A file with values of parameters, as `put-pipeline-definition` takes it.
    #[arg(long, value_name = "FILE")]
    pub values: Option<PathBuf>,
    /// The value of a parameter, or of what a template leaves open; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
    /// The form of the files.
    #[arg(long, value_enum, default_value_t)]
    pub from: PipelineForm,
    /// The pipeline to convert of a template [default: all]
    #[arg(long, value_name = "LOGICAL_ID")]
    pub resource: Option<String>,
    /// The folder to write to.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub out: PathBuf,
    /// The time zone of schedules, such as Europe/Berlin.
    #[arg(long, value_name = "NAME", default_value = "UTC")]
    pub timezone: String,
    /// The moment that counts as now, such as 2026-11-28T10:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<Timestamp>,
    /// The attribute to predict: makes training files with a header too.
    #[arg(long, value_name = "PATH")]
    pub label: Option<String>,
    /// Write nothing unless every field is taken over or not needed, and none approximated.
    #[arg(long)]
    pub strict: bool,
    /// Overwrite files.
    #[arg(long)]
    pub force: bool,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it has the form NAME=VALUE".to_owned()),
    }
}

/// The id of a pipeline, which is shown in texts and in the report.
fn pipeline_id(text: &str) -> Result<String, String> {
    let id = text.strip_prefix("df-").unwrap_or_default();
    if (1..=60).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        Ok(text.to_owned())
    } else {
        Err("it has the form df-0123456789ABCDEFGHIJ".to_owned())
    }
}
