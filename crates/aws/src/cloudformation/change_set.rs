//! Change sets: what a template would change of a stack, before it does.

use super::{Stacks, Template, refused, split, unreadable};
use aws_sdk_cloudformation::types::{
    Capability, ChangeAction, ChangeSetStatus, ChangeSetType, Parameter, Replacement,
    ResourceChange,
};
use contract::{ErrorName, ServiceError};

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterValue {
    /// The stack's own.
    Earlier,
    /// This one.
    Given(String),
}

/// A change set to be made.
#[derive(Debug, Clone)]
pub struct NewChangeSet<'a> {
    /// The stack.
    pub stack: &'a str,
    /// Its name, which is unique in the stack.
    pub name: &'a str,
    /// Whether there is no such stack yet.
    pub is_new: bool,
    /// The template.
    pub template: &'a Template,
    /// The parameters; those that are left out have the template's defaults.
    pub parameters: &'a [(String, ParameterValue)],
}

/// The state of a change set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeSet {
    /// The service still compares.
    Pending,
    /// The stack is as the template says.
    Empty,
    /// It can be executed, and changes these resources.
    Ready(Vec<ResourceDifference>),
    /// The service cannot make it, for this reason.
    Failed(String),
}

/// What becomes of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// It is removed.
    Remove,
    /// Another one takes its place.
    Replace,
    /// Another one takes its place, if a value that is not known yet differs.
    PerhapsReplace,
    /// It is changed.
    Modify,
    /// It is created, or taken into the stack.
    Add,
}

/// One resource that a change set changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceDifference {
    /// What becomes of it.
    pub action: Action,
    /// Its name in the template.
    pub resource: String,
    /// Its type, such as `AWS::IAM::Role`.
    pub kind: String,
}

impl Stacks {
    /// Begins to make a change set. The template may create roles and use transforms. For a stack
    /// that is new, an empty one in the state `REVIEW_IN_PROGRESS` appears.
    ///
    /// # Errors
    /// If the service refuses the template or a parameter, or fails.
    pub async fn begin_change_set(&self, new: &NewChangeSet<'_>) -> Result<(), ServiceError> {
        let (body, url) = split(new.template);
        let parameters = new.parameters.iter().map(|(name, value)| {
            let parameter = Parameter::builder().parameter_key(name);
            match value {
                ParameterValue::Earlier => parameter.use_previous_value(true),
                ParameterValue::Given(value) => parameter.parameter_value(value),
            }
            .build()
        });
        let request = self
            .client
            .create_change_set()
            .stack_name(new.stack)
            .change_set_name(new.name)
            .change_set_type(if new.is_new {
                ChangeSetType::Create
            } else {
                ChangeSetType::Update
            })
            .set_template_body(body)
            .set_template_url(url)
            .set_parameters(Some(parameters.collect()))
            .capabilities(Capability::CapabilityIam)
            .capabilities(Capability::CapabilityAutoExpand);
        let answer = request.send().await;
        let answer = answer.map_err(|error| refused("CreateChangeSet", new.stack, error));
        answer.map(drop)
    }

    /// A change set with all its changes, in the order of the service.
    ///
    /// # Errors
    /// If there is no such change set, or the service refuses or fails.
    pub async fn change_set(&self, stack: &str, name: &str) -> Result<ChangeSet, ServiceError> {
        const OPERATION: &str = "DescribeChangeSet";
        let mut differences = Vec::new();
        let mut token = None;
        loop {
            let request = self.client.describe_change_set().stack_name(stack);
            let request = request.change_set_name(name).set_next_token(token);
            let answer = request.send().await;
            let answer = answer.map_err(|error| refused(OPERATION, stack, error))?;
            match answer.status {
                Some(ChangeSetStatus::CreatePending | ChangeSetStatus::CreateInProgress) => {
                    return Ok(ChangeSet::Pending);
                }
                Some(ChangeSetStatus::CreateComplete) => {}
                status => {
                    let reason = answer.status_reason.unwrap_or_default();
                    // The service has no code of its own for this.
                    let is_empty = reason.contains("didn't contain changes")
                        || reason.contains("No updates are to be performed");
                    return Ok(if is_empty {
                        ChangeSet::Empty
                    } else if reason.is_empty() {
                        let status = status.map_or("no status".to_owned(), |it| it.to_string());
                        ChangeSet::Failed(status)
                    } else {
                        ChangeSet::Failed(reason)
                    });
                }
            }
            let changes = answer.changes.unwrap_or_default().into_iter();
            for change in changes.filter_map(|change| change.resource_change) {
                differences.push(
                    difference(change)
                        .ok_or_else(|| unreadable(OPERATION, stack, "a change of no resource"))?,
                );
            }
            token = answer.next_token;
            if token.is_none() {
                return Ok(ChangeSet::Ready(differences));
            }
        }
    }

    /// Starts to change the stack as the change set says.
    ///
    /// # Errors
    /// If the change set cannot be executed (any more), or the service refuses or fails.
    pub async fn execute_change_set(&self, stack: &str, name: &str) -> Result<(), ServiceError> {
        let request = self.client.execute_change_set().stack_name(stack);
        let answer = request.change_set_name(name).send().await;
        let answer = answer.map_err(|error| refused("ExecuteChangeSet", stack, error));
        answer.map(drop)
    }

    /// Removes a change set that was not executed. If there is none, that is not an error.
    ///
    /// # Errors
    /// If the service refuses or fails.
    pub async fn remove_change_set(&self, stack: &str, name: &str) -> Result<(), ServiceError> {
        let request = self.client.delete_change_set().stack_name(stack);
        let Err(error) = request.change_set_name(name).send().await else {
            return Ok(());
        };
        let error = refused("DeleteChangeSet", stack, error);
        match error.name {
            ErrorName::NotFound => Ok(()),
            _ => Err(error),
        }
    }
}

fn difference(change: ResourceChange) -> Option<ResourceDifference> {
    let action = match change.action? {
        ChangeAction::Remove => Action::Remove,
        ChangeAction::Add | ChangeAction::Import => Action::Add,
        _ => match change.replacement {
            Some(Replacement::True) => Action::Replace,
            Some(Replacement::Conditional) => Action::PerhapsReplace,
            _ => Action::Modify,
        },
    };
    Some(ResourceDifference {
        action,
        resource: change.logical_resource_id?,
        kind: change.resource_type?,
    })
}
