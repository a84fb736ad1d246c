//! Tags of new and existing resources.

use super::{InvalidAnswer, SERVICE};
use crate::classify::service_error;
use aws_sdk_sagemaker::types;
use contract::ServiceError;
use sagemaker_ports::Tags;

/// The tags as a request takes them; `None` if there are none.
pub(super) fn request(tags: &Tags) -> Option<Vec<types::Tag>> {
    let tags = tags
        .iter()
        .map(|(key, value)| types::Tag::builder().key(key).value(value).build());
    let tags: Vec<types::Tag> = tags.collect();
    (!tags.is_empty()).then_some(tags)
}

/// All tags of the resource `name` with this ARN.
pub(super) async fn tags_of(
    client: &aws_sdk_sagemaker::Client,
    name: &str,
    arn: &str,
) -> Result<Tags, ServiceError> {
    let mut pages = client.list_tags().resource_arn(arn).into_paginator().send();
    let mut tags = Tags::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| service_error(SERVICE, "ListTags", name, error))?;
        let listed = page.tags.unwrap_or_default().into_iter();
        tags.extend(listed.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))));
    }
    Ok(tags)
}

/// Adds tags to the resource `name` with this ARN, or replaces their values.
pub(super) async fn add(
    client: &aws_sdk_sagemaker::Client,
    name: &str,
    arn: &str,
    tags: &Tags,
) -> Result<(), ServiceError> {
    let add = client.add_tags().resource_arn(arn);
    let answer = add.set_tags(request(tags)).send().await;
    answer
        .map(drop)
        .map_err(|error| service_error(SERVICE, "AddTags", name, error))
}

/// The ARN in the field `field` of a description.
pub(super) fn arn(arn: Option<String>, field: &'static str) -> Result<String, InvalidAnswer> {
    arn.ok_or(InvalidAnswer::Missing(field))
}
