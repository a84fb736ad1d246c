//! Rows as lines of CSV that SageMaker reads.

use crate::rows::cell::Cell;
use crate::rows::sink::RowSink;

/// Rows as CSV: cells joined by commas and a `\n`; no header, no quotes, every cell a number or
/// empty.
#[derive(Debug, Clone, Default)]
pub struct CsvRows {
    text: Vec<u8>,
    /// Where the current row begins.
    start: usize,
    follows: bool,
}

impl CsvRows {
    /// Starts without rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// The rows, each with its line break.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// Clears the rows, but keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.start = 0;
    }

    #[inline]
    fn cell(&mut self) -> &mut Vec<u8> {
        if self.follows {
            self.text.push(b',');
        }
        self.follows = true;
        &mut self.text
    }
}

impl RowSink for CsvRows {
    fn begin(&mut self) {
        self.start = self.text.len();
        self.follows = false;
    }

    #[inline]
    fn label(&mut self, label: Cell<'_>) {
        label.write_text(self.cell());
    }

    #[inline]
    fn weight(&mut self, weight: Cell<'_>) {
        weight.write_text(self.cell());
    }

    #[inline]
    fn number(&mut self, _slot: u32, number: Cell<'_>) {
        number.write_text(self.cell());
    }

    #[inline]
    fn missing(&mut self, _slot: u32) {
        self.cell();
    }

    #[inline]
    fn zeros(&mut self, _first: u32, count: u32) {
        for _ in 0..count {
            self.cell().push(b'0');
        }
    }

    fn commit(&mut self) {
        self.text.push(b'\n');
    }

    fn roll_back(&mut self) {
        self.text.truncate(self.start);
    }
}
