//! The stack and pipeline that a resource belongs to, as its tags say.
//!
//! Endpoints and model package groups have names that others may use too: another stack of the same
//! account, another pipeline, a person. So everything is tagged when it is created, and whatever
//! exists under a shared name is checked before it is changed. What exists is tagged only when one
//! pipeline adopts what another one of the same stack has: a function that could tag anything could
//! make anything its own.

use crate::{Endpoints, ModelPackages};
use contract::{Conflict, ErrorName, Named, RunId, ServiceError};
use std::collections::BTreeMap;

/// Tags by their keys.
pub type Tags = BTreeMap<String, String>;

/// The stack and pipeline that a resource belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The CloudFormation stack's name.
    pub stack: String,
    /// The pipeline.
    pub pipeline: String,
}

impl Owner {
    /// The key of the tag with the stack's name. The IAM conditions of the stack name it too.
    pub const STACK: &'static str = "millrace:stack";
    /// The key of the tag with the pipeline's name.
    pub const PIPELINE: &'static str = "millrace:pipeline";
    /// The key of the tag with the run's id, on what one run alone uses.
    pub const RUN: &'static str = "millrace:run";

    /// The pipeline of this stack.
    pub fn new(stack: &str, pipeline: &str) -> Self {
        Self {
            stack: stack.to_owned(),
            pipeline: pipeline.to_owned(),
        }
    }

    /// The tags of what all runs of the pipeline share.
    pub fn tags(&self) -> Tags {
        let tags = [
            (Self::STACK, self.stack.as_str()),
            (Self::PIPELINE, self.pipeline.as_str()),
        ];
        tags.map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    }

    /// The tags of what one run alone uses.
    pub fn run_tags(&self, run: &RunId) -> Tags {
        let mut tags = self.tags();
        tags.insert(Self::RUN.to_owned(), run.to_string());
        tags
    }

    fn owns(&self, tags: &Tags) -> bool {
        let own = self.tags();
        own.iter().all(|(key, value)| tags.get(key) == Some(value))
    }

    /// Whether a resource with these tags may be changed. With `adopt` it may also be one of another
    /// pipeline of the stack.
    fn may_use(&self, shared: &Shared<'_>, tags: &Tags, adopt: bool) -> Ownership {
        let is_of_stack = tags.get(Self::STACK) == Some(&self.stack);
        if self.owns(tags) || (adopt && is_of_stack) {
            return Ok(());
        }
        Err(self.conflict(shared, tags))
    }

    fn conflict(&self, shared: &Shared<'_>, tags: &Tags) -> Conflict {
        let tagged = |key| tags.get(key).map(String::as_str);
        let owner = match (tagged(Self::STACK), tagged(Self::PIPELINE)) {
            (Some(stack), Some(pipeline)) => {
                format!("the pipeline {pipeline} of the stack {stack}")
            }
            _ if tags.is_empty() => "somebody else (it has no tags)".to_owned(),
            _ => {
                let tags: Vec<String> = tags
                    .iter()
                    .map(|(key, value)| format!("{key}={value}"))
                    .collect();
                format!("somebody else (its tags: {})", tags.join(", "))
            }
        };
        Conflict::Foreign {
            what: shared.what,
            name: shared.name.into(),
            owner: owner.into(),
            pipeline: self.pipeline.as_str().into(),
            stack: self.stack.as_str().into(),
            field: shared.field,
        }
    }
}

/// A resource under a name that others may use too.
struct Shared<'a> {
    what: &'static str,
    name: &'a str,
    /// The definition's field that names it.
    field: &'static str,
}

impl<'a> Shared<'a> {
    const fn endpoint(name: &'a str) -> Self {
        Self {
            what: "endpoint",
            name,
            field: "endpoint.name",
        }
    }

    const fn group(name: &'a str) -> Self {
        Self {
            what: "model package group",
            name,
            field: "promotion.modelPackageGroup",
        }
    }
}

/// Whether something may be changed, or why not.
pub type Ownership = Result<(), Conflict>;

/// Checks that an endpoint, if there is one, belongs to `owner`, or may be adopted (`adopt`).
/// Changes nothing.
///
/// # Errors
/// If the service refuses or cannot be reached.
pub async fn check_endpoint(
    endpoints: &impl Endpoints,
    name: &str,
    owner: &Owner,
    adopt: bool,
) -> Result<Ownership, ServiceError> {
    let found = endpoints.endpoint_tags(name).await?;
    let shared = Shared::endpoint(name);
    Ok(found.map_or(Ok(()), |tags| owner.may_use(&shared, &tags, adopt)))
}

/// Checks the same, and tags an endpoint that is adopted: from now on it belongs to `owner`.
///
/// # Errors
/// If the service refuses or cannot be reached.
pub async fn claim_endpoint(
    endpoints: &impl Endpoints,
    name: &str,
    owner: &Owner,
    adopt: bool,
) -> Result<Ownership, ServiceError> {
    let Some(tags) = endpoints.endpoint_tags(name).await? else {
        return Ok(Ok(()));
    };
    let ownership = owner.may_use(&Shared::endpoint(name), &tags, adopt);
    if ownership.is_ok() && !owner.owns(&tags) {
        tracing::warn!(endpoint = name, ?tags, "adopts the endpoint");
        endpoints.tag_endpoint(name, &owner.tags()).await?;
    }
    Ok(ownership)
}

/// Creates the model package group, or checks that it belongs to `owner`. One that may be adopted
/// (`adopt`) is tagged: from now on it belongs to `owner`.
///
/// # Errors
/// If the service refuses or cannot be reached.
pub async fn claim_group(
    packages: &impl ModelPackages,
    group: &str,
    owner: &Owner,
    adopt: bool,
) -> Result<Ownership, ServiceError> {
    let mut found = packages.group_tags(group).await?;
    if found.is_none() {
        match packages.create_group(group, &owner.tags()).await {
            Ok(()) => return Ok(Ok(())),
            // Created since the lookup above, or just before it: new groups become visible late.
            Err(error) if error.name() == ErrorName::Conflict => {
                found = packages.group_tags(group).await?;
                if found.is_none() {
                    return Err(ServiceError {
                        name: ErrorName::ServiceUnavailable,
                        ..error
                    });
                }
            }
            Err(error) => return Err(error),
        }
    }
    let tags = found.unwrap_or_default();
    let ownership = owner.may_use(&Shared::group(group), &tags, adopt);
    if ownership.is_ok() && !owner.owns(&tags) {
        tracing::warn!(group, ?tags, "adopts the model package group");
        packages.tag_group(group, &owner.tags()).await?;
    }
    Ok(ownership)
}

/// Checks that the model package group, if there is one, belongs to `owner`, or may be adopted
/// (`adopt`). Changes nothing.
///
/// # Errors
/// If the service refuses or cannot be reached.
pub async fn check_group(
    packages: &impl ModelPackages,
    group: &str,
    owner: &Owner,
    adopt: bool,
) -> Result<Ownership, ServiceError> {
    let found = packages.group_tags(group).await?;
    let shared = Shared::group(group);
    Ok(found.map_or(Ok(()), |tags| owner.may_use(&shared, &tags, adopt)))
}
