//! The second input of `start-training`: stop the jobs of an execution that ended before its run.

use crate::states::{ExecutionContext, JobInput, StartTrainingOutput};
use crate::{ExecutionStatus, RunId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The execution whose jobs are to be stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StopRequest {
    /// Its ARN.
    pub execution: String,
}

/// The request to stop the jobs of an execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StopInput {
    /// Whose jobs.
    pub stop: StopRequest,
}

/// What `start-training` is called with: by the state machine with [`JobInput`], and by the rule on
/// aborted and timed-out executions with [`StopInput`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Fields")]
pub enum StartTrainingInput {
    /// Poll the run's job.
    Poll(JobInput),
    /// Stop the run's jobs.
    Stop(StopRequest),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fields {
    stop: Option<StopRequest>,
    pipeline: Option<String>,
    run: Option<RunId>,
    execution: Option<ExecutionContext>,
}

impl TryFrom<Fields> for StartTrainingInput {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<Self, Self::Error> {
        match fields {
            Fields {
                stop: Some(stop),
                pipeline: None,
                run: None,
                execution: None,
            } => Ok(Self::Stop(stop)),
            Fields { stop: Some(_), .. } => Err("`stop` stands alone"),
            Fields { pipeline: None, .. } => Err("missing field `pipeline`"),
            Fields { run: None, .. } => Err("missing field `run`"),
            Fields {
                pipeline: Some(pipeline),
                run: Some(run),
                execution,
                ..
            } => Ok(Self::Poll(JobInput {
                pipeline,
                run,
                execution: execution.unwrap_or_default(),
            })),
        }
    }
}

/// What `start-training` answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum StartTrainingAnswer {
    /// To a poll.
    Poll(StartTrainingOutput),
    /// To a request to stop.
    Stop(StopOutput),
}

/// Output of a request to stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StopOutput {
    /// The execution's ARN.
    pub execution: String,
    /// Its status, such as `ABORTED`.
    pub status: ExecutionStatus,
    /// The run, if the execution came so far as to plan one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The jobs that were stopped, each as its kind and name: `training job default-20261120-…`.
    pub stopped: Vec<String>,
    /// Why these, or why none, in one sentence.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_poll_and_a_request_to_stop_are_told_apart() {
        let run = "20261120-173000-1a2b3c4d";
        let read = crate::read::from_value::<StartTrainingInput>;
        let execution = json!({"Id": "arn:a", "Name": "a", "RedriveCount": 2});
        let poll = read(json!({"pipeline": "default", "run": run, "execution": execution}));
        let StartTrainingInput::Poll(poll) = poll.unwrap() else {
            panic!("it is a poll");
        };
        assert_eq!((poll.run.as_str(), poll.execution.redrive_count), (run, 2));
        let stop = read(json!({"stop": {"execution": "arn:a"}})).unwrap();
        let execution = "arn:a".to_owned();
        assert_eq!(stop, StartTrainingInput::Stop(StopRequest { execution }));
        for (wrong, words) in [
            (json!({}), "missing field `pipeline`"),
            (json!({"pipeline": "default"}), "missing field `run`"),
            (json!({"pipeline": "default", "run": 7}), "field `run`"),
            (json!({"stop": {}}), "field `stop`"),
            (
                json!({"stop": {"execution": "arn:a"}, "run": run}),
                "stands alone",
            ),
            (
                json!({"pipeline": "default", "run": run, "spare": 1}),
                "spare",
            ),
        ] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
