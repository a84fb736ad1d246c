//! Options of the command that uploads images.

use super::lake::pair;
use crate::place;
use clap::Args;
use std::path::PathBuf;

/// Options of `upload`.
#[derive(Debug, Args)]
pub struct Upload {
    /// The folder with the images, and folders in it.
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// A file with the definition whose `keys` name the images [default: the lake's definition]
    #[arg(long, value_name = "FILE")]
    pub definition: Option<PathBuf>,
    /// What the keys look like, instead of a definition's `keys`.
    #[arg(long, value_name = "PATTERN", conflicts_with = "definition")]
    pub keys: Option<String>,
    /// The value of a part of `keys`, for all files; once for each. Keys are made then, also of files
    /// whose paths fit.
    #[arg(long = "part", value_name = "NAME=VALUE", value_parser = pair)]
    pub parts: Vec<(String, String)>,
    /// Images that are uploaded at once.
    #[arg(long, value_name = "IMAGES", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
    /// Read the files and ask the lake, but upload nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where the lake is.
    #[command(flatten)]
    pub place: place::Options,
}
