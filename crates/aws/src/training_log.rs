//! The log of SageMaker's training jobs as [`sagemaker_ports::TrainingLogs`].

use crate::classify::service_error;
use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::Client;
use contract::{ErrorName, ServiceError};
use sagemaker_ports::TrainingLogs;

const SERVICE: &str = "CloudWatch Logs";
/// Source: SageMaker developer guide, "CloudWatch Logs for Amazon SageMaker AI".
const GROUP: &str = "/aws/sagemaker/TrainingJobs";
/// A page may be empty although others follow.
const MOST_PAGES: u32 = 100;

/// The log group of the account's training jobs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TrainingLogGroup {
    client: Client,
}

impl TrainingLogGroup {
    /// With the credentials, region and endpoint of `config` (or
    /// `AWS_ENDPOINT_URL_CLOUDWATCH_LOGS`).
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
        }
    }
}

impl TrainingLogs for TrainingLogGroup {
    async fn lines(&self, job: &str, most_bytes: usize) -> Result<Vec<String>, ServiceError> {
        let (mut lines, mut bytes) = (Vec::new(), 0);
        let mut token = None;
        for _ in 0..MOST_PAGES {
            let request = self.client.filter_log_events().log_group_name(GROUP);
            let request = request.log_stream_name_prefix(format!("{job}/algo-1-"));
            let answer = match request.set_next_token(token).send().await {
                Ok(answer) => answer,
                Err(error) => {
                    let error = service_error(SERVICE, "FilterLogEvents", job, error);
                    return match error.name {
                        // No job of the account has logged anything yet.
                        ErrorName::NotFound => Ok(Vec::new()),
                        _ => Err(error),
                    };
                }
            };
            for event in answer.events.unwrap_or_default() {
                let line = event.message.unwrap_or_default();
                bytes += line.len();
                if bytes > most_bytes {
                    return Ok(lines);
                }
                lines.push(line);
            }
            token = answer.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok(lines)
    }
}
