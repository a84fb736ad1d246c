//! Records out of frames.

use crate::{ALIGNMENT, LONGEST, MAGIC, PART_SHIFT, Part};
use std::io::{self, Read};

/// A file that is not whole RecordIO.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be read.
    #[error("reading a frame at byte {at}")]
    Io {
        /// Where the frame starts.
        at: u64,
        /// Why.
        source: io::Error,
    },
    /// The file ends within a frame, or within a record of several.
    #[error("the file ends within the record whose frame starts at byte {at}")]
    Cut {
        /// Where the frame starts.
        at: u64,
    },
    /// What should be a frame does not start like one.
    #[error("no frame of RecordIO starts at byte {at}")]
    NoFrame {
        /// Where it should start.
        at: u64,
    },
    /// A part of a record without those before it, or before those after it.
    #[error("the frame at byte {at} is a part of a record out of order")]
    OutOfOrder {
        /// Where the frame starts.
        at: u64,
    },
}

/// The records of a file, in order. It ends after the first error.
#[derive(Debug)]
pub struct Records<R> {
    reader: R,
    at: u64,
    is_over: bool,
}

impl<R: Read> Records<R> {
    /// Reads what `reader` gives, which is best buffered.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            at: 0,
            is_over: false,
        }
    }

    fn record(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        let mut record = Vec::new();
        let mut at = self.at;
        let Some(mut part) = self.frame(&mut record)? else {
            return Ok(None);
        };
        if matches!(part, Part::Middle | Part::Last) {
            return Err(ReadError::OutOfOrder { at });
        }
        while matches!(part, Part::First | Part::Middle) {
            record.extend_from_slice(&MAGIC);
            let start = self.at;
            part = self.frame(&mut record)?.ok_or(ReadError::Cut { at })?;
            if matches!(part, Part::Whole | Part::First) {
                return Err(ReadError::OutOfOrder { at: start });
            }
            at = start;
        }
        Ok(Some(record))
    }

    /// Appends a frame's content. `None` at the end of the file.
    fn frame(&mut self, record: &mut Vec<u8>) -> Result<Option<Part>, ReadError> {
        let at = self.at;
        let io = |source| ReadError::Io { at, source };
        let mut head = [0; 8];
        let got = fill(&mut self.reader, &mut head).map_err(io)?;
        if got == 0 {
            return Ok(None);
        }
        let (magic, length) = head.split_at(4);
        if !MAGIC.starts_with(&magic[..got.min(4)]) {
            return Err(ReadError::NoFrame { at });
        }
        if got < head.len() {
            return Err(ReadError::Cut { at });
        }
        let said = u32::from_le_bytes([length[0], length[1], length[2], length[3]]);
        let part = match said >> PART_SHIFT {
            0 => Part::Whole,
            1 => Part::First,
            2 => Part::Middle,
            3 => Part::Last,
            _ => return Err(ReadError::NoFrame { at }),
        };
        let length = said as usize & LONGEST;
        let padded = length.next_multiple_of(ALIGNMENT);
        let before = record.len();
        // A length is believed only as far as bytes come: a damaged one asks for no memory.
        let mut content = self.reader.by_ref().take(padded as u64);
        let got = content.read_to_end(record).map_err(io)?;
        if got < padded {
            return Err(ReadError::Cut { at });
        }
        record.truncate(before + length);
        self.at += (head.len() + padded) as u64;
        Ok(Some(part))
    }
}

/// Reads until `buffer` is full or the file ends.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match reader.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(count) => got += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

impl<R: Read> Iterator for Records<R> {
    type Item = Result<Vec<u8>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let record = self.record().transpose();
        self.is_over = !matches!(record, Some(Ok(_)));
        record
    }
}
