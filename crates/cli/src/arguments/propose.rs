//! Options of the commands that come before a run: `init` and `plan`.

use crate::init::Algorithm;
use crate::place;
use clap::Args;
use std::path::PathBuf;

/// Options of `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The table.
    #[arg(value_name = "TABLE")]
    pub table: String,
    /// The path of the attribute to predict [default: the one with a label's name]
    #[arg(long, value_name = "PATH")]
    pub label: Option<String>,
    /// What to train.
    #[arg(long, value_enum, default_value_t)]
    pub algorithm: Algorithm,
    /// The recommender's image in your registry.
    #[arg(long, value_name = "URI", required_if_eq("algorithm", "recommender"))]
    pub image: Option<String>,
    /// Number of items to read.
    #[arg(
        long,
        value_name = "ITEMS",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u64).range(1..=100_000)
    )]
    pub sample: u64,
    /// The file to write; by default `<pipeline>.json`.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite the file.
    #[arg(long)]
    pub force: bool,
    /// Where the pipeline is.
    #[command(flatten)]
    pub place: place::Options,
}

/// Options of `plan`.
#[derive(Debug, Args)]
pub struct Plan {
    /// The definition [default: the pipeline's in the lake]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where the pipeline is.
    #[command(flatten)]
    pub place: place::Options,
}
