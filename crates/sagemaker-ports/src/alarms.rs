//! CloudWatch alarms: those that watch a pipeline's endpoint, and the states of any.

use crate::{Owner, Tags};
use contract::{Names, ServiceError};
use std::collections::BTreeMap;
use std::future::Future;

/// What an alarm watches of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointMetric {
    /// Answers with a server's error, in one minute.
    ServerErrors,
    /// 90th percentile of the model's latency in microseconds, in each of three minutes.
    Latency,
}

/// A desired alarm of an endpoint: it goes off above its threshold, and never for want of
/// requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmSpec {
    /// Its name.
    pub name: String,
    /// What it means that it went off.
    pub description: String,
    /// The endpoint.
    pub endpoint: String,
    /// What it watches.
    pub metric: EndpointMetric,
    /// It goes off above this value, in the metric's unit.
    pub threshold: u32,
    /// ARN of the topic that it notifies.
    pub topic: String,
    /// Its tags, which count when it is created.
    pub tags: Tags,
}

impl AlarmSpec {
    /// The names of the alarms of a pipeline's endpoint.
    ///
    /// They are named after the pipeline, so that they follow it to an endpoint of another name.
    pub fn names(owner: &Owner) -> [String; 2] {
        ["endpoint-errors", "endpoint-latency"]
            .map(|what| Names::alarm(&owner.stack, &owner.pipeline, what))
    }

    /// The alarms of a pipeline's endpoint: server errors, and a latency above
    /// `max_latency_milliseconds`.
    pub fn of_endpoint(
        owner: &Owner,
        endpoint: &str,
        max_latency_milliseconds: u32,
        topic: &str,
    ) -> [Self; 2] {
        let [errors, latency] = Self::names(owner);
        let alarm = |name, description: String, metric, threshold| Self {
            name,
            description,
            endpoint: endpoint.to_owned(),
            metric,
            threshold,
            topic: topic.to_owned(),
            tags: owner.tags(),
        };
        [
            alarm(
                errors,
                format!("The endpoint {endpoint} answers with server errors."),
                EndpointMetric::ServerErrors,
                0,
            ),
            alarm(
                latency,
                format!("The model at the endpoint {endpoint} answers slowly."),
                EndpointMetric::Latency,
                max_latency_milliseconds.saturating_mul(1000),
            ),
        ]
    }
}

/// Creates alarms and reads their states.
pub trait Alarms: Send + Sync {
    /// Creates the alarm, or makes an existing one of this name so; its state stays.
    fn put_alarm(&self, spec: &AlarmSpec) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// Whether each of these alarms, at most 10, is in the state `ALARM`. One that does not exist
    /// is absent.
    fn in_alarm(
        &self,
        names: &[String],
    ) -> impl Future<Output = Result<BTreeMap<String, bool>, ServiceError>> + Send;
}
