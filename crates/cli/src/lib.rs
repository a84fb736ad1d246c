//! The person's side of Millrace: runs the pipeline on this machine, shows what it does, and keeps
//! the schemas. It must not know what the pipeline's steps do: it starts them and reads their records.

pub mod approval;
pub mod clean;
pub mod demo;
pub mod encode;
pub mod execution;
pub mod local;
mod process;
pub mod progress;
pub mod report;
pub mod rollback;
pub mod schemas;
pub mod signals;
pub mod verify;
