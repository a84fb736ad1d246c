//! Model packages: versions of a model package group.

use super::{InvalidAnswer, SERVICE, SageMaker, if_there, tags};
use crate::classify::service_error;
use aws_sdk_sagemaker::types;
use contract::ServiceError;
use sagemaker_ports::{ModelPackages, PackageApproval, PackageSpec, Tags};

const CREATE: &str = "CreateModelPackage";
const DESCRIBE_GROUP: &str = "DescribeModelPackageGroup";
const GROUP_ARN: &str = "ModelPackageGroupArn";
/// Maximum length of an approval's description.
const LONGEST_REASON: usize = 1024;

impl ModelPackages for SageMaker {
    async fn group_tags(&self, group: &str) -> Result<Option<Tags>, ServiceError> {
        let request = self.client.describe_model_package_group();
        let request = request.model_package_group_name(group);
        let Some(found) = if_there(DESCRIBE_GROUP, group, request.send()).await? else {
            return Ok(None);
        };
        let arn = tags::arn(found.model_package_group_arn, GROUP_ARN)
            .map_err(|unfit| unfit.into_error(DESCRIBE_GROUP, group))?;
        Ok(Some(tags::tags_of(&self.client, group, &arn).await?))
    }

    async fn tag_group(&self, group: &str, tags: &Tags) -> Result<(), ServiceError> {
        let request = self.client.describe_model_package_group();
        let request = request.model_package_group_name(group);
        let found = request
            .send()
            .await
            .map_err(|error| service_error(SERVICE, DESCRIBE_GROUP, group, error))?;
        let arn = tags::arn(found.model_package_group_arn, GROUP_ARN)
            .map_err(|unfit| unfit.into_error(DESCRIBE_GROUP, group))?;
        tags::add(&self.client, group, &arn, tags).await
    }

    async fn create_group(&self, group: &str, tags: &Tags) -> Result<(), ServiceError> {
        let request = self.client.create_model_package_group();
        let request = request.model_package_group_name(group);
        let answer = request.set_tags(tags::request(tags)).send().await;
        answer
            .map(drop)
            .map_err(|error| service_error(SERVICE, "CreateModelPackageGroup", group, error))
    }

    async fn find_package(
        &self,
        group: &str,
        description: &str,
    ) -> Result<Option<String>, ServiceError> {
        let mut token = None;
        loop {
            let request = self.client.list_model_packages();
            let page = request
                .model_package_group_name(group)
                .sort_by(types::ModelPackageSortBy::CreationTime)
                .sort_order(types::SortOrder::Descending)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| service_error(SERVICE, "ListModelPackages", group, error))?;
            let mut packages = page.model_package_summary_list().iter();
            let found = packages.find(|it| it.model_package_description() == Some(description));
            if let Some(arn) = found.and_then(|package| package.model_package_arn()) {
                return Ok(Some(arn.to_owned()));
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(None);
            }
        }
    }

    async fn create_package(&self, spec: &PackageSpec) -> Result<String, ServiceError> {
        let container = types::ModelPackageContainerDefinition::builder()
            .image(&spec.image)
            .model_data_url(&spec.artifact)
            .build();
        let inference = types::InferenceSpecification::builder()
            .containers(container)
            .supported_content_types(&spec.content_type)
            .supported_response_mime_types(&spec.content_type)
            .build();
        let metrics = types::MetricsSource::builder()
            .content_type("application/json")
            .s3_uri(&spec.metrics)
            .build();
        let quality = types::ModelQuality::builder().statistics(metrics).build();
        let request = self.client.create_model_package();
        let answer = request
            .model_package_group_name(&spec.group)
            .model_package_description(&spec.description)
            .client_token(&spec.token)
            .inference_specification(inference)
            .model_metrics(
                types::ModelMetrics::builder()
                    .model_quality(quality)
                    .build(),
            )
            .set_customer_metadata_properties(Some(spec.properties.clone().into_iter().collect()))
            .model_approval_status(status(spec.approval))
            .send()
            .await
            .map_err(|error| service_error(SERVICE, CREATE, &spec.group, error))?;
        let arn = answer.model_package_arn;
        arn.ok_or_else(|| InvalidAnswer::Missing("ModelPackageArn").into_error(CREATE, &spec.group))
    }

    async fn approve_package(
        &self,
        arn: &str,
        approval: PackageApproval,
        reason: &str,
    ) -> Result<(), ServiceError> {
        let reason: String = reason.chars().take(LONGEST_REASON).collect();
        let request = self.client.update_model_package();
        let answer = request
            .model_package_arn(arn)
            .model_approval_status(status(approval))
            .approval_description(reason)
            .send()
            .await;
        answer
            .map(drop)
            .map_err(|error| service_error(SERVICE, "UpdateModelPackage", arn, error))
    }
}

const fn status(approval: PackageApproval) -> types::ModelApprovalStatus {
    match approval {
        PackageApproval::PendingManualApproval => types::ModelApprovalStatus::PendingManualApproval,
        PackageApproval::Approved => types::ModelApprovalStatus::Approved,
        PackageApproval::Rejected => types::ModelApprovalStatus::Rejected,
    }
}
