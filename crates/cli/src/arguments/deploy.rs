//! Options of the command that deploys the stack.

use super::lake::pair;
use crate::place;
use clap::Args;
use std::path::PathBuf;

/// Options of `deploy`.
#[derive(Debug, Args)]
pub struct Deploy {
    /// The folder with the files of a release [default: those that were installed with the program]
    #[arg(long, value_name = "FOLDER")]
    pub release: Option<PathBuf>,
    /// The value of a parameter of the stack; once for each. Others keep theirs.
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = pair)]
    pub parameters: Vec<(String, String)>,
    /// The bucket that the files are uploaded to [default: millrace-files-ACCOUNT-REGION, which is
    /// created]
    #[arg(long, value_name = "NAME")]
    pub files_bucket: Option<String>,
    /// Deploy without asking, and take what is proposed.
    #[arg(long, short)]
    pub yes: bool,
    /// Show what would change, and change nothing.
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// The stack.
    #[command(flatten)]
    pub place: place::Options,
}
