//! Options of the commands that need no pipeline.

use crate::demo::{Algorithm, DemoSource};
use crate::place;
use clap::Args;
use clap_complete::Shell;
use std::path::PathBuf;

/// Millrace's workspace.
#[derive(Debug, Args)]
pub struct Workspace {
    /// Millrace's workspace [default: the one this program was built from]
    #[arg(long, value_name = "FOLDER")]
    pub workspace: Option<PathBuf>,
}

/// Options of local AWS.
#[derive(Debug, Args)]
pub struct Local {
    /// Use the programs of an earlier build, even if they are out of date.
    #[arg(long, env = "MILLRACE_NO_BUILD", hide_env_values = true)]
    pub no_build: bool,
    /// The training algorithm; xgboost installs `xgboost-cpu` below target/local.
    #[arg(long, value_enum, default_value_t)]
    pub algorithm: Algorithm,
    /// The workspace.
    #[command(flatten)]
    pub workspace: Workspace,
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Number of interactions.
    #[arg(long, default_value_t = 20_000)]
    pub items: usize,
    /// Where the interactions are; postgres installs a PostgreSQL server below target/local, sqlServer
    /// builds the one for tests, events puts them into a delivery stream.
    #[arg(long, value_enum, default_value_t)]
    pub source: DemoSource,
    /// Train on images instead of a table: handwritten digits, of which scikit-learn's wheel is
    /// installed below target/local.
    #[arg(long, conflicts_with_all = ["items", "source", "incremental", "seed", "user", "algorithm"])]
    pub images: bool,
    /// Change a hundredth of the table, and run again: the second run reads nothing of the table, but
    /// merges what was captured of its stream.
    #[arg(long)]
    pub incremental: bool,
    /// Seed of the invented interactions; the same seed gives the same table.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// The user to recommend films to, such as u-00007 [default: an active user]
    #[arg(long)]
    pub user: Option<String>,
    /// Keep local AWS running until Ctrl-C, and print commands to inspect it.
    #[arg(long)]
    pub keep: bool,
    /// Options of local AWS.
    #[command(flatten)]
    pub local: Local,
}

/// Options of `schemas`.
#[derive(Debug, Args)]
pub struct Schemas {
    /// Write nothing; fail if a file is out of date.
    #[arg(long)]
    pub check: bool,
    /// The workspace.
    #[command(flatten)]
    pub workspace: Workspace,
}

/// Options of `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Options of `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where the pipeline is.
    #[command(flatten)]
    pub place: place::Options,
}

/// Options of `validate`.
#[derive(Debug, Args)]
pub struct Validate {
    /// Files with one definition each.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Check the files by themselves, and ask no service.
    #[arg(long)]
    pub offline: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where the pipelines will be.
    #[command(flatten)]
    pub place: place::Options,
}
