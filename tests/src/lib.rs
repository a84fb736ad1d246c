//! What the tests of the whole are made of: the checks that hold the state machine, the template and
//! the crates against each other, and the servers that they run on. It must not know what any step
//! does inside.

pub mod asl;
pub mod botocore;
pub mod documents;
pub mod dynamodb;
pub mod faults;
mod finding;
pub mod infra;
pub mod interpreter;
pub mod layers;
pub mod native;
pub mod node;
pub mod packages;
pub mod pipeline;
pub mod python;
pub mod schema;
pub mod script;
pub mod template;
pub mod workspace;

pub use finding::Finding;
