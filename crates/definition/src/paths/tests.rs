//! The list of paths, and of shared names, against the schema.

use super::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Fields that name what all runs of a pipeline share in an account. Others may use the same
/// names, so the default carries the stack.
const SHARED_NAMES: [&str; 2] = ["endpoint.name", "promotion.modelPackageGroup"];

/// Other fields of free text, and keys of maps, that are not attribute paths.
const NO_PATHS: &[&str] = &[
    "$schema",
    "source.toy.name",
    "batch.input.prefix",
    "batch.instanceType",
    "dataset.columns[].vocabulary[]",
    "dataset.split.time.testFrom",
    "dataset.split.time.validationFrom",
    "dataset.where[].value",
    "notify.subjects.approval",
    "notify.subjects.failure",
    "notify.subjects.late",
    "notify.subjects.stale",
    "notify.subjects.success",
    "ready.when[].lambda",
    "ready.when[].s3",
    "dataset.where[].value[]",
    "endpoint.compute.instances.instanceType",
    "endpoint.environment{}",
    "endpoint.guardrails.alarms[]",
    "pipeline",
    "promotion.metric",
    "promotion.reevaluate.instanceType",
    "source.dynamodb.filter.expression",
    "source.dynamodb.filter.names{}",
    "source.dynamodb.filter.values{}",
    "source.dynamodb.index",
    "source.dynamodb.table",
    // Whole names of attributes: a sample is checked for them, and `id` and `at` are the default of
    // `dataset.deduplicate`.
    "source.events.id[]",
    "source.events.at",
    "source.events.required[]",
    "source.files.uri",
    // Whole names of attributes: each line is checked for its key, each header for its columns.
    "source.files.csv.columns[]",
    "source.files.csv.types{}",
    "source.files.key[]",
    "source.files.csv.delimiter",
    "source.images.bucket",
    "source.images.changed.since.part",
    "source.images.include[]",
    "source.images.keys",
    "source.images.labels.csv.key",
    "source.images.labels.csv.label",
    "source.images.labels.csv.uri",
    "source.images.labels.key",
    "source.images.labels.manifest.attribute",
    "source.images.labels.manifest.uri",
    "source.images.labels.sidecar.path",
    "source.images.labels.sidecar.suffix",
    "source.images.labels.table.attribute",
    "source.images.labels.table.from",
    "source.images.labels.table.key",
    "source.images.labels.table.name",
    "source.images.labels.tag",
    "source.images.prefix",
    "source.sql.certificateAuthorities",
    // Columns of the database, whose catalogue knows them before anything is read.
    "source.sql.columns[]",
    "source.sql.database",
    "source.sql.host",
    "source.sql.query",
    "source.sql.secret",
    "source.sql.splitBy",
    "source.sql.table",
    "source.sql.where",
    "training.algorithm.version",
    "training.environment{}",
    "training.hyperparameters{}",
    "training.image",
    "training.instanceType",
    "training.kms.outputKey",
    "training.kms.volumeKey",
    "training.metrics[].name",
    "training.metrics[].regex",
    "training.roleArn",
    "training.tags{}",
    "training.tuning.metric",
    "training.tuning.ranges{}",
    "training.tuning.ranges{}.categorical[]",
    "training.vpc.securityGroupIds[]",
    "training.vpc.subnets[]",
];

/// A definition with every field that holds a path.
fn with_paths() -> Value {
    json!({
        "source": {"dynamodb": {"table": "t", "projection": ["a"]}},
        "gate": {"attributes": {"n": {}}},
        "dataset": {
            "label": "y", "weight": "w", "columns": [{"path": "c"}], "exclude": ["e"],
            "where": [{"path": "f", "op": "exists"}],
            "deduplicate": {"by": ["g"], "latest": "h"},
            "split": {"by": ["i"], "time": {"path": "j"}},
            "gate": {"columns": {"k": {}}},
            "format": {"jsonLines": {"in0": ["l"], "in1": ["m"]}},
            "mayBeAbsent": ["f"],
            "rare": ["c"],
        },
        "training": {"image": "i"},
        "promotion": {"metric": "m", "goal": "minimize"},
    })
}

/// The places of all texts below a schema: `a.b` is a field, `a[]` an array's element, `a{}` a
/// map's key.
fn texts(all: &Value, schema: &Value, place: &str, found: &mut BTreeSet<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.trim_start_matches("#/$defs/");
        texts(all, &all["$defs"][name], place, found);
    }
    for several in ["anyOf", "oneOf", "allOf"] {
        for one in schema[several].as_array().into_iter().flatten() {
            texts(all, one, place, found);
        }
    }
    let is = |kind: &str| match &schema["type"] {
        Value::Array(kinds) => kinds.iter().any(|known| known == kind),
        known => known == kind,
    };
    if is("string") && schema["enum"].is_null() && schema["const"].is_null() {
        found.insert(place.to_owned());
    }
    texts_of_array(all, schema, place, found);
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let dot = if place.is_empty() { "" } else { "." };
        texts(all, field, &format!("{place}{dot}{name}"), found);
    }
    if schema["additionalProperties"].is_object() || schema["additionalProperties"] == true {
        let key = format!("{place}{{}}");
        texts(all, &schema["additionalProperties"], &key, found);
        found.insert(key);
    }
}

