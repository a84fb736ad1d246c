//! The files of a folder, and what each of them is.

use super::UploadError;
use super::layout::Layout;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use image::{Accept, Digest, Verify};
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};

/// The files of a folder and of the folders in it.
#[derive(Debug, Default)]
pub struct Files {
    /// Paths below the folder, of files whose ending is included, in order.
    pub images: Vec<PathBuf>,
    /// Files with another ending.
    pub others: u64,
}

impl Files {
    /// Lists a folder. Links to folders are not followed.
    pub fn of(folder: &Path, layout: &Layout) -> Result<Self, UploadError> {
        let mut files = Self::default();
        let mut folders = vec![folder.to_owned()];
        while let Some(path) = folders.pop() {
            let failed = |source| UploadError::Folder {
                path: path.clone(),
                source,
            };
            for entry in std::fs::read_dir(&path).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                if entry.file_type().map_err(failed)?.is_dir() {
                    folders.push(entry.path());
                } else if layout.includes(&entry.file_name().to_string_lossy()) {
                    let path = entry.path();
                    let below = path.strip_prefix(folder);
                    files.images.push(below.unwrap_or(&path).to_owned());
                } else {
                    files.others += 1;
                }
            }
        }
        files.images.sort_unstable();
        Ok(files)
    }
}

/// An image that can be uploaded.
#[derive(Debug)]
pub struct Image {
    pub key: String,
    pub bytes: Bytes,
    pub content_type: &'static str,
    pub digest: Digest,
    /// Base64.
    pub sha256: String,
}

/// Reads a file, or says why it cannot be uploaded.
pub fn read(folder: &Path, path: &Path, layout: &Layout) -> Result<Image, String> {
    let Some(text) = path.to_str() else {
        return Err("its name is not UTF-8, as keys are".to_owned());
    };
    let whole = folder.join(path);
    let unreadable = |error: std::io::Error| format!("it cannot be read: {error}");
    let size = std::fs::metadata(&whole).map_err(unreadable)?.len();
    let most = layout.most_bytes();
    if size > most {
        return Err(format!(
            "it has {size} bytes, and the definition accepts {most}"
        ));
    }
    let bytes = std::fs::read(&whole).map_err(unreadable)?;
    // What else the definition accepts, the index decides: it may change, and the lake keeps all.
    let accept = Accept {
        max_bytes: most,
        min_side: 1,
        max_pixels: u64::MAX,
        cmyk: true,
        verify: Verify::Structure,
        ..Accept::default()
    };
    let seen = image::inspect(&bytes, &accept).map_err(|rejected| rejected.to_string())?;
    Ok(Image {
        key: layout.key(&text.replace(std::path::MAIN_SEPARATOR, "/"), &seen)?,
        content_type: seen.format.content_type(),
        digest: seen.digest,
        sha256: STANDARD.encode(Sha256::digest(&bytes)),
        bytes: bytes.into(),
    })
}
