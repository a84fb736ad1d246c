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
mod capture;
mod channels;
mod checkpoints;
mod config;
mod deployment;
mod endpoint_configs;
mod endpoints;
mod error;
mod faults;
mod fleet;
mod images;
mod input_filter;
mod invocation;
mod job;
mod listing;
pub mod log;
mod metrics;
mod model_groups;
mod model_packages;
mod models;
mod namespace;
mod operations;
pub mod orphans;
pub mod port;
mod process;
mod protocol;
mod recorder;
mod s3_uri;
mod scaling;
mod server;
mod state;
mod tags;
mod traffic;
mod training;
mod training_request;
mod transform;
mod transform_request;
mod tree;
mod tuning;
mod tuning_request;
mod tuning_run;
mod validation;

pub use config::Config;
pub use error::Error;
pub use images::Images;
pub use server::{Handle, Server};
