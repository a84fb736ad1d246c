//! Autoscaling of an endpoint's instances: the desired scaling, the existing one, and how it is
//! set.

use contract::ServiceError;
use definition::{Autoscaling, Compute};
use std::future::Future;

/// Lets endpoints' instances follow the traffic, by a policy that bears Millrace's name; other
/// people's policies and schedules are not its business.
pub trait Scaling: Send + Sync {
    /// How the endpoint is scaled, if it is by Millrace's policy.
    fn describe_scaling(
        &self,
        endpoint: &str,
    ) -> impl Future<Output = Result<Option<Autoscaling>, ServiceError>> + Send;
    /// Whether anything scales the endpoint, by Millrace's policy or another's.
    fn is_scaled(&self, endpoint: &str) -> impl Future<Output = Result<bool, ServiceError>> + Send;
    /// Lets it be scaled so, whatever was there before. The endpoint must be in service.
    fn put_scaling(
        &self,
        endpoint: &str,
        wanted: &Autoscaling,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;
    /// Removes Millrace's policy; the instances stay as many as they are. Removing what is not
    /// there succeeds.
    fn remove_scaling(
        &self,
        endpoint: &str,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;
}

/// Detaches the scaling from an endpoint whose instance type is to change, which the service
/// refuses while the endpoint is scaled.
///
/// # Errors
/// If the service refuses or cannot be reached.
pub async fn detach_scaling(
    scaling: &impl Scaling,
    endpoint: &str,
    from: &Compute,
    to: &Compute,
) -> Result<(), ServiceError> {
    let (there, wanted) = (instance_type(from), instance_type(to));
    if there.is_some() && there != wanted && scaling.describe_scaling(endpoint).await?.is_some() {
        scaling.remove_scaling(endpoint).await?;
    }
    Ok(())
}

const fn instance_type(compute: &Compute) -> Option<&String> {
    match compute {
        Compute::Instances { instance_type, .. } => Some(instance_type),
        Compute::Serverless { .. } => None,
    }
}

/// Sets the desired scaling of an endpoint in service, or removes it. Called again it changes
/// nothing.
///
/// # Errors
/// If the service refuses or cannot be reached.
pub async fn scale(
    scaling: &impl Scaling,
    endpoint: &str,
    wanted: Option<&Autoscaling>,
) -> Result<(), ServiceError> {
    let there = scaling.describe_scaling(endpoint).await?;
    match wanted {
        wanted if there.as_ref() == wanted => Ok(()),
        Some(wanted) => scaling.put_scaling(endpoint, wanted).await,
        None => scaling.remove_scaling(endpoint).await,
    }
}
