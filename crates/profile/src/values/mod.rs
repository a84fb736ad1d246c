//! The distinct values of attributes: exactly while they are few, as a sketch beyond.

pub(crate) mod cardinality;
pub(crate) mod dictionary;
pub(crate) mod distinct;
