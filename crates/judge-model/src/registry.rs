//! Registers the model as a version in SageMaker's model registry; the version's approval status
//! follows the decision.
//!
//! A run creates its version once: the run's record names it; without a record it is looked up by
//! its description; and a repeated request has the same client token.

use crate::JudgeModelError;
use definition::PartMissing;
use lake::records::{ModelPackageRecord, Plan, TrainingRecord, VerdictRecord};
use lake::{ObjectStore, RunKeys, documents};
use sagemaker_ports::{ModelPackages, Owner, PackageApproval, PackageSpec, claim_group};
use serde_json::{Map, Value, json};

/// What a version is made of.
pub struct Entry<'a, S, P> {
    pub store: &'a S,
    pub packages: &'a P,
    pub run: &'a RunKeys,
    pub plan: &'a Plan,
    pub training: &'a TrainingRecord,
    pub owner: Owner,
}

const PACKAGE: &str = "the record of a model package";

impl<S: ObjectStore, P: ModelPackages> Entry<'_, S, P> {
    /// Creates the version if there is none, and sets its approval status.
    pub async fn set_approval(
        &self,
        approval: PackageApproval,
        verdict: &VerdictRecord,
    ) -> Result<(), JudgeModelError> {
        if !self.plan.definition.promotion()?.register {
            return Ok(());
        }
        let key = self.run.model_package();
        let wanted = word(approval);
        let known: Option<ModelPackageRecord> =
            documents::read_if_there(self.store, &key, PACKAGE).await?;
        let mut record = match known {
            Some(record) if record.approval == wanted => return Ok(()),
            Some(record) => record,
            None => self.find_or_create(approval, verdict).await?,
        };
        let reason = &verdict.reason;
        self.packages
            .approve_package(&record.arn, approval, reason)
            .await?;
        wanted.clone_into(&mut record.approval);
        documents::write(self.store, &key, &record).await?;
        tracing::info!(
            package = record.arn,
            approval = wanted,
            "registered the model"
        );
        Ok(())
    }

    async fn find_or_create(
        &self,
        approval: PackageApproval,
        verdict: &VerdictRecord,
    ) -> Result<ModelPackageRecord, JudgeModelError> {
        // A plan names it, whether or not the definition does.
        let group = &self.plan.definition.promotion()?.model_package_group;
        let part = "promotion.modelPackageGroup";
        let group = group.as_deref().ok_or(PartMissing { part })?;
        let spec = self.spec(group, approval, verdict);
        let adopt = self.plan.definition.endpoint().adopt;
        claim_group(self.packages, group, &self.owner, adopt).await??;
        let found = self.packages.find_package(group, &spec.description).await?;
        let arn = if let Some(arn) = found {
            arn
        } else {
            let metrics = self.metrics();
            documents::write(self.store, &self.run.model_metrics(), &metrics).await?;
            self.packages.create_package(&spec).await?
        };
        Ok(ModelPackageRecord {
            group: group.to_owned(),
            arn,
            approval: String::new(),
        })
    }

    fn spec(&self, group: &str, approval: PackageApproval, verdict: &VerdictRecord) -> PackageSpec {
        let (pipeline, run) = (self.run.pipeline(), self.run.run());
        let bucket = self.store.bucket();
        let properties = [
            ("pipeline", pipeline.to_owned()),
            ("run", run.to_string()),
            ("trainingJob", self.training.job.clone()),
            ("metric", verdict.metric.clone()),
            ("value", verdict.value.to_string()),
            ("dataset", format!("s3://{bucket}/{}", self.run.dataset())),
        ];
        PackageSpec {
            group: group.to_owned(),
            description: format!("Millrace: run {run} of pipeline {pipeline}"),
            token: run.to_string(),
            image: self.training.image.clone(),
            artifact: self.training.artifact.clone(),
            content_type: "text/csv".to_owned(),
            metrics: format!("s3://{bucket}/{}", self.run.model_metrics()),
            properties: properties
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            approval,
        }
    }

    /// The metrics in the form that SageMaker Studio shows for a version.
    fn metrics(&self) -> Value {
        let metrics = self.training.metrics.iter();
        let metrics: Map<String, Value> = metrics
            .map(|(name, value)| (name.clone(), json!({ "value": value })))
            .collect();
        json!({ "metrics": metrics })
    }
}

const fn word(approval: PackageApproval) -> &'static str {
    match approval {
        PackageApproval::PendingManualApproval => "PendingManualApproval",
        PackageApproval::Approved => "Approved",
        PackageApproval::Rejected => "Rejected",
    }
}
