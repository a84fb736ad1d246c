//! The tags of resources. Every resource that can have tags has a record here, so the record also
//! says that the resource exists.

use crate::app::App;
use crate::protocol::members::{parse, text};
use crate::protocol::refusal::Refusal;
use crate::protocol::validation::{Kind, Rule, check, missing, optional, required};
use crate::store::table::Record;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashSet;

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
const RULES: &[Rule] = &[
    optional("Tags", Kind::List { min: 0, max: 50 }),
    required("Tags[].Key", KEY),
    required("Tags[].Value", VALUE),
];

// SageMaker's limit for one resource.
const MOST: usize = 50;

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    key: String,
    value: String,
}

/// The tags of one resource, in the order in which they were added.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Tags(Vec<Tag>);

impl Record for Tags {
    const FOLDER: &'static str = "tags";
}

/// Stores the `Tags` of a request that creates `kind`/`name`.
pub fn store(app: &App, kind: &str, name: &str, request: &Value) -> Result<(), Refusal> {
    let tags = match &request["Tags"] {
        Value::Null => Tags::default(),
        tags => parse(tags)?,
    };
    app.table().put(&record(kind, name), tags)
}

/// Removes the tags of a resource that is deleted.
pub fn remove(app: &App, kind: &str, name: &str) -> Result<(), Refusal> {
    app.table::<Tags>().remove(&record(kind, name)).map(drop)
}

/// Checks the `Tags` of a request, which may be absent.
pub fn validate(request: &Value) -> Result<(), Refusal> {
    check(request, RULES)?;
    let mut keys = HashSet::new();
    for tag in request["Tags"].as_array().into_iter().flatten() {
        if !keys.insert(text(tag, "Key")?.to_lowercase()) {
            return Err(Refusal::validation(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
    }
    Ok(())
}

/// `AddTags`: a new tag, or a new value for a key that the resource has.
pub fn add(app: &App, request: &Value) -> Result<Value, Refusal> {
    validate(request)?;
    if request["Tags"].is_null() {
        return Err(missing("Tags"));
    }
    let new: Vec<Tag> = parse(&request["Tags"])?;
    let arn = text(request, "ResourceArn")?;
    let all = app
        .table::<Tags>()
        .update(&found(app, arn)?, |Tags(tags)| {
            for tag in new {
                match tags.iter_mut().find(|old| old.key == tag.key) {
                    Some(old) => *old = tag,
                    None => tags.push(tag),
                }
            }
            if tags.len() > MOST {
                return Err(Refusal::limit(format!(
                    "a resource has at most {MOST} tags, and {arn} would have {}",
                    tags.len()
                )));
            }
            Ok(tags.clone())
        })?;
    let all = all.ok_or_else(|| not_found(arn))?;
    Ok(json!({ "Tags": all }))
}

/// `ListTags`.
pub fn list(app: &App, request: &Value) -> Result<Value, Refusal> {
    let arn = text(request, "ResourceArn")?;
    let tags = app.table::<Tags>().get(&found(app, arn)?);
    let Tags(tags) = tags.ok_or_else(|| not_found(arn))?;
    Ok(json!({ "Tags": tags }))
}

/// `DeleteTags`.
pub fn delete(app: &App, request: &Value) -> Result<Value, Refusal> {
    check(
        request,
        &[required("TagKeys", Kind::List { min: 1, max: 50 })],
    )?;
    let arn = text(request, "ResourceArn")?;
    let keys: Vec<String> = parse(&request["TagKeys"])?;
    let deleted = app
        .table::<Tags>()
        .update(&found(app, arn)?, |Tags(tags)| {
            tags.retain(|tag| !keys.contains(&tag.key));
            Ok(())
        })?;
    deleted.ok_or_else(|| not_found(arn))?;
    Ok(json!({}))
}

/// The name of the record of the resource with this ARN.
fn found(app: &App, arn: &str) -> Result<String, Refusal> {
    let resource = arn.strip_prefix(&app.arn_prefix());
    let (kind, name) = resource
        .and_then(|resource| resource.split_once('/'))
        .ok_or_else(|| not_found(arn))?;
    Ok(record(kind, name))
}

fn not_found(arn: &str) -> Refusal {
    Refusal::validation(format!("Could not find resource \"{arn}\"."))
}

/// The name of a resource's record. Records are files, so their names hold no slash; a resource's
/// name holds no comma.
fn record(kind: &str, name: &str) -> String {
    format!("{kind}.{}", name.replace('/', ","))
}
