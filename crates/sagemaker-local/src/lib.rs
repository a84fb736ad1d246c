//! The SageMaker API on loopback: runs training and serving programs for real, without Docker.
//!
//! Official SDKs talk to it unchanged when `AWS_ENDPOINT_URL_SAGEMAKER` and
//! `AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME` name it. A program stands for each container image and is
//! called as the container would be: `<command> train`, `<command> serve`. It must not know what
//! the programs compute, nor anything of the pipeline that calls it.
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
mod archive;
mod channels;
mod config;
mod deployment;
mod endpoint_configs;
mod endpoints;
mod error;
mod fleet;
mod images;
mod invocation;
mod job;
mod listing;
mod metrics;
mod models;
mod process;
mod protocol;
mod s3_uri;
mod server;
mod state;
mod tags;
mod training;
mod training_request;
mod validation;

pub use config::Config;
pub use error::Error;
pub use images::Images;
pub use server::{Handle, Server};
