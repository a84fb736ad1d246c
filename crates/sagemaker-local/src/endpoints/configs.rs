//! Endpoint configurations: the models that an endpoint serves, as variants.

use crate::app::App;
use crate::endpoints::capture::{self, CaptureConfig};
use crate::protocol::listing::{self, Row};
use crate::protocol::members::{parse, text};
use crate::protocol::refusal::Refusal;
use crate::protocol::validation::{self, Kind, NAME, Rule, check, optional, required};
use crate::registry::models::{self, Container};
use crate::store::table::{Record, now};
use crate::tags;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashSet;

const INSTANCE_TYPE: Kind = Kind::Text {
    min: 1,
    max: 64,
    pattern: r"ml\.[a-z0-9\-]+\.[a-z0-9]+",
};
const STARTUP: Kind = Kind::Integer { min: 60, max: 3600 };
const RULES: &[Rule] = &[
    required("EndpointConfigName", validation::text(63, NAME)),
    required("ProductionVariants", Kind::List { min: 1, max: 10 }),
    required(
        "ProductionVariants[].VariantName",
        validation::text(63, NAME),
    ),
    required("ProductionVariants[].ModelName", validation::text(63, NAME)),
    optional(
        "ProductionVariants[].InitialInstanceCount",
        Kind::Integer {
            min: 1,
            max: i64::MAX,
        },
    ),
    optional("ProductionVariants[].InstanceType", INSTANCE_TYPE),
    optional(
        "ProductionVariants[].InitialVariantWeight",
        Kind::Number { min: 0.0 },
    ),
    optional(
        "ProductionVariants[].ContainerStartupHealthCheckTimeoutInSeconds",
        STARTUP,
    ),
    optional("ProductionVariants[].ServerlessConfig", Kind::Object),
    required(
        "ProductionVariants[].ServerlessConfig.MemorySizeInMB",
        Kind::Integer {
            min: 1024,
            max: 6144,
        },
    ),
    required(
        "ProductionVariants[].ServerlessConfig.MaxConcurrency",
        Kind::Integer { min: 1, max: 200 },
    ),
];

/// An endpoint configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EndpointConfig {
    /// The request, which `DescribeEndpointConfig` repeats.
    request: Value,
    created: f64,
}

impl Record for EndpointConfig {
    const FOLDER: &'static str = "endpoint-configs";
}

/// A variant with everything that serving needs, so that an endpoint does not depend on its
/// configuration and models after its creation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    pub name: String,
    pub weight: f64,
    pub instances: Option<i64>,
    pub serverless: Option<Value>,
    pub startup_seconds: Option<u64>,
    pub container: Container,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ProductionVariant {
    variant_name: String,
    model_name: String,
    initial_instance_count: Option<i64>,
    initial_variant_weight: Option<f64>,
    serverless_config: Option<Value>,
    container_startup_health_check_timeout_in_seconds: Option<u64>,
}

impl EndpointConfig {
    /// The data capture, if it is enabled.
    pub fn capture(&self) -> Result<Option<CaptureConfig>, Refusal> {
        CaptureConfig::read(&self.request["DataCaptureConfig"])
    }

    /// The variants with their models' containers.
    pub fn variants(&self, app: &App) -> Result<Vec<Variant>, Refusal> {
        let variants: Vec<ProductionVariant> = parse(&self.request["ProductionVariants"])?;
        variants
            .into_iter()
            .map(|variant| {
                Ok(Variant {
                    container: models::find(app, &variant.model_name)?.container()?,
                    name: variant.variant_name,
                    weight: variant.initial_variant_weight.unwrap_or(1.0),
                    instances: variant.initial_instance_count,
                    serverless: variant.serverless_config,
                    startup_seconds: variant.container_startup_health_check_timeout_in_seconds,
                })
            })
            .collect()
    }
}

/// `CreateEndpointConfig`.
pub fn create(app: &App, request: &Value) -> Result<Value, Refusal> {
    check(request, RULES)?;
    check(request, capture::RULES)?;
    tags::validate(request)?;
    let name = text(request, "EndpointConfigName")?.to_owned();
    let mut names = HashSet::new();
    for variant in request["ProductionVariants"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let name = text(variant, "VariantName")?;
        if !names.insert(name) {
            return Err(Refusal::validation(format!(
                "Variant name must be unique within an endpoint config: {name}"
            )));
        }
        let is_serverless = !variant["ServerlessConfig"].is_null();
        if is_serverless != variant["InstanceType"].is_null() {
            return Err(Refusal::validation(format!(
                "Variant {name} must have either InstanceType with InitialInstanceCount, or \
                 ServerlessConfig"
            )));
        }
    }
    let config = EndpointConfig {
        request: request.clone(),
        created: now(),
    };
    config.variants(app)?;
    config.capture()?;
    let arn = app.arn("endpoint-config", &name);
    if app
        .table::<EndpointConfig>()
        .insert(&name, config)?
        .is_some()
    {
        return Err(Refusal::validation(format!(
            "Cannot create already existing endpoint configuration \"{arn}\"."
        )));
    }
    tags::store(app, "endpoint-config", &name, request)?;
    Ok(json!({"EndpointConfigArn": arn}))
}

/// The configuration `name`, or the refusal of a request that names a missing one.
pub fn find(app: &App, name: &str) -> Result<EndpointConfig, Refusal> {
    app.seen::<EndpointConfig>(name)
        .ok_or_else(|| not_found(app, name))
}

fn not_found(app: &App, name: &str) -> Refusal {
    let arn = app.arn("endpoint-config", name);
    Refusal::validation(format!("Could not find endpoint configuration \"{arn}\"."))
}

/// `DescribeEndpointConfig`.
pub fn describe(app: &App, request: &Value) -> Result<Value, Refusal> {
    let name = text(request, "EndpointConfigName")?;
    let config = find(app, name)?;
    let mut answer = config.request;
    if let Some(members) = answer.as_object_mut() {
        members.remove("Tags");
    }
    answer["EndpointConfigArn"] = json!(app.arn("endpoint-config", name));
    answer["CreationTime"] = json!(config.created);
    Ok(answer)
}

/// `DeleteEndpointConfig`. As with SageMaker, endpoints that use it continue to serve.
pub fn delete(app: &App, request: &Value) -> Result<Value, Refusal> {
    let name = text(request, "EndpointConfigName")?;
    if !app.table::<EndpointConfig>().remove(name)? {
        return Err(not_found(app, name));
    }
    tags::remove(app, "endpoint-config", name)?;
    Ok(json!({}))
}

/// `ListEndpointConfigs`.
pub fn list(app: &App, request: &Value) -> Result<Value, Refusal> {
    let row = |(name, config): (String, EndpointConfig)| Row {
        summary: json!({
            "EndpointConfigName": name,
            "EndpointConfigArn": app.arn("endpoint-config", &name),
            "CreationTime": config.created,
        }),
        created: config.created,
        modified: config.created,
        status: String::new(),
        name,
    };
    let rows = app
        .table::<EndpointConfig>()
        .all()
        .into_iter()
        .map(row)
        .collect();
    listing::page(request, "EndpointConfigs", "Descending", rows)
}
