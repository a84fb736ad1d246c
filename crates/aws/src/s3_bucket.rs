//! Creates a bucket, for local servers: on AWS the stack creates the lake, and the deployment tool
//! its own.

use crate::classify::service_error;
use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use contract::ServiceError;

/// Creates the bucket; if the caller has it already, that is not an error.
///
/// # Errors
/// If the service refuses or fails.
pub async fn create(config: &SdkConfig, bucket: &str) -> Result<(), ServiceError> {
    let config = aws_sdk_s3::config::Builder::from(config)
        .force_path_style(true)
        .build();
    let Err(error) = Client::from_conf(config)
        .create_bucket()
        .bucket(bucket)
        .send()
        .await
    else {
        return Ok(());
    };
    let error = service_error("S3", "CreateBucket", bucket, error);
    if error.code == "BucketAlreadyOwnedByYou" {
        return Ok(());
    }
    Err(error)
}
