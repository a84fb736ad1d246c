//! Models, endpoint configurations and endpoints: desired and existing ones.

use crate::{Tags, differences};
use contract::{ErrorName, Named, Names, RunId, ServiceError};
use definition::{Compute, Definition, PartMissing, Shift, Vpc};
use serde::Serialize;
use std::collections::BTreeMap;
use std::future::Future;

/// A desired model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelSpec {
    /// Its name.
    pub name: String,
    /// The container image.
    pub image: String,
    /// `s3://…/model.tar.gz`.
    pub artifact: String,
    /// The role that the service assumes.
    pub role_arn: String,
    /// Environment variables of the container.
    pub environment: BTreeMap<String, String>,
    /// The network that the container runs in.
    pub vpc: Option<Vpc>,
    /// Whether the container has no network at all.
    pub network_isolation: bool,
    /// Its tags, which a description omits, so that they are not compared.
    #[serde(skip)]
    pub tags: Tags,
}

impl ModelSpec {
    /// The model that a run of this definition has trained, under the run's name.
    ///
    /// # Errors
    /// If the definition trains none.
    pub fn of_run(
        definition: &Definition,
        run: &RunId,
        image: &str,
        artifact: &str,
        role_arn: &str,
        tags: Tags,
    ) -> Result<Self, PartMissing> {
        let training = definition.training()?;
        Ok(Self {
            name: Names::run_resource(&definition.pipeline, run),
            image: image.to_owned(),
            artifact: artifact.to_owned(),
            role_arn: training.role_arn.as_deref().unwrap_or(role_arn).to_owned(),
            environment: definition.endpoint().environment.clone(),
            vpc: training.vpc.clone(),
            network_isolation: training.network_isolation,
            tags,
        })
    }
}

/// Result of creating a resource unless it exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ensured {
    /// It exists as specified.
    Exists,
    /// It was created and is not visible yet.
    Pending,
    /// Its name is taken by another one: every field that differs.
    Conflicts(Vec<String>),
}

/// Creates the model unless it exists.
///
/// # Errors
/// If the service refuses or cannot be reached.
pub async fn ensure_model(
    endpoints: &impl Endpoints,
    desired: &ModelSpec,
) -> Result<Ensured, ServiceError> {
    let mut found = endpoints.describe_model(&desired.name).await?;
    if found.is_none() {
        match endpoints.create_model(desired).await {
            Ok(()) => return Ok(Ensured::Exists),
            // Another call created it since the lookup above.
            Err(error) if error.name() == ErrorName::Conflict => {
                found = endpoints.describe_model(&desired.name).await?;
            }
            Err(error) => return Err(error),
        }
    }
    let Some(found) = found else {
        return Ok(Ensured::Pending);
    };
    let differences = differences(desired, &found);
    Ok(if differences.is_empty() {
        Ensured::Exists
    } else {
        Ensured::Conflicts(differences)
    })
}

/// A desired endpoint configuration: one variant, `AllTraffic`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigSpec {
    /// Its name.
    pub name: String,
    /// The model's name.
    pub model: String,
    /// The compute behind it.
    pub compute: Compute,
    /// Which requests and answers are kept.
    pub capture: Option<Capture>,
    /// Seconds within which the container must answer `/ping`.
    pub startup_seconds: Option<u32>,
    /// The KMS key of the volumes.
    pub volume_key: Option<String>,
    /// Its tags, which a description omits, so that they are not compared.
    #[serde(skip)]
    pub tags: Tags,
}

impl ConfigSpec {
    /// The configuration of the model that a run of this definition has trained, under the model's
    /// name; what is captured is kept in the lake's bucket, under the lake's key.
    ///
    /// # Errors
    /// If the definition trains none.
    pub fn of_run(
        definition: &Definition,
        model: &str,
        bucket: &str,
        lake_key: &str,
        tags: Tags,
    ) -> Result<Self, PartMissing> {
        let endpoint = definition.endpoint();
        let compute = endpoint.compute.clone();
        // AWS has no volume to encrypt where it has no instances.
        let key = definition.training()?.kms.volume_key.as_ref();
        let key = key.filter(|_| !compute.is_serverless());
        Ok(Self {
            name: model.to_owned(),
            model: model.to_owned(),
            capture: endpoint.data_capture.map(|capture| Capture {
                percent: capture.percent,
                destination: format!("s3://{bucket}/captured/{}", definition.pipeline),
                key: Some(lake_key.to_owned()),
            }),
            startup_seconds: endpoint.startup_seconds,
            volume_key: key.cloned(),
            tags,
            compute,
        })
    }
}

