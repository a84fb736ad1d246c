//! Errors of merging changes.

use crate::change::ChangeError;
use crate::merge::MergeError;
use contract::{ErrorName, Named, RunId};
use lake::{DocumentError, PartError};

/// Why changes could not be merged.
#[derive(Debug, thiserror::Error)]
pub enum ChangesError {
    /// The windows leave a gap, or overlap.
    #[error(
        "a window of changes is from {from} to {to}, in seconds since 1970, and has to begin at {expected}: changes \
         would be missed or merged twice"
    )]
    Windows {
        /// Where it has to begin.
        expected: i64,
        /// Where it begins.
        from: i64,
        /// Where it ends.
        to: i64,
    },
    /// A line of an export's file is no change.
    #[error("line {line} of {file} is no change")]
    Change {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        source: ChangeError,
    },
    /// A file is not what the export's manifest says.
    #[error("{file} is not as it was written: {what} is {found} instead of {said}")]
    FileDiffers {
        /// The file.
        file: String,
        /// What differs.
        what: &'static str,
        /// What the manifest, the listing or the key says.
        said: String,
        /// What was found.
        found: String,
    },
    /// An object of captured changes is gone.
    #[error(
        "{object}, which holds changes that the run merges, is gone: start a new run, which reads the whole table"
    )]
    CapturedGone {
        /// The object.
        object: String,
    },
    /// The changes were not compacted before they are merged.
    #[error("the changes of run {run} are not compacted")]
    NotCompacted {
        /// The run.
        run: RunId,
    },
    /// The object with the changed keys is not what was committed.
    #[error("{key} does not hold the changed keys that its record says: start a new run")]
    KeysDiffer {
        /// The object.
        key: String,
    },
    /// The run has no such segment.
    #[error("run {run} has no segment {segment}")]
    UnknownSegment {
        /// The run.
        run: RunId,
        /// The segment.
        segment: u32,
    },
    /// A segment has no manifest.
    #[error("segment {segment} of run {run} is not whole")]
    SegmentNotWhole {
        /// The run.
        run: RunId,
        /// The segment.
        segment: u32,
    },
    /// A segment's values were not hashed, though they are to be compared.
    #[error("the values of segment {segment} of run {run} are not hashed")]
    NotHashed {
        /// The run.
        run: RunId,
        /// The segment.
        segment: u32,
    },
    /// A part of the base is gone.
    #[error(
        "{part} of run {base}, whose unchanged items are merged, is gone: start a new run, which exports the whole \
         table"
    )]
    BaseGone {
        /// The part.
        part: String,
        /// The base's run.
        base: RunId,
    },
    /// The base holds a line that cannot be merged.
    #[error("line {line} of {part} cannot be merged")]
    BaseLine {
        /// The part.
        part: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        source: MergeError,
    },
    /// A full export's segments do not hold its items.
    #[error(
        "the segments of run {run} hold {found} items, and its export says {said}: start a new run"
    )]
    ItemsDiffer {
        /// The run.
        run: RunId,
        /// Items that the export says.
        said: u64,
        /// Items of the segments.
        found: u64,
    },
    /// A document of the lake cannot be read or written.
    #[error("merging changes")]
    Document(#[from] DocumentError),
    /// A part cannot be read or written.
    #[error("merging changes")]
    Part(#[from] PartError),
}

impl Named for ChangesError {
    fn name(&self) -> ErrorName {
        match self {
            Self::Change {
                source: ChangeError::TooMany { .. },
                ..
            } => ErrorName::ResourceLimitExceeded,
            Self::Windows { .. }
            | Self::Change { .. }
            | Self::FileDiffers { .. }
            | Self::KeysDiffer { .. }
            | Self::BaseLine { .. }
            | Self::ItemsDiffer { .. } => ErrorName::DatasetInvalid,
            Self::NotCompacted { .. }
            | Self::UnknownSegment { .. }
            | Self::SegmentNotWhole { .. }
            | Self::NotHashed { .. } => ErrorName::Bug,
            Self::BaseGone { .. } | Self::CapturedGone { .. } => ErrorName::NotFound,
            Self::Document(error) => error.name(),
            Self::Part(error) => error.name(),
        }
    }
}
