//! The lines of a file on their way into a page, and the place where a page begins.

use crate::csv::{Record, RecordError, Records};
use crate::line;
use definition::FileFormat;
use lake::records::Encoding;
use serde::{Deserialize, Serialize};
use source::PageBuffer;

/// The bytes that a file may begin with to say that it is UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cursor {
    /// Bytes of the decompressed file before it.
    pub at: u64,
    /// Lines of the range before it.
    pub lines: u64,
    /// Items of the range before it.
    pub items: u64,
    /// How the file is compressed; unknown at its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// The columns of a CSV file, once its header is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
}

/// What is wrong with a line or a record.
pub struct Refused {
    /// The line of the range, from 1.
    pub line: u64,
    /// The offset of its first byte.
    pub at: u64,
    /// What is wrong.
    pub message: String,
}

/// The first line, with its line break if it has one.
fn first_line(text: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\n', text).map_or(text.len(), |end| end + 1);
    &text[..end]
}

/// A line without its line break. Blanks stay: they may be part of an attribute's name.
fn without_break(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Where lines go, as items.
pub struct Lines<'p> {
    /// What the file is.
    pub format: FileFormat,
    /// The byte behind the range.
    pub end: Option<u64>,
    /// The page.
    pub buffer: &'p mut PageBuffer,
    /// A line's item, as it is written.
    pub line: Vec<u8>,
}

impl Lines<'_> {
    /// Takes lines until they have `room` bytes or the range has ended. Returns their bytes.
    pub fn lines(
        &mut self,
        batch: &[u8],
        room: usize,
        cursor: &mut Cursor,
    ) -> Result<usize, Refused> {
        let mut used = 0;
        while used < batch.len() && used < room && self.end.is_none_or(|end| cursor.at < end) {
            let line = first_line(&batch[used..]);
            let mut text = without_break(line);
            if cursor.at == 0 {
                text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
            }
            if !text.trim_ascii().is_empty() {
                self.line.clear();
                let written = line::write(self.format, text, &mut self.line);
                written
                    .and_then(|()| self.push())
                    .map_err(|message| Refused {
                        line: cursor.lines + 1,
                        at: cursor.at,
                        message,
                    })?;
                cursor.items += 1;
            }
            cursor.lines += 1;
            cursor.at += line.len() as u64;
            used += line.len();
        }
        Ok(used)
    }

    /// Takes lines of a CSV file until they have `room` bytes and no record has begun. Returns their
    /// bytes.
    pub fn records(
        &mut self,
        batch: &[u8],
        room: usize,
        records: &mut Records,
        cursor: &mut Cursor,
    ) -> Result<usize, Refused> {
        let mut used = 0;
        while used < batch.len() && (used < room || records.is_within()) {
            let line = first_line(&batch[used..]);
            let mut text = line;
            if cursor.at == 0 {
                text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
            }
            let read = records.read(text, |record| self.record(&record, cursor));
            cursor.at += line.len() as u64;
            used += line.len();
            self.ended(read, records, cursor)?;
        }
        Ok(used)
    }

    pub fn finish(&mut self, records: &mut Records, cursor: &mut Cursor) -> Result<(), Refused> {
        let read = records.finish(|record| self.record(&record, cursor));
        self.ended(read, records, cursor)
    }

    fn record(&mut self, record: &Record<'_>, cursor: &mut Cursor) -> Result<(), String> {
        self.line.clear();
        record.write(&mut self.line)?;
        self.push()?;
        cursor.items += 1;
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "it is a step of reading records")]
    fn ended(
        &self,
        read: Result<(), RecordError>,
        records: &Records,
        cursor: &mut Cursor,
    ) -> Result<(), Refused> {
        cursor.lines = records.lines();
        if cursor.columns.is_none() {
            cursor.columns = records.columns().map(<[String]>::to_vec);
        }
        read.map_err(|error| Refused {
            line: error.line,
            at: cursor.at,
            message: error.message,
        })
    }

    /// Gives the line to the page, which checks it.
    fn push(&mut self) -> Result<(), String> {
        let line = &self.line;
        self.buffer.push_with(|out| out.extend_from_slice(line));
        match self.buffer.lines() {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("is no item: {error}")),
        }
    }
}
