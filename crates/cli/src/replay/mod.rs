//! Replays what a delivery could not bring into the lake and kept: a record is replayed once, however
//! often the command is run, and what fails again stays, with its reason.

mod document;
mod error;
pub mod events;

pub use document::{Document, Left};
pub use error::ReplayError;
