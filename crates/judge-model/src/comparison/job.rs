//! One poll of one of the two transform jobs; the first poll creates the job.

use super::Comparison;
use crate::JudgeModelError;
use contract::{Conflict, ErrorName, Named as _, Names};
use definition::PartMissing;
use lake::ObjectStore;
use lake::attempt::{Attempt, Attempts};
use sagemaker_ports::{
    Endpoints, Owner, TransformInfo, TransformSpec, TransformStatus, Transforms, differences,
};
use std::fmt;

const PAYLOAD_MB: u32 = 6;

/// State of a transform job.
pub enum JobState {
    /// The job has not ended.
    InProgress {
        /// SageMaker's status.
        status: &'static str,
        /// Seconds since its creation.
        age_seconds: u64,
    },
    /// The job ended well.
    Completed,
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InProgress { status, .. } => status,
            Self::Completed => TransformStatus::Completed.as_str(),
        })
    }
}

impl<S: ObjectStore, G: Endpoints + Transforms> Comparison<'_, S, G> {
    /// The attempts at the job of this role.
    pub(super) fn attempts(&self, role: &str) -> Attempts<'_, S> {
        Attempts {
            store: self.store,
            key: self.run.comparison_attempt(role),
            redrives: self.redrives,
        }
    }

    /// The desired job.
    pub(super) fn job(&self, role: &str, attempt: u32) -> Result<TransformSpec, PartMissing> {
        let (pipeline, run) = (self.run.pipeline(), self.run.run());
        let below = |key: String| format!("s3://{}/{key}", self.store.bucket());
        let model = if role == Names::CHAMPION {
            self.champion.model.clone()
        } else {
            Names::run_resource(pipeline, run)
        };
        let training = self.plan.definition.training()?;
        let own_tags = Owner::new(&self.settings.stack, pipeline).run_tags(run);
        Ok(TransformSpec {
            name: Names::judging_job(pipeline, run, role, attempt),
            model,
            input: below(self.run.judged_rows(role)),
            content_type: "text/csv".to_owned(),
            columns: None,
            output: below(self.run.judged_predictions(role, attempt)),
            instance_type: self.reevaluate.instance_type.clone(),
            // The job reads a single object.
            instance_count: 1,
            // The service's own default, set explicitly: whether SageMaker describes a default is
            // not documented.
            max_payload_mb: Some(PAYLOAD_MB),
            volume_key: training.kms.volume_key.clone(),
            // Not the definition's key: this function reads the predictions.
            output_key: Some(self.settings.lake_key.clone()),
            tags: training.tags.clone().into_iter().chain(own_tags).collect(),
        })
    }

    /// Polls the job of this role. A failed job is reported until the execution is redriven:
    /// SageMaker never frees a job's name, so only then another job is created.
    pub(super) async fn poll(
        &self,
        role: &str,
        attempt: u32,
        spec: &TransformSpec,
    ) -> Result<JobState, JudgeModelError> {
        let Some(info) = self.find_or_create(spec).await? else {
            return Ok(JobState::InProgress {
                status: "Starting",
                age_seconds: 0,
            });
        };
        Conflict::check("transform job", &spec.name, &differences(spec, &info.spec))?;
        match info.status {
            TransformStatus::Completed => Ok(JobState::Completed),
            TransformStatus::InProgress | TransformStatus::Stopping => Ok(JobState::InProgress {
                status: info.status.as_str(),
                age_seconds: info.age_seconds,
            }),
            TransformStatus::Failed | TransformStatus::Stopped => {
                let error = JudgeModelError::from_ended_job(spec, info, &self.settings.region);
                let (attempts, next) = (self.attempts(role), attempt + 1);
                if error.name() == ErrorName::CapacityUnavailable {
                    // Nothing was paid for, and the state machine retries after a while.
                    let next = Attempt {
                        attempt: next,
                        ..Attempt::default()
                    };
                    attempts.note(&next).await?;
                } else {
                    attempts.close(next, &error).await?;
                }
                Err(error)
            }
        }
    }

    /// The job, or `None` if it was just created and is not visible yet.
    async fn find_or_create(
        &self,
        spec: &TransformSpec,
    ) -> Result<Option<TransformInfo>, JudgeModelError> {
        let name = &spec.name;
        if let Some(info) = self.sagemaker.describe_transform(name).await? {
            return Ok(Some(info));
        }
        match self.sagemaker.create_transform(spec).await {
            Ok(()) => {
                tracing::info!(job = name, "created the transform job");
                Ok(None)
            }
            // Another call created it since the lookup above.
            Err(error) if error.name() == ErrorName::Conflict => {
                Ok(self.sagemaker.describe_transform(name).await?)
            }
            // The model existed a moment ago but is not visible everywhere in the service yet.
            Err(error) if error.name() == ErrorName::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
