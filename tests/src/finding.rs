//! A finding of a check.

use std::fmt;

/// One thing that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where, as `ExportSegments/ExportSegment.Retry[0]`.
    pub place: String,
    /// What is wrong.
    pub problem: String,
}

impl Finding {
    /// A finding at a place.
    pub fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            problem: problem.into(),
        }
    }

    /// One line for each.
    pub fn list(findings: &[Self]) -> String {
        let lines: Vec<_> = findings.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}
