//! The second input of `publish-report`: report a run that did not succeed.

use crate::checked::{CheckOutput, CheckRequest};
use crate::states::{Outcome, PublishReportInput, PublishReportOutput};
use crate::{ExecutionStatus, RunId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The execution that is to be reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FailedRequest {
    /// Its ARN.
    pub execution: String,
}

/// The request to report an execution that failed, timed out or was aborted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FailedInput {
    /// Which execution.
    pub failed: FailedRequest,
}

/// What `publish-report` is called with: by the state machine with [`PublishReportInput`], by the rule
/// on executions that did not succeed with [`FailedInput`], and every few minutes with
/// [`crate::checked::CheckInput`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Fields")]
pub enum ReportInput {
    /// Report a run that succeeded, and end it.
    Succeeded(PublishReportInput),
    /// Report a run that did not succeed.
    Failed(FailedRequest),
    /// Look whether runs are late, or data is stale.
    Check(CheckRequest),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fields {
    failed: Option<FailedRequest>,
    check: Option<CheckRequest>,
    pipeline: Option<String>,
    run: Option<RunId>,
    outcome: Option<Outcome>,
}

impl TryFrom<Fields> for ReportInput {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<Self, Self::Error> {
        match fields {
            Fields {
                failed: Some(failed),
                check: None,
                pipeline: None,
                run: None,
                outcome: None,
            } => Ok(Self::Failed(failed)),
            Fields {
                failed: Some(_), ..
            } => Err("`failed` excludes every other field"),
            Fields {
                check: Some(check),
                pipeline: None,
                run: None,
                outcome: None,
                ..
            } => Ok(Self::Check(check)),
            Fields { check: Some(_), .. } => Err("`check` excludes every other field"),
            Fields { pipeline: None, .. } => Err("missing field `pipeline`"),
            Fields { run: None, .. } => Err("missing field `run`"),
            Fields { outcome: None, .. } => Err("missing field `outcome`"),
            Fields {
                pipeline: Some(pipeline),
                run: Some(run),
                outcome: Some(outcome),
                ..
            } => Ok(Self::Succeeded(PublishReportInput {
                pipeline,
                run,
                outcome,
            })),
        }
    }
}

/// What `publish-report` answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ReportOutput {
    /// To the state machine.
    Succeeded(PublishReportOutput),
    /// To the rule.
    Failed(FailedOutput),
    /// To the schedule.
    Checked(CheckOutput),
}

/// Output of a request to report a run that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FailedOutput {
    /// The execution's ARN.
    pub execution: String,
    /// Its status, such as `FAILED`.
    pub status: ExecutionStatus,
    /// The run, if the execution's input names a pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Key of the run's page, if one was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_key: Option<String>,
    /// Whether this call sent a notice.
    pub notified: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_inputs_are_told_apart() {
        let run = "20261120-173000-1a2b3c4d";
        let read = crate::read::from_value::<ReportInput>;
        let ended = read(json!({"pipeline": "p", "run": run, "outcome": "Exported"})).unwrap();
        let expected = PublishReportInput {
            pipeline: "p".to_owned(),
            run: RunId::parse(run).unwrap(),
            outcome: Outcome::Exported,
        };
        assert_eq!(ended, ReportInput::Succeeded(expected));
        let failed = read(json!({"failed": {"execution": "arn:a"}})).unwrap();
        let execution = "arn:a".to_owned();
        assert_eq!(failed, ReportInput::Failed(FailedRequest { execution }));
        let checked = read(json!({"check": {"stateMachine": "arn:m"}})).unwrap();
        let state_machine = "arn:m".to_owned();
        assert_eq!(checked, ReportInput::Check(CheckRequest { state_machine }));
        for (wrong, words) in [
            (
                json!({"check": {"stateMachine": "arn:m"}, "run": run}),
                "excludes every other field",
            ),
            (json!({"run": run, "outcome": "Exported"}), "pipeline"),
            (json!({"pipeline": "p", "outcome": "Exported"}), "run"),
            (json!({"pipeline": "p", "run": run}), "outcome"),
            (
                json!({"failed": {"execution": "arn:a"}, "run": run}),
                "excludes every other field",
            ),
            (
                json!({"failed": {"execution": "arn:a"}, "spare": 1}),
                "spare",
            ),
        ] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
