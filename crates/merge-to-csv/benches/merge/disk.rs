//! The object store's port over a folder: what is read and written is not in the measured memory.

use bytes::Bytes;
use contract::{ErrorName, ServiceError};
use lake::{ByteStream, ObjectMeta, ObjectStore, PutOutcome, StoreError, Upload};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// As S3 sends them.
const FRAME: usize = 64 << 10;

pub struct Disk(PathBuf);

impl Disk {
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    fn create(&self, key: &str) -> Result<File, StoreError> {
        let path = self.0.join(key);
        let folder = path.parent().unwrap_or(&self.0);
        fs::create_dir_all(folder)
            .and_then(|()| File::create(&path))
            .map_err(|error| failed(key, &error))
    }
}

fn failed(key: &str, error: &io::Error) -> StoreError {
    if error.kind() == io::ErrorKind::NotFound {
        return StoreError::NotFound {
            bucket: "disk".to_owned(),
            key: key.to_owned(),
        };
    }
    let error = ServiceError {
        name: ErrorName::ServiceUnavailable,
        service: "disk",
        operation: "access",
        subject: key.to_owned(),
        code: error.kind().to_string(),
        message: error.to_string(),
        source: None,
    };
    error.into()
}

impl ObjectStore for Disk {
    type Upload = DiskUpload;

    fn bucket(&self) -> &'static str {
        "disk"
    }

    async fn get(&self, key: &str) -> Result<Bytes, StoreError> {
        let bytes = fs::read(self.0.join(key)).map_err(|error| failed(key, &error))?;
        Ok(bytes.into())
    }

    async fn stream(&self, key: &str) -> Result<impl ByteStream, StoreError> {
        let file = File::open(self.0.join(key)).map_err(|error| failed(key, &error))?;
        Ok(DiskStream(file, key.to_owned()))
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        let mut file = self.create(key)?;
        file.write_all(&body).map_err(|error| failed(key, &error))
    }

    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<PutOutcome, StoreError> {
        if self.0.join(key).exists() {
            return Ok(PutOutcome::AlreadyThere);
        }
        self.put(key, body).await?;
        Ok(PutOutcome::Created)
    }

    async fn upload(&self, key: &str) -> Result<DiskUpload, StoreError> {
        Ok(DiskUpload(self.create(key)?, key.to_owned()))
    }

    async fn list(&self, _prefix: &str) -> Result<Vec<ObjectMeta>, StoreError> {
        Ok(Vec::new())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        match fs::remove_file(self.0.join(key)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(key, &error)),
            _ => Ok(()),
        }
    }
}

pub struct DiskStream(File, String);

impl ByteStream for DiskStream {
    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        let mut frame = vec![0; FRAME];
        let read = self.0.read(&mut frame);
        let read = read.map_err(|error| failed(&self.1, &error))?;
        frame.truncate(read);
        Ok((read > 0).then(|| frame.into()))
    }
}

pub struct DiskUpload(File, String);

impl Upload for DiskUpload {
    async fn send(&mut self, piece: Bytes) -> Result<(), StoreError> {
        let written = self.0.write_all(&piece);
        written.map_err(|error| failed(&self.1, &error))
    }

    async fn complete(self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn abort(self) -> Result<(), StoreError> {
        Ok(())
    }
}
