//! Options of the command that replays what a delivery could not bring into the lake.

use crate::place;
use clap::Args;

/// Options of `replay`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[derive(Debug, Args)]
pub struct Replay {
    /// Replay what of a table's stream was not captured.
    #[arg(long, required_unless_present = "events", conflicts_with = "events")]
    pub changes: bool,
    /// Replay the events that the delivery stream's function refused.
    #[arg(long)]
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
