//! Creates a bucket: of local servers, and for the files of a deployment. The lake's is the stack's.

use crate::classify::service_error;
use crate::s3::endpoint;
use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use contract::ServiceError;

/// The region that is named by leaving it out.
const FIRST_REGION: &str = "us-east-1";

/// Creates a bucket of the account in the region of `config`, unless it has it already. S3 blocks
/// public access to a new bucket, and encrypts it.
///
/// # Errors
/// If the bucket is another account's, or the service refuses or fails.
pub async fn ensure(config: &SdkConfig, bucket: &str, account: &str) -> Result<(), ServiceError> {
    let client = client(config);
    let request = client.head_bucket().bucket(bucket);
    let Err(error) = request.expected_bucket_owner(account).send().await else {
        return Ok(());
    };
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    if status != Some(404) {
        return Err(service_error("S3", "HeadBucket", bucket, error));
    }
    let region = config.region().map(ToString::to_string);
    let place = region
        .filter(|region| region != FIRST_REGION)
        .map(|region| {
            let place = BucketLocationConstraint::from(region.as_str());
            let place = CreateBucketConfiguration::builder().location_constraint(place);
            place.build()
        });
    let request = client.create_bucket().bucket(bucket);
    let answer = request.set_create_bucket_configuration(place).send().await;
    let answer = answer.map_err(|error| service_error("S3", "CreateBucket", bucket, error));
    answer.map(drop)
}

/// The URL of an object, as CloudFormation takes it.
pub fn object_url(config: &SdkConfig, bucket: &str, key: &str) -> String {
    if let Some(endpoint) = endpoint(config) {
        return format!("{}/{bucket}/{key}", endpoint.trim_end_matches('/'));
    }
    let region = config
        .region()
        .map_or(FIRST_REGION, |region| region.as_ref());
    let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
    format!("https://{bucket}.s3.{region}.amazonaws.com{suffix}/{key}")
}

fn client(config: &SdkConfig) -> Client {
    let config = aws_sdk_s3::config::Builder::from(config)
        // Local servers have no DNS name per bucket.
        .force_path_style(endpoint(config).is_some())
        .build();
    Client::from_conf(config)
}

/// Creates the bucket; if the caller has it already, that is not an error.
///
/// # Errors
/// If the service refuses or fails.
pub async fn create(config: &SdkConfig, bucket: &str) -> Result<(), ServiceError> {
    let Err(error) = client(config).create_bucket().bucket(bucket).send().await else {
        return Ok(());
    };
    let error = service_error("S3", "CreateBucket", bucket, error);
    if error.code == "BucketAlreadyOwnedByYou" {
        return Ok(());
    }
    Err(error)
}
