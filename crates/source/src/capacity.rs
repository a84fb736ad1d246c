//! The read capacity of a table, as it describes itself.

/// Read capacity of a table, or of an index that has its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReadCapacity {
    /// Paid for by the hour, read or not.
    Provisioned {
        /// Read capacity units per second.
        units: u64,
    },
    /// Paid for by what is read.
    OnDemand {
        /// Read request units per second that it takes at once, if it says.
        warm: Option<u64>,
        /// The most read request units per second that its owner allows, if any.
        maximum: Option<u64>,
    },
    /// It does not say.
    #[default]
    Unknown,
}