/// Which requests and answers are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Capture {
    /// Percent of the requests.
    pub percent: u32,
    /// `s3://…` below which they are kept.
    pub destination: String,
    /// The KMS key that they are written with.
    pub key: Option<String>,
}

/// How an update shifts traffic, and what takes it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// How traffic is shifted.
    pub shift: Shift,
    /// Seconds that the alarms are watched after each step.
    pub bake_seconds: u32,
    /// The alarms that take the update back; none if empty.
    pub alarms: Vec<String>,
}

/// How an endpoint is updated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Update<'a> {
    /// How traffic is shifted; all at once if absent.
    pub guard: Option<&'a Guard>,
    /// Whether the number of instances becomes the configuration's, and not what scaling has made
    /// of it.
    pub resets_count: bool,
}

/// An endpoint's status, in SageMaker's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointStatus {
    /// Not available, and not by its own fault.
    OutOfService,
    /// On its way to its first configuration.
    Creating,
    /// On its way to another configuration.
    Updating,
    /// Under the service's own maintenance.
    SystemUpdating,
    /// On its way back to the configuration before.
    RollingBack,
    /// Serving, on whichever configuration.
    InService,
    /// Going away.
    Deleting,
    /// Not created; it can only be deleted.
    Failed,
    /// Neither the new nor the old configuration could be reached.
    UpdateRollbackFailed,
}

impl EndpointStatus {
    /// The status as the service writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OutOfService => "OutOfService",
            Self::Creating => "Creating",
            Self::Updating => "Updating",
            Self::SystemUpdating => "SystemUpdating",
            Self::RollingBack => "RollingBack",
            Self::InService => "InService",
            Self::Deleting => "Deleting",
            Self::Failed => "Failed",
            Self::UpdateRollbackFailed => "UpdateRollbackFailed",
        }
    }
}

/// What is there under an endpoint's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointInfo {
    /// The configuration in force (while updating: the one before).
    pub config: String,
    /// Its status.
    pub status: EndpointStatus,
    /// Why it failed or was rolled back, in the service's words.
    pub failure_reason: Option<String>,
    /// While it is on its way: the configuration it is on its way to, if the service says.
    pub pending: Option<String>,
    /// Seconds since it was last changed.
    pub age_seconds: u64,
}

/// Creates, describes and removes models, endpoint configurations and endpoints.
pub trait Endpoints: Send + Sync {
    /// The model, or `None` if there is none of this name.
    fn describe_model(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Option<ModelSpec>, ServiceError>> + Send;
    /// Creates the model; that it is there already is an error named `Conflict`.
    fn create_model(
        &self,
        spec: &ModelSpec,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;
    /// Removes the model; its artifact stays. Removing what is not there succeeds.
    fn delete_model(&self, name: &str) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// The configuration, or `None` if there is none of this name.
    fn describe_config(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Option<ConfigSpec>, ServiceError>> + Send;
    /// Creates the configuration; that it is there already is an error named `Conflict`.
    fn create_config(
        &self,
        spec: &ConfigSpec,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;
    /// Removes the configuration. Removing what is not there succeeds.
    fn delete_config(&self, name: &str) -> impl Future<Output = Result<(), ServiceError>> + Send;
    /// The names of all configurations that begin with `prefix`, oldest first.
    fn list_configs(
        &self,
        prefix: &str,
    ) -> impl Future<Output = Result<Vec<String>, ServiceError>> + Send;

    /// The endpoint, or `None` if there is none of this name.
    fn describe_endpoint(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Option<EndpointInfo>, ServiceError>> + Send;
    /// The endpoint's tags, or `None` if there is no endpoint of this name.
    fn endpoint_tags(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Option<Tags>, ServiceError>> + Send;
    /// Adds tags to an existing endpoint, or replaces their values.
    fn tag_endpoint(
        &self,
        name: &str,
        tags: &Tags,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;
    /// Creates the endpoint with these tags. An existing one is an error named `Conflict`.
    fn create_endpoint(
        &self,
        name: &str,
        config: &str,
        tags: &Tags,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;
    /// Brings the endpoint to another configuration, as [`Update`] says.
    fn update_endpoint(
        &self,
        name: &str,
        config: &str,
        update: Update<'_>,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;
}

/// An endpoint's answer to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prediction {
    /// The body.
    pub body: Vec<u8>,
    /// Its media type.
    pub content_type: Option<String>,
}

/// Asks an endpoint for predictions.
pub trait Invoke: Send + Sync {
    /// Sends `body` of the media type `content_type`.
    fn invoke(
        &self,
        endpoint: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> impl Future<Output = Result<Prediction, ServiceError>> + Send;
}
