//! Endpoints as the API shows them. How one comes into service is [`crate::deployment`]'s.

use crate::app::App;
use crate::capture::CaptureConfig;
use crate::deployment;
use crate::endpoint_configs::{self, Variant};
use crate::listing::{self, Row};
use crate::protocol::{Refusal, text};
use crate::state::now;
use crate::tags;
use crate::traffic::{self, Shift};
use crate::validation::{self, Kind, NAME, Rule, check, optional, required};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

const RULES: &[Rule] = &[
    required("EndpointName", validation::text(63, NAME)),
    required("EndpointConfigName", validation::text(63, NAME)),
    optional(
        "ExcludeRetainedVariantProperties",
        Kind::List { min: 0, max: 3 },
    ),
    required(
        "ExcludeRetainedVariantProperties[].VariantPropertyType",
        Kind::OneOf(&["DesiredInstanceCount", "DesiredWeight", "DataCaptureConfig"]),
    ),
];

/// What an endpoint is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    Creating,
    Updating,
    SystemUpdating,
    RollingBack,
    InService,
    Deleting,
    Failed,
}

/// A configuration with all that it takes to serve it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Deployment {
    pub config: String,
    pub variants: Vec<Variant>,
    #[serde(default)]
    pub capture: Option<CaptureConfig>,
    since: f64,
}

impl Deployment {
    /// How many instances it has, over all variants.
    pub fn instances(&self) -> i64 {
        self.variants.iter().filter_map(|one| one.instances).sum()
    }
}

/// An endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Endpoint {
    created: f64,
    modified: f64,
    pub status: Status,
    pub failure_reason: Option<String>,
    /// What serves.
    pub deployed: Option<Deployment>,
    /// What is to serve next.
    pub pending: Option<Deployment>,
    /// Of the last update.
    pub deployment_config: Value,
    /// Counts the fleets, so that each has its own folder.
    pub generation: u64,
}

impl Endpoint {
    pub fn enter(&mut self, status: Status) {
        self.status = status;
        self.modified = now();
    }
}

fn deployment(app: &App, config: &str) -> Result<Deployment, Refusal> {
    let found = endpoint_configs::find(app, config)?;
    Ok(Deployment {
        config: config.to_owned(),
        variants: found.variants(app)?,
        capture: found.capture()?,
        since: now(),
    })
}

/// `CreateEndpoint`.
pub fn create(app: &Arc<App>, request: &Value) -> Result<Value, Refusal> {
    check(request, RULES)?;
    check(request, tags::RULES)?;
    traffic::validate(request)?;
    let name = text(request, "EndpointName")?;
    let pending = deployment(app, text(request, "EndpointConfigName")?)?;
    Shift::read(&request["DeploymentConfig"], pending.instances())?;
    let endpoint = Endpoint {
        created: now(),
        modified: now(),
        status: Status::Creating,
        failure_reason: None,
        deployed: None,
        pending: Some(pending),
        deployment_config: request["DeploymentConfig"].clone(),
        generation: 0,
    };
    let arn = app.arn("endpoint", name);
    if app.endpoints.insert(name, endpoint)?.is_some() {
        return Err(Refusal::validation(format!(
            "Cannot create already existing endpoint \"{arn}\"."
        )));
    }
    tags::keep(app, "endpoint", name, request)?;
    deployment::create(app, name);
    Ok(json!({"EndpointArn": arn}))
}

/// `UpdateEndpoint`.
pub fn update(app: &Arc<App>, request: &Value) -> Result<Value, Refusal> {
    check(request, RULES)?;
    traffic::validate(request)?;
    let name = text(request, "EndpointName")?;
    let arn = app.arn("endpoint", name);
    app.endpoints
        .get(name)
        .ok_or_else(|| not_found(app, name))?;
    let mut pending = deployment(app, text(request, "EndpointConfigName")?)?;
    Shift::read(&request["DeploymentConfig"], pending.instances())?;
    let updated = app.endpoints.update(name, |endpoint| {
        match endpoint.status {
            Status::InService => {}
            Status::Failed => {
                return Err(Refusal::validation(format!(
                    "Cannot update failed endpoint \"{arn}\": delete it."
                )));
            }
            _ => return Err(in_progress(&arn)),
        }
        is_same_kind(endpoint.deployed.as_ref(), &pending)?;
        if request["RetainAllVariantProperties"] == true
            && let Some(deployed) = &endpoint.deployed
        {
            retain(
                deployed,
                &mut pending,
                &request["ExcludeRetainedVariantProperties"],
            );
        }
        endpoint.enter(Status::Updating);
        endpoint.failure_reason = None;
        endpoint.pending = Some(pending);
        if request["RetainDeploymentConfig"] != true {
            endpoint.deployment_config = request["DeploymentConfig"].clone();
        }
        Ok(())
    })?;
    updated.ok_or_else(|| not_found(app, name))?;
    deployment::update(app, name);
    Ok(json!({"EndpointArn": arn}))
}

