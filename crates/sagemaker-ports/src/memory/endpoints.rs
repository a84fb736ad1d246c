//! Models, endpoint configurations, endpoints and invocations in memory.

use super::{MemorySageMaker, State, refusal};
use crate::{
    ConfigSpec, EndpointInfo, EndpointStatus, Endpoints, Invoke, ModelSpec, Prediction, Tags,
    Update,
};
use contract::{ErrorName, ServiceError};

/// How a creation or an update of an endpoint ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum EndpointOutcome {
    /// In service on the desired configuration.
    #[default]
    Serves,
    /// In service on the configuration before, for this reason, which the service may keep to
    /// itself.
    RollsBack(Option<String>),
    /// In this status, for this reason, and there to stay.
    Ends(EndpointStatus, String),
}

#[derive(Debug)]
pub(super) struct Endpoint {
    info: EndpointInfo,
    /// The statuses still to come, the next one last.
    coming: Vec<EndpointStatus>,
    outcome: EndpointOutcome,
}

impl Endpoint {
    fn starts(status: EndpointStatus, from: &str, to: &str, outcome: EndpointOutcome) -> Self {
        let mut coming = vec![EndpointStatus::InService];
        match &outcome {
            EndpointOutcome::Serves => {}
            EndpointOutcome::RollsBack(_) => coming.push(EndpointStatus::RollingBack),
            EndpointOutcome::Ends(last, _) => coming = vec![*last],
        }
        coming.push(status);
        Self {
            info: EndpointInfo {
                config: from.to_owned(),
                status,
                failure_reason: None,
                pending: Some(to.to_owned()),
                age_seconds: 0,
            },
            coming,
            outcome,
        }
    }

    /// What is there now; the next poll finds more.
    fn poll(&mut self) -> EndpointInfo {
        self.info.age_seconds += 10;
        if let Some(status) = self.coming.pop() {
            self.info.status = status;
            if self.coming.is_empty() {
                self.arrive();
            }
        }
        self.info.clone()
    }

    fn arrive(&mut self) {
        let pending = self.info.pending.take();
        match &self.outcome {
            EndpointOutcome::Serves => {
                if let Some(config) = pending {
                    self.info.config = config;
                }
            }
            EndpointOutcome::RollsBack(reason) => self.info.failure_reason.clone_from(reason),
            EndpointOutcome::Ends(_, reason) => self.info.failure_reason = Some(reason.clone()),
        }
    }

    /// Whether the configuration is in force or on its way.
    fn uses(&self, config: &str) -> bool {
        self.info.config == config || self.info.pending.as_deref() == Some(config)
    }
}

fn conflict(operation: &'static str, what: &str, name: &str) -> ServiceError {
    let message = format!("Cannot create already existing {what} \"{name}\".");
    refusal(
        operation,
        name,
        ErrorName::Conflict,
        "ValidationException",
        &message,
    )
}

fn missing(operation: &'static str, what: &str, name: &str) -> ServiceError {
    let message = format!("Could not find {what} \"{name}\".");
    refusal(
        operation,
        name,
        ErrorName::NotFound,
        "ValidationException",
        &message,
    )
}

impl MemorySageMaker {
    /// Puts an endpoint in service on `config`, which need not exist.
    pub fn plant_endpoint(&self, name: &str, config: &str) {
        let info = EndpointInfo {
            config: config.to_owned(),
            status: EndpointStatus::InService,
            failure_reason: None,
            pending: None,
            age_seconds: 0,
        };
        let endpoint = Endpoint {
            info,
            coming: Vec::new(),
            outcome: EndpointOutcome::Serves,
        };
        self.state().endpoints.insert(name.to_owned(), endpoint);
    }

    /// Deletes the endpoint, as a person may.
    pub fn delete_endpoint(&self, name: &str) {
        let mut state = self.state();
        state.endpoints.remove(name);
        state.endpoint_tags.remove(name);
    }
}

impl State {
    fn has_config(&self, name: &str) -> bool {
        self.configs.iter().any(|config| config.name == name)
    }
}

impl Endpoints for MemorySageMaker {
    async fn describe_model(&self, name: &str) -> Result<Option<ModelSpec>, ServiceError> {
        self.call("DescribeModel", |state| {
            let found = state.models.get(name).cloned();
            Ok(found.map(|spec| ModelSpec {
                tags: Tags::new(),
                ..spec
            }))
        })
        .await
    }

    async fn create_model(&self, spec: &ModelSpec) -> Result<(), ServiceError> {
        self.call("CreateModel", |state| {
            if state.models.contains_key(&spec.name) {
                return Err(conflict("CreateModel", "model", &spec.name).into());
            }
            state.models.insert(spec.name.clone(), spec.clone());
            state.took_effect("CreateModel", &spec.name);
            Ok(())
        })
        .await
    }

    async fn delete_model(&self, name: &str) -> Result<(), ServiceError> {
        self.call("DeleteModel", |state| {
            if state.models.remove(name).is_some() {
                state.took_effect("DeleteModel", name);
            }
            Ok(())
        })
        .await
    }

    async fn describe_config(&self, name: &str) -> Result<Option<ConfigSpec>, ServiceError> {
        self.call("DescribeEndpointConfig", |state| {
            let found = state.configs.iter().find(|config| config.name == name);
            Ok(found.cloned().map(|spec| ConfigSpec {
                tags: Tags::new(),
                ..spec
            }))
        })
        .await
    }

