//! Model packages in memory.

use super::{MemorySageMaker, refusal};
use crate::{ModelPackages, PackageApproval, PackageSpec, Tags};
use contract::{ErrorName, ServiceError};

/// A version of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its ARN.
    pub arn: String,
    /// What it was made with; the approval is the one of now.
    pub spec: PackageSpec,
    /// Why it is approved or rejected.
    pub reason: Option<String>,
}

impl MemorySageMaker {
    /// All model packages, oldest first.
    pub fn packages(&self) -> Vec<Package> {
        self.state().packages.clone()
    }
}

fn missing(operation: &'static str, what: &str) -> ServiceError {
    let message = format!("{what} does not exist.");
    let code = "ValidationException";
    refusal(operation, what, ErrorName::NotFound, code, &message)
}

impl ModelPackages for MemorySageMaker {
    async fn group_tags(&self, group: &str) -> Result<Option<Tags>, ServiceError> {
        self.call("ListTags", |state| Ok(state.groups.get(group).cloned()))
            .await
    }

    async fn tag_group(&self, group: &str, tags: &Tags) -> Result<(), ServiceError> {
        self.call("AddTags", |state| {
            let Some(all) = state.groups.get_mut(group) else {
                return Err(missing("AddTags", group).into());
            };
            all.extend(tags.clone());
            state.took_effect("AddTags", group);
            Ok(())
        })
        .await
    }

    async fn create_group(&self, group: &str, tags: &Tags) -> Result<(), ServiceError> {
        const OPERATION: &str = "CreateModelPackageGroup";
        self.call(OPERATION, |state| {
            if state.groups.contains_key(group) {
                let message = "Model Package Group already exists.";
                let (name, code) = (ErrorName::Conflict, "ValidationException");
                return Err(refusal(OPERATION, group, name, code, message).into());
            }
            state.groups.insert(group.to_owned(), tags.clone());
            state.took_effect(OPERATION, group);
            Ok(())
        })
        .await
    }

    async fn find_package(
        &self,
        group: &str,
        description: &str,
    ) -> Result<Option<String>, ServiceError> {
        self.call("ListModelPackages", |state| {
            let mut newest_first = state.packages.iter().rev();
            let found = newest_first
                .find(|it| it.spec.group == group && it.spec.description == description);
            Ok(found.map(|package| package.arn.clone()))
        })
        .await
    }

    async fn create_package(&self, spec: &PackageSpec) -> Result<String, ServiceError> {
        const OPERATION: &str = "CreateModelPackage";
        self.call(OPERATION, |state| {
            if !state.groups.contains_key(&spec.group) {
                return Err(missing(OPERATION, &spec.group).into());
            }
            let mut group = state
                .packages
                .iter()
                .filter(|it| it.spec.group == spec.group);
            if let Some(same) = group.find(|it| it.spec.token == spec.token) {
                return Ok(same.arn.clone());
            }
            let group = state
                .packages
                .iter()
                .filter(|it| it.spec.group == spec.group);
            let version = group.count() + 1;
            let arn = format!("arn:aws:sagemaker:::model-package/{}/{version}", spec.group);
            state.packages.push(Package {
                arn: arn.clone(),
                spec: spec.clone(),
                reason: None,
            });
            state.took_effect(OPERATION, &arn);
            Ok(arn)
        })
        .await
    }

    async fn approve_package(
        &self,
        arn: &str,
        approval: PackageApproval,
        reason: &str,
    ) -> Result<(), ServiceError> {
        const OPERATION: &str = "UpdateModelPackage";
        self.call(OPERATION, |state| {
            let package = state.packages.iter_mut().find(|it| it.arn == arn);
            let package = package.ok_or_else(|| missing(OPERATION, arn))?;
            package.spec.approval = approval;
            package.reason = Some(reason.to_owned());
            state.took_effect(OPERATION, arn);
            Ok(())
        })
        .await
    }
}
