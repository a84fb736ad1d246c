//! Checks the manifests of a completed export against each other and against the bucket's listing.
//! Data files are not read.
//!
//! Source of the formats: Amazon DynamoDB Developer Guide, "DynamoDB table export output format".

use crate::RequestExportError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use lake::native::{DYNAMODB_JSON, ExportFile, ManifestEntry, ManifestSummary};
use lake::{ObjectMeta, ObjectStore, store};
use serde::de::DeserializeOwned;
use source::ExportKind;
use std::collections::BTreeMap;

const MD5_BYTES: usize = 16;

/// A completed export.
#[derive(Debug, Clone, Copy)]
pub struct Completed<'a> {
    pub arn: &'a str,
    /// What was requested.
    pub kind: ExportKind,
    /// The requested prefix.
    pub prefix: &'a str,
    /// The summary manifest's key, if the service reports it.
    pub manifest: Option<&'a str>,
    /// Items in all files, if the service reports it.
    pub items: Option<u64>,
}

/// The files of an export, if all manifests agree and all files exist.
pub async fn read(
    store: &impl ObjectStore,
    export: Completed<'_>,
) -> Result<Vec<ExportFile>, RequestExportError> {
    let bucket = store.bucket();
    let summary_key = summary_key(export);
    let wrong = |key: &str, what: &str, expected: &str, found: &str| {
        Err(RequestExportError::ManifestWrong {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            what: what.to_owned(),
            expected: expected.to_owned(),
            found: found.to_owned(),
        })
    };
    let text = manifest(store, export, &summary_key).await?;
    let summary: ManifestSummary = parse(bucket, &summary_key, 1, &text)?;
    if summary.export_arn != export.arn {
        return wrong(&summary_key, "exportArn", export.arn, &summary.export_arn);
    }
    if summary.output_format != DYNAMODB_JSON {
        let found = &summary.output_format;
        return wrong(&summary_key, "outputFormat", DYNAMODB_JSON, found);
    }
    if let Some((what, expected, found)) = other_kind(export.kind, &summary) {
        return wrong(&summary_key, what, &expected, &found);
    }
    let described = export.items.unwrap_or(summary.item_count);
    if summary.item_count != described {
        let (expected, found) = (described.to_string(), summary.item_count.to_string());
        return wrong(&summary_key, "itemCount", &expected, &found);
    }

    let files_key = below(export.prefix, &summary.files_key);
    let text = manifest(store, export, &files_key).await?;
    let there = store.list(&format!("{}/", export.prefix)).await?;
    let mut there: BTreeMap<String, u64> = there
        .into_iter()
        .map(|ObjectMeta { key, size, .. }| (key, size))
        .collect();
    let mut files = Vec::new();
    for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let entry: ManifestEntry = parse(bucket, &files_key, number, line)?;
        let key = below(export.prefix, &entry.key);
        // Removed from the listing, so a file that is named twice is missing the second time.
        let Some(bytes) = there.remove(&key) else {
            return wrong(&files_key, &key, "one file", "missing, or listed before");
        };
        if STANDARD.decode(&entry.md5_checksum).map(|md5| md5.len()) != Ok(MD5_BYTES) {
            let what = format!("md5Checksum of {key}");
            return wrong(&files_key, &what, "an MD5 in base64", &entry.md5_checksum);
        }
        files.push(ExportFile {
            key,
            items: entry.item_count,
            bytes,
            md5: entry.md5_checksum,
        });
    }
    let data = match export.kind {
        ExportKind::Whole(_) => format!("{}/data/", folder(&summary_key)),
        // Beside the folders of the exports. The prefix belongs to this one alone.
        ExportKind::Changes { .. } => format!("{}/data/", folder(folder(&summary_key))),
    };
    if let Some((stray, _)) = there.range(data.clone()..).next()
        && stray.starts_with(&data)
    {
        return wrong(&files_key, stray, "listed", "in the bucket, but not listed");
    }
    let items: u64 = files.iter().map(|file| file.items).sum();
    if items != summary.item_count {
        let (expected, found) = (summary.item_count.to_string(), items.to_string());
        return wrong(&files_key, "the sum of itemCount", &expected, &found);
    }
    Ok(files)
}

/// What the summary says to be exported, if it is not what was requested: the field, the expected
/// value and the one that was found.
fn other_kind(
    kind: ExportKind,
    summary: &ManifestSummary,
) -> Option<(&'static str, String, String)> {
    const WHOLE: &str = "FULL_EXPORT";
    const CHANGES: &str = "INCREMENTAL_EXPORT";
    const VIEW: &str = "NEW_AND_OLD_IMAGES";
    let found = |field: &Option<String>| field.clone().unwrap_or_else(|| "absent".to_owned());
    let ExportKind::Changes { from, to } = kind else {
        let is_other = summary.export_type.as_deref().is_some_and(|of| of != WHOLE);
        return is_other.then(|| ("exportType", WHOLE.to_owned(), found(&summary.export_type)));
    };
    let seconds = |text: &Option<String>| {
        let time: Option<Timestamp> = text.as_ref().and_then(|text| text.parse().ok());
        time.map(Timestamp::as_second)
    };
    if summary.export_type.as_deref() != Some(CHANGES) {
        return Some((
            "exportType",
            CHANGES.to_owned(),
            found(&summary.export_type),
        ));
    }
    if summary.output_view.as_deref() != Some(VIEW) {
        return Some(("outputView", VIEW.to_owned(), found(&summary.output_view)));
    }
    for (what, expected, text) in [
        ("exportFromTime", from, &summary.export_from_time),
        ("exportToTime", to, &summary.export_to_time),
    ] {
        if seconds(text) != Some(expected) {
            let expected = Timestamp::from_second(expected);
            let expected = expected.map_or_else(|_| String::new(), |time| time.to_string());
            return Some((what, expected, found(text)));
        }
    }
    None
}

/// The summary manifest's key: as the service reports it, or by the export's id, the end of its
/// ARN.
fn summary_key(export: Completed<'_>) -> String {
    if let Some(key) = export.manifest {
        return below(export.prefix, key);
    }
    let id = export.arn.rsplit('/').next().unwrap_or(export.arn);
    format!("{}/AWSDynamoDB/{id}/manifest-summary.json", export.prefix)
}

/// A key as it is in the bucket: the service writes some with the prefix and some without it.
fn below(prefix: &str, key: &str) -> String {
    let within = key
        .strip_prefix(prefix)
        .is_some_and(|rest| rest.starts_with('/'));
    if within {
        key.to_owned()
    } else {
        format!("{prefix}/{key}")
    }
}

fn folder(key: &str) -> &str {
    key.rsplit_once('/').map_or("", |(folder, _)| folder)
}

async fn manifest(
    store: &impl ObjectStore,
    export: Completed<'_>,
    key: &str,
) -> Result<Vec<u8>, RequestExportError> {
    match store::get_if_there(store, key).await? {
        Some(text) => Ok(text.to_vec()),
        None => Err(RequestExportError::ManifestMissing {
            arn: export.arn.to_owned(),
            bucket: store.bucket().to_owned(),
            key: key.to_owned(),
        }),
    }
}

fn parse<T: DeserializeOwned>(
    bucket: &str,
    key: &str,
    line: usize,
    text: &[u8],
) -> Result<T, RequestExportError> {
    contract::read::from_slice(text).map_err(|source| RequestExportError::ManifestUnreadable {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        line,
        source,
    })
}