fn texts_of_array(all: &Value, schema: &Value, place: &str, found: &mut BTreeSet<String>) {
    if schema["items"].is_object() {
        texts(all, &schema["items"], &format!("{place}[]"), found);
    }
    // A tuple's.
    for one in schema["prefixItems"].as_array().into_iter().flatten() {
        texts(all, one, &format!("{place}[]"), found);
    }
}

/// Puts a text at such a place.
fn put(json: &mut Value, place: &str, text: &str) {
    let (name, rest) = place.split_at(place.find(['.', '[', '{']).unwrap_or(place.len()));
    let json = if name.is_empty() {
        json
    } else {
        &mut json[name]
    };
    match rest {
        "" => *json = json!(text),
        "{}" => {
            let value = json.as_object().and_then(|map| map.values().next());
            *json = json!({ text: value.cloned().unwrap_or_default() });
        }
        _ if rest.starts_with("{}") => {
            put(&mut json["key"], rest[2..].trim_start_matches('.'), text);
        }
        _ if rest.starts_with("[]") => {
            if !json.is_array() {
                *json = json!([{}]);
            }
            put(&mut json[0], rest[2..].trim_start_matches('.'), text);
        }
        _ => put(json, &rest[1..], text),
    }
}

#[test]
fn every_field_of_text_is_a_path_of_the_list_or_known_to_be_none() {
    let schema = serde_json::to_value(crate::schema()).unwrap();
    let mut found = BTreeSet::new();
    texts(&schema, &schema, "", &mut found);
    let no_paths = NO_PATHS.iter().chain(&SHARED_NAMES);
    let unknown: Vec<_> = no_paths
        .clone()
        .filter(|place| !found.contains(**place))
        .collect();
    assert!(unknown.is_empty(), "no such fields: {unknown:?}");
    let mut forgotten = Vec::new();
    for place in found
        .iter()
        .filter(|place| !no_paths.clone().any(|known| known == place))
    {
        let mut json = with_paths();
        put(&mut json, place, "wanted");
        let field = place.replace("[]", "[0]").replace("{}", "");
        let is_listed = contract::read::from_value::<Definition>(json).is_ok_and(|definition| {
            let mut paths = definition.paths().into_iter();
            paths.any(|named| named.text == "wanted" && named.field == field)
        });
        if !is_listed {
            forgotten.push(place);
        }
    }
    assert!(
        forgotten.is_empty(),
        "list them in Definition::paths (and in `with_paths`), in SHARED_NAMES if others of the account can see \
         what they name, or else in NO_PATHS: {forgotten:#?}"
    );
}

/// The texts of a document with their places, as in [`texts`].
fn leaves(json: &Value, place: &str, found: &mut BTreeMap<String, String>) {
    match json {
        Value::String(text) => drop(found.insert(place.to_owned(), text.clone())),
        Value::Array(all) => {
            for one in all {
                leaves(one, &format!("{place}[]"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let dot = if place.is_empty() { "" } else { "." };
                leaves(field, &format!("{place}{dot}{name}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn every_shared_name_is_by_default_the_stacks_and_the_pipelines() {
    let named = |stack: Option<&str>, pipeline: &str| {
        let mut json = with_paths();
        json["pipeline"] = json!(pipeline);
        json["promotion"]["register"] = json!(true);
        let mut definition: Definition = contract::read::from_value(json).unwrap();
        if let Some(stack) = stack {
            definition.name_resources(stack);
        }
        let mut found = BTreeMap::new();
        leaves(&serde_json::to_value(definition).unwrap(), "", &mut found);
        found
    };
    let (before, shop) = (named(None, "films"), named(Some("shop"), "films"));
    let (other_stack, other_pipeline) =
        (named(Some("bank"), "films"), named(Some("shop"), "songs"));
    let filled = shop
        .iter()
        .filter(|(place, _)| !before.contains_key(*place));
    let filled: BTreeSet<&str> = filled.map(|(place, _)| place.as_str()).collect();
    assert_eq!(filled, SHARED_NAMES.into(), "what name_resources fills in");
    for place in SHARED_NAMES {
        let name = &shop[place];
        assert!(
            name.contains("shop") && name.contains("films"),
            "{place}: {name}"
        );
        assert_ne!(name, &other_stack[place], "{place}");
        assert_ne!(name, &other_pipeline[place], "{place}");
    }
}
