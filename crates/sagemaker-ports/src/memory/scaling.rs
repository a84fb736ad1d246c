//! Scaling in memory.

use super::MemorySageMaker;
use crate::Scaling;
use contract::ServiceError;
use definition::Autoscaling;

impl MemorySageMaker {
    /// Lets somebody else's policy scale the endpoint.
    pub fn scale_by_others(&self, endpoint: &str) {
        self.state().scaled_by_others.insert(endpoint.to_owned());
    }
}

impl Scaling for MemorySageMaker {
    async fn describe_scaling(&self, endpoint: &str) -> Result<Option<Autoscaling>, ServiceError> {
        self.call("DescribeScalingPolicies", |state| {
            Ok(state.scaled.get(endpoint).copied())
        })
        .await
    }

    async fn is_scaled(&self, endpoint: &str) -> Result<bool, ServiceError> {
        self.call("DescribeScalableTargets", |state| {
            let own = state.scaled.contains_key(endpoint);
            Ok(own || state.scaled_by_others.contains(endpoint))
        })
        .await
    }

    async fn put_scaling(&self, endpoint: &str, wanted: &Autoscaling) -> Result<(), ServiceError> {
        self.call("PutScalingPolicy", |state| {
            state.scaled.insert(endpoint.to_owned(), *wanted);
            state.took_effect("PutScalingPolicy", endpoint);
            Ok(())
        })
        .await
    }

    async fn remove_scaling(&self, endpoint: &str) -> Result<(), ServiceError> {
        self.call("DeleteScalingPolicy", |state| {
            if state.scaled.remove(endpoint).is_some() {
                state.took_effect("DeleteScalingPolicy", endpoint);
            }
            Ok(())
        })
        .await
    }
}
