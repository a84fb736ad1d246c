//! The logs of training jobs, and links to the logs of jobs and endpoints.

use contract::ServiceError;
use std::future::Future;

/// What training jobs have logged.
pub trait TrainingLogs: Send + Sync {
    /// The lines of the job's first instance, oldest first, up to `most_bytes` from the beginning.
    /// None if the job has no log.
    fn lines(
        &self,
        job: &str,
        most_bytes: usize,
    ) -> impl Future<Output = Result<Vec<String>, ServiceError>> + Send;
}

/// A link to a log group in the CloudWatch console, to the streams whose names begin with
/// `streams`.
pub fn log_link(region: &str, group: &str, streams: &str) -> String {
    let console = if region.starts_with("cn-") {
        "console.amazonaws.cn"
    } else if region.starts_with("us-gov-") {
        "console.amazonaws-us-gov.com"
    } else {
        "console.aws.amazon.com"
    };
    // The console wants a group's slashes encoded twice, with $ for %.
    let group = group.replace('/', "$252F");
    format!(
        "https://{console}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{group}\
         $3FlogStreamNameFilter$3D{streams}"
    )
}

#[cfg(test)]
mod tests {
    use super::log_link;

    #[test]
    fn a_link_leads_to_the_console_of_its_partition() {
        assert_eq!(
            log_link("us-east-1", "/aws/sagemaker/TrainingJobs", "job"),
            "https://console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups/\
             log-group/$252Faws$252Fsagemaker$252FTrainingJobs$3FlogStreamNameFilter$3Djob"
        );
        assert!(log_link("cn-north-1", "g", "j").contains("amazonaws.cn/"));
    }
}
