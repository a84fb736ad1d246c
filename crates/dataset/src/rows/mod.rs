//! A row cell by cell: what takes it, and its forms as CSV and as plain numbers.

pub(crate) mod cell;
pub(crate) mod csv;
pub(crate) mod dense;
pub(crate) mod sink;
