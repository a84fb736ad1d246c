//! Application Auto Scaling for endpoints' variants: stores targets and policies, and keeps a
//! variant's instance count within its target's bounds. Load does not scale it.
//!
//! Source: the Application Auto Scaling API reference.

use crate::app::App;
use crate::endpoints::endpoint::{Endpoint, Status};
use crate::protocol::members::text;
use crate::protocol::refusal::Refusal;
use crate::protocol::validation::{Kind, Rule, check, optional, required, text as within};
use crate::store::table::{Record, now};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const DIMENSIONS: Kind = Kind::OneOf(&[
    "sagemaker:variant:DesiredInstanceCount",
    "sagemaker:variant:DesiredProvisionedConcurrency",
]);
const NAMESPACE: Rule = required("ServiceNamespace", Kind::OneOf(&["sagemaker"]));
const RESOURCE: Rule = required("ResourceId", within(1600, ""));
const DIMENSION: Rule = required("ScalableDimension", DIMENSIONS);
const COUNT: Kind = Kind::Integer {
    min: 0,
    max: i64::MAX,
};
const TARGET_RULES: &[Rule] = &[
    NAMESPACE,
    RESOURCE,
    DIMENSION,
    optional("MinCapacity", COUNT),
    optional("MaxCapacity", COUNT),
];
const POLICY_RULES: &[Rule] = &[
    NAMESPACE,
    RESOURCE,
    DIMENSION,
    required("PolicyName", within(256, "")),
    optional(
        "PolicyType",
        Kind::OneOf(&["StepScaling", "TargetTrackingScaling", "PredictiveScaling"]),
    ),
    optional("TargetTrackingScalingPolicyConfiguration", Kind::Object),
    required(
        "TargetTrackingScalingPolicyConfiguration.TargetValue",
        Kind::Number { min: f64::MIN },
    ),
];

/// A scalable variant with its bounds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Target {
    resource: String,
    dimension: String,
    least: i64,
    most: i64,
    role: Option<String>,
    created: f64,
}

/// A scaling policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Policy {
    request: Value,
    created: f64,
}

impl Record for Target {
    const FOLDER: &'static str = "scalable-targets";
}

impl Record for Policy {
    const FOLDER: &'static str = "scaling-policies";
}

/// The name of a target's record. Records are files, so their names hold no slash.
fn record(request: &Value) -> Result<String, Refusal> {
    let resource = text(request, "ResourceId")?.replace('/', ",");
    let dimension = text(request, "ScalableDimension")?.replace(':', ",");
    Ok(format!("{resource},{dimension}"))
}

/// The endpoint and variant of `endpoint/<name>/variant/<name>`.
fn variant_of(resource: &str) -> Result<(&str, &str), Refusal> {
    let parts: Vec<_> = resource.split('/').collect();
    match parts[..] {
        ["endpoint", endpoint, "variant", variant] => Ok((endpoint, variant)),
        _ => Err(Refusal::validation(
            "Unsupported service namespace, resource type or scalable dimension",
        )),
    }
}

/// `RegisterScalableTarget`: a new target, or new bounds of an existing one.
pub fn register(app: &App, request: &Value) -> Result<Value, Refusal> {
    check(request, TARGET_RULES)?;
    let resource = text(request, "ResourceId")?;
    let (endpoint, variant) = variant_of(resource)?;
    let is_there = app
        .table::<Endpoint>()
        .get(endpoint)
        .is_some_and(|endpoint| {
            let variants = endpoint.deployed.iter().flat_map(|one| &one.variants);
            variants.clone().any(|one| one.name == variant)
        });
    if !is_there {
        return Err(Refusal::validation(format!(
            "SageMaker endpoint or variant does not exist: {resource}"
        )));
    }
    let name = record(request)?;
    let old = app.table::<Target>().get(&name);
    let bound = |member: &str, old: Option<i64>| {
        request[member]
            .as_i64()
            .or(old)
            .ok_or_else(|| Refusal::validation(format!("{member} cannot be null")))
    };
    let target = Target {
        least: bound("MinCapacity", old.as_ref().map(|old| old.least))?,
        most: bound("MaxCapacity", old.as_ref().map(|old| old.most))?,
        resource: resource.to_owned(),
        dimension: text(request, "ScalableDimension")?.to_owned(),
        role: request["RoleARN"].as_str().map(str::to_owned),
        created: old.map_or_else(now, |old| old.created),
    };
    if target.least > target.most {
        return Err(Refusal::validation(
            "Maximum capacity cannot be less than minimum capacity",
        ));
    }
    let bounds = (target.least, target.most);
    app.table::<Target>().put(&name, target)?;
    scale(app, endpoint, variant, bounds)?;
    Ok(json!({"ScalableTargetARN": arn(app, "scalable-target", &name)}))
}

/// Changes the variant's instance count so that it lies within the bounds.
fn scale(
    app: &App,
    endpoint: &str,
    variant: &str,
    (least, most): (i64, i64),
) -> Result<(), Refusal> {
    let scaled = app.table::<Endpoint>().update(endpoint, |endpoint| {
        let variants = endpoint
            .deployed
            .iter_mut()
            .flat_map(|one| &mut one.variants);
        for one in variants.filter(|one| one.name == variant) {
            one.instances = one.instances.map(|count| count.clamp(least, most));
        }
        if endpoint.status == Status::InService {
            endpoint.enter(Status::InService);
        }
        Ok(())
    })?;
    scaled.ok_or_else(|| Refusal::validation(format!("{endpoint} does not exist")))
}

