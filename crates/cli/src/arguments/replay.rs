//! Options of the command that replays what a delivery could not bring into the lake.

use crate::place;
use clap::Args;

/// Options of `replay`.
#[derive(Debug, Args)]
pub struct Replay {
    /// Replay the events that the delivery stream's function refused.
    #[arg(long, required = true)]
    pub events: bool,
    /// Read what is to be replayed, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where the lake is.
    #[command(flatten)]
    pub place: place::Options,
}
