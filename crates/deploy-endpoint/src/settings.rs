//! Configuration of the function, the same for every run.

use std::time::Duration;

/// Configuration of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The role that SageMaker assumes where the definition names none.
    pub role_arn: String,
    /// ARN of the lake's KMS key. Without a key, SageMaker would write with the account's default
    /// key, whatever the bucket's is.
    pub lake_key: String,
    /// The stack's name, with which every resource is tagged.
    pub stack: String,
    /// How long an accepted update may take to show in descriptions. An endpoint that is still in
    /// service on its old configuration after that was rolled back.
    pub settle: Duration,
    /// ARN of the topic that an endpoint's alarms notify.
    pub topic: String,
    /// The region, where the logs are.
    pub region: String,
}

impl Settings {
    /// For [`Settings::settle`]: far longer than the service's descriptions lag.
    pub const SETTLE: Duration = Duration::from_secs(15);
}
