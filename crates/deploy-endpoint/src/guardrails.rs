//! The alarms of a pipeline's endpoint, and those that may roll one update back.

use crate::{DeployEndpointError, Settings};
use definition::Endpoint;
use sagemaker_ports::{AlarmSpec, Alarms, Guard, Owner};

/// What guards the endpoint of a run.
pub struct Guardrails<'a, A> {
    alarms: &'a A,
    /// The alarms that every endpoint has.
    own: [AlarmSpec; 2],
    /// How an update shifts traffic, under all of its alarms; none for a serverless endpoint,
    /// which has no instances.
    guard: Option<Guard>,
}

/// The guard of one update.
#[derive(Debug, PartialEq, Eq)]
pub struct Armed {
    /// How it shifts traffic, under the alarms that may roll it back.
    pub guard: Option<Guard>,
    /// Alarms that are in `ALARM` already: they would roll back the update that may repair what
    /// raised them.
    pub left_out: Vec<String>,
}

impl<'a, A: Alarms> Guardrails<'a, A> {
    /// The guardrails of the endpoint `name`.
    pub fn new(
        alarms: &'a A,
        settings: &Settings,
        owner: &Owner,
        name: &str,
        endpoint: &Endpoint,
    ) -> Self {
        let latency = endpoint.max_latency_milliseconds();
        let own = AlarmSpec::of_endpoint(owner, name, latency, &settings.topic);
        let guard = (!endpoint.compute.is_serverless()).then(|| {
            let desired = endpoint.update_guardrails();
            let by_default = || own.iter().map(|spec| spec.name.clone()).collect();
            Guard {
                shift: desired.shift,
                bake_seconds: desired.bake_seconds,
                alarms: desired.alarms.unwrap_or_else(by_default),
            }
        });
        Self { alarms, own, guard }
    }

    /// Creates the endpoint's own alarms, or makes them as they should be.
    pub async fn put(&self) -> Result<(), DeployEndpointError> {
        for spec in &self.own {
            self.alarms.put_alarm(spec).await?;
        }
        Ok(())
    }

    /// The guard of an update now; `None` if an own alarm, which was just created, is not visible
    /// yet.
    pub async fn arm(&self) -> Result<Option<Armed>, DeployEndpointError> {
        let Some(guard) = &self.guard else {
            return Ok(Some(Armed {
                guard: None,
                left_out: Vec::new(),
            }));
        };
        let states = self.alarms.in_alarm(&guard.alarms).await?;
        let missing = guard.alarms.iter().filter(|it| !states.contains_key(*it));
        let (own, others): (Vec<&String>, Vec<&String>) =
            missing.partition(|name| self.own.iter().any(|spec| spec.name == **name));
        if !others.is_empty() {
            return Err(DeployEndpointError::AlarmsMissing {
                alarms: others.into_iter().cloned().collect(),
            });
        }
        if !own.is_empty() {
            return Ok(None);
        }
        let (left_out, armed): (Vec<String>, Vec<String>) = guard
            .alarms
            .iter()
            .cloned()
            .partition(|name| states.get(name) == Some(&true));
        if !left_out.is_empty() {
            tracing::warn!(
                ?left_out,
                ?armed,
                "alarms in ALARM before the update may not roll it back"
            );
        }
        let guard = Guard {
            alarms: armed,
            ..guard.clone()
        };
        Ok(Some(Armed {
            guard: Some(guard),
            left_out,
        }))
    }
}
