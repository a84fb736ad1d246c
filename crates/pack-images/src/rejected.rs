//! The images that are no rows: a line for each, and a count for each reason.

use lake::records::{Rejection, RowContent};
use serde_json::json;
use std::collections::BTreeMap;

/// The images that are no rows.
#[derive(Debug, Default)]
pub struct Rejected {
    lines: Vec<u8>,
    items: u64,
    reasons: BTreeMap<String, (u64, String)>,
}

impl Rejected {
    /// Adds an image. `path` is the attribute that says so, `detail` more on the reason, of this
    /// image alone.
    pub fn push(&mut self, key: &str, path: &str, reason: &str, detail: Option<&str>) {
        self.items += 1;
        let said = detail.map_or_else(|| reason.to_owned(), |more| format!("{reason}: {more}"));
        let line = json!({"key": {"key": {"S": key}}, "path": path, "reason": said});
        self.lines.extend_from_slice(line.to_string().as_bytes());
        self.lines.push(b'\n');
        let example = || (0, format!("{reason}: {key:?}"));
        self.reasons
            .entry(reason.to_owned())
            .or_insert_with(example)
            .0 += 1;
    }

    /// How many there are.
    pub const fn items(&self) -> u64 {
        self.items
    }

    /// The lines, and the reasons for the shard's record.
    pub fn finish(self) -> (Vec<u8>, Vec<Rejection>) {
        let reasons = self.reasons.into_values();
        let rejected = reasons.map(|(items, example)| Rejection { example, items });
        let mut content = RowContent {
            rejected: rejected.collect(),
            ..RowContent::default()
        };
        content.settle();
        (self.lines, content.rejected)
    }
}
