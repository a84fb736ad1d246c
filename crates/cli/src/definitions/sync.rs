//! Pushes, pulls and compares definitions.

use super::changes::changes;
use super::local::{check_all, read_all};
use super::{DefinitionsError, Difference, Differences, Known, Local};
use bytes::Bytes;
use lake::store::{PutOutcome, Swap, Version};
use lake::{ConditionalStore, keys};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What became of a definition that was pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Pushed {
    /// It is new in the lake.
    Created,
    /// It replaced the lake's.
    Replaced,
    /// The lake had it already.
    Unchanged,
}

/// What became of a definition that was pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Pulled {
    /// The file is new.
    Created,
    /// The file was replaced.
    Replaced,
    /// The file had it already.
    Unchanged,
}

/// Where a pipeline's definition is.
fn address(store: &impl ConditionalStore, pipeline: &str) -> String {
    format!("s3://{}/{}", store.bucket(), keys::definition(pipeline))
}

/// Checks all files, then puts each into the lake: only where the lake has none, or has the version
/// that the folder knows. `replace` takes any version for known, but still not one that is written
/// at the same time. Tells `done` of each file.
///
/// # Errors
/// If a file is invalid, before anything is written; or at the first definition that somebody else
/// changed: those before it are written.
pub async fn push(
    store: &impl ConditionalStore,
    paths: &[PathBuf],
    replace: bool,
    mut done: impl FnMut(&Local, Pushed),
) -> Result<(), DefinitionsError> {
    let files = read_all(paths)?;
    check_all(&files)?;
    for file in &files {
        let pushed = push_one(store, file, replace).await?;
        done(file, pushed);
    }
    Ok(())
}

async fn push_one(
    store: &impl ConditionalStore,
    file: &Local,
    replace: bool,
) -> Result<Pushed, DefinitionsError> {
    let key = keys::definition(&file.pipeline);
    let address = address(store, &file.pipeline);
    let changed = || DefinitionsError::Changed {
        bucket: store.bucket().to_owned(),
        key: key.clone(),
    };
    let mut known = Known::beside(&file.path)?;
    let body = Bytes::from(file.body());
    let pushed = match store.get_versioned(&key).await? {
        Some((text, version)) if text == body => {
            known.record(address, version.0, &file.text)?;
            return Ok(Pushed::Unchanged);
        }
        Some((_, version)) => {
            if !replace && known.version(&address) != Some(&version.0) {
                return Err(changed());
            }
            match store.put_if_unchanged(&key, body.clone(), &version).await? {
                Swap::Replaced => Pushed::Replaced,
                // The answer to an attempt of our own may have got lost.
                Swap::Changed if is_ours(store, &key, &body).await? => Pushed::Replaced,
                Swap::Changed => return Err(changed()),
            }
        }
        // Somebody removed what the folder knows.
        None if known.version(&address).is_some() && !replace => return Err(changed()),
        None => match store.put_if_absent(&key, body.clone()).await? {
            PutOutcome::Created => Pushed::Created,
            PutOutcome::AlreadyThere => return Err(changed()),
        },
    };
    // The version is known by reading it: if somebody else has replaced it meanwhile, theirs is not.
    if let Some((text, Version(version))) = store.get_versioned(&key).await?
        && text == body
    {
        known.record(address, version, &file.text)?;
    }
    Ok(pushed)
}

async fn is_ours(
    store: &impl ConditionalStore,
    key: &str,
    body: &Bytes,
) -> Result<bool, DefinitionsError> {
    let now = store.get_versioned(key).await?;
    Ok(now.is_some_and(|(text, _)| text == *body))
}

