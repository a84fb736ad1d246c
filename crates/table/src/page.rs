//! One page of a segment: what is asked for, where its lines go, and how it ended.

use serde_json::Value;

/// Which page is wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
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
}

/// How a page ended.
#[derive(Debug, Clone, PartialEq)]
pub struct PageEnd {
    /// `LastEvaluatedKey`: where the next page begins. Its absence is the segment's only end; a page
    /// without items is none.
    pub cursor: Option<Value>,
    /// Read capacity units that the page consumed, as the service says.
    pub read_units: f64,
}

/// The raw lines of one page: items in `DynamoDB` JSON, a line break after each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageBuffer {
    lines: Vec<u8>,
    ends: Vec<usize>,
}

impl PageBuffer {
    /// A buffer without lines.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets all lines and keeps the memory.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.ends.clear();
    }

    /// Adds a line by letting `write` append it, its line break included.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.lines);
        debug_assert!(
            self.lines.ends_with(b"\n"),
            "a line ends with its line break"
        );
        self.ends.push(self.lines.len());
    }

    /// How many lines there are.
    pub fn items(&self) -> usize {
        self.ends.len()
    }

    /// All lines, each with its line break.
    pub fn bytes(&self) -> &[u8] {
        &self.lines
    }

    /// The lines, without their line breaks.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, end)| &self.lines[start..end - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_as_they_were_pushed() {
        let mut buffer = PageBuffer::new();
        for line in ["first\n", "\n", "third\n"] {
            buffer.push_with(|out| out.extend_from_slice(line.as_bytes()));
        }
        assert_eq!(buffer.items(), 3);
        assert_eq!(
            buffer.lines().collect::<Vec<_>>(),
            [&b"first"[..], b"", b"third"]
        );
        assert_eq!(buffer.bytes(), b"first\n\nthird\n");
        buffer.clear();
        assert_eq!(buffer.lines().count(), 0);
    }
}
