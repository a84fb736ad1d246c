//! Keys, parts, manifests and the commit protocol over an object-store port.
//!
//! It must not know which store answers (that is the adapter's) nor what an item means.

pub mod store;

pub use store::{ByteStream, ObjectMeta, ObjectStore, PutOutcome, StoreError, Upload};
