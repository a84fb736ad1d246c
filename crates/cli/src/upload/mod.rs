//! Uploads a folder of images to the lake. Objects are created and never replaced, so that any
//! number of attempts leave what one would.

mod document;
mod error;
mod files;
mod layout;

pub use document::{Document, Refused};
pub use error::UploadError;

use crate::definitions::{self, DefinitionsError};
use crate::progress::Progress;
use crate::validate;
use aws::s3::{S3Store, Stored};
use definition::{Definition, ImagesSource, Source};
use files::{Files, Image};
use futures::{StreamExt, TryStreamExt, stream};
use image::Digest;
use lake::{ObjectStore, PutOutcome, StoreError};
use layout::Layout;
use serde_json::json;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What to upload.
#[derive(Debug)]
pub struct Request {
    folder: PathBuf,
    layout: Layout,
    concurrency: usize,
    dry_run: bool,
}

impl Request {
    /// The images of a folder, for a source, with these values of parts of the keys.
    ///
    /// # Errors
    /// If a part is none of `keys`.
    pub fn new(
        folder: PathBuf,
        source: &ImagesSource,
        parts: Vec<(String, String)>,
        concurrency: usize,
        dry_run: bool,
    ) -> Result<Self, UploadError> {
        Ok(Self {
            folder,
            layout: Layout::new(source, parts)?,
            concurrency,
            dry_run,
        })
    }
}

/// The source with these `keys`, and defaults else.
///
/// # Errors
/// If they are no pattern of the lake's keys.
pub fn source_of_keys(keys: &str) -> Result<ImagesSource, UploadError> {
    let text = json!({"source": {"images": {"keys": keys}}}).to_string();
    let checked = validate::check(validate::Document::new("--keys".to_owned(), &text));
    match checked.outcome {
        Ok(definition) => images(*definition),
        Err(_) => Err(DefinitionsError::invalid(&[checked]).into()),
    }
}

/// The source of a definition in a file.
///
/// # Errors
/// If it is not valid, or no images of the lake.
pub fn source_of_file(file: &Path) -> Result<ImagesSource, UploadError> {
    images(definitions::read_valid(file)?)
}

/// The source of a pipeline's definition in the lake.
///
/// # Errors
/// If it cannot be read, or is no images of the lake.
pub async fn source_of_lake(store: &S3Store, pipeline: &str) -> Result<ImagesSource, UploadError> {
    let definition = plan_export::load(store, pipeline, json!({})).await;
    images(definition.map_err(|source| UploadError::Definition {
        pipeline: pipeline.to_owned(),
        source: Box::new(source),
    })?)
}

fn images(definition: Definition) -> Result<ImagesSource, UploadError> {
    let kind = definition.source.kind();
    let Source::Images(source) = definition.source else {
        return Err(UploadError::OtherSource { kind });
    };
    match source.bucket {
        Some(bucket) => Err(UploadError::OtherBucket { bucket }),
        None => Ok(source),
    }
}

/// What became of a file.
enum FileStatus {
    Uploaded(u64),
    AlreadyThere,
    NotCompared,
    Duplicate,
    Refused(String),
}

/// What the files in work share.
struct Shared<'s> {
    store: &'s S3Store,
    request: Arc<Request>,
    /// The file that has a key, and its digest.
    taken: Mutex<HashMap<String, (PathBuf, Digest)>>,
    /// Whether the caller may know what the lake has.
    may_read: AtomicBool,
}

