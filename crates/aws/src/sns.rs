//! SNS: sends notices to a topic, for [`lake::notices`].

use crate::classify::service_error;
use aws_config::SdkConfig;
use aws_sdk_sns::Client;
use contract::ServiceError;
use lake::notices::{Notice, SendNotices};

const SERVICE: &str = "SNS";

/// A topic. Cheap to clone: clones share the client's connections.
#[derive(Debug, Clone)]
pub struct Topic {
    client: Client,
    arn: String,
}

impl Topic {
    /// The topic with this ARN, at the SNS endpoint of `config`.
    pub fn new(config: &SdkConfig, arn: impl Into<String>) -> Self {
        Self {
            client: Client::new(config),
            arn: arn.into(),
        }
    }
}

impl SendNotices for Topic {
    async fn send(&self, notice: &Notice) -> Result<(), ServiceError> {
        let request = self.client.publish().topic_arn(&self.arn);
        let request = request.subject(&notice.subject).message(&notice.body);
        let answer = request.send().await;
        answer
            .map(drop)
            .map_err(|error| service_error(SERVICE, "Publish", self.arn.clone(), error))
    }
}
