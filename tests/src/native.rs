//! Writes the output of DynamoDB's native export to a bucket, where a local server does not.

use crate::dynamodb;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use lake::ObjectStore;
use lake::records::Window;
use md5::{Digest, Md5};
use serde_json::{Map, Value, json};
use std::io::Write;

/// The ARNs of a table's exports, as the server at `url` lists them.
pub async fn exports(url: &str, table: &str) -> Vec<String> {
    let described = dynamodb::call(url, "DescribeTable", &json!({ "TableName": table })).await;
    let request = json!({ "TableArn": described["Table"]["TableArn"] });
    let answer = dynamodb::call(url, "ListExports", &request).await;
    let summaries = answer["ExportSummaries"].as_array().into_iter().flatten();
    summaries
        .filter_map(|summary| summary["ExportArn"].as_str().map(str::to_owned))
        .collect()
}

/// Where an export's manifests and files lie.
fn folder(prefix: &str, arn: &str) -> String {
    let id = arn.rsplit('/').next().unwrap_or(arn);
    format!("{prefix}/AWSDynamoDB/{id}")
}

/// The content of a data file.
///
/// # Panics
/// Never: memory can be written.
pub fn encode(items: &[&Value]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    for item in items {
        writeln!(encoder, "{}", json!({ "Item": item })).expect("memory can be written");
    }
    encoder.finish().expect("memory can be written")
}

/// Writes a data file of an export, and returns its key.
///
/// # Panics
/// If the lake cannot be written.
pub async fn write_file(
    lake: &impl ObjectStore,
    prefix: &str,
    arn: &str,
    name: &str,
    encoded: Vec<u8>,
) -> String {
    let key = format!("{}/data/{name}.json.gz", folder(prefix, arn));
    lake.put(&key, encoded.into())
        .await
        .expect("putting a file");
    key
}

/// Writes the manifests of an export: of files by their keys, with the items of each. The summary
/// comes last, as DynamoDB writes it.
///
/// # Panics
/// If a file is not there, or the lake cannot be written.
pub async fn write_manifests(
    lake: &impl ObjectStore,
    prefix: &str,
    arn: &str,
    files: &[(String, usize)],
) {
    write_summary(lake, prefix, arn, files, json!({})).await;
}

/// Writes the manifests of an export, whose summary has these fields too.
async fn write_summary(
    lake: &impl ObjectStore,
    prefix: &str,
    arn: &str,
    files: &[(String, usize)],
    more: Value,
) {
    let folder = folder(prefix, arn);
    let mut lines = Vec::new();
    for (key, items) in files {
        let bytes = lake.get(key).await.expect("the file is there");
        let line = json!({
            "itemCount": items,
            "md5Checksum": STANDARD.encode(Md5::digest(&bytes)),
            "etag": "not looked at",
            "dataFileS3Key": key,
        });
        lines.push(line.to_string());
    }
    let files_key = format!("{folder}/manifest-files.json");
    let lines = lines.join("\n") + "\n";
    lake.put(&files_key, lines.into()).await.expect("putting");
    let mut summary = json!({
        "version": "2020-06-30",
        "exportArn": arn,
        "outputFormat": "DYNAMODB_JSON",
        "itemCount": files.iter().map(|(_, items)| items).sum::<usize>(),
        "manifestFilesS3Key": files_key,
        "billedSizeBytes": 0,
    });
    if let (Some(summary), Value::Object(more)) = (summary.as_object_mut(), more) {
        summary.extend(more);
    }
    let key = format!("{folder}/manifest-summary.json");
    lake.put(&key, summary.to_string().into())
        .await
        .expect("putting");
}

/// What an incremental export says of a key that changed in its window.
#[derive(Debug, Clone)]
pub struct Change {
    /// The item before the window, if there was one.
    pub old: Option<Value>,
    /// The item after it, if there is one.
    pub new: Option<Value>,
}

/// Writes an incremental export of a window, of one file: a line for each change, in the form of
/// DynamoDB's documentation, "DynamoDB table export output format".
///
/// # Panics
/// If a change has no image, or the lake cannot be written.
pub async fn write_changes(
    lake: &impl ObjectStore,
    prefix: &str,
    arn: &str,
    window: Window,
    key: &[&str],
    changes: &[Change],
) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    for change in changes {
        let image = change.new.as_ref().or(change.old.as_ref());
        let image = image.expect("a change has an image");
        let keys = key
            .iter()
            .map(|name| ((*name).to_owned(), image[name].clone()));
        let mut line = json!({
            "Metadata": {"WriteTimestampMicros": {"N": (window.from * 1_000_000).to_string()}},
            "Keys": keys.collect::<Map<_, _>>(),
        });
        for (name, image) in [("OldImage", &change.old), ("NewImage", &change.new)] {
            if let Some(image) = image {
                line[name] = image.clone();
            }
        }
        writeln!(encoder, "{line}").expect("memory can be written");
    }
    let content = encoder.finish().expect("memory can be written");
    // Beside the folders of the exports, and shared by all exports of a prefix.
    let file = format!("{prefix}/AWSDynamoDB/data/0.json.gz");
    lake.put(&file, content.into()).await.expect("putting");
    let time = |seconds| {
        let time = jiff::Timestamp::from_second(seconds);
        time.expect("a moment of the calendar").to_string()
    };
    let more = json!({
        "exportType": "INCREMENTAL_EXPORT",
        "outputView": "NEW_AND_OLD_IMAGES",
        "exportFromTime": time(window.from),
        "exportToTime": time(window.to),
    });
    write_summary(lake, prefix, arn, &[(file, changes.len())], more).await;
}
