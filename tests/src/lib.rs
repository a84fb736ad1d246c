//! Helpers of the end-to-end tests: the checks that compare the state machine, the template and the
//! crates, and the servers that the tests run on.

pub mod asl;
pub mod botocore;
pub mod counted;
pub mod digits;
pub mod documents;
pub mod dynamodb;
pub mod faults;
mod finding;
pub mod firehose;
pub mod forward;
pub mod in_process;
pub mod infra;
pub mod interpreter;
pub mod layers;
pub mod native;
pub mod node;
pub mod packages;
pub mod permitted;
pub mod pipeline;
pub mod poller;
pub mod program;
pub mod proxy;
pub mod python;
pub mod schema;
pub mod script;
pub mod seeds;
pub mod service;
pub mod template;
pub mod terminal;
pub mod workspace;

pub use finding::Finding;