    async fn create_config(&self, spec: &ConfigSpec) -> Result<(), ServiceError> {
        self.call("CreateEndpointConfig", |state| {
            if state.has_config(&spec.name) {
                return Err(
                    conflict("CreateEndpointConfig", "endpoint configuration", &spec.name).into(),
                );
            }
            if !state.models.contains_key(&spec.model) {
                return Err(missing("CreateEndpointConfig", "model", &spec.model).into());
            }
            state.configs.push(spec.clone());
            state.took_effect("CreateEndpointConfig", &spec.name);
            Ok(())
        })
        .await
    }

    /// Removes the configuration as the service does: also one that is in use.
    ///
    /// # Panics
    /// If it is in use, which no caller may ever ask for.
    async fn delete_config(&self, name: &str) -> Result<(), ServiceError> {
        self.call("DeleteEndpointConfig", |state| {
            let in_use = state.endpoints.iter().find(|(_, it)| it.uses(name));
            if let Some((endpoint, _)) = in_use {
                panic!("the configuration {name} is deleted while {endpoint} uses it");
            }
            if state.has_config(name) {
                state.configs.retain(|config| config.name != name);
                state.took_effect("DeleteEndpointConfig", name);
            }
            Ok(())
        })
        .await
    }

    async fn list_configs(&self, prefix: &str) -> Result<Vec<String>, ServiceError> {
        self.call("ListEndpointConfigs", |state| {
            let names = state.configs.iter().map(|config| config.name.clone());
            Ok(names.filter(|name| name.starts_with(prefix)).collect())
        })
        .await
    }

    async fn describe_endpoint(&self, name: &str) -> Result<Option<EndpointInfo>, ServiceError> {
        self.call("DescribeEndpoint", |state| {
            Ok(state.endpoints.get_mut(name).map(Endpoint::poll))
        })
        .await
    }

    async fn endpoint_tags(&self, name: &str) -> Result<Option<Tags>, ServiceError> {
        self.call("ListTags", |state| {
            let exists = state.endpoints.contains_key(name);
            let tags = state.endpoint_tags.get(name).cloned();
            Ok(exists.then(|| tags.unwrap_or_default()))
        })
        .await
    }

    async fn tag_endpoint(&self, name: &str, tags: &Tags) -> Result<(), ServiceError> {
        self.call("AddTags", |state| {
            if !state.endpoints.contains_key(name) {
                return Err(missing("AddTags", "endpoint", name).into());
            }
            let all = state.endpoint_tags.entry(name.to_owned()).or_default();
            all.extend(tags.clone());
            state.took_effect("AddTags", name);
            Ok(())
        })
        .await
    }

    async fn create_endpoint(
        &self,
        name: &str,
        config: &str,
        tags: &Tags,
    ) -> Result<(), ServiceError> {
        self.call("CreateEndpoint", |state| {
            if state.endpoints.contains_key(name) {
                return Err(conflict("CreateEndpoint", "endpoint", name).into());
            }
            if !state.has_config(config) {
                return Err(missing("CreateEndpoint", "endpoint configuration", config).into());
            }
            let outcome = state.next_endpoints.pop_front().unwrap_or_default();
            let endpoint = Endpoint::starts(EndpointStatus::Creating, config, config, outcome);
            state.endpoints.insert(name.to_owned(), endpoint);
            state.endpoint_tags.insert(name.to_owned(), tags.clone());
            state.took_effect("CreateEndpoint", &format!("{name} {config}"));
            Ok(())
        })
        .await
    }

    async fn update_endpoint(
        &self,
        name: &str,
        config: &str,
        update: Update<'_>,
    ) -> Result<(), ServiceError> {
        const OPERATION: &str = "UpdateEndpoint";
        self.call(OPERATION, |state| {
            if !state.has_config(config) {
                return Err(missing(OPERATION, "endpoint configuration", config).into());
            }
            let Some(endpoint) = state.endpoints.get(name) else {
                return Err(missing(OPERATION, "endpoint", name).into());
            };
            if endpoint.info.status != EndpointStatus::InService {
                return Err(refusal(
                    OPERATION,
                    name,
                    ErrorName::Conflict,
                    "ValidationException",
                    &format!("Cannot update in-progress endpoint \"{name}\"."),
                )
                .into());
            }
            let from = endpoint.info.config.clone();
            let outcome = state.next_endpoints.pop_front().unwrap_or_default();
            let endpoint = Endpoint::starts(EndpointStatus::Updating, &from, config, outcome);
            state.endpoints.insert(name.to_owned(), endpoint);
            state.guard = update.guard.cloned();
            state.retained = Some(!update.resets_count);
            state.took_effect(OPERATION, &format!("{name} {config}"));
            Ok(())
        })
        .await
    }
}

impl Invoke for MemorySageMaker {
    async fn invoke(
        &self,
        endpoint: &str,
        _content_type: &str,
        body: Vec<u8>,
    ) -> Result<Prediction, ServiceError> {
        self.call("InvokeEndpoint", |state| {
            state.took_effect(
                "InvokeEndpoint",
                &format!("{endpoint} {}", String::from_utf8_lossy(&body)),
            );
            Ok(state.answers.pop_front().unwrap_or_else(|| {
                let rows = String::from_utf8_lossy(&body).lines().count();
                Prediction {
                    body: "0.5\n".repeat(rows).into_bytes(),
                    content_type: Some("text/csv".to_owned()),
                }
            }))
        })
        .await
    }
}
