//! Whether a folder holds exactly one whole export of a table, by the manifests that were written last.

use super::folder::{Folder, holds_items};
use super::{incomplete, unlisted};
use crate::PlanExportError;
use contract::some_names;
use lake::PagedStore;
use lake::native::{DYNAMODB_JSON, ManifestEntry, ManifestSummary};
use lake::records::SourceFile;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Names of the objects that an export writes last.
const SUMMARY: &str = "manifest-summary.json";
const MANIFEST: &str = "manifest";
const SUCCESS: &str = "_SUCCESS";

/// `manifest` of an export by AWS Data Pipeline.
///
/// Source: awslabs/emr-dynamodb-connector, `ExportManifestRecordWriter`.
#[derive(Debug, Deserialize)]
struct Manifest {
    name: String,
    entries: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    url: String,
}

/// The folder and the files of an export by DynamoDB.
///
/// # Errors
/// `FilesIncomplete` if there is not exactly one, it is not a full one in DynamoDB JSON, or its
/// manifests and the objects do not agree.
pub async fn of_dynamodb(
    store: &impl PagedStore,
    folder: &Folder,
) -> Result<(String, Vec<SourceFile>), PlanExportError> {
    let exports = folder.folders_with(SUMMARY);
    let within = match exports.as_slice() {
        [within] => *within,
        [] => {
            let has_begun = folder.objects().iter().any(|object| {
                object.key.ends_with("_started") || object.key.contains("AWSDynamoDB/")
            });
            return Err(if has_begun {
                incomplete(format!(
                    "s3://{}/{} has no {SUMMARY}: the export has not ended, or failed",
                    store.bucket(),
                    folder.name()
                ))
            } else {
                folder.missing("there is no export of DynamoDB")
            });
        }
        several => return Err(too_many(several)),
    };
    let summary_key = format!("{}{within}{SUMMARY}", folder.name());
    let text = get(store, &summary_key).await?;
    let summary: ManifestSummary = parse(&summary_key, 1, &text)?;
    if summary.output_format != DYNAMODB_JSON {
        return Err(incomplete(format!(
            "{summary_key}: outputFormat is {}, and only {DYNAMODB_JSON} is read: export again",
            summary.output_format
        )));
    }
    if let Some(kind) = summary.export_type.filter(|kind| kind != "FULL_EXPORT") {
        return Err(incomplete(format!(
            "{summary_key}: exportType is {kind}, and an incremental export holds no whole items: name a full one"
        )));
    }
    // An export that was copied elsewhere keeps its names, and its manifest the old folders.
    let files_key = format!("{}{within}{}", folder.name(), last(&summary.files_key));
    let text = get(store, &files_key).await?;
    let data = format!("{within}data/");
    let mut there = objects_in(folder, &data)?;
    let mut files = Vec::new();
    for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let entry: ManifestEntry = parse(&files_key, number, line)?;
        let name = last(&entry.key);
        let Some(mut file) = there.remove(name) else {
            return Err(not_there(&files_key, name));
        };
        file.items = Some(entry.item_count);
        file.md5 = Some(entry.md5_checksum);
        files.push(file);
    }
    no_strays(&files_key, &there)?;
    let items: u64 = files.iter().filter_map(|file| file.items).sum();
    if items != summary.item_count {
        return Err(incomplete(format!(
            "{summary_key}: itemCount is {}, and the files have {items} by {files_key}: restore the manifests, or export again",
            summary.item_count
        )));
    }
    if files.is_empty() {
        return Err(super::empty(&format!(
            "s3://{}/{summary_key}",
            store.bucket()
        )));
    }
    Ok((format!("{}{data}", folder.name()), files))
}

