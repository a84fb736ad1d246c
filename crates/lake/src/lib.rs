//! Keys, parts, manifests and the commit protocol over an object-store port.
//!
//! Which store answers is the adapter's matter, and what an item means is `dataset`'s.

pub mod artifact;
pub mod attempt;
pub mod captured;
pub mod conformance;
pub mod documents;
pub mod events;
pub mod executions;
mod hashed;
mod join;
pub mod keys;
pub mod latest;
pub mod lease;
pub mod memory;
pub mod native;
pub mod notices;
pub mod part;
mod reader;
pub mod records;
pub mod sample;
pub mod segment;
mod step;
pub mod store;
pub mod verify;
mod verify_objects;
pub mod vocabulary;
pub mod writer;

pub use definition::PartMissing;
pub use documents::DocumentError;
pub use hashed::HashedStream;
pub use join::{JoinError, join};
pub use keys::RunKeys;
pub use memory::MemoryStore;
pub use part::PartError;
pub use step::StepError;
pub use store::{
    ByteStream, ConditionalStore, CopyingUpload, ListPage, ObjectMeta, ObjectStore, PagedStore,
    PutOutcome, StoreError, Swap, TaggedStore, Upload, Version,
};
pub use vocabulary::VocabularyError;

/// The examples of the README, compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
