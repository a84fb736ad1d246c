//! The result of replaying refused records.

use super::ReplayError;
use crate::progress::count;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// Records that the text names; JSON names all.
const NAMED: usize = 20;

/// The result of replaying refused records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplayedEvents {
    /// The lake's bucket.
    pub bucket: String,
    /// What the keys of the objects with such records begin with.
    pub prefix: String,
    /// Whether nothing was written: `replayed` are then those that would be.
    pub dry_run: bool,
    /// Objects with records that were to be replayed.
    pub objects: u64,
    /// Objects all of whose records an earlier call has replayed.
    pub already_replayed: u64,
    /// Records that were replayed.
    pub replayed: u64,
    /// What they became: the lines that were written.
    pub lines: u64,
    /// Records or events that the rules leave out. They are done with.
    pub dropped: u64,
    /// Records that stay.
    pub left: Vec<Left>,
}

/// A record that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Left {
    /// The key of its object.
    pub object: String,
    /// Its line in the object, from 1; 0 if none of the object can be read.
    pub line: u64,
    /// Why, in one sentence.
    pub reason: String,
}

impl ReplayedEvents {
    /// What a person reads.
    pub fn text(&self) -> String {
        let did = if self.dry_run {
            "to replay"
        } else {
            "replayed"
        };
        let mut text = format!(
            "s3://{}/{}: {} {did} from {}",
            self.bucket,
            self.prefix,
            counted(self.replayed, "record"),
            counted(self.objects, "object")
        );
        for (number, what) in [
            (self.lines, "lines written"),
            (self.dropped, "left out by the rules"),
            (self.already_replayed, "objects replayed before"),
            (self.left.len() as u64, "left"),
        ] {
            if number > 0 {
                // Writing to memory cannot fail.
                let _ = write!(text, "; {} {what}", count(number));
            }
        }
        text.push('\n');
        for left in self.left.iter().take(NAMED) {
            let Left {
                object,
                line,
                reason,
            } = left;
            let _ = writeln!(text, "  left: line {line} of {object}: {reason}");
        }
        if self.left.len() > NAMED {
            let more = self.left.len() - NAMED;
            let _ = writeln!(text, "  left: {more} more; --json names them");
        }
        text
    }

    /// Whether nothing stays.
    ///
    /// # Errors
    /// With the number of the records that do.
    pub fn check(&self) -> Result<(), ReplayError> {
        match self.left.len() {
            0 => Ok(()),
            count => Err(ReplayError::Left { count }),
        }
    }
}

fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", count(number))
}
