//! The version and the alias of a state machine on local AWS.
//!
//! SAM's transform creates both for a state machine with `AutoPublishAlias`; local AWS does not.

use super::{SERVICE, StateMachines};
use crate::classify::service_error;
use aws_sdk_sfn::error::ProvideErrorMetadata;
use aws_sdk_sfn::types::RoutingConfigurationListItem;
use contract::ServiceError;

impl StateMachines {
    /// Publishes the current state machine, and points the alias to that version only.
    ///
    /// # Errors
    /// If the service refuses or fails.
    pub async fn point_alias(&self, machine: &str, alias: &str) -> Result<(), ServiceError> {
        const PUBLISH: &str = "PublishStateMachineVersion";
        const UPDATE: &str = "UpdateStateMachineAlias";
        const CREATE: &str = "CreateStateMachineAlias";
        let publish = self.client.publish_state_machine_version();
        let published = publish.state_machine_arn(machine).send().await;
        let version = published
            .map_err(|error| service_error(SERVICE, PUBLISH, machine, error))?
            .state_machine_version_arn;
        let route = RoutingConfigurationListItem::builder()
            .state_machine_version_arn(version)
            .weight(100)
            .build()
            .expect("a route has a version and a weight");

        let update = self.client.update_state_machine_alias();
        let update = update.state_machine_alias_arn(alias);
        match update.routing_configuration(route.clone()).send().await {
            Ok(_) => return Ok(()),
            Err(error) if error.code() == Some("ResourceNotFound") => {}
            Err(error) => return Err(service_error(SERVICE, UPDATE, alias, error)),
        }
        let name = alias.rsplit(':').next().unwrap_or(alias);
        let create = self.client.create_state_machine_alias();
        let created = create.name(name).routing_configuration(route).send().await;
        created.map_err(|error| service_error(SERVICE, CREATE, alias, error))?;
        Ok(())
    }
}
