//! Options of the commands that start, watch and stop runs.

use super::json;
use crate::place;
use crate::runs::{RunName, Setting};
use clap::Args;

/// Options of `start`.
#[derive(Debug, Args)]
pub struct Start {
    /// Override a field of the definition for this run only; VALUE is JSON, or else text.
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<Setting>,
    /// Override a part of the definition for this run only, as a JSON object.
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = json)]
    pub input: serde_json::Value,
    /// Show the run's steps until it ends.
    #[arg(long)]
    pub watch: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where the pipeline is.
    #[command(flatten)]
    pub place: place::Options,
}

/// Options of `watch`.
#[derive(Debug, Args)]
pub struct Watch {
    /// The run: an id or the beginning of one, latest, latest-failed, champion, or its execution.
    #[arg(default_value = "latest")]
    pub run: RunName,
    /// Where the pipeline is.
    #[command(flatten)]
    pub place: place::Options,
}

/// Options of `logs`.
#[derive(Debug, Args)]
pub struct Logs {
    /// The run: an id or the beginning of one, latest, latest-failed, champion, or its execution.
    #[arg(default_value = "latest")]
    pub run: RunName,
    /// The step, as `status` names it [default: the one that failed, or else all]
    #[arg(long, value_name = "STEP")]
    pub step: Option<String>,
    /// Show lines as they come, until the run ends: of every step, unless --step names one.
    #[arg(short, long, conflicts_with = "json")]
    pub follow: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where the pipeline is.
    #[command(flatten)]
    pub place: place::Options,
}

/// Options of `runs`.
#[derive(Debug, Args)]
pub struct Runs {
    /// Number of runs.
    #[arg(
        short = 'n',
        long = "number",
        value_name = "RUNS",
        default_value_t = 20
    )]
    pub number: usize,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where the pipelines are.
    #[command(flatten)]
    pub place: place::Options,
}

/// Options of `stop`.
#[derive(Debug, Args)]
pub struct Stop {
    /// The run: an id or the beginning of one, latest, or its execution.
    pub run: RunName,
    /// The reason, which the execution shows.
    #[arg(long, value_name = "TEXT", default_value = "stopped by millrace stop")]
    pub cause: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where the pipeline is.
    #[command(flatten)]
    pub place: place::Options,
}

/// Options of `redrive`.
#[derive(Debug, Args)]
pub struct Redrive {
    /// The run: an id or the beginning of one, latest, latest-failed, or its execution.
    #[arg(default_value = "latest-failed")]
    pub run: RunName,
    /// Show the run's steps until it ends.
    #[arg(long)]
    pub watch: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where the pipeline is.
    #[command(flatten)]
    pub place: place::Options,
}
