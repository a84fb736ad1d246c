//! Images as a tar file of `WebDataset`: for each image its file, its class and what is known of it,
//! under one name.
//!
//! Source: `WebDataset`'s format: files of one sample follow each other and share their name up to
//! the first dot; the rest says what they are.

use crate::images::ImageRow;
use serde_json::Value;
use std::collections::HashMap;
use tar::{EntryType, Header};

/// Tar's unit: headers and contents are filled up to it.
const BLOCK: usize = 512;

/// Writes an archive. The same images give the same bytes.
#[derive(Debug, Clone, Default)]
pub struct Archive {
    /// How often each digest came.
    names: HashMap<String, u32>,
}

impl Archive {
    /// An archive without images.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an image with its class (`.cls`) and `about` (`.json`).
    pub fn push(&mut self, row: &ImageRow<'_>, about: &Value, out: &mut Vec<u8>) {
        let count = self.names.entry(row.digest.to_owned()).or_default();
        *count += 1;
        // The same file twice is two samples, which need two names.
        let name = match *count {
            1 => row.digest.to_owned(),
            count => format!("{}-{count}", row.digest),
        };
        entry(&format!("{name}.{}", row.extension), row.file, out);
        entry(
            &format!("{name}.cls"),
            row.class.to_string().as_bytes(),
            out,
        );
        entry(&format!("{name}.json"), about.to_string().as_bytes(), out);
    }

    /// Appends the end.
    pub fn finish(self, out: &mut Vec<u8>) {
        out.resize(out.len() + 2 * BLOCK, 0);
    }
}

fn entry(name: &str, content: &[u8], out: &mut Vec<u8>) {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header
        .set_path(name)
        .expect("a digest with an ending is a short name");
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    // No time and no owner: they would differ from run to run.
    header.set_mtime(0);
    header.set_cksum();
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(content);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
}
