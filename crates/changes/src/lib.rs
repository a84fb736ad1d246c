//! Merges the changes of a table, which were exported or captured of its stream, into the items of an
//! earlier run: the state of the table without reading the table.
//!
//! The new items are the lines of the base whose keys did not change, and the last image of each
//! changed key that has one. [`Compact`] reads the changes of all windows and writes the changed
//! items as a segment, and the hashes of the changed keys. [`Apply`] holds the lines of the base
//! against those hashes, and writes the others as segments. [`seal_changes`] adds up, and commits
//! what the run's items are a state of. The segments are as those of every other export.
//!
//! The base of exported changes must be exact, such as a native export: see the README for why a scan
//! never is. The base of captured changes may be a scan that began after the capture.

mod applied;
mod apply;
pub mod capture;
mod captured;
mod captured_change;
mod captured_files;
mod change;
mod changed_keys;
mod compact;
mod compact_captured;
mod compaction;
mod error;
mod files;
mod key;
mod merge;
mod object_lines;
mod plan;
mod seal;
mod state;
mod values;

pub use apply::{Apply, MergedSegment};
pub use captured::MOST_CAPTURED;
pub use captured_change::CapturedChange;
pub use change::{Change, ChangeError};
pub use changed_keys::{Before, ChangedKeys, State};
pub use compact::{Compact, Compacted};
pub use compaction::{Compaction, MOST_KEYS};
pub use error::ChangesError;
pub use key::{KeyError, KeyReader};
pub use merge::Merge;
pub use plan::{
    LAG_MARGIN, LONGEST_WINDOW, OVERLAP, SEGMENT_BYTES, SHORTEST_WINDOW, bins, captured_since,
    settles, windows,
};
pub use seal::{Sealed, seal_captured, seal_changes, seal_full};
pub use values::Values;

/// The examples of the README, compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
