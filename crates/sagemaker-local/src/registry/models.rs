//! The API's operations on models. A model is an image, an artifact and an environment.

use crate::app::App;
use crate::protocol::listing::{self, Row};
use crate::protocol::members::{parse, text};
use crate::protocol::refusal::Refusal;
use crate::protocol::validation::{
    self, Kind, NAME, ROLE, Rule, S3_URI, check, optional, required,
};
use crate::store::s3_uri::S3Uri;
use crate::store::table::{Record, now};
use crate::tags;
use lake::store::{ObjectStore, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const IMAGE: Kind = Kind::Text {
    min: 1,
    max: 255,
    pattern: r"[\S]+",
};
const RULES: &[Rule] = &[
    required("ModelName", validation::text(63, NAME)),
    optional(
        "ExecutionRoleArn",
        Kind::Text {
            min: 20,
            max: 2048,
            pattern: ROLE,
        },
    ),
    optional("PrimaryContainer", Kind::Object),
    required("PrimaryContainer.Image", IMAGE),
    optional(
        "PrimaryContainer.ModelDataUrl",
        validation::text(1024, S3_URI),
    ),
    optional(
        "PrimaryContainer.Environment",
        Kind::TextMap {
            entries: 100,
            key: 1024,
            value: 1024,
        },
    ),
    optional("Containers", Kind::List { min: 1, max: 15 }),
    required("Containers[].Image", IMAGE),
    optional("Containers[].ModelDataUrl", validation::text(1024, S3_URI)),
    optional(
        "Containers[].Environment",
        Kind::TextMap {
            entries: 100,
            key: 1024,
            value: 1024,
        },
    ),
];

/// A model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Model {
    /// The request, which `DescribeModel` repeats.
    request: Value,
    created: f64,
}

impl Record for Model {
    const FOLDER: &'static str = "models";
}

/// The image, artifact and environment of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Container {
    pub image: String,
    pub model_data_url: Option<String>,
    #[serde(default)]
    pub environment: std::collections::BTreeMap<String, String>,
}

impl Model {
    /// The model's one container.
    pub fn container(&self) -> Result<Container, Refusal> {
        parse(container(&self.request)?)
    }
}

fn container(request: &Value) -> Result<&Value, Refusal> {
    let listed = request["Containers"].as_array().map(Vec::as_slice);
    let container = match (&request["PrimaryContainer"], listed) {
        (Value::Null, Some([one])) => one,
        (Value::Null, Some(_)) => {
            return Err(Refusal::validation(
                "sagemaker-local runs one container a model, and Containers holds several",
            ));
        }
        (Value::Null, None) => return Err(validation::missing("PrimaryContainer")),
        (_, Some(_)) => {
            return Err(Refusal::validation(
                "Only one of PrimaryContainer and Containers can be specified",
            ));
        }
        (primary, None) => primary,
    };
    for unsupported in ["ModelDataSource", "ModelPackageName", "MultiModelConfig"] {
        if !container[unsupported].is_null() {
            return Err(Refusal::validation(format!(
                "sagemaker-local takes a model's data from ModelDataUrl, not from {unsupported}"
            )));
        }
    }
    Ok(container)
}

/// `CreateModel`.
pub async fn create(app: &App, request: &Value) -> Result<Value, Refusal> {
    check(request, RULES)?;
    tags::validate(request)?;
    let name = text(request, "ModelName")?.to_owned();
    let model = Model {
        request: request.clone(),
        created: now(),
    };
    if let Some(url) = model.container()?.model_data_url {
        let uri = S3Uri::parse(&url)?;
        match app.bucket(&uri.bucket).stream(&uri.key).await {
            Ok(_) => {}
            Err(StoreError::NotFound { .. }) => {
                return Err(Refusal::validation(format!(
                    "Could not find model data at {url}."
                )));
            }
            Err(error) => {
                return Err(Refusal::validation(format!(
                    "Could not access model data at {url}: {error}"
                )));
            }
        }
    }
    let arn = app.arn("model", &name);
    if app.table::<Model>().insert(&name, model)?.is_some() {
        return Err(Refusal::validation(format!(
            "Cannot create already existing model \"{arn}\"."
        )));
    }
    tags::store(app, "model", &name, request)?;
    Ok(json!({"ModelArn": arn}))
}

/// The model `name`, or the refusal of a request that names a missing one.
pub fn find(app: &App, name: &str) -> Result<Model, Refusal> {
    app.seen::<Model>(name).ok_or_else(|| not_found(app, name))
}

fn not_found(app: &App, name: &str) -> Refusal {
    Refusal::validation(format!(
        "Could not find model \"{}\".",
        app.arn("model", name)
    ))
}

/// `DescribeModel`.
pub fn describe(app: &App, request: &Value) -> Result<Value, Refusal> {
    let name = text(request, "ModelName")?;
    let model = find(app, name)?;
    let mut answer = model.request;
    if let Some(members) = answer.as_object_mut() {
        members.remove("Tags");
    }
    answer["ModelArn"] = json!(app.arn("model", name));
    answer["CreationTime"] = json!(model.created);
    Ok(answer)
}

/// `DeleteModel`. The artifact in S3 stays.
pub fn delete(app: &App, request: &Value) -> Result<Value, Refusal> {
    let name = text(request, "ModelName")?;
    if !app.table::<Model>().remove(name)? {
        return Err(not_found(app, name));
    }
    tags::remove(app, "model", name)?;
    Ok(json!({}))
}

/// `ListModels`.
pub fn list(app: &App, request: &Value) -> Result<Value, Refusal> {
    let row = |(name, model): (String, Model)| Row {
        summary: json!({
            "ModelName": name,
            "ModelArn": app.arn("model", &name),
            "CreationTime": model.created,
        }),
        created: model.created,
        modified: model.created,
        status: String::new(),
        name,
    };
    let rows = app.table::<Model>().all().into_iter().map(row).collect();
    listing::page(request, "Models", "Descending", rows)
}
