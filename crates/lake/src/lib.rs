//! Keys, parts, manifests and the commit protocol over an object-store port.
//!
//! It must not know which store answers (that is the adapter's) nor what an item means.

pub mod conformance;
pub mod documents;
pub mod keys;
pub mod memory;
pub mod records;
pub mod store;

pub use documents::DocumentError;
pub use keys::RunKeys;
pub use memory::MemoryStore;
pub use store::{ByteStream, ObjectMeta, ObjectStore, PutOutcome, StoreError, Upload};
