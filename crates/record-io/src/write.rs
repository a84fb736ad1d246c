//! A record as frames.
//!
//! Source: MXNet's dmlc-core, `recordio.h`: magic number, length with the part in its upper three
//! bits, content, zeros up to a multiple of four bytes. A record is split wherever the magic number
//! stands in it at a multiple of four bytes, and that number is left out. A reader that starts
//! anywhere in a file, as those of several threads do, looks for the next magic number: unsplit, it
//! would take a record's own bytes for the start of a frame.

use crate::{ALIGNMENT, MAGIC, PART_SHIFT, Part};

/// The most bytes of a record.
pub const LONGEST: usize = (1 << PART_SHIFT) - 1;

/// A record that no frame can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a record of {length} bytes is too long: a frame holds at most {LONGEST}")]
pub struct TooLong {
    /// Its bytes.
    pub length: usize,
}

/// Appends the record to `out`, whose length is a multiple of four before and after.
pub fn write(record: &[u8], out: &mut Vec<u8>) -> Result<(), TooLong> {
    if record.len() > LONGEST {
        return Err(TooLong {
            length: record.len(),
        });
    }
    out.reserve(record.len() + 16);
    let mut start = 0;
    let (words, _) = record.as_chunks::<4>();
    for (word, _) in words.iter().enumerate().filter(|(_, word)| **word == MAGIC) {
        let part = if start == 0 {
            Part::First
        } else {
            Part::Middle
        };
        let at = word * ALIGNMENT;
        frame(part, &record[start..at], out);
        start = at + MAGIC.len();
    }
    let part = if start == 0 { Part::Whole } else { Part::Last };
    frame(part, &record[start..], out);
    Ok(())
}

fn frame(part: Part, content: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(content.len()).expect("a record is at most LONGEST");
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&(length | (part as u32) << PART_SHIFT).to_le_bytes());
    out.extend_from_slice(content);
    out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
}
