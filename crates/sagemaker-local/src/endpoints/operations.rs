//! The API's operations on endpoints. [`crate::endpoints::rollout`] runs what they start.

use crate::app::App;
use crate::endpoints::configs::{self, Variant};
use crate::endpoints::endpoint::{Deployment, Endpoint, Status};
use crate::endpoints::rollout;
use crate::endpoints::traffic::{self, Shift};
use crate::protocol::listing::{self, Row};
use crate::protocol::members::text;
use crate::protocol::refusal::Refusal;
use crate::protocol::validation::{self, Kind, NAME, Rule, check, optional, required};
use crate::store::table::now;
use crate::tags;
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

fn deployment(app: &App, config: &str) -> Result<Deployment, Refusal> {
    let found = configs::find(app, config)?;
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
    tags::validate(request)?;
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
    if app.table::<Endpoint>().insert(name, endpoint)?.is_some() {
        return Err(Refusal::validation(format!(
            "Cannot create already existing endpoint \"{arn}\"."
        )));
    }
    tags::store(app, "endpoint", name, request)?;
    rollout::create(app, name);
    Ok(json!({"EndpointArn": arn}))
}

/// `UpdateEndpoint`.
pub fn update(app: &Arc<App>, request: &Value) -> Result<Value, Refusal> {
    check(request, RULES)?;
    traffic::validate(request)?;
    let name = text(request, "EndpointName")?;
    let arn = app.arn("endpoint", name);
    app.table::<Endpoint>()
        .get(name)
        .ok_or_else(|| not_found(app, name))?;
    let mut pending = deployment(app, text(request, "EndpointConfigName")?)?;
    Shift::read(&request["DeploymentConfig"], pending.instances())?;
    let updated = app.table::<Endpoint>().update(name, |endpoint| {
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
    rollout::update(app, name);
    Ok(json!({"EndpointArn": arn}))
}

/// Retains properties of the current variants instead of the new configuration's, such as instance
/// counts that autoscaling has set.
fn retain(old: &Deployment, new: &mut Deployment, excluded: &Value) {
    let is_retained = |property: &str| {
        let mut excluded = excluded.as_array().into_iter().flatten();
        !excluded.any(|one| one["VariantPropertyType"] == property)
    };
    for variant in &mut new.variants {
        let Some(before) = old.variants.iter().find(|one| one.name == variant.name) else {
            continue;
        };
        if is_retained("DesiredInstanceCount") && before.instances.is_some() {
            variant.instances = before.instances.or(variant.instances);
        }
        if is_retained("DesiredWeight") {
            variant.weight = before.weight;
        }
    }
    if is_retained("DataCaptureConfig") {
        new.capture.clone_from(&old.capture);
    }
}

/// SageMaker refuses an update from instances to serverless variants.
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
        .seen::<Endpoint>(name)
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
    let marked = app.table::<Endpoint>().update(name, |endpoint| {
        if !matches!(endpoint.status, Status::InService | Status::Failed) {
            return Err(in_progress(&app.arn("endpoint", name)));
        }
        endpoint.enter(Status::Deleting);
        Ok(())
    })?;
    marked.ok_or_else(|| not_found(app, name))?;
    rollout::delete(app, name);
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
    let rows = app.table::<Endpoint>().all().into_iter().map(row).collect();
    listing::page(request, "Endpoints", "Descending", rows)
}