/// What an update keeps of the variants that it finds, rather than to begin with what the
/// configuration says: what autoscaling has made of them, above all.
fn retain(old: &Deployment, new: &mut Deployment, excluded: &Value) {
    let kept = |property: &str| {
        let mut excluded = excluded.as_array().into_iter().flatten();
        !excluded.any(|one| one["VariantPropertyType"] == property)
    };
    for variant in &mut new.variants {
        let Some(before) = old.variants.iter().find(|one| one.name == variant.name) else {
            continue;
        };
        if kept("DesiredInstanceCount") && before.instances.is_some() {
            variant.instances = before.instances.or(variant.instances);
        }
        if kept("DesiredWeight") {
            variant.weight = before.weight;
        }
    }
    if kept("DataCaptureConfig") {
        new.capture.clone_from(&old.capture);
    }
}

/// SageMaker refuses to turn instances into a serverless variant by an update.
fn is_same_kind(old: Option<&Deployment>, new: &Deployment) -> Result<(), Refusal> {
    let is_serverless = |deployment: &Deployment| {
        deployment
            .variants
            .iter()
            .any(|one| one.serverless.is_some())
    };
    if old.is_some_and(|old| !is_serverless(old)) && is_serverless(new) {
        return Err(Refusal::validation(
            "Updating an endpoint from instance-based variants to serverless ones is not supported.",
        ));
    }
    Ok(())
}

fn not_found(app: &App, name: &str) -> Refusal {
    Refusal::validation(format!(
        "Could not find endpoint \"{}\".",
        app.arn("endpoint", name)
    ))
}

fn in_progress(arn: &str) -> Refusal {
    Refusal::validation(format!("Cannot update in-progress endpoint \"{arn}\"."))
}

/// `DescribeEndpoint`.
pub fn describe(app: &App, request: &Value) -> Result<Value, Refusal> {
    let name = text(request, "EndpointName")?;
    let endpoint = app
        .seen(&app.endpoints, name)
        .ok_or_else(|| not_found(app, name))?;
    let mut answer = json!({
        "EndpointName": name,
        "EndpointArn": app.arn("endpoint", name),
        "EndpointStatus": endpoint.status,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
    });
    if let Some(reason) = endpoint.failure_reason {
        answer["FailureReason"] = json!(reason);
    }
    if !endpoint.deployment_config.is_null() {
        answer["LastDeploymentConfig"] = endpoint.deployment_config;
    }
    let capture = endpoint.deployed.as_ref().or(endpoint.pending.as_ref());
    if let Some(capture) = capture.and_then(|deployment| deployment.capture.as_ref()) {
        let mut summary = capture.summary();
        summary["CaptureStatus"] = json!(if endpoint.deployed.is_some() {
            "Started"
        } else {
            "Stopped"
        });
        answer["DataCaptureConfig"] = summary;
    }
    match (endpoint.deployed, endpoint.pending) {
        (Some(deployed), pending) => {
            answer["EndpointConfigName"] = json!(deployed.config);
            answer["ProductionVariants"] = summaries(&deployed, true);
            if let Some(pending) = pending {
                answer["PendingDeploymentSummary"] = json!({
                    "EndpointConfigName": pending.config,
                    "ProductionVariants": summaries(&pending, false),
                    "StartTime": pending.since,
                });
            }
        }
        (None, Some(pending)) => answer["EndpointConfigName"] = json!(pending.config),
        (None, None) => {}
    }
    Ok(answer)
}

fn summaries(deployment: &Deployment, is_serving: bool) -> Value {
    let summary = |variant: &Variant| {
        let image = &variant.container.image;
        let mut summary = json!({
            "VariantName": variant.name,
            "DeployedImages": [{
                "SpecifiedImage": image,
                "ResolvedImage": image,
                "ResolutionTime": deployment.since,
            }],
            "DesiredWeight": variant.weight,
            "CurrentWeight": if is_serving { variant.weight } else { 0.0 },
        });
        if let Some(count) = variant.instances {
            summary["DesiredInstanceCount"] = json!(count);
            summary["CurrentInstanceCount"] = json!(if is_serving { count } else { 0 });
        }
        if let Some(serverless) = &variant.serverless {
            summary["DesiredServerlessConfig"] = serverless.clone();
            summary["CurrentServerlessConfig"] = serverless.clone();
        }
        summary
    };
    deployment.variants.iter().map(summary).collect()
}

/// `DeleteEndpoint`.
pub fn delete(app: &Arc<App>, request: &Value) -> Result<Value, Refusal> {
    let name = text(request, "EndpointName")?;
    let marked = app.endpoints.update(name, |endpoint| {
        if !matches!(endpoint.status, Status::InService | Status::Failed) {
            return Err(in_progress(&app.arn("endpoint", name)));
        }
        endpoint.enter(Status::Deleting);
        Ok(())
    })?;
    marked.ok_or_else(|| not_found(app, name))?;
    deployment::delete(app, name);
    Ok(json!({}))
}

/// `ListEndpoints`.
pub fn list(app: &App, request: &Value) -> Result<Value, Refusal> {
    let row = |(name, endpoint): (String, Endpoint)| Row {
        summary: json!({
            "EndpointName": name,
            "EndpointArn": app.arn("endpoint", &name),
            "EndpointStatus": endpoint.status,
            "CreationTime": endpoint.created,
            "LastModifiedTime": endpoint.modified,
        }),
        created: endpoint.created,
        modified: endpoint.modified,
        status: format!("{:?}", endpoint.status),
        name,
    };
    let rows = app.endpoints.all().into_iter().map(row).collect();
    listing::page(request, "Endpoints", "Descending", rows)
}
