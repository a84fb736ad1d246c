//! What became of a folder's files.

use super::UploadError;
use crate::progress::count;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write;

/// Files that the text names; JSON names all.
const NAMED: usize = 20;

/// What became of a folder's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Document {
    /// The lake's bucket.
    pub bucket: String,
    /// What the keys begin with.
    pub prefix: String,
    /// Whether nothing was uploaded: `uploaded` are then those that would be.
    pub dry_run: bool,
    /// Images that were uploaded.
    pub uploaded: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Images that the lake had already.
    pub already_there: u64,
    /// Images whose keys have an object that the caller may not read: it may be another.
    pub not_compared: u64,
    /// Files that equal another file of the folder, and have its key.
    pub duplicates: u64,
    /// Files whose ending is not included. They are not read.
    pub other_files: u64,
    /// Files that are not uploaded.
    pub refused: Vec<Refused>,
}

/// A file that is not uploaded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refused {
    /// Its path below the folder.
    pub file: String,
    /// Why, in one sentence.
    pub reason: String,
}

impl Document {
    /// What a person reads.
    pub fn text(&self) -> String {
        let did = if self.dry_run {
            "to upload"
        } else {
            "uploaded"
        };
        let mut text = format!(
            "s3://{}/{}: {} {did}, {}",
            self.bucket,
            self.prefix,
            images(self.uploaded),
            indicatif::HumanBytes(self.bytes)
        );
        for (number, what) in [
            (self.already_there, "already there"),
            (
                self.not_compared,
                "there, and not compared: this identity may not read",
            ),
            (self.duplicates, "twice in the folder"),
            (self.other_files, "of another ending"),
            (self.refused.len() as u64, "refused"),
        ] {
            if number > 0 {
                // Writing to memory cannot fail.
                let _ = write!(text, "; {} {what}", count(number));
            }
        }
        text.push('\n');
        for Refused { file, reason } in self.refused.iter().take(NAMED) {
            let _ = writeln!(text, "  refused {file}: {reason}");
        }
        if self.refused.len() > NAMED {
            let more = self.refused.len() - NAMED;
            let _ = writeln!(text, "  refused {more} more: --json names them");
        }
        text
    }

    /// Whether every file is in the lake, or would be.
    ///
    /// # Errors
    /// With the number of the others.
    pub fn check(&self) -> Result<(), UploadError> {
        match self.refused.len() {
            0 => Ok(()),
            count => Err(UploadError::Refused { count }),
        }
    }
}

fn images(number: u64) -> String {
    let plural = if number == 1 { "image" } else { "images" };
    format!("{} {plural}", count(number))
}
