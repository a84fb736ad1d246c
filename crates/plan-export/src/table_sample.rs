//! A sample of a table, from which a definition can be proposed.

use lake::records::ItemSample;
use profile::Profile;
use source::ReadCapacity;

/// A sample of a table of any kind.
#[derive(Debug)]
pub struct TableSample {
    /// The names of the attributes that identify an item; none if nothing does.
    pub key_attributes: Vec<String>,
    /// The items that the table says it has; 0 if it has not counted them.
    pub items: u64,
    /// What a DynamoDB table reads by; absent of a relational table, whose reads are not charged.
    pub capacity: Option<ReadCapacity>,
    /// The profile of the sampled items, with their values.
    pub profile: Profile,
    /// The sampled items, and the read units that they took.
    pub sample: ItemSample,
    /// Whether they are all of the table.
    pub is_whole: bool,
}