/// The folder and the files of an export by AWS Data Pipeline.
///
/// # Errors
/// `FilesIncomplete` if there is not exactly one, it has not ended, or its manifest and the objects do
/// not agree.
pub async fn of_data_pipeline(
    store: &impl PagedStore,
    folder: &Folder,
    require_manifest: bool,
) -> Result<(String, Vec<SourceFile>), PlanExportError> {
    let (manifests, successes) = (folder.folders_with(MANIFEST), folder.folders_with(SUCCESS));
    let mut exports: Vec<_> = manifests.iter().chain(&successes).copied().collect();
    exports.sort_unstable();
    exports.dedup();
    if exports.len() > 1 {
        return Err(too_many(&exports));
    }
    if require_manifest {
        for (name, found) in [(SUCCESS, &successes), (MANIFEST, &manifests)] {
            if found.is_empty() {
                return Err(incomplete(format!(
                    "s3://{}/{} has no {name}: the export has not ended, or failed; of an export by a Hive query, which \
                     writes none, set source.files.requireManifest to false",
                    store.bucket(),
                    folder.name()
                )));
            }
        }
    }
    let Some(within) = manifests.first() else {
        return Ok((folder.name().to_owned(), folder.files()?));
    };
    // Says so if it is being written again.
    let all = folder.files()?;
    if let Some(stray) = all.iter().find(|file| !file.name.starts_with(within)) {
        return Err(stray_file(&format!("{within}{MANIFEST}"), &stray.name));
    }
    let key = format!("{}{within}{MANIFEST}", folder.name());
    let manifest: Manifest = parse(&key, 1, &get(store, &key).await?)?;
    if manifest.name != "DynamoDB-export" {
        return Err(incomplete(format!(
            "{key} is of {:?} and not of a DynamoDB-export: name the folder of one",
            manifest.name
        )));
    }
    let mut there = objects_in(folder, within)?;
    let mut files = Vec::new();
    for Entry { url } in &manifest.entries {
        let name = last(url);
        let Some(file) = there.remove(name) else {
            return Err(not_there(&key, name));
        };
        files.push(file);
    }
    no_strays(&key, &there)?;
    if files.is_empty() {
        return Err(super::empty(&format!("s3://{}/{key}", store.bucket())));
    }
    Ok((format!("{}{within}", folder.name()), files))
}

/// The files of a folder, by their names.
fn objects_in(
    folder: &Folder,
    within: &str,
) -> Result<BTreeMap<String, SourceFile>, PlanExportError> {
    let objects = folder.objects().iter();
    let objects = objects.filter(|object| holds_items(&object.key));
    let named = objects.filter_map(|object| Some((object, object.key.strip_prefix(within)?)));
    let named = named.map(|(object, name)| {
        let file = SourceFile {
            name: name.to_owned(),
            ..folder.file(object)?
        };
        Ok((name.to_owned(), file))
    });
    named.collect()
}

fn no_strays(manifest: &str, there: &BTreeMap<String, SourceFile>) -> Result<(), PlanExportError> {
    match there.keys().next() {
        Some(name) => Err(stray_file(manifest, name)),
        None => Ok(()),
    }
}

fn stray_file(manifest: &str, name: &str) -> PlanExportError {
    incomplete(format!(
        "{name} is in the folder, and {manifest} does not list it: two exports may share the folder; move one away"
    ))
}

fn not_there(manifest: &str, name: &str) -> PlanExportError {
    incomplete(format!(
        "{manifest} lists {name}, which is not there, or is listed twice: restore it, or name another export"
    ))
}

fn too_many(folders: &[&str]) -> PlanExportError {
    let named = folders
        .iter()
        .map(|folder| if folder.is_empty() { "." } else { *folder });
    let named: Vec<_> = named.collect();
    incomplete(format!(
        "the folder holds {} exports, in {}: name one of them",
        folders.len(),
        some_names(named.into_iter(), 5)
    ))
}

/// The last part of a key or an address.
fn last(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

async fn get(store: &impl PagedStore, key: &str) -> Result<Vec<u8>, PlanExportError> {
    match lake::store::get_if_there(store, key).await {
        Ok(Some(text)) => Ok(text.to_vec()),
        Ok(None) => Err(incomplete(format!(
            "s3://{}/{key} is not there: restore it, or name another export",
            store.bucket()
        ))),
        Err(error) => Err(unlisted(error, store.bucket())),
    }
}

fn parse<T: DeserializeOwned>(key: &str, line: usize, text: &[u8]) -> Result<T, PlanExportError> {
    contract::read::from_slice(text)
        .map_err(|error| incomplete(format!("{key}, line {line}, is no manifest: {error}")))
}
