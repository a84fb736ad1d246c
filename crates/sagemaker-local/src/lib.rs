//! The SageMaker API on loopback: runs training and serving programs for real, without Docker.
//!
//! Official SDKs talk to it unchanged when `AWS_ENDPOINT_URL_SAGEMAKER` and
//! `AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME` name it. A program runs in place of each container image,
//! and is called as the container is: `<command> train`, `<command> serve`.
//!
//! ```no_run
//! # async fn example() -> Result<(), sagemaker_local::Error> {
//! use sagemaker_local::{Config, Server};
//!
//! let mut config = Config::new("target/sagemaker");
//! config.images.add("recommender:local", "target/release/recommender")?;
//! let server = Server::start(config).await?;
//! println!("SageMaker answers at {}", server.url());
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod app;
mod config;
mod endpoints;
mod error;
mod faults;
mod images;
#[cfg(test)]
mod layers;
mod operations;
mod processes;
mod protocol;
mod registry;
mod server;
mod store;
mod tags;
mod training;
mod transform;
mod tuning;

pub use config::Config;
pub use error::Error;
pub use images::Images;
pub use processes::{ProcessGroup, log, orphans, port};
pub use server::{Handle, Server};

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
