//! CloudWatch Logs: the lines of log groups.

use crate::classify::service_error;
use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::Client;
use contract::ServiceError;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SERVICE: &str = "CloudWatch Logs";

/// The log groups of an account. Cheap to clone: clones share the client's connections.
#[derive(Debug, Clone)]
pub struct LogGroups {
    client: Client,
}

/// A line of a log group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The service's id of it, which no other line has.
    pub id: String,
    /// The service's time of it, to the millisecond.
    pub at: SystemTime,
    /// The text, as it was written.
    pub text: String,
}

impl LogGroups {
    /// With the credentials, region and endpoint of `config`.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
        }
    }

    /// The lines of a group that contain `text`, from one time to another, in the order of the
    /// service. Source: Amazon CloudWatch Logs API reference, `FilterLogEvents`.
    ///
    /// # Errors
    /// If there is no such group, or the service refuses or fails.
    pub async fn containing(
        &self,
        group: &str,
        text: &str,
        from: SystemTime,
        to: SystemTime,
    ) -> Result<Vec<LogLine>, ServiceError> {
        let mut lines = Vec::new();
        let mut token = None;
        loop {
            let request = self.client.filter_log_events().log_group_name(group);
            // Within quotes, hyphens are part of the text and exclude nothing.
            let request = request.filter_pattern(format!("\"{text}\""));
            let request = request.start_time(millis(from)).end_time(millis(to));
            let answer = request.set_next_token(token).send().await;
            let answer =
                answer.map_err(|error| service_error(SERVICE, "FilterLogEvents", group, error))?;
            for event in answer.events.unwrap_or_default() {
                let at = u64::try_from(event.timestamp.unwrap_or_default()).unwrap_or_default();
                let text = event.message.unwrap_or_default();
                lines.push(LogLine {
                    id: event.event_id.unwrap_or_else(|| format!("{at} {text}")),
                    at: UNIX_EPOCH + Duration::from_millis(at),
                    text,
                });
            }
            // A page may be empty, and others follow.
            token = answer.next_token;
            if token.is_none() {
                return Ok(lines);
            }
        }
    }
}

fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
