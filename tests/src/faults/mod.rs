//! Exports under faults: the function as it is deployed between spoilt connections to a DynamoDB and
//! an S3, killed at random moments and run twice at once, called as the state machine calls it. At the
//! end its raw parts are held against the table. It must not know how the function works.
//!
//! A trial is drawn from its seed. What the machine's scheduling adds is not in the seed: a seed that
//! failed may have to be run a few times to fail again.

mod driver;
mod happening;
mod items;
mod proxy;
mod schedule;
mod trial;

pub use happening::{Fault, Happening, Happenings, Service};
pub use trial::{Programs, Report, run};
