//! CloudFormation: creates or updates a stack and reports its state.

mod change_set;

pub use change_set::{Action, ChangeSet, NewChangeSet, ParameterValue, ResourceDifference};

use crate::classify::service_error;
use aws_config::SdkConfig;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudformation::types::{Capability, Parameter};
use contract::{ErrorName, ServiceError};
use std::collections::BTreeMap;

const SERVICE: &str = "CloudFormation";

/// The longest template that can be sent as text; a longer one must be in S3.
pub const MAX_TEMPLATE_BODY: usize = 51_200;

/// The stacks of an account. Cheap to clone: clones share the client's connections.
#[derive(Debug, Clone)]
pub struct Stacks {
    client: Client,
}

/// Where a template is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Template {
    /// In the request, at most [`MAX_TEMPLATE_BODY`] bytes.
    Body(String),
    /// In S3, at this URL.
    Url(String),
}

/// Result of creating or updating a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is being created.
    Creating,
    /// It is being updated.
    Updating,
    /// It is up to date.
    None,
}

/// A stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackInfo {
    /// Its status as the service spells it, such as `CREATE_COMPLETE`.
    pub status: String,
    /// Its outputs by key.
    pub outputs: BTreeMap<String, String>,
    /// The values of its parameters by key, defaults included.
    pub parameters: BTreeMap<String, String>,
}

impl StackInfo {
    /// Whether a change is in progress.
    pub fn is_changing(&self) -> bool {
        self.status.ends_with("_IN_PROGRESS")
    }

    /// Whether the last change succeeded.
    pub fn is_ready(&self) -> bool {
        matches!(self.status.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE")
    }
}

/// One event of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackEvent {
    /// The resource's name in the template.
    pub resource: String,
    /// Its status as the service spells it, such as `CREATE_FAILED`.
    pub status: String,
    /// The reason, if the service gives one.
    pub reason: Option<String>,
}

impl StackEvent {
    /// Whether something failed.
    pub fn is_failure(&self) -> bool {
        self.status.ends_with("_FAILED")
    }

    /// Whether a creation, an update or a deletion of the resource began.
    fn is_start(&self) -> bool {
        matches!(
            self.status.as_str(),
            "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" | "DELETE_IN_PROGRESS"
        )
    }
}

