//! The configuration of a server.

use crate::images::Images;
use std::path::PathBuf;
use std::time::Duration;

/// The configuration of a server. Grace periods and timeouts default to SageMaker's own.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The folder for records, the containers' trees and logs.
    pub state_dir: PathBuf,
    /// The programs that run in place of container images.
    pub images: Images,
    /// The URL of S3. With `None`, endpoint, region and credentials come from the environment, as
    /// for any SDK.
    pub s3_endpoint: Option<String>,
    /// The region that ARNs name.
    pub region: String,
    /// The time from SIGTERM to SIGKILL for a training program.
    pub training_grace: Duration,
    /// The time from SIGTERM to SIGKILL for a serving program.
    pub serving_grace: Duration,
    /// The time in which a serving program must answer `/ping` with 200, unless the variant sets
    /// `ContainerStartupHealthCheckTimeoutInSeconds`.
    pub ping_timeout: Duration,
    /// A JSON file with the faults that are set at the start.
    pub faults: Option<PathBuf>,
    /// A file to which every call of the control plane is appended, one JSON line per call.
    pub record: Option<PathBuf>,
    /// An upper bound for a deployment's wait times, whatever the request asks for.
    pub longest_wait: Duration,
}

impl Config {
    /// The defaults: a free port, no images, S3 from the environment.
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
