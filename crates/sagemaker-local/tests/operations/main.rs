//! Tests beyond plain jobs and endpoints. They call the API in its own JSON, with a real S3 server
//! and a real program.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

mod bench;
mod capture;
mod faults;
mod guardrails;
mod model_packages;
mod scaling;
mod spot;
mod tags;
mod transform;
mod tuning;
