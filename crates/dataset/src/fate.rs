//! What became of an item. It must not know why, but for a rejected one.

use crate::reject::Reject;

/// Where an item went: every item goes somewhere, and what each fate counts adds up to the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It became a row, on that side of the split.
    Row(Side),
    /// It cannot become a row.
    Rejected(Reject),
    /// The definition leaves it out.
    Filtered,
    /// Another item with the same key became the row.
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
