//! A table as DynamoDB and AWS Data Pipeline exported it, by their published forms.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest, Md5};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;

/// Items with every type of a table.
pub fn table() -> Vec<Value> {
    let item = |n: usize| {
        let mut item = json!({
            "id": {"S": format!("o-{n} \"\u{e9}\"")},
            "amount": {"N": format!("{n}.50")},
            "paid": {"BOOL": n.is_multiple_of(2)},
            "raw": {"B": STANDARD.encode([u8::try_from(n % 256).unwrap(), 0xff])},
            "tags": {"SS": ["a", format!("{n}")]},
            "sizes": {"NS": ["1", "2.5"]},
            "blobs": {"BS": ["AQ==", "Ag=="]},
            "where": {"M": {"city": {"S": "Ulm"}, "path": {"L": [{"N": "1"}, {"NULL": true}]}}},
        });
        if n.is_multiple_of(3) {
            item["note"] = json!({"NULL": true});
        }
        item
    };
    (0..700).map(item).collect()
}

/// A value in the connector's form: types with a small first letter, binary and sets alike.
fn connector(value: &Value, null: &str) -> Value {
    let (kind, inner) = value.as_object().unwrap().iter().next().unwrap();
    let inner = match kind.as_str() {
        "M" => inner
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), connector(value, null)))
            .collect(),
        "L" => inner
            .as_array()
            .unwrap()
            .iter()
            .map(|value| connector(value, null))
            .collect(),
        _ => inner.clone(),
    };
    let kind = match kind.as_str() {
        "NULL" => null.to_owned(),
        kind => format!("{}{}", kind[..1].to_ascii_lowercase(), &kind[1..]),
    };
    json!({ kind: inner })
}

pub fn line_of_emr(item: &Value) -> String {
    let attributes: serde_json::Map<_, _> = attributes(item, "nULL").collect();
    Value::Object(attributes).to_string()
}

pub fn line_of_hive(item: &Value) -> String {
    let attributes = attributes(item, "nULLValue");
    let attributes: Vec<_> = attributes
        .map(|(name, value)| format!("{name}\x03{value}"))
        .collect();
    attributes.join("\x02")
}

fn attributes<'i>(item: &'i Value, null: &'i str) -> impl Iterator<Item = (String, Value)> + 'i {
    let attributes = item.as_object().unwrap().iter();
    attributes.map(move |(name, value)| (name.clone(), connector(value, null)))
}

pub fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

pub type Objects = BTreeMap<String, Vec<u8>>;

/// An export by Data Pipeline, in three files of which one is empty.
pub fn old_export(
    folder: &str,
    line: impl Fn(&Value) -> String,
    pack: impl Fn(Vec<u8>) -> Vec<u8>,
) -> Objects {
    let items = table();
    let mut objects = Objects::new();
    let mut entries = Vec::new();
    for (number, items) in [&items[..300], &[], &items[300..]].into_iter().enumerate() {
        let lines: String = items.iter().map(|item| line(item) + "\n").collect();
        let name = format!("9c5b{number}-0f");
        entries.push(json!({"url": format!("s3://another-bucket/old/{name}"), "mandatory": true}));
        objects.insert(
            format!("{folder}{name}"),
            if lines.is_empty() {
                Vec::new()
            } else {
                pack(lines.into_bytes())
            },
        );
    }
    let manifest = json!({"name": "DynamoDB-export", "version": 3, "entries": entries});
    objects.insert(
        format!("{folder}manifest"),
        manifest.to_string().into_bytes(),
    );
    objects.insert(format!("{folder}_SUCCESS"), Vec::new());
    objects.insert(
        format!("{}_$folder$", folder.trim_end_matches('/')),
        Vec::new(),
    );
    objects
}

/// A full export by DynamoDB.
pub fn native_export(folder: &str) -> Objects {
    let items = table();
    let mut objects = Objects::new();
    let mut lines = String::new();
    for (number, items) in [&items[..500], &items[500..]].into_iter().enumerate() {
        let text: Vec<_> = items
            .iter()
            .map(|item| json!({"Item": item}).to_string())
            .collect();
        let text = text.join(
            "
",
        ) + "
";
        let file = gzip(text.as_bytes());
        let key = format!("another/AWSDynamoDB/0168-ab/data/f{number}.json.gz");
        let entry = json!({
            "itemCount": items.len(), "md5Checksum": STANDARD.encode(Md5::digest(&file)),
            "etag": "e-1", "dataFileS3Key": key,
        });
        lines += &entry.to_string();
        lines.push('\n');
        objects.insert(
            format!("{folder}AWSDynamoDB/0168-ab/data/f{number}.json.gz"),
            file,
        );
    }
    let summary = json!({
        "version": "2020-06-30", "exportArn": "arn:aws:dynamodb:us-east-1:1:table/orders/export/0168-ab",
        "manifestFilesS3Key": "another/AWSDynamoDB/0168-ab/manifest-files.json",
        "itemCount": items.len(), "outputFormat": "DYNAMODB_JSON", "exportType": "FULL_EXPORT",
    });
    let within = format!("{folder}AWSDynamoDB/0168-ab/");
    objects.insert(format!("{within}manifest-files.json"), lines.into_bytes());
    objects.insert(format!("{within}manifest-files.md5"), b"x".to_vec());
    objects.insert(
        format!("{within}manifest-summary.json"),
        summary.to_string().into_bytes(),
    );
    objects.insert(format!("{within}_started"), Vec::new());
    objects
}
