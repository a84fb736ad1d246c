//! Options of the commands that read and change what runs left.

use crate::place;
use crate::runs::RunName;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// A run to look at.
#[derive(Debug, Args)]
pub struct OfRun {
    /// The run: an id or the beginning of one, latest, latest-failed, champion, or its execution.
    #[arg(default_value = "latest")]
    pub run: RunName,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where the pipeline is.
    #[command(flatten)]
    pub place: place::Options,
}

/// Options of `restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// The run: an id or the beginning of one, latest, latest-failed, champion, or its execution.
    #[arg(default_value = "latest")]
    pub run: RunName,
    /// The table to write into, which exists.
    #[arg(long, value_name = "TABLE")]
    pub table: String,
    /// Write units per second, at most.
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u32).range(1..), required_unless_present = "dry_run", default_value_if("dry_run", "true", "1000"))]
    pub wcu: Option<u32>,
    /// Show what it would take and cost, and what an import by DynamoDB would; write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Write into a table that holds items: those with the same key are replaced, the others stay.
    /// Of items of the run with one key, the last stays. The table is not read back.
    #[arg(long)]
    pub overwrite: bool,
    /// The file that keeps the progress [default: RUN-TABLE.restore.json]
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where the pipeline is.
    #[command(flatten)]
    pub place: place::Options,
}

/// An answer to a request for approval.
#[derive(Debug, Args)]
pub struct Approval {
    /// The run: an id or the beginning of one, latest, or its execution.
    pub run: RunName,
    /// The reason, quoted in the verdict.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Your name, quoted in the verdict.
    #[arg(long, value_name = "NAME", env = "USER", hide_env_values = true)]
    pub by: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where the pipeline is.
    #[command(flatten)]
    pub place: place::Options,
}

/// Options of `encode`.
#[derive(Debug, Args)]
pub struct Encode {
    /// The run whose dataset.json encodes the items.
    #[arg(long, value_name = "RUN", default_value = "champion")]
    pub run: RunName,
    /// A local dataset.json, instead of a run's.
    #[arg(long, value_name = "FILE", conflicts_with = "run")]
    pub dataset: Option<PathBuf>,
    /// The format of the items.
    #[arg(long, value_enum, default_value_t)]
    pub form: Form,
    /// File with one item per line [default: standard input]
    pub items: Option<PathBuf>,
    /// Where the pipeline is.
    #[command(flatten)]
    pub place: place::Options,
}

/// The format of items.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum Form {
    /// Choose per item: DynamoDB JSON if it looks like that, otherwise plain JSON.
    #[default]
    Either,
    /// {"user": {"S": "u1"}}, or as {"Item": ...}.
    Dynamodb,
    /// {"user": "u1"}.
    Plain,
}

/// Options of `rollback`.
#[derive(Debug, Args)]
pub struct Rollback {
    /// The run whose model should serve [default: the one that served before]
    #[arg(long, value_name = "RUN")]
    pub to: Option<RunName>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where the pipeline is.
    #[command(flatten)]
    pub place: place::Options,
}

/// Options of `clean`.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Clean {
    /// Number of newest runs to keep, whatever their outcome.
    #[arg(long, value_name = "RUNS", default_value_t = 5)]
    pub keep: usize,
    /// List what would be removed and what is kept, and change nothing.
    #[arg(long, required_unless_present = "yes")]
    pub dry_run: bool,
    /// Remove the old runs.
    #[arg(long, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where the pipeline is.
    #[command(flatten)]
    pub place: place::Options,
}

/// Options of `push`.
#[derive(Debug, Args)]
pub struct Push {
    /// The definitions; the pipeline is the field `pipeline`, or else the file's name.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Replace whatever version the lake has, also one that somebody else changed.
    #[arg(long)]
    pub replace: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where the pipelines are.
    #[command(flatten)]
    pub place: place::Options,
}

/// Options of `pull`.
#[derive(Debug, Args)]
pub struct Pull {
    /// The pipelines [default: all that the lake has a definition of]
    #[arg(value_name = "PIPELINE")]
    pub pipelines: Vec<String>,
    /// The folder to write to.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub to: PathBuf,
    /// Replace files also if they have changes that are not in the lake.
    #[arg(long)]
    pub replace: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where the pipelines are.
    #[command(flatten)]
    pub place: place::Options,
}

/// Options of `diff`.
#[derive(Debug, Args)]
pub struct Diff {
    /// The definitions; the pipeline is the field `pipeline`, or else the file's name.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where the pipelines are.
    #[command(flatten)]
    pub place: place::Options,
}

/// Options of `predict`.
#[derive(Debug, Args)]
pub struct Predict {
    /// Items, as DynamoDB JSON or plain JSON [default: standard input, one item per line]
    #[arg(value_name = "ITEM", conflicts_with = "key")]
    pub items: Vec<String>,
    /// An attribute of the key of an item of the table that the run has read; once for each.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub key: Vec<(String, String)>,
    /// The format of the items.
    #[arg(long, value_enum, default_value_t)]
    pub form: Form,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where the pipeline is.
    #[command(flatten)]
    pub place: place::Options,
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("this is not NAME=VALUE".to_owned()),
    }
}
