//! Exports under faults: the deployed function runs between faulty connections to a DynamoDB and an
//! S3, is killed at random moments, runs twice concurrently, and is called as the state machine
//! calls it. At the end its raw parts are compared with the table.
//!
//! A trial is generated from its seed. The machine's scheduling is not part of the seed: a failed
//! seed may need several runs to fail again.

mod driver;
mod event;
mod items;
mod proxy;
mod schedule;
mod trial;

pub use event::{Event, EventCounts, Fault, Service};
pub use proxy::Proxy;
pub use schedule::Schedule;
pub use trial::{Programs, Report, run};
