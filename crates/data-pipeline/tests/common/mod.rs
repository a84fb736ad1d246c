//! What the suites share: pipelines, options, and the translation of the file form to the API's.
#![allow(dead_code, reason = "each suite uses a part")]
#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use data_pipeline::report::{Line, Outcome};
use data_pipeline::{Clock, Conversion, ConvertError, Input, Options, convert};
use serde_json::{Map, Value, json};

/// The ten structures of the guide, and an export of PostgreSQL.
pub const PIPELINES: [(&str, &str); 11] = [
    (
        "console-export",
        include_str!("../pipelines/01-console-export.json"),
    ),
    ("on-demand", include_str!("../pipelines/02-on-demand.json")),
    (
        "two-tables",
        include_str!("../pipelines/03-two-tables.json"),
    ),
    ("hive-csv", include_str!("../pipelines/04-hive-csv.json")),
    ("hive-copy", include_str!("../pipelines/05-hive-copy.json")),
    ("import", include_str!("../pipelines/06-import.json")),
    (
        "dynamodb-to-redshift",
        include_str!("../pipelines/07-dynamodb-to-redshift.json"),
    ),
    (
        "mysql-to-s3",
        include_str!("../pipelines/08-mysql-to-s3.json"),
    ),
    (
        "s3-to-redshift",
        include_str!("../pipelines/09-s3-to-redshift.json"),
    ),
    (
        "hello-world",
        include_str!("../pipelines/10-hello-world.json"),
    ),
    (
        "postgres-to-s3",
        include_str!("../pipelines/11-postgres-to-s3.json"),
    ),
];

/// The text of a pipeline.
pub fn text(name: &str) -> &'static str {
    let found = PIPELINES.iter().find(|(known, _)| *known == name);
    found.expect("the pipeline is in the list").1
}

/// A file with this content.
pub fn input(name: &str, text: impl Into<Vec<u8>>) -> Input {
    Input {
        name: name.to_owned(),
        bytes: text.into(),
    }
}

/// A conversion on 28 November 2026, a Saturday.
pub fn options() -> Options {
    Options {
        clock: Clock {
            now: "2026-11-28T10:20:00Z".parse().unwrap(),
            ..Clock::default()
        },
        ..Options::default()
    }
}

/// Converts one text.
pub fn converted(text: impl Into<Vec<u8>>, options: &Options) -> Result<Conversion, ConvertError> {
    convert(&[input("pipeline.json", text)], options)
}

/// The text of a file of the output.
pub fn output<'c>(conversion: &'c Conversion, path: &str) -> &'c str {
    let found = conversion.files.iter().find(|file| file.path == path);
    &found.unwrap_or_else(|| panic!("{path} is made")).text
}

/// A file of the output as JSON.
pub fn output_json(conversion: &Conversion, path: &str) -> Value {
    serde_json::from_str(output(conversion, path)).unwrap()
}

/// The definition that was made of a pipeline, after the checks that definitions pass.
pub fn definition(conversion: &Conversion, name: &str) -> Value {
    let value = output_json(conversion, &format!("config/{name}.json"));
    let read = definition::read(&value, |_, _| ()).unwrap();
    assert_eq!(read.pipeline, name);
    value
}

/// The line of a field.
pub fn line<'c>(conversion: &'c Conversion, object: &str, field: &str) -> &'c Line {
    let lines = conversion
        .report
        .pipelines
        .iter()
        .flat_map(|pipeline| &pipeline.fields);
    let mut found = lines
        .filter(|line| line.object.as_deref().unwrap_or_default() == object && line.field == field);
    let line = found.next();
    line.unwrap_or_else(|| panic!("{object}.{field} has a line"))
}

/// The outcome of a field.
pub fn outcome(conversion: &Conversion, object: &str, field: &str) -> Outcome {
    line(conversion, object, field).outcome
}

/// The API's form of a definition in the file form, as the AWS command line makes it.
pub fn api_form(file: &Value) -> Value {
    let objects = file["objects"].as_array().unwrap().iter();
    let parameters = file["parameters"].as_array().into_iter().flatten();
    let values = file["values"].as_object().into_iter().flatten();
    json!({
        "pipelineObjects": objects.map(|object| api_object(object, "fields")).collect::<Vec<_>>(),
        "parameterObjects": parameters.map(|object| api_object(object, "attributes")).collect::<Vec<_>>(),
        "parameterValues": values
            .flat_map(|(id, value)| list(value).into_iter().map(move |value| json!({"id": id, "stringValue": value})))
            .collect::<Vec<_>>(),
    })
}

fn list(value: &Value) -> Vec<Value> {
    value
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![value.clone()])
}

fn api_object(object: &Value, fields_are: &str) -> Value {
    let object = object.as_object().unwrap();
    let mut keys: Vec<_> = object
        .keys()
        .filter(|key| !["id", "name"].contains(&key.as_str()))
        .collect();
    keys.sort();
    let mut fields = Vec::new();
    for key in keys {
        for value in list(&object[key]) {
            fields.push(match value.get("ref") {
                Some(id) => json!({"key": key, "refValue": id}),
                None => json!({"key": key, "stringValue": value}),
            });
        }
    }
    let mut made = Map::new();
    made.insert("id".to_owned(), object["id"].clone());
    if fields_are == "fields" {
        made.insert(
            "name".to_owned(),
            object.get("name").unwrap_or(&object["id"]).clone(),
        );
    }
    made.insert(fields_are.to_owned(), json!(fields));
    Value::Object(made)
}

/// The number of fields that a definition in the file form has: all but ids, names that are the
/// ids, and what holds them.
pub fn fields_of(file: &Value) -> usize {
    let of_objects = |key: &str| -> usize {
        let objects = file[key].as_array().into_iter().flatten();
        objects
            .map(|object| {
                let object = object.as_object().unwrap();
                let is_field = |(key, value): &(&String, &Value)| match key.as_str() {
                    "id" => false,
                    "name" => **value != object["id"],
                    _ => true,
                };
                object.iter().filter(is_field).count()
            })
            .sum()
    };
    let values = file["values"].as_object().map_or(0, Map::len);
    of_objects("objects") + of_objects("parameters") + values
}
