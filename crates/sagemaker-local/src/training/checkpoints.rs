//! Checkpoints: the folder of a training job that is copied to S3 when an instance ends, and back
//! when the next one starts.
//!
//! Source: "Use checkpoints in Amazon SageMaker AI".

use crate::app::App;
use crate::store::s3_uri::S3Uri;
use crate::training::channels::{fetch, name_below};
use bytes::Bytes;
use lake::store::{ObjectStore, Upload};
use std::path::{Path, PathBuf};
use tokio::io::AsyncReadExt;

const PIECE: usize = 8 * 1024 * 1024;

/// Downloads the checkpoints into `folder`. The first instance finds none.
pub async fn restore(app: &App, uri: &S3Uri, folder: &Path) -> Result<(), String> {
    let store = app.bucket(&uri.bucket);
    let prefix = format!("{}/", uri.key.trim_end_matches('/'));
    let objects = store.list(&prefix).await;
    for object in objects.map_err(|error| failed(uri, &error))? {
        let name = name_below(&prefix, &object.key);
        fetch(&store, &object.key, folder, name).await?;
    }
    Ok(())
}

/// Uploads every file of `folder` to its place below `uri`.
pub async fn save(app: &App, uri: &S3Uri, folder: &Path) -> Result<(), String> {
    let store = app.bucket(&uri.bucket);
    let mut files = Vec::new();
    walk(folder, &mut files).map_err(|error| failed(uri, &error))?;
    for file in files {
        let name = file.strip_prefix(folder).unwrap_or(&file).to_string_lossy();
        let key = uri.join(&name).key;
        write(&store, &key, &file)
            .await
            .map_err(|error| failed(uri, &error))?;
    }
    Ok(())
}

async fn write(store: &impl ObjectStore, key: &str, file: &Path) -> std::io::Result<()> {
    let mut file = tokio::fs::File::open(file).await?;
    let mut upload = store.upload(key).await.map_err(std::io::Error::other)?;
    loop {
        let mut piece = Vec::new();
        (&mut file)
            .take(PIECE as u64)
            .read_to_end(&mut piece)
            .await?;
        let is_last = piece.len() < PIECE;
        let sent = upload.send(Bytes::from(piece)).await;
        sent.map_err(std::io::Error::other)?;
        if is_last {
            return upload.complete().await.map_err(std::io::Error::other);
        }
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn failed(uri: &S3Uri, error: &dyn std::fmt::Display) -> String {
    format!("ClientError: checkpoints in {uri} could not be synchronized: {error}")
}
