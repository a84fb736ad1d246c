//! Firehose as AWS documents it, for tests alone, since no emulator is like it where something fails:
//! buffers, a function's batches with their limits and retries, what it makes of an answer, objects,
//! documents of what failed, and everything twice now and then. Source: Amazon Data Firehose Developer
//! Guide, "Transform source data in Amazon Data Firehose", "Understand data delivery in Amazon Data
//! Firehose".

pub mod answer;
pub mod events;
pub mod stream;
pub mod trial;

pub use stream::{Faults, Put, Stream};
