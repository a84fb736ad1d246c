//! One row as plain numbers.

use crate::rows::cell::Cell;
use crate::rows::sink::RowSink;

/// The last committed row; empty after a rollback.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DenseRow {
    /// The label; `None` in a row for an endpoint.
    pub label: Option<f32>,
    /// The weight, if the dataset has weights.
    pub weight: Option<f32>,
    /// A number for each slot, NaN if the value is missing.
    pub slots: Vec<f32>,
}

impl RowSink for DenseRow {
    fn begin(&mut self) {
        self.roll_back();
    }

    fn label(&mut self, label: Cell<'_>) {
        self.label = Some(label.value());
    }

    fn weight(&mut self, weight: Cell<'_>) {
        self.weight = Some(weight.value());
    }

    #[inline]
    fn number(&mut self, _slot: u32, number: Cell<'_>) {
        self.slots.push(number.value());
    }

    #[inline]
    fn missing(&mut self, _slot: u32) {
        self.slots.push(f32::NAN);
    }

    #[inline]
    fn zeros(&mut self, _first: u32, count: u32) {
        self.slots.resize(self.slots.len() + count as usize, 0.0);
    }

    fn commit(&mut self) {}

    fn roll_back(&mut self) {
        self.label = None;
        self.weight = None;
        self.slots.clear();
    }
}
