//! What becomes of an item: a row, or the reason why not.

use crate::encode::reject::Reject;

/// What becomes of an item. Each item has one outcome, so the counts of all outcomes add up to the
/// table's items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowOutcome {
    /// It becomes a row, on that side of the split.
    Row(Side),
    /// It cannot become a row.
    Rejected(Reject),
    /// The definition leaves it out.
    Filtered,
    /// Another item with the same key becomes the row.
    Duplicate,
    /// The definition says that such an item fails the run.
    Refused(Reject),
}

/// A side of the split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// Rows to train on.
    Train,
    /// Rows to validate on.
    Validation,
    /// Rows that neither training nor the choice of a model sees.
    Test,
}
