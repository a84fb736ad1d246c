//! SageMaker as [`sagemaker_ports::TrainingJobs`], [`sagemaker_ports::TuningJobs`],
//! [`sagemaker_ports::ModelPackages`], [`sagemaker_ports::Endpoints`],
//! [`sagemaker_ports::Transforms`] and [`sagemaker_ports::Invoke`].

mod endpoints;
mod packages;
mod tags;
mod training;
mod transform;
mod tuning;

use crate::classify::service_error;
use aws_config::SdkConfig;
use aws_sdk_sagemaker::error::SdkError;
use aws_sdk_sagemaker::types;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::DateTime;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use contract::{ErrorName, ServiceError};
use definition::Vpc;
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::time::SystemTime;

const SERVICE: &str = "SageMaker";

/// The clients of SageMaker and of its runtime. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SageMaker {
    client: aws_sdk_sagemaker::Client,
    runtime: aws_sdk_sagemakerruntime::Client,
}

impl SageMaker {
    /// SageMaker at the endpoints of `config` (or `AWS_ENDPOINT_URL_SAGEMAKER` and
    /// `AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME`).
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: aws_sdk_sagemaker::Client::new(config),
            runtime: aws_sdk_sagemakerruntime::Client::new(config),
        }
    }
}

/// The result of a describe call; an error named `NotFound` becomes `None`.
async fn if_there<T, E>(
    operation: &'static str,
    name: &str,
    answer: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
) -> Result<Option<T>, ServiceError>
where
    T: Send,
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match answer.await {
        Ok(found) => Ok(Some(found)),
        Err(error) => {
            let error = service_error(SERVICE, operation, name, error);
            if error.name == ErrorName::NotFound {
                return Ok(None);
            }
            Err(error)
        }
    }
}

/// Why a successful answer cannot be used.
enum InvalidAnswer {
    /// A field that the API promises is missing.
    Missing(&'static str),
    /// A field has a value that this adapter does not know.
    Unexpected(String),
}

impl InvalidAnswer {
    fn into_error(self, operation: &'static str, name: &str) -> ServiceError {
        ServiceError {
            name: ErrorName::ServiceUnavailable,
            service: SERVICE,
            operation,
            subject: name.to_owned(),
            code: "ResponseUnreadable".to_owned(),
            message: match self {
                Self::Missing(field) => format!("the answer lacks {field}"),
                Self::Unexpected(what) => format!("the answer holds {what}, which is unknown here"),
            },
            source: None,
        }
    }
}

/// Whole seconds since `time`; 0 for a future time, because clocks differ.
fn seconds_since(time: Option<&DateTime>) -> u64 {
    let since = time
        .and_then(|time| SystemTime::try_from(*time).ok())
        .and_then(|time| SystemTime::now().duration_since(time).ok());
    since.map_or(0, |age| age.as_secs())
}

/// A count as the API takes it; a larger one is above every quota.
fn count(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// A count as the API returns it; 0 if it is absent.
fn counted(value: Option<i32>) -> u32 {
    value
        .and_then(|value| u32::try_from(value).ok())
        .unwrap_or_default()
}

/// A map of texts in the order of its keys.
fn sorted(map: Option<HashMap<String, String>>) -> BTreeMap<String, String> {
    map.unwrap_or_default().into_iter().collect()
}

fn vpc(vpc: &Vpc) -> types::VpcConfig {
    types::VpcConfig::builder()
        .set_subnets(Some(vpc.subnets.clone()))
        .set_security_group_ids(Some(vpc.security_group_ids.clone()))
        .build()
}

fn described_vpc(vpc: types::VpcConfig) -> Vpc {
    Vpc {
        subnets: vpc.subnets.unwrap_or_default(),
        security_group_ids: vpc.security_group_ids.unwrap_or_default(),
    }
}
