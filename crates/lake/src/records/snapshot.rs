//! The snapshots of a database that rows were read in.

use serde::{Deserialize, Serialize};

// serde asks with a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_none(count: &u64) -> bool {
    *count == 0
}

/// Rows that were read in one snapshot of a database, and committed together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapshotRead {
    /// When it was taken, by the database's clock.
    pub taken: String,
    /// The rows.
    pub rows: u64,
    /// What the database counted in the same snapshot and was found equal: `count`, and the columns
    /// that were summed. Empty where nothing could be compared.
    pub compared: Vec<String>,
    /// Values with U+FFFD, where that stands for text that was none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub bad_texts: u64,
    /// The position before the snapshot, where a later run may read only changes: all changes below
    /// it are in the snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
}

/// All snapshots of a run, together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Snapshots {
    /// How many.
    pub count: u64,
    /// When the first one was taken, by the database's clock.
    pub first: String,
    /// When the last one was.
    pub last: String,
    /// Rows that were read in all of them.
    pub rows: u64,
    /// What was compared in each of them.
    pub compared: Vec<String>,
    /// Values with U+FFFD, where that stands for text that was none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub bad_texts: u64,
    /// The least of their positions, if each has one: all changes below it were read by the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
}

impl Snapshots {
    /// Adds a snapshot to what was there before.
    pub fn with(all: Option<Self>, one: SnapshotRead) -> Self {
        let Some(all) = all else {
            return Self {
                count: 1,
                first: one.taken.clone(),
                last: one.taken,
                rows: one.rows,
                compared: one.compared,
                bad_texts: one.bad_texts,
                position: one.position,
            };
        };
        let mut compared = all.compared;
        compared.retain(|what| one.compared.contains(what));
        Self {
            count: all.count + 1,
            // Texts of one form, which order as the times do.
            first: all.first.min(one.taken.clone()),
            last: all.last.max(one.taken),
            rows: all.rows + one.rows,
            compared,
            bad_texts: all.bad_texts + one.bad_texts,
            position: all.position.zip(one.position).map(|(a, b)| a.min(b)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(taken: &str, compared: &[&str], position: Option<u64>) -> SnapshotRead {
        SnapshotRead {
            taken: taken.to_owned(),
            rows: 5,
            compared: compared.iter().map(ToString::to_string).collect(),
            bad_texts: 1,
            position,
        }
    }

    #[test]
    fn together_they_promise_what_each_of_them_does() {
        let one = read("2026-01-02", &["count", "a"], Some(9));
        let two = read("2026-01-01", &["count"], Some(7));
        let all = Snapshots::with(Some(Snapshots::with(None, one.clone())), two);
        assert_eq!((all.count, all.rows, all.bad_texts), (2, 10, 2));
        assert_eq!(
            (all.first.as_str(), all.last.as_str()),
            ("2026-01-01", "2026-01-02")
        );
        assert_eq!(all.compared, ["count"]);
        assert_eq!(all.position, Some(7));
        // One without a position leaves nothing to read changes from.
        let without = Snapshots::with(Some(all), read("2026-01-03", &[], None));
        assert_eq!((without.position, without.compared.len()), (None, 0));
    }
}
