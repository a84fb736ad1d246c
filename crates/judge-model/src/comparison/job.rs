//! One look at one of the two transform jobs, which is created by the first. It must not know the rows.

use super::Comparison;
use crate::JudgeModelError;
use contract::{Conflict, ErrorName, Named as _, Names};
use lake::ObjectStore;
use lake::attempt::{Attempt, Attempts};
use sagemaker_ports::{
    Endpoints, Owner, TransformInfo, TransformSpec, TransformStatus, Transforms, differences,
};
use std::fmt;

/// This run's model.
pub const CHALLENGER: &str = "challenger";
/// The model that serves.
pub const CHAMPION: &str = "champion";

const PAYLOAD_MB: u32 = 6;

/// What a job is at.
pub enum Look {
    /// Not at its end.
    InProgress {
        /// In SageMaker's words.
        status: &'static str,
        /// Seconds since its creation.
        age_seconds: u64,
    },
    /// At its end.
    Completed,
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InProgress { status, .. } => status,
            Self::Completed => TransformStatus::Completed.as_str(),
        })
    }
}

impl<S: ObjectStore, G: Endpoints + Transforms> Comparison<'_, S, G> {
    /// The attempts at this one of the two.
    pub(super) fn attempts(&self, role: &str) -> Attempts<'_, S> {
        Attempts {
            store: self.store,
            key: self.run.comparison_attempt(role),
            redrives: self.redrives,
        }
    }

    /// The job that is wanted.
    pub(super) fn job(&self, role: &str, attempt: u32) -> TransformSpec {
        let (pipeline, run) = (self.run.pipeline(), self.run.run());
        let below = |key: String| format!("s3://{}/{key}", self.store.bucket());
        let model = if role == CHAMPION {
            self.champion.model.clone()
        } else {
            Names::run_resource(pipeline, run)
        };
        let training = &self.plan.definition.training;
        let own_tags = Owner::new(&self.settings.stack, pipeline).run_tags(run);
        TransformSpec {
            name: Names::judging_job(pipeline, run, role, attempt),
            model,
            input: below(self.run.judged_rows(role)),
            content_type: "text/csv".to_owned(),
            columns: None,
            output: below(self.run.judged_predictions(role, attempt)),
            instance_type: self.reevaluate.instance_type.clone(),
            // It has one object to read.
            instance_count: 1,
            // The service's own default, stated: whether it tells that one is not documented.
            max_payload_mb: Some(PAYLOAD_MB),
            volume_key: training.kms.volume_key.clone(),
            // Not the definition's: this function reads them.
            output_key: Some(self.settings.lake_key.clone()),
            tags: training.tags.clone().into_iter().chain(own_tags).collect(),
        }
    }

    /// One look at this one of the two. A job that has ended badly is told until a redrive: SageMaker never
    /// frees its name, so only then another is asked for.
    pub(super) async fn look(
        &self,
        role: &str,
        attempt: u32,
        spec: &TransformSpec,
    ) -> Result<Look, JudgeModelError> {
        let Some(info) = self.found_or_created(spec).await? else {
            return Ok(Look::InProgress {
                status: "Starting",
                age_seconds: 0,
            });
        };
        Conflict::check("transform job", &spec.name, &differences(spec, &info.spec))?;
        match info.status {
            TransformStatus::Completed => Ok(Look::Completed),
            TransformStatus::InProgress | TransformStatus::Stopping => Ok(Look::InProgress {
                status: info.status.as_str(),
                age_seconds: info.age_seconds,
            }),
            TransformStatus::Failed | TransformStatus::Stopped => {
                let error = JudgeModelError::of_end(spec, info, &self.settings.region);
                let (attempts, next) = (self.attempts(role), attempt + 1);
                if error.name() == ErrorName::CapacityUnavailable {
                    // Nothing was paid for, and the state machine tries again after a while.
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

    /// The job that is there, or `None` if it has just been asked for and does not show yet.
    async fn found_or_created(
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
            // Taken since the look above.
            Err(error) if error.name() == ErrorName::Conflict => {
                Ok(self.sagemaker.describe_transform(name).await?)
            }
            // The model was there a moment ago: not every store of the service knows it yet.
            Err(error) if error.name() == ErrorName::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
