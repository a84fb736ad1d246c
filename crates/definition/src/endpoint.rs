//! The endpoint of a pipeline.

use super::{Autoscaling, Compute, Guardrails, Shift, Training};
use crate::faults::Faults;
use contract::Names;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The endpoint of a pipeline.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoint {
    /// The endpoint's name, stable for its clients; by default `<stack>-<pipeline>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the run may adopt an existing endpoint, or model package group, of another pipeline of
    /// this stack. It is tagged, and belongs to this pipeline from then on, so the field can be removed
    /// after that run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopt: bool,
    /// The endpoint's compute.
    #[serde(default)]
    pub compute: Compute,
    /// Autoscaling of the instances; by default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<Autoscaling>,
    /// How an endpoint on instances is updated; by default by a canary, which the endpoint's alarms
    /// roll back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardrails: Option<Guardrails>,
    /// 90th percentile of the model's latency in milliseconds, 1 to 60000, above which the
    /// endpoint's latency alarm goes off; by default 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 60_000))]
    pub max_latency_milliseconds: Option<u32>,
    /// Requests and answers to capture in the lake, below `captured/`; by default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_capture: Option<DataCapture>,
    /// Environment variables of the serving container.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Seconds within which the container must answer `/ping`, 60 to 3600; only for instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 3600))]
    pub startup_seconds: Option<u32>,
    /// Endpoint configurations and models to keep, the current one included; at least 2, because a
    /// rollback needs the previous one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2))]
    pub keep: Option<u32>,
}

/// Capture of requests and answers of an endpoint on instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DataCapture {
    /// Percent of the requests, 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub percent: u32,
}

impl Endpoint {
    /// For [`Endpoint::max_latency_milliseconds`].
    pub const MAX_LATENCY_MILLISECONDS: u32 = 1000;

    /// How an update shifts traffic, and which alarms roll it back. With a single instance, a
    /// canary or a linear step shifts all traffic at once; the alarms still apply.
    pub fn update_guardrails(&self) -> Guardrails {
        let mut guardrails = self.guardrails.clone().unwrap_or_default();
        if self.has_one_instance() {
            guardrails.shift = Shift::AllAtOnce;
        }
        guardrails
    }

    /// The latency in milliseconds above which the endpoint's latency alarm goes off.
    pub fn max_latency_milliseconds(&self) -> u32 {
        self.max_latency_milliseconds
            .unwrap_or(Self::MAX_LATENCY_MILLISECONDS)
    }

    fn has_one_instance(&self) -> bool {
        let most = match (&self.compute, &self.autoscaling) {
            (Compute::Serverless { .. }, _) => return false,
            (_, Some(autoscaling)) => autoscaling.max_instances,
            (Compute::Instances { count, .. }, None) => *count,
        };
        most == 1
    }

    /// A warning about a valid setting that cannot take effect as written.
    pub(crate) fn warning(&self) -> Option<String> {
        let shift = self.guardrails.as_ref()?.shift;
        (self.has_one_instance() && shift != Shift::AllAtOnce).then(|| {
            "field `endpoint.guardrails.shift`: the endpoint has one instance, which cannot be \
             shifted in parts, so an update shifts its traffic all at once; raise \
             endpoint.compute.instances.count for a canary"
                .to_owned()
        })
    }

    pub(crate) fn validate(&self, training: &Training, faults: &mut Faults) {
        if let Some(name) = &self.name
            && let Err(message) = Names::check_sagemaker(name)
        {
            faults.add("endpoint.name", message);
        }
        if self.keep.is_some_and(|keep| keep < 2) {
            faults.add(
                "endpoint.keep",
                "must be at least 2: the previous model is what a rollback returns to",
            );
        }
        let capture = self.data_capture.map_or(1, |capture| capture.percent);
        if !(1..=100).contains(&capture) {
            faults.add("endpoint.dataCapture.percent", "must be 1 to 100");
        }
        if self
            .startup_seconds
            .is_some_and(|it| !(60..=3600).contains(&it))
        {
            faults.add("endpoint.startupSeconds", "must be 60 to 3600");
        }
        if self
            .max_latency_milliseconds
            .is_some_and(|it| !(1..=60_000).contains(&it))
        {
            faults.add("endpoint.maxLatencyMilliseconds", "must be 1 to 60000");
        }
        self.compute.validate(faults);
        if let Some(autoscaling) = &self.autoscaling {
            autoscaling.validate(&self.compute, faults);
        }
        if let Some(guardrails) = &self.guardrails {
            guardrails.validate(faults);
        }
        if !self.compute.is_serverless() {
            return;
        }
        // Settings that AWS refuses, or silently ignores, for a serverless endpoint.
        let only_instances = [
            ("endpoint.autoscaling", self.autoscaling.is_some()),
            ("endpoint.guardrails", self.guardrails.is_some()),
            ("endpoint.dataCapture", self.data_capture.is_some()),
            ("endpoint.startupSeconds", self.startup_seconds.is_some()),
            ("training.vpc", training.vpc.is_some()),
            ("training.networkIsolation", training.network_isolation),
        ];
        for (path, _) in only_instances.into_iter().filter(|(_, asked)| *asked) {
            faults.add(
                path,
                "AWS has no such thing for a serverless endpoint: set endpoint.compute.instances, or \
                 leave it out",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Endpoint;
    use crate::Shift;
    use serde_json::{Value, json};

    fn endpoint(json: Value) -> Endpoint {
        contract::read::from_value(json).unwrap()
    }

    #[test]
    fn one_instance_is_not_shifted_in_parts_and_says_so_if_that_was_asked_for() {
        let instances =
            |count| json!({"instances": {"instanceType": "ml.m5.large", "count": count}});
        let canary = json!({"shift": {"canary": {"percent": 10}}});
        let scaled =
            |most| json!({"minInstances": 1, "maxInstances": most, "invocationsPerInstance": 9});
        for (json, shift, warns) in [
            (json!({"compute": instances(1)}), Shift::AllAtOnce, false),
            (
                json!({"compute": instances(1), "guardrails": canary}),
                Shift::AllAtOnce,
                true,
            ),
            (
                json!({"compute": instances(1), "guardrails": canary, "autoscaling": scaled(4)}),
                Shift::Canary { percent: 10 },
                false,
            ),
            (
                json!({"compute": instances(2), "guardrails": canary}),
                Shift::Canary { percent: 10 },
                false,
            ),
        ] {
            let endpoint = endpoint(json.clone());
            assert_eq!(endpoint.update_guardrails().shift, shift, "{json}");
            assert_eq!(endpoint.warning().is_some(), warns, "{json}");
        }
    }
}
