//! Tests of the server with the official SDK, a real S3 server and a real program.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

mod bench;
mod command;
mod endpoints;
mod pipes;
mod training;
