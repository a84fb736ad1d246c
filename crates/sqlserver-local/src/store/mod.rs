//! What is stored: types, values, tables, in `SQLite`.

pub mod catalogue;
pub mod collation;
pub mod conversion;
pub mod encoding;
pub mod moments;
pub mod statistics;
pub mod table;
pub mod types;
pub mod value;
pub mod views;
