//! Tags, by the ARN of what they are on.

use crate::app::App;
use crate::protocol::{Refusal, parse, text};
use crate::validation::{Kind, Rule, check, optional, required};
use crate::{model_groups, model_packages};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const KEY: Kind = Kind::Text {
    min: 1,
    max: 128,
    pattern: r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)",
};
const VALUE: Kind = Kind::Text {
    min: 0,
    max: 256,
    pattern: r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)",
};

/// The constraints on a request's `Tags`.
pub const RULES: &[Rule] = &[
    optional("Tags", Kind::List { min: 0, max: 50 }),
    required("Tags[].Key", KEY),
    required("Tags[].Value", VALUE),
];

/// A label on a thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    key: String,
    value: String,
}

/// Keeps the `Tags` of a request that creates `kind`/`name`.
pub fn keep(app: &App, kind: &str, name: &str, request: &Value) -> Result<(), Refusal> {
    if request["Tags"].is_null() {
        return Ok(());
    }
    app.tags
        .insert(&record(kind, name), parse(&request["Tags"])?)
        .map(drop)
}

/// Forgets the tags of what is deleted.
pub fn forget(app: &App, kind: &str, name: &str) -> Result<(), Refusal> {
    app.tags.remove(&record(kind, name)).map(drop)
}

/// `AddTags`.
pub fn add(app: &App, request: &Value) -> Result<Value, Refusal> {
    check(request, RULES)?;
    let record = find(app, text(request, "ResourceArn")?)?;
    if request["Tags"].is_null() {
        return Err(crate::validation::missing("Tags"));
    }
    let new: Vec<Tag> = parse(&request["Tags"])?;
    app.tags.insert(&record, Vec::new())?;
    let all = app.tags.update(&record, |tags| {
        for tag in new {
            tags.retain(|old| old.key != tag.key);
            tags.push(tag);
        }
        Ok(tags.clone())
    })?;
    Ok(json!({"Tags": all.unwrap_or_default()}))
}

/// `ListTags`.
pub fn list(app: &App, request: &Value) -> Result<Value, Refusal> {
    let record = find(app, text(request, "ResourceArn")?)?;
    Ok(json!({"Tags": app.tags.get(&record).unwrap_or_default()}))
}

/// `DeleteTags`.
pub fn delete(app: &App, request: &Value) -> Result<Value, Refusal> {
    check(
        request,
        &[required("TagKeys", Kind::List { min: 1, max: 50 })],
    )?;
    let record = find(app, text(request, "ResourceArn")?)?;
    let keys: Vec<String> = parse(&request["TagKeys"])?;
    app.tags.update(&record, |tags| {
        tags.retain(|tag| !keys.contains(&tag.key));
        Ok(())
    })?;
    Ok(json!({}))
}

fn find(app: &App, arn: &str) -> Result<String, Refusal> {
    let (kind, name) = arn
        .rsplit(':')
        .next()
        .and_then(|end| end.split_once('/'))
        .unwrap_or_default();
    if kind == model_packages::KIND && app.arn(kind, name) == arn {
        return Ok(record(kind, &model_packages::kept_as(app, arn)?));
    }
    let is_there = app.arn(kind, name) == arn
        && match kind {
            "training-job" => app.jobs.get(name).is_some(),
            "hyper-parameter-tuning-job" => app.tuning_jobs.get(name).is_some(),
            "transform-job" => app.transform_jobs.get(name).is_some(),
            "model" => app.models.get(name).is_some(),
            model_groups::KIND => app.model_groups.get(name).is_some(),
            "endpoint-config" => app.endpoint_configs.get(name).is_some(),
            "endpoint" => app.endpoints.get(name).is_some(),
            _ => false,
        };
    if is_there {
        Ok(record(kind, name))
    } else {
        Err(Refusal::validation(format!(
            "Could not find resource \"{arn}\"."
        )))
    }
}

fn record(kind: &str, name: &str) -> String {
    format!("{kind}.{name}")
}