/// Writes the definitions of these pipelines, or of all, to `<pipeline>.json` below the folder. A
/// file with changes that are not in the lake is kept, unless `replace` says otherwise. Tells `done`
/// of each file.
///
/// # Errors
/// If the lake has no such definition, or a file has such changes: those before it are written.
pub async fn pull(
    store: &impl ConditionalStore,
    pipelines: &[String],
    folder: &Path,
    replace: bool,
    mut done: impl FnMut(&Path, Pulled),
) -> Result<(), DefinitionsError> {
    let all = if pipelines.is_empty() {
        in_lake(store).await?
    } else {
        pipelines.to_vec()
    };
    if all.is_empty() {
        return Err(DefinitionsError::None {
            bucket: store.bucket().to_owned(),
        });
    }
    for pipeline in &all {
        let path = folder.join(format!("{pipeline}.json"));
        let pulled = pull_one(store, pipeline, &path, replace).await?;
        done(&path, pulled);
    }
    Ok(())
}

/// The pipelines that the lake has a definition of, in order.
async fn in_lake(store: &impl ConditionalStore) -> Result<Vec<String>, DefinitionsError> {
    let objects = store.list("config/").await?;
    let names = objects.iter().filter_map(|object| {
        let name = object.key.strip_prefix("config/")?.strip_suffix(".json")?;
        (!name.contains('/')).then(|| name.to_owned())
    });
    Ok(names.collect())
}

async fn pull_one(
    store: &impl ConditionalStore,
    pipeline: &str,
    path: &Path,
    replace: bool,
) -> Result<Pulled, DefinitionsError> {
    let key = keys::definition(pipeline);
    let address = address(store, pipeline);
    let failed = |action| {
        move |source| DefinitionsError::File {
            action,
            path: path.to_owned(),
            source,
        }
    };
    let found = store.get_versioned(&key).await?;
    let (body, Version(version)) = found.ok_or_else(|| DefinitionsError::Missing {
        bucket: store.bucket().to_owned(),
        key,
    })?;
    let text = String::from_utf8_lossy(&body).into_owned();
    let mut known = Known::beside(path)?;
    let pulled = match std::fs::read_to_string(path) {
        Ok(there) if there == text => Pulled::Unchanged,
        // The file has comments that the lake's definition lacks, and nothing else differs.
        Ok(there)
            if !replace
                && known.is_text_of(&address, &there)
                && known.version(&address) == Some(&version) =>
        {
            return Ok(Pulled::Unchanged);
        }
        Ok(there) if !replace && !known.is_text_of(&address, &there) => {
            return Err(DefinitionsError::Unpushed {
                path: path.to_owned(),
            });
        }
        Ok(_) => Pulled::Replaced,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Pulled::Created,
        Err(source) => return Err(failed("read")(source)),
    };
    if pulled != Pulled::Unchanged {
        std::fs::write(path, &text).map_err(failed("write"))?;
    }
    known.record(address, version, &text)?;
    Ok(pulled)
}

/// Compares files with the lake's definitions of their pipelines.
///
/// # Errors
/// If a file or the lake cannot be read.
pub async fn compare(
    store: &impl ConditionalStore,
    paths: &[PathBuf],
) -> Result<Differences, DefinitionsError> {
    let mut definitions = Vec::new();
    for file in read_all(paths)? {
        let known = Known::beside(&file.path)?;
        let address = address(store, &file.pipeline);
        let found = store
            .get_versioned(&keys::definition(&file.pipeline))
            .await?;
        let version = found.as_ref().map(|(_, version)| version.0.as_str());
        let differs = match &found {
            // What is no JSON is one value that differs.
            Some((text, _)) => {
                let text = String::from_utf8_lossy(text).into_owned();
                let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
                changes(&value, &file.value)
            }
            None => changes(&Value::Object(serde_json::Map::new()), &file.value),
        };
        definitions.push(Difference {
            pipeline: file.pipeline.clone(),
            file: file.path.display().to_string(),
            in_lake: found.is_some(),
            changed_in_lake: known
                .version(&address)
                .is_some_and(|known| Some(known) != version),
            changes: differs,
        });
    }
    Ok(Differences { definitions })
}
