//! The settings of the function, which hold for every run.

use std::collections::BTreeMap;
use std::time::Duration;

/// The settings of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The role that SageMaker assumes where the definition names none.
    pub role_arn: String,
    /// ARN of the lake's KMS key. Without a key, SageMaker would write with the account's default key,
    /// whatever the bucket's is.
    pub lake_key: String,
    /// The stack's name, by which everything is tagged.
    pub stack: String,
    /// How long an update may take to show after the service took it; an endpoint that is still in
    /// service on its old configuration after that was rolled back.
    pub settle: Duration,
    /// The alarms that the stack made, by the endpoints that they watch.
    pub alarms: BTreeMap<String, Vec<String>>,
    /// The region, where the logs are.
    pub region: String,
}

impl Settings {
    /// For [`Settings::settle`]: far longer than the service's descriptions lag behind.
    pub const SETTLE: Duration = Duration::from_secs(15);

    /// For [`Settings::alarms`]: the endpoint that the stack watches, and its alarms' names, separated
    /// by commas.
    pub fn alarms_of(
        endpoint: Option<String>,
        alarms: Option<&str>,
    ) -> BTreeMap<String, Vec<String>> {
        let names = alarms.unwrap_or_default().split(',').map(str::trim);
        let names: Vec<String> = names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        endpoint
            .filter(|endpoint| !endpoint.is_empty() && !names.is_empty())
            .map(|endpoint| (endpoint, names))
            .into_iter()
            .collect()
    }
}