fn arn(app: &App, kind: &str, name: &str) -> String {
    format!(
        "arn:aws:application-autoscaling:{}:000000000000:{kind}/{name}",
        app.config.region
    )
}

fn is_asked_for(request: &Value, resource: &str, dimension: &str) -> bool {
    let one = request["ResourceId"].as_str();
    let mut listed = request["ResourceIds"].as_array().into_iter().flatten();
    request["ScalableDimension"]
        .as_str()
        .is_none_or(|asked| asked == dimension)
        && one.is_none_or(|one| one == resource)
        && (request["ResourceIds"].is_null() || listed.any(|one| one == resource))
}

/// `DescribeScalableTargets`.
pub fn targets(app: &App, request: &Value) -> Result<Value, Refusal> {
    check(request, &[NAMESPACE])?;
    let all = app.table::<Target>().all().into_iter();
    let found = all.filter(|(_, it)| is_asked_for(request, &it.resource, &it.dimension));
    let found: Vec<_> = found
        .map(|(name, target)| {
            json!({
                "ServiceNamespace": "sagemaker",
                "ResourceId": target.resource,
                "ScalableDimension": target.dimension,
                "MinCapacity": target.least,
                "MaxCapacity": target.most,
                "RoleARN": target.role.unwrap_or_else(|| service_role().to_owned()),
                "CreationTime": target.created,
                "ScalableTargetARN": arn(app, "scalable-target", &name),
            })
        })
        .collect();
    Ok(json!({"ScalableTargets": found}))
}

const fn service_role() -> &'static str {
    "arn:aws:iam::000000000000:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
}

fn no_target(request: &Value) -> Refusal {
    Refusal::new(
        "ObjectNotFoundException",
        format!(
            "No scalable target registered for service namespace: sagemaker, resource ID: {}, \
             scalable dimension: {}",
            request["ResourceId"].as_str().unwrap_or_default(),
            request["ScalableDimension"].as_str().unwrap_or_default()
        ),
    )
}

/// `DeregisterScalableTarget`, which also deletes its policies.
pub fn deregister(app: &App, request: &Value) -> Result<Value, Refusal> {
    check(request, &[NAMESPACE, RESOURCE, DIMENSION])?;
    let name = record(request)?;
    if !app.table::<Target>().remove(&name)? {
        return Err(no_target(request));
    }
    let prefix = format!("{name},");
    for (policy, _) in app.table::<Policy>().all() {
        if policy.starts_with(&prefix) {
            app.table::<Policy>().remove(&policy)?;
        }
    }
    Ok(json!({}))
}

fn policy_record(request: &Value) -> Result<String, Refusal> {
    let policy = text(request, "PolicyName")?.replace('/', ",");
    Ok(format!("{},{policy}", record(request)?))
}

/// `PutScalingPolicy`: a new policy, or new content of an existing one.
pub fn put_policy(app: &App, request: &Value) -> Result<Value, Refusal> {
    check(request, POLICY_RULES)?;
    if app.table::<Target>().get(&record(request)?).is_none() {
        return Err(no_target(request));
    }
    let name = policy_record(request)?;
    let old = app.table::<Policy>().get(&name);
    let mut content = old
        .as_ref()
        .map_or_else(|| json!({}), |old| old.request.clone());
    for (member, value) in request.as_object().into_iter().flatten() {
        content[member] = value.clone();
    }
    let policy = Policy {
        request: content,
        created: old.map_or_else(now, |old| old.created),
    };
    app.table::<Policy>().put(&name, policy)?;
    Ok(json!({"PolicyARN": arn(app, "scaling-policy", &name), "Alarms": []}))
}

/// `DescribeScalingPolicies`.
pub fn policies(app: &App, request: &Value) -> Result<Value, Refusal> {
    check(request, &[NAMESPACE])?;
    let mut found = Vec::new();
    for (name, policy) in app.table::<Policy>().all() {
        let mut answer = policy.request;
        let (resource, dimension) = (&answer["ResourceId"], &answer["ScalableDimension"]);
        let is_asked_for = is_asked_for(
            request,
            resource.as_str().unwrap_or_default(),
            dimension.as_str().unwrap_or_default(),
        );
        let mut names = request["PolicyNames"].as_array().into_iter().flatten();
        let is_named =
            request["PolicyNames"].is_null() || names.any(|asked| *asked == answer["PolicyName"]);
        if is_asked_for && is_named {
            if answer["PolicyType"].is_null() {
                answer["PolicyType"] = json!("StepScaling");
            }
            answer["PolicyARN"] = json!(arn(app, "scaling-policy", &name));
            answer["CreationTime"] = json!(policy.created);
            answer["Alarms"] = json!([]);
            found.push(answer);
        }
    }
    Ok(json!({"ScalingPolicies": found}))
}

/// `DeleteScalingPolicy`.
pub fn delete_policy(app: &App, request: &Value) -> Result<Value, Refusal> {
    check(request, &[NAMESPACE, RESOURCE, DIMENSION])?;
    if app.table::<Policy>().remove(&policy_record(request)?)? {
        return Ok(json!({}));
    }
    Err(Refusal::new(
        "ObjectNotFoundException",
        format!(
            "No scaling policy found for service namespace: sagemaker, resource ID: {}, scalable \
             dimension: {}, policy name: {}",
            text(request, "ResourceId")?,
            text(request, "ScalableDimension")?,
            text(request, "PolicyName")?
        ),
    ))
}
