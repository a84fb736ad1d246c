//! Rows, cell by cell: the trait that formats implement, and the forms CSV and plain numbers.

pub(crate) mod cell;
pub(crate) mod csv;
pub(crate) mod dense;
pub(crate) mod sink;
