//! The definition of a run: the stored one, with the execution's input merged over it.

use crate::PlanExportError;
use contract::{Names, json_kind};
use definition::Definition;
use lake::records::Champion;
use lake::{ObjectStore, documents, keys, store};
use serde_json::{Map, Value};

/// The pipeline that the input names.
pub fn pipeline_of(input: &Value) -> Result<String, PlanExportError> {
    let pipeline = Names::pipeline_of(input);
    let pipeline = pipeline.map_err(|message| PlanExportError::Input { message })?;
    Ok(pipeline.to_owned())
}

/// The valid definition of a pipeline: the stored one, with `input` merged over it.
///
/// # Errors
/// If there is none, or it is not valid.
pub async fn load(
    store: &impl ObjectStore,
    pipeline: &str,
    input: Value,
) -> Result<Definition, PlanExportError> {
    let key = keys::definition(pipeline);
    let stored = store::get_if_there(store, &key)
        .await
        .map_err(lake::DocumentError::from)?;
    let mut merged = match stored {
        Some(text) => match serde_json::from_slice(&text) {
            Ok(object @ Value::Object(_)) => object,
            Ok(other) => return Err(not_json(store, key, json_kind(&other).to_owned())),
            Err(error) => return Err(not_json(store, key, error.to_string())),
        },
        // An input with a whole definition needs no stored one.
        None if input.get("source").is_some() => Value::Object(Map::new()),
        None => {
            return Err(PlanExportError::DefinitionMissing {
                pipeline: pipeline.to_owned(),
                bucket: store.bucket().to_owned(),
                key,
            });
        }
    };
    let named = merged
        .get("pipeline")
        .and_then(Value::as_str)
        .unwrap_or(pipeline);
    if named != pipeline {
        return Err(PlanExportError::Input {
            message: format!(
                "field `pipeline` of {key} is {named:?}: it must be {pipeline:?} or absent"
            ),
        });
    }
    merge(&mut merged, input);
    merged["pipeline"] = Value::String(pipeline.to_owned());
    let definition =
        dataset::read_definition(&merged).map_err(|faults| PlanExportError::Invalid {
            pipeline: pipeline.to_owned(),
            faults,
        })?;
    for warning in definition.warnings() {
        tracing::warn!(pipeline = definition.pipeline, "{warning}");
    }
    Ok(definition)
}

/// Checks that AWS can update the endpoint in service to the desired compute: found here, the
/// mistake costs nothing; found by the deployment, a whole run. A pipeline without `promotion` or
/// with `batch` does not touch the endpoint.
///
/// # Errors
/// If AWS cannot, or the lake cannot be read.
pub async fn check_endpoint(
    store: &impl ObjectStore,
    definition: &Definition,
) -> Result<(), PlanExportError> {
    if definition.promotion.is_none() || definition.batch.is_some() {
        return Ok(());
    }
    let key = keys::champion(&definition.pipeline);
    let champion: Option<Champion> =
        documents::read_if_there(store, &key, "the record of a champion").await?;
    let endpoint = definition.endpoint().name.as_deref().unwrap_or_default();
    let there = champion.filter(|champion| champion.endpoint.as_deref() == Some(endpoint));
    let Some(there) = there.and_then(|champion| champion.compute) else {
        return Ok(());
    };
    let compute = &definition.endpoint().compute;
    compute
        .check_update_from(there, endpoint)
        .map_err(|fault| PlanExportError::Invalid {
            pipeline: definition.pipeline.clone(),
            faults: fault.into(),
        })
}

/// JSON Merge Patch. Source: RFC 7396, section 2.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else {
        return;
    };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(&name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

fn not_json(store: &impl ObjectStore, key: String, message: String) -> PlanExportError {
    PlanExportError::NotJson {
        bucket: store.bucket().to_owned(),
        key,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn merging_follows_rfc_7396() {
        // The table of appendix A, as far as it concerns objects.
        for (target, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": "b"}),
                json!({"b": "c"}),
                json!({"a": "b", "b": "c"}),
            ),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (
                json!({"a": [{"b": "c"}]}),
                json!({"a": [1]}),
                json!({"a": [1]}),
            ),
            (
                json!({"e": null}),
                json!({"a": 1}),
                json!({"e": null, "a": 1}),
            ),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ] {
            let mut merged = target.clone();
            merge(&mut merged, patch.clone());
            assert_eq!(merged, result, "{target} with {patch}");
        }
    }
}