impl Stacks {
    /// The stacks at the CloudFormation endpoint of `config`.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
        }
    }

    /// Starts to create the stack, or to update it if it exists. The template may create roles and
    /// use transforms.
    ///
    /// # Errors
    /// If the service refuses the template or fails.
    pub async fn begin(
        &self,
        stack: &str,
        template: &Template,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Change, ServiceError> {
        if self.describe(stack).await?.is_some() {
            return self.update(stack, template, parameters).await;
        }
        let (body, url) = split(template);
        let request = self
            .client
            .create_stack()
            .stack_name(stack)
            .set_template_body(body)
            .set_template_url(url)
            .set_parameters(Some(parameter_list(parameters)))
            .capabilities(Capability::CapabilityIam)
            .capabilities(Capability::CapabilityAutoExpand);
        match request.send().await {
            Ok(_) => Ok(Change::Creating),
            Err(error) => Err(refused("CreateStack", stack, error)),
        }
    }

    async fn update(
        &self,
        stack: &str,
        template: &Template,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Change, ServiceError> {
        let (body, url) = split(template);
        let request = self
            .client
            .update_stack()
            .stack_name(stack)
            .set_template_body(body)
            .set_template_url(url)
            .set_parameters(Some(parameter_list(parameters)))
            .capabilities(Capability::CapabilityIam)
            .capabilities(Capability::CapabilityAutoExpand);
        let Err(error) = request.send().await else {
            return Ok(Change::Updating);
        };
        let error = refused("UpdateStack", stack, error);
        // The service has no code of its own for this.
        if error.message.starts_with("No updates are to be performed") {
            return Ok(Change::None);
        }
        Err(error)
    }

    /// The stack, or `None` if there is none with this name.
    ///
    /// # Errors
    /// If the service refuses or fails.
    pub async fn describe(&self, stack: &str) -> Result<Option<StackInfo>, ServiceError> {
        const OPERATION: &str = "DescribeStacks";
        let answer = match self.client.describe_stacks().stack_name(stack).send().await {
            Ok(answer) => answer,
            Err(error) => {
                let error = refused(OPERATION, stack, error);
                return if error.name == ErrorName::NotFound {
                    Ok(None)
                } else {
                    Err(error)
                };
            }
        };
        let described = answer.stacks.unwrap_or_default().into_iter().next();
        let described = described.ok_or_else(|| unreadable(OPERATION, stack, "no stack"))?;
        let status = described
            .stack_status
            .ok_or_else(|| unreadable(OPERATION, stack, "a stack without status"))?;
        let outputs = described.outputs.unwrap_or_default();
        let parameters = described.parameters.unwrap_or_default();
        Ok(Some(StackInfo {
            status: status.as_str().to_owned(),
            outputs: outputs
                .into_iter()
                .filter_map(|output| Some((output.output_key?, output.output_value?)))
                .collect(),
            parameters: parameters
                .into_iter()
                .filter_map(|parameter| {
                    Some((parameter.parameter_key?, parameter.parameter_value?))
                })
                .collect(),
        }))
    }

    /// The events of the stack's resources, newest first.
    ///
    /// # Errors
    /// If the service refuses or fails.
    pub async fn events(&self, stack: &str) -> Result<Vec<StackEvent>, ServiceError> {
        self.events_until(stack, |_| false).await
    }

    /// The events of the newest creation, update or deletion of the stack, newest first. `stack` is
    /// its name.
    ///
    /// # Errors
    /// If the service refuses or fails.
    pub async fn newest_events(&self, stack: &str) -> Result<Vec<StackEvent>, ServiceError> {
        self.events_until(stack, |event| event.resource == stack && event.is_start())
            .await
    }

    /// The events up to the first one that `is_last`.
    async fn events_until(
        &self,
        stack: &str,
        is_last: impl Fn(&StackEvent) -> bool,
    ) -> Result<Vec<StackEvent>, ServiceError> {
        const OPERATION: &str = "DescribeStackEvents";
        let mut events = Vec::new();
        let request = self.client.describe_stack_events().stack_name(stack);
        let mut pages = request.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| refused(OPERATION, stack, error))?;
            for event in page.stack_events.unwrap_or_default() {
                let resource = event.logical_resource_id;
                let status = event.resource_status;
                let (Some(resource), Some(status)) = (resource, status) else {
                    return Err(unreadable(
                        OPERATION,
                        stack,
                        "an event without resource or status",
                    ));
                };
                events.push(StackEvent {
                    resource,
                    status: status.as_str().to_owned(),
                    reason: event.resource_status_reason,
                });
                if events.last().is_some_and(&is_last) {
                    return Ok(events);
                }
            }
        }
        Ok(events)
    }
}

fn split(template: &Template) -> (Option<String>, Option<String>) {
    match template {
        Template::Body(body) => (Some(body.clone()), None),
        Template::Url(url) => (None, Some(url.clone())),
    }
}

fn parameter_list(parameters: &BTreeMap<String, String>) -> Vec<Parameter> {
    parameters
        .iter()
        .map(|(key, value)| {
            Parameter::builder()
                .parameter_key(key)
                .parameter_value(value)
                .build()
        })
        .collect()
}

fn refused<E>(operation: &'static str, stack: &str, error: SdkError<E>) -> ServiceError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    service_error(SERVICE, operation, stack, error)
}

/// A successful answer that lacks a field of the API.
fn unreadable(operation: &'static str, stack: &str, what: &str) -> ServiceError {
    ServiceError {
        name: ErrorName::ServiceUnavailable,
        service: SERVICE,
        operation,
        subject: stack.to_owned(),
        code: "ResponseUnreadable".to_owned(),
        message: format!("the answer holds {what}"),
        source: None,
    }
}
