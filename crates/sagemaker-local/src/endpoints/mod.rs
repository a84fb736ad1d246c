//! Endpoints: configurations, the programs that serve, deployments, invocations, scaling.

pub mod alarms;
pub mod capture;
pub mod configs;
pub mod endpoint;
pub mod fleet;
pub mod invocation;
pub mod operations;
pub mod rollout;
pub mod scaling;
pub mod traffic;
