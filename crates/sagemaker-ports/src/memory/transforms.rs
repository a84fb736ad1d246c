//! Transform jobs in memory: each description finds them further on.

use super::{MemorySageMaker, refusal};
use crate::{TransformInfo, TransformSpec, TransformStatus, Transforms};
use contract::{ErrorName, ServiceError};
use std::collections::BTreeMap;

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
}

impl Transform {
    /// What is there now; the next poll finds more.
    fn poll(&mut self) -> TransformInfo {
        let seen = self.info.clone();
        self.info.age_seconds += 10;
        if let TransformOutcome::Ends(status, reason) = &self.outcome {
            self.info.status = *status;
            self.info.failure_reason = Some(reason.clone());
        } else {
            self.info.status = TransformStatus::Completed;
        }
        seen
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
            };
            state.transforms.insert(spec.name.clone(), transform);
            state.took_effect(OPERATION, &spec.name);
            Ok(())
        })
        .await
    }
}
