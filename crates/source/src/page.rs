//! One page of a segment: the request, the lines, and how it ended.

use crate::Selection;
use crate::Throttles;
use dynamodb_json::{ItemError, Lines};
use serde_json::Value;

/// The page to read.
#[derive(Debug, Clone, Copy)]
pub struct PageRequest<'a> {
    /// The table's name.
    pub table: &'a str,
    /// The segment, from 0.
    pub segment: u32,
    /// Of how many.
    pub total_segments: u32,
    /// `LastEvaluatedKey` of the page before, in `DynamoDB` JSON; `None` for the first page.
    pub cursor: Option<&'a Value>,
    /// Whether the read is strongly consistent.
    pub consistent: bool,
    /// What of the table is read; `None` for all of it.
    pub selection: Option<&'a Selection>,
    /// Maximum number of items to evaluate; `None` for as many as a page holds.
    pub limit: Option<u32>,
    /// Where throttled attempts are counted, while they happen.
    pub throttles: &'a Throttles,
}

/// How a page ended.
#[derive(Debug, Clone, PartialEq)]
pub struct PageEnd {
    /// `LastEvaluatedKey`: where the next page begins. Its absence is the segment's only end; a
    /// page without items is none.
    pub cursor: Option<Value>,
    /// Items that were looked at.
    pub scanned: u64,
    /// Read capacity units that the page consumed, as the service says. An answer that broke on its
    /// way was consumed all the same, and counts as much as the one that arrived.
    pub read_units: f64,
}

/// The raw lines of one page: items in `DynamoDB` JSON, a line break after each.
///
/// One buffer is kept for all pages of a segment: it remembers what their items are like, and reads
/// the next ones faster.
#[derive(Debug, Default)]
pub struct PageBuffer {
    lines: Lines,
    /// A line that is not an item, which stands for the whole page.
    refused: Option<ItemError>,
    written: Vec<u8>,
}

impl PageBuffer {
    /// A buffer without lines.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets all lines and keeps the memory.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.refused = None;
    }

    /// Adds a line by letting `write` append it, its line break included.
    ///
    /// A line that is not an item is not added: [`PageBuffer::lines`] refuses the page for it.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.written.clear();
        write(&mut self.written);
        if let Err(error) = self.lines.push_line(&self.written) {
            self.refused.get_or_insert(error);
        }
    }

    /// The lines, for callers that add them in another way.
    pub const fn lines_mut(&mut self) -> &mut Lines {
        &mut self.lines
    }

    /// The page's lines, all of them checked.
    ///
    /// # Errors
    /// If a line was no item.
    pub fn lines(&self) -> Result<&Lines, ItemError> {
        match &self.refused {
            Some(error) => Err(error.clone()),
            None => Ok(&self.lines),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_as_they_were_pushed() {
        let mut buffer = PageBuffer::new();
        let pushed = ["{\"Item\":{\"a\":{\"N\":\"1\"}}}\n", "{\"Item\":{}}\n"];
        for line in pushed {
            buffer.push_with(|out| out.extend_from_slice(line.as_bytes()));
        }
        let lines = buffer.lines().unwrap();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines.text(), pushed.concat());
        buffer.clear();
        assert!(buffer.lines().unwrap().is_empty());
    }

    #[test]
    fn a_line_that_is_no_item_stands_for_the_page_until_it_is_cleared() {
        let mut buffer = PageBuffer::new();
        for line in ["{\"Item\":{}}\n", "half an item\n", "{\"Item\":{}}\n"] {
            buffer.push_with(|out| out.extend_from_slice(line.as_bytes()));
        }
        assert_eq!(buffer.lines().unwrap_err().offset(), 0);
        buffer.clear();
        assert!(buffer.lines().unwrap().is_empty());
    }
}
