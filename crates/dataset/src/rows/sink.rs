//! The trait of a row's receiver: formats implement it, and encoding is independent of formats.

use crate::rows::cell::Cell;

/// Receives rows in a format's own form.
///
/// The calls for each row are [`begin`](Self::begin); for a training row the label and, if the
/// dataset has weights, the weight; then every slot exactly once, in ascending order; then
/// [`commit`](Self::commit), or [`roll_back`](Self::roll_back) if the item is not a row, which must
/// leave nothing behind.
pub trait RowSink {
    /// Begins a row.
    fn begin(&mut self);
    /// The label of the row; not called for rows for an endpoint.
    fn label(&mut self, label: Cell<'_>);
    /// The weight of the row.
    fn weight(&mut self, weight: Cell<'_>);
    /// The number of one slot.
    fn number(&mut self, slot: u32, number: Cell<'_>);
    /// One slot without a value.
    fn missing(&mut self, slot: u32);
    /// This many slots, from the first given, are 0: a sparse format omits them.
    fn zeros(&mut self, first: u32, count: u32);
    /// The row is complete.
    fn commit(&mut self);
    /// Discards the row.
    fn roll_back(&mut self);
}

/// A row of which only the outcome is asked.
pub(crate) struct Unwritten;

impl RowSink for Unwritten {
    fn begin(&mut self) {}
    fn label(&mut self, _: Cell<'_>) {}
    fn weight(&mut self, _: Cell<'_>) {}
    fn number(&mut self, _: u32, _: Cell<'_>) {}
    fn missing(&mut self, _: u32) {}
    fn zeros(&mut self, _: u32, _: u32) {}
    fn commit(&mut self) {}
    fn roll_back(&mut self) {}
}
