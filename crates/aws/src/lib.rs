//! Adapters from the ports to DynamoDB, S3, SageMaker, Application Auto Scaling, CloudWatch and its
//! Logs, EventBridge, Step Functions, SNS, CloudFormation, Service Quotas and STS: the only user of the
//! AWS SDKs.

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use std::time::Duration;

pub use aws_config::SdkConfig;

#[cfg(feature = "dynamodb")]
mod attribute;
#[cfg(feature = "autoscaling")]
pub mod autoscaling;
#[cfg(feature = "capture")]
pub mod capture;
pub mod classify;
#[cfg(feature = "cloudformation")]
pub mod cloudformation;
#[cfg(feature = "cloudwatch")]
pub mod cloudwatch;
#[cfg(feature = "data-pipeline")]
pub mod data_pipeline;
#[cfg(feature = "dynamodb")]
pub mod dynamodb;
#[cfg(feature = "dynamodb")]
mod dynamodb_batch;
#[cfg(feature = "dynamodb")]
mod dynamodb_export;
#[cfg(feature = "dynamodb")]
mod dynamodb_get;
#[cfg(feature = "dynamodb")]
pub mod dynamodb_load;
#[cfg(feature = "dynamodb")]
mod dynamodb_newer;
#[cfg(feature = "dynamodb")]
pub mod dynamodb_restore;
#[cfg(feature = "events")]
pub mod events;
#[cfg(feature = "firehose")]
pub mod firehose;
#[cfg(feature = "functions")]
pub mod functions;
#[cfg(feature = "sts")]
pub mod identity;
#[cfg(any(
    feature = "capture",
    feature = "cloudwatch",
    feature = "data-pipeline",
    feature = "firehose",
    feature = "functions",
    feature = "quotas"
))]
mod json_client;
#[cfg(feature = "logs")]
pub mod logs;
#[cfg(feature = "quotas")]
pub mod quotas;
#[cfg(feature = "s3")]
pub mod s3;
#[cfg(feature = "s3")]
pub mod s3_bucket;
#[cfg(feature = "sagemaker")]
pub mod sagemaker;
#[cfg(feature = "dynamodb")]
mod scan;
#[cfg(feature = "secrets")]
pub mod secrets;
#[cfg(feature = "sfn")]
pub mod sfn;
#[cfg(feature = "sns")]
pub mod sns;
#[cfg(all(feature = "logs", feature = "sagemaker"))]
pub mod training_log;

const ATTEMPTS: u32 = 5;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
// From the request to the first byte of its answer; the SDK's own protection covers a stalled
// transfer.
const READ_TIMEOUT: Duration = Duration::from_mins(1);
/// Longest that one attempt of a request waits for its answer to begin.
pub const LONGEST_REQUEST: Duration = CONNECT_TIMEOUT.saturating_add(READ_TIMEOUT);
const LOCAL_REGION: &str = "us-east-1";

/// The configuration of this process: credentials, region and endpoints from environment and
/// profile, five attempts a call, and timeouts.
///
/// Signing needs a region, although local servers ignore it: it defaults to `us-east-1`, but only
/// if an `AWS_ENDPOINT_URL…` shows that no real region is meant.
pub async fn load() -> SdkConfig {
    load_for(None, None).await
}

/// As [`load`], with this profile and region instead of those of the environment.
pub async fn load_for(profile: Option<&str>, region: Option<&str>) -> SdkConfig {
    let mut loader = defaults();
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    // Boxed, as the SDK nests futures deeply: a caller's future would become too deep for its
    // layout.
    let config = Box::pin(loader.load()).await;
    if config.region().is_none() && endpoint_in_environment() {
        return config
            .into_builder()
            .region(Region::from_static(LOCAL_REGION))
            .build();
    }
    config
}

/// The configuration for a local server at `endpoint_url`, such as `http://127.0.0.1:4577`: every
/// service at this URL, with made-up credentials, independent of the environment.
pub async fn local(endpoint_url: &str) -> SdkConfig {
    defaults()
        .test_credentials()
        .region(Region::from_static(LOCAL_REGION))
        .endpoint_url(endpoint_url)
        .load()
        .await
}

fn defaults() -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .read_timeout(READ_TIMEOUT)
                .build(),
        )
}

fn endpoint_in_environment() -> bool {
    std::env::vars_os().any(|(name, value)| {
        !value.is_empty()
            && name
                .to_str()
                .is_some_and(|name| name.starts_with("AWS_ENDPOINT_URL"))
    })
}

/// The examples of the README, compiled and run as tests.
#[cfg(all(doctest, feature = "s3"))]
#[doc = include_str!("../README.md")]
struct Readme;
