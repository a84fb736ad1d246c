//! What takes a row, cell by cell: formats implement it, encoding knows no format. It must not know
//! where rows go.

use crate::rows::cell::Cell;

/// Takes rows in a format's own form.
///
/// For each row come [`begin`](Self::begin); for a training row the label and, where the dataset has
/// weights, the weight; then every slot exactly once, in ascending order; then
/// [`commit`](Self::commit), or [`roll_back`](Self::roll_back) if the item is no row after all, which
/// must leave nothing behind.
pub trait RowSink {
    /// A row begins.
    fn begin(&mut self);
    /// The label of the row. It is left out of rows that an endpoint is asked with.
    fn label(&mut self, label: Cell<'_>);
    /// The weight of the row.
    fn weight(&mut self, weight: Cell<'_>);
    /// The number of one slot.
    fn number(&mut self, slot: u32, number: Cell<'_>);
    /// One slot without a value.
    fn missing(&mut self, slot: u32);
    /// So many slots, the first one given, that are 0: what a sparse format leaves out.
    fn zeros(&mut self, first: u32, count: u32);
    /// The row is whole.
    fn commit(&mut self);
    /// The row that began is none.
    fn roll_back(&mut self);
}
