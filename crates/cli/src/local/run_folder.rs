//! A folder for one start of local AWS. Whoever uses it holds a lock, so that folders whose user is
//! gone can be told and removed. It must not know what is kept in it.

use super::LocalError;
use std::fs::File;
use std::path::{Path, PathBuf};

/// A folder that is in use.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    // The lock goes with the file.
    _lock: File,
}

impl RunFolder {
    /// Makes a new folder below `parent`, and removes those whose user is gone.
    pub fn new(parent: &Path) -> Result<Self, LocalError> {
        std::fs::create_dir_all(parent).map_err(LocalError::file("make", parent))?;
        // Only one starts at a time, so that nobody removes a folder that is just being locked.
        let gate = lock_file(&parent.join("lock"))?;
        gate.lock().map_err(LocalError::file("lock", parent))?;
        remove_abandoned(parent)?;
        let path = parent.join(format!("{}-{:04x}", std::process::id(), fastrand::u16(..)));
        std::fs::create_dir(&path).map_err(LocalError::file("make", &path))?;
        let lock = lock_file(&path.join("lock"))?;
        lock.lock().map_err(LocalError::file("lock", &path))?;
        Ok(Self { path, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it, with all that it holds.
    pub fn remove(self) -> Result<(), LocalError> {
        std::fs::remove_dir_all(&self.path).map_err(LocalError::file("remove", &self.path))
    }
}

fn remove_abandoned(parent: &Path) -> Result<(), LocalError> {
    let entries = std::fs::read_dir(parent).map_err(LocalError::file("list", parent))?;
    for entry in entries {
        let path = entry.map_err(LocalError::file("list", parent))?.path();
        if path.is_dir() && lock_file(&path.join("lock"))?.try_lock().is_ok() {
            std::fs::remove_dir_all(&path).map_err(LocalError::file("remove", &path))?;
        }
    }
    Ok(())
}

fn lock_file(path: &Path) -> Result<File, LocalError> {
    let file = File::options().create(true).append(true).open(path);
    file.map_err(LocalError::file("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_in_use_stay_and_abandoned_ones_go() {
        let parent = tempfile::tempdir().unwrap();
        let used = RunFolder::new(parent.path()).unwrap();
        let abandoned = RunFolder::new(parent.path()).unwrap();
        let left = abandoned.path().to_owned();
        drop(abandoned);
        let third = RunFolder::new(parent.path()).unwrap();
        assert!(used.path().is_dir() && third.path().is_dir() && !left.exists());
        let path = third.path().to_owned();
        third.remove().unwrap();
        assert!(!path.exists());
    }
}
