//! Distributes an endpoint's invocations to its programs, and plans how an update shifts them from
//! the old programs to the new ones.
//!
//! Source: `DeploymentConfig` of the SageMaker API reference.

use crate::endpoints::fleet::Fleet;
use crate::protocol::members::parse;
use crate::protocol::refusal::Refusal;
use crate::protocol::validation::{Kind, Rule, check, optional, required, text};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The programs behind each endpoint, by its name.
#[derive(Debug, Default)]
pub struct Fleets(Mutex<HashMap<String, Traffic>>);

impl Fleets {
    pub fn lock(&self) -> MutexGuard<'_, HashMap<String, Traffic>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The programs behind an endpoint.
#[derive(Debug, Clone)]
pub struct Traffic {
    /// The programs that serve. During an update these are the old ones.
    pub serving: Arc<Fleet>,
    /// The new programs of an update, and their current share of the invocations.
    pub shifting: Option<(Arc<Fleet>, f64)>,
}

impl Traffic {
    /// All invocations go to one fleet.
    pub fn to(serving: Arc<Fleet>) -> Self {
        Self {
            serving,
            shifting: None,
        }
    }

    /// The programs for one invocation, chosen at random by the share.
    pub fn choose(&self) -> &Arc<Fleet> {
        match &self.shifting {
            Some((fleet, share)) if fastrand::f64() < *share => fleet,
            _ => &self.serving,
        }
    }
}

const POLICY: &str = "DeploymentConfig.BlueGreenUpdatePolicy";
const SIZE: Kind = Kind::OneOf(&["INSTANCE_COUNT", "CAPACITY_PERCENT"]);
const SECONDS: Kind = Kind::Integer { min: 0, max: 3600 };
/// The constraints on a request's `DeploymentConfig`.
pub const RULES: &[Rule] = &[
    optional("DeploymentConfig", Kind::Object),
    optional("DeploymentConfig.BlueGreenUpdatePolicy", Kind::Object),
    required(
        "DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration",
        Kind::Object,
    ),
    required(
        "DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration.Type",
        Kind::OneOf(&["ALL_AT_ONCE", "CANARY", "LINEAR"]),
    ),
    required(
        "DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration.WaitIntervalInSeconds",
        SECONDS,
    ),
    required(
        "DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration.CanarySize.Type",
        SIZE,
    ),
    required(
        "DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration.CanarySize.Value",
        Kind::Integer {
            min: 1,
            max: i64::MAX,
        },
    ),
    required(
        "DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration.LinearStepSize.Type",
        SIZE,
    ),
    required(
        "DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration.LinearStepSize.Value",
        Kind::Integer {
            min: 1,
            max: i64::MAX,
        },
    ),
    optional(
        "DeploymentConfig.BlueGreenUpdatePolicy.TerminationWaitInSeconds",
        SECONDS,
    ),
    optional(
        "DeploymentConfig.BlueGreenUpdatePolicy.MaximumExecutionTimeoutInSeconds",
        Kind::Integer {
            min: 600,
            max: 28_800,
        },
    ),
    optional(
        "DeploymentConfig.AutoRollbackConfiguration.Alarms",
        Kind::List { min: 1, max: 10 },
    ),
    required(
        "DeploymentConfig.AutoRollbackConfiguration.Alarms[].AlarmName",
        text(255, ".+"),
    ),
];

/// The plan by which an update shifts invocations.
#[derive(Debug, Clone, PartialEq)]
pub struct Shift {
    /// The shares of the new programs, one after the other. The last is 1.
    pub shares: Vec<f64>,
    /// The time for which each share but the last is watched.
    pub wait: Duration,
    /// The time for which the old programs stay after that.
    pub termination_wait: Duration,
    /// The names of the alarms that are watched during the update.
    pub alarms: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Config {
    blue_green_update_policy: Policy,
    auto_rollback_configuration: Rollback,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Policy {
    traffic_routing_configuration: Routing,
    termination_wait_in_seconds: u64,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Routing {
    r#type: String,
    wait_interval_in_seconds: u64,
    canary_size: Option<Size>,
    linear_step_size: Option<Size>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Size {
    r#type: String,
    value: f64,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Rollback {
    alarms: Vec<Alarm>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Alarm {
    alarm_name: String,
}

impl Shift {
    /// Reads the `DeploymentConfig` of a request that meets [`RULES`]. Null means all at once. The
    /// fleet has `instances`.
    pub fn read(config: &Value, instances: i64) -> Result<Self, Refusal> {
        let config: Config = if config.is_null() {
            Config::default()
        } else if config["RollingUpdatePolicy"].is_null() {
            parse(config)?
        } else {
            return Err(Refusal::validation(
                "sagemaker-local does not support RollingUpdatePolicy: use BlueGreenUpdatePolicy",
            ));
        };
        let policy = config.blue_green_update_policy;
        let routing = policy.traffic_routing_configuration;
        let share = |size: Option<Size>, member: &str, bounds: (f64, f64)| match size {
            None => Err(Refusal::validation(format!(
                "{POLICY}: {member} is missing"
            ))),
            Some(size) => share_of(&size, instances, member, bounds),
        };
        let shares = match routing.r#type.as_str() {
            "CANARY" => vec![share(routing.canary_size, "CanarySize", (0.0, 0.5))?, 1.0],
            "LINEAR" => {
                let step = share(routing.linear_step_size, "LinearStepSize", (0.1, 0.5))?;
                let steps = (1..).map(|count| step * f64::from(count));
                let mut shares: Vec<_> = steps.take_while(|share| *share < 0.999).collect();
                shares.push(1.0);
                shares
            }
            _ => vec![1.0],
        };
        let alarms = config.auto_rollback_configuration.alarms.into_iter();
        Ok(Self {
            shares,
            wait: Duration::from_secs(routing.wait_interval_in_seconds),
            termination_wait: Duration::from_secs(policy.termination_wait_in_seconds),
            alarms: alarms.map(|alarm| alarm.alarm_name).collect(),
        })
    }
}

/// The share of all invocations, which must lie within these bounds.
fn share_of(
    size: &Size,
    instances: i64,
    member: &str,
    (least, most): (f64, f64),
) -> Result<f64, Refusal> {
    let whole = if size.r#type == "CAPACITY_PERCENT" {
        100.0
    } else {
        instances.max(1) as f64
    };
    let share = size.value / whole;
    // One of one instance would be the whole fleet, so the share is the largest that is allowed.
    if instances <= 1 && size.r#type == "INSTANCE_COUNT" {
        return Ok(most);
    }
    if share < least || share > most {
        return Err(Refusal::validation(format!(
            "{POLICY}: {member} must be {:.0} to {:.0} percent of the fleet's capacity, and is {:.0}",
            least * 100.0,
            most * 100.0,
            share * 100.0
        )));
    }
    Ok(share)
}

/// Checks a request's `DeploymentConfig` against its constraints.
pub fn validate(request: &Value) -> Result<(), Refusal> {
    check(request, RULES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shift(routing: &Value) -> Result<Shift, Refusal> {
        let policy = json!({
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": 7,
        });
        let alarms = json!({"Alarms": [{"AlarmName": "errors"}]});
        let config = json!({"BlueGreenUpdatePolicy": policy, "AutoRollbackConfiguration": alarms});
        validate(&json!({ "DeploymentConfig": config }))?;
        Shift::read(&config, 4)
    }

    #[test]
    fn each_type_has_its_shares() {
        let percent = |value: u32| json!({"Type": "CAPACITY_PERCENT", "Value": value});
        let canary =
            json!({"Type": "CANARY", "WaitIntervalInSeconds": 5, "CanarySize": percent(10)});
        let canary = shift(&canary).unwrap();
        assert_eq!(canary.shares, [0.1, 1.0]);
        assert_eq!(canary.wait, Duration::from_secs(5));
        assert_eq!(canary.termination_wait, Duration::from_secs(7));
        assert_eq!(canary.alarms, ["errors"]);
        let linear =
            json!({"Type": "LINEAR", "WaitIntervalInSeconds": 5, "LinearStepSize": percent(25)});
        assert_eq!(shift(&linear).unwrap().shares, [0.25, 0.5, 0.75, 1.0]);
        let one = json!({"Type": "INSTANCE_COUNT", "Value": 1});
        let linear = json!({"Type": "LINEAR", "WaitIntervalInSeconds": 5, "LinearStepSize": one});
        assert_eq!(shift(&linear).unwrap().shares, [0.25, 0.5, 0.75, 1.0]);
        let all = json!({"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0});
        assert_eq!(shift(&all).unwrap().shares, [1.0]);
        assert_eq!(Shift::read(&Value::Null, 1).unwrap().shares, [1.0]);
    }

    #[test]
    fn invalid_configurations_are_refused() {
        let percent = |value: u32| json!({"Type": "CAPACITY_PERCENT", "Value": value});
        for routing in [
            json!({"Type": "CANARY", "WaitIntervalInSeconds": 5, "CanarySize": percent(51)}),
            json!({"Type": "CANARY", "WaitIntervalInSeconds": 5}),
            json!({"Type": "LINEAR", "WaitIntervalInSeconds": 5, "LinearStepSize": percent(9)}),
            json!({"Type": "SLOWLY", "WaitIntervalInSeconds": 5}),
            json!({"Type": "CANARY", "WaitIntervalInSeconds": 3601, "CanarySize": percent(10)}),
            json!({"Type": "ALL_AT_ONCE"}),
        ] {
            assert!(shift(&routing).is_err(), "{routing}");
        }
    }
}
