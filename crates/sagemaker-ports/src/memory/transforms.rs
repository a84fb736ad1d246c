//! Transform jobs in memory: each description finds them further on.

use super::jobs::not_running;
use super::{MemorySageMaker, refusal};
use crate::{TransformInfo, TransformSpec, TransformStatus, Transforms};
use contract::{ErrorName, ServiceError};
use std::collections::BTreeMap;

/// How much older a job is at each description.
const SECONDS_PER_POLL: u64 = 10;

/// How a transform job ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TransformOutcome {
    /// Completed.
    #[default]
    Completes,
    /// In this status, for this reason.
    Ends(TransformStatus, String),
}

#[derive(Debug)]
pub(super) struct Transform {
    pub info: TransformInfo,
    pub tags: BTreeMap<String, String>,
    outcome: TransformOutcome,
    polls: u64,
    is_stopping: bool,
}

impl Transform {
    /// What is there now; the next poll finds more.
    fn poll(&mut self) -> TransformInfo {
        let mut info = TransformInfo {
            age_seconds: self.polls * SECONDS_PER_POLL,
            ..self.info.clone()
        };
        self.polls += 1;
        if std::mem::take(&mut self.is_stopping) {
            info.status = TransformStatus::Stopping;
        } else if self.has_ended() {
            match &self.outcome {
                TransformOutcome::Completes => info.status = TransformStatus::Completed,
                TransformOutcome::Ends(status, reason) => {
                    info.status = *status;
                    info.failure_reason = Some(reason.clone());
                }
            }
        }
        info
    }

    /// Its second description finds it ended.
    const fn has_ended(&self) -> bool {
        self.polls > 1
    }
}

impl Transforms for MemorySageMaker {
    async fn describe_transform(&self, name: &str) -> Result<Option<TransformInfo>, ServiceError> {
        self.call("DescribeTransformJob", |state| {
            Ok(state.transforms.get_mut(name).map(Transform::poll))
        })
        .await
    }

    async fn create_transform(&self, spec: &TransformSpec) -> Result<(), ServiceError> {
        const OPERATION: &str = "CreateTransformJob";
        self.call(OPERATION, |state| {
            if state.transforms.contains_key(&spec.name) {
                let (name, code) = (ErrorName::Conflict, "ResourceInUse");
                let message = "Job name must be unique within an AWS account and region";
                return Err(refusal(OPERATION, &spec.name, name, code, message).into());
            }
            let transform = Transform {
                tags: spec.tags.clone(),
                info: TransformInfo {
                    spec: TransformSpec {
                        tags: BTreeMap::new(),
                        ..spec.clone()
                    },
                    status: TransformStatus::InProgress,
                    failure_reason: None,
                    age_seconds: 0,
                },
                outcome: state.next_transforms.pop_front().unwrap_or_default(),
                polls: 0,
                is_stopping: false,
            };
            state.transforms.insert(spec.name.clone(), transform);
            state.took_effect(OPERATION, &spec.name);
            Ok(())
        })
        .await
    }

    async fn stop_transform(&self, name: &str) -> Result<(), ServiceError> {
        const OPERATION: &str = "StopTransformJob";
        self.call(OPERATION, |state| {
            let running = |job: &&mut Transform| !job.has_ended() && !job.is_stopping;
            let job = state.transforms.get_mut(name).filter(running);
            let job = job.ok_or_else(|| Box::new(not_running(OPERATION, name)))?;
            job.is_stopping = true;
            job.outcome = TransformOutcome::Ends(TransformStatus::Stopped, "stopped".to_owned());
            state.took_effect(OPERATION, name);
            Ok(())
        })
        .await
    }
}