/// Uploads the images of a folder, showing a bar.
///
/// # Errors
/// If the folder cannot be listed or has no image, or the lake refuses or fails. A file that cannot
/// be uploaded is no error: the document names it.
pub async fn upload(
    store: &S3Store,
    request: Request,
    progress: &Progress,
) -> Result<Document, UploadError> {
    let Files { images, others } = Files::of(&request.folder, &request.layout)?;
    if images.is_empty() {
        return Err(UploadError::NoImages {
            path: request.folder,
            endings: request.layout.endings(),
        });
    }
    let mut document = Document {
        bucket: store.bucket().to_owned(),
        prefix: request.layout.prefix().to_owned(),
        dry_run: request.dry_run,
        uploaded: 0,
        bytes: 0,
        already_there: 0,
        not_compared: 0,
        duplicates: 0,
        other_files: others,
        refused: Vec::new(),
    };
    let folder = request.folder.display();
    let step = progress.step(if request.dry_run {
        format!("Comparing {folder} with the lake")
    } else {
        format!("Uploading {folder}")
    });
    let (total, concurrency) = (images.len() as u64, request.concurrency);
    let shared = Shared {
        store,
        request: Arc::new(request),
        taken: Mutex::new(HashMap::new()),
        may_read: AtomicBool::new(true),
    };
    let mut statuses = stream::iter(images)
        .map(|path| shared.file(path))
        .buffer_unordered(concurrency);
    let mut done = 0;
    while let Some((path, status)) = statuses.try_next().await? {
        match status {
            FileStatus::Uploaded(bytes) => {
                document.uploaded += 1;
                document.bytes += bytes;
            }
            FileStatus::AlreadyThere => document.already_there += 1,
            FileStatus::NotCompared => document.not_compared += 1,
            FileStatus::Duplicate => document.duplicates += 1,
            FileStatus::Refused(reason) => document.refused.push(Refused {
                file: path.display().to_string(),
                reason,
            }),
        }
        done += 1;
        let bytes = indicatif::HumanBytes(document.bytes);
        step.count(done, total, &format!("images, {bytes} sent"));
    }
    document.refused.sort_unstable();
    step.done(&format!("{} images", document.uploaded));
    Ok(document)
}

impl Shared<'_> {
    async fn file(&self, path: PathBuf) -> Result<(PathBuf, FileStatus), StoreError> {
        let (request, at) = (self.request.clone(), path.clone());
        let read = move || files::read(&request.folder, &at, &request.layout);
        let read = tokio::task::spawn_blocking(read).await;
        let status = match read.expect("reading a file does not panic") {
            Err(reason) => FileStatus::Refused(reason),
            Ok(image) => match self.take(&path, &image) {
                Some(status) => status,
                None => self.image(image).await?,
            },
        };
        Ok((path, status))
    }

    /// What becomes of an image whose key another file of the folder has.
    fn take(&self, path: &Path, image: &Image) -> Option<FileStatus> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.entry(image.key.clone()) {
            Entry::Vacant(place) => {
                place.insert((path.to_owned(), image.digest));
                None
            }
            Entry::Occupied(place) => {
                let (other, digest) = place.get();
                Some(if *digest == image.digest {
                    FileStatus::Duplicate
                } else {
                    let other = other.display();
                    FileStatus::Refused(format!("{other} has the same key, {}", image.key))
                })
            }
        }
    }

    async fn image(&self, image: Image) -> Result<FileStatus, StoreError> {
        if let Some(status) = self.compare(&image).await? {
            return Ok(status);
        }
        let bytes = image.bytes.len() as u64;
        if self.request.dry_run {
            return Ok(FileStatus::Uploaded(bytes));
        }
        let Image {
            key,
            content_type,
            sha256,
            ..
        } = &image;
        let body = image.bytes.clone();
        match self.store.create(key, body, content_type, sha256).await? {
            PutOutcome::Created => Ok(FileStatus::Uploaded(bytes)),
            // Another uploader created it since, or an attempt of this one whose answer got lost.
            PutOutcome::AlreadyThere => Ok(self
                .compare(&image)
                .await?
                .unwrap_or(FileStatus::NotCompared)),
        }
    }

    /// Compares an image with what the lake has; `None` if that is nothing, or not to be known.
    async fn compare(&self, image: &Image) -> Result<Option<FileStatus>, StoreError> {
        if !self.may_read.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let (bytes, sha256) = match self.store.stored(&image.key).await? {
            Stored::Nothing => return Ok(None),
            Stored::Hidden => {
                self.may_read.store(false, Ordering::Relaxed);
                return Ok(None);
            }
            Stored::Object { bytes, sha256 } => (bytes, sha256),
        };
        let is_equal = bytes == image.bytes.len() as u64
            && match sha256 {
                Some(sha256) => sha256 == image.sha256,
                None => self.store.get(&image.key).await? == image.bytes,
            };
        Ok(Some(if is_equal {
            FileStatus::AlreadyThere
        } else {
            FileStatus::Refused(format!(
                "the lake has another object {}, which is not replaced",
                image.key
            ))
        }))
    }
}
