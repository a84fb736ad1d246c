//! Model packages: the versions of a model in SageMaker's registry, with their approval.

use crate::Tags;
use contract::ServiceError;
use serde::Serialize;
use std::collections::BTreeMap;
use std::future::Future;

/// A desired model package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PackageSpec {
    /// The model package group whose next version it is.
    pub group: String,
    /// Unique in its group; used to find the package again.
    pub description: String,
    /// At most 36 letters, digits and hyphens: a second request with the same one makes no second
    /// version.
    pub token: String,
    /// The container image that serves.
    pub image: String,
    /// `s3://…/model.tar.gz`.
    pub artifact: String,
    /// The media type of requests and answers.
    pub content_type: String,
    /// `s3://…` of the model's metrics, as JSON.
    pub metrics: String,
    /// Whatever else is to be known of it.
    pub properties: BTreeMap<String, String>,
    /// Whether it may be used.
    pub approval: PackageApproval,
}

/// Whether a model package may be used, in SageMaker's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum PackageApproval {
    /// Somebody has yet to decide.
    PendingManualApproval,
    /// It may.
    Approved,
    /// It may not.
    Rejected,
}

/// Registers models.
pub trait ModelPackages: Send + Sync {
    /// The group's tags, or `None` if there is no group of this name.
    fn group_tags(
        &self,
        group: &str,
    ) -> impl Future<Output = Result<Option<Tags>, ServiceError>> + Send;

    /// Adds tags to an existing group, or replaces their values.
    fn tag_group(
        &self,
        group: &str,
        tags: &Tags,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// Creates the group with these tags. An existing one is an error named `Conflict`.
    fn create_group(
        &self,
        group: &str,
        tags: &Tags,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// The ARN of the group's newest package of this description.
    fn find_package(
        &self,
        group: &str,
        description: &str,
    ) -> impl Future<Output = Result<Option<String>, ServiceError>> + Send;

    /// Creates the package, the next version of its group, and returns its ARN.
    fn create_package(
        &self,
        spec: &PackageSpec,
    ) -> impl Future<Output = Result<String, ServiceError>> + Send;

    /// Changes the approval of the package of this ARN, and says why.
    fn approve_package(
        &self,
        arn: &str,
        approval: PackageApproval,
        reason: &str,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;
}
