//! What a server is started with.

use crate::images::Images;
use std::path::PathBuf;
use std::time::Duration;

/// What a server is started with. The grace periods and timeouts default to SageMaker's.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Where records, containers' trees and logs are kept.
    pub state_dir: PathBuf,
    /// Which program stands for which image.
    pub images: Images,
    /// Where S3 is; `None` takes endpoint, region and credentials from the environment, as the
    /// SDKs do.
    pub s3_endpoint: Option<String>,
    /// The region in ARNs.
    pub region: String,
    /// From SIGTERM to SIGKILL for a training program.
    pub training_grace: Duration,
    /// From SIGTERM to SIGKILL for a serving program.
    pub serving_grace: Duration,
    /// How long a serving program may take to answer `/ping` with 200, unless the variant sets
    /// `ContainerStartupHealthCheckTimeoutInSeconds`.
    pub ping_timeout: Duration,
    /// A JSON file of the faults to begin with.
    pub faults: Option<PathBuf>,
    /// A file that every request of the control plane and its answer are appended to, a JSON line
    /// each.
    pub record: Option<PathBuf>,
    /// The longest that a deployment's bake and termination waits may take, whatever the request
    /// says.
    pub longest_wait: Duration,
}

impl Config {
    /// The defaults: a free port, no images, S3 as the environment says.
    pub fn new(state_dir: impl Into<PathBuf>) -> Self {
        Self {
            port: 0,
            state_dir: state_dir.into(),
            images: Images::default(),
            s3_endpoint: None,
            region: "us-east-1".to_owned(),
            training_grace: Duration::from_mins(2),
            serving_grace: Duration::from_secs(30),
            ping_timeout: Duration::from_mins(4),
            faults: None,
            record: None,
            longest_wait: Duration::from_hours(1),
        }
    }
}
