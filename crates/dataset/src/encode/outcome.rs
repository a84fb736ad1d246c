//! The outcome of an item: a row, or the reason why there is none.

use crate::encode::reject::Reject;

/// The outcome of an item. Each item has one, so the counts of all outcomes add up to the table's
/// items.
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
    /// It could become a row, and the sample leaves it out.
    Unsampled,
    /// The definition says that such an item fails the run.
    Refused(Reject),
}

/// A side of the split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// Training rows.
    Train,
    /// Validation rows.
    Validation,
    /// Test rows, which neither training nor the choice of a model uses.
    Test,
}
