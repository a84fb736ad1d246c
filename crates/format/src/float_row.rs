//! A row as float32, for formats that are written column by column.

use crate::row::{Row, Unfit};
use dataset::{Cell, RowSink};

/// A row as float32 in little-endian bytes: the label, the weight if there is one, the slots;
/// not-a-number where a value is missing.
#[derive(Debug, Clone, Default)]
pub struct FloatRow(Vec<u8>);

impl FloatRow {
    /// No row.
    pub fn new() -> Self {
        Self::default()
    }

    fn push(&mut self, value: f32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
}

/// The numbers of such a row.
pub(crate) fn numbers(row: &[u8]) -> impl Iterator<Item = f32> {
    let (words, _) = row.as_chunks();
    words.iter().map(|word| f32::from_le_bytes(*word))
}

impl RowSink for FloatRow {
    fn begin(&mut self) {
        self.0.clear();
    }

    fn label(&mut self, label: Cell<'_>) {
        self.push(label.value());
    }

    fn weight(&mut self, weight: Cell<'_>) {
        self.push(weight.value());
    }

    fn number(&mut self, _slot: u32, number: Cell<'_>) {
        self.push(number.value());
    }

    fn missing(&mut self, _slot: u32) {
        self.push(f32::NAN);
    }

    fn zeros(&mut self, _first: u32, count: u32) {
        self.0
            .resize(self.0.len() + count as usize * size_of::<f32>(), 0);
    }

    fn commit(&mut self) {}

    fn roll_back(&mut self) {
        self.0.clear();
    }
}

impl Row for FloatRow {
    fn bytes(&self) -> Result<&[u8], Unfit> {
        Ok(&self.0)
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}
