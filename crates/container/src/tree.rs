//! The paths of a container's files: SageMaker's `/opt/ml` tree, below a root that can be moved.

use std::path::{Path, PathBuf};

use crate::Error;

/// SageMaker reads at most this many bytes of `output/failure`.
pub const MAX_FAILURE_BYTES: usize = 1024;

/// The tree below `/opt/ml`, or below another root when run outside a container.
#[derive(Clone, Debug)]
pub struct Tree {
    root: PathBuf,
}

impl Tree {
    /// The tree below `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// A file of the job's configuration, such as `hyperparameters.json`.
    pub fn config(&self, file: &str) -> PathBuf {
        self.root.join("input/config").join(file)
    }

    /// The folder that holds a channel's files.
    pub fn channel(&self, name: &str) -> PathBuf {
        self.root.join("input/data").join(name)
    }

    /// The folder that SageMaker packs into `model.tar.gz`.
    pub fn model(&self) -> PathBuf {
        self.root.join("model")
    }

    /// The folder for other output of training.
    pub fn output_data(&self) -> PathBuf {
        self.root.join("output/data")
    }

    /// Writes the reason of a failure to the file that SageMaker reads.
    pub fn write_failure(&self, reason: &str) -> Result<(), Error> {
        let mut end = reason.len().min(MAX_FAILURE_BYTES);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        write_whole(
            &self.root.join("output"),
            "failure",
            &reason.as_bytes()[..end],
        )
    }
}

/// Writes a file under a temporary name and renames it, so that it is never incomplete.
pub fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Error> {
    let io = |action, path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    };
    std::fs::create_dir_all(folder).map_err(io("creating", folder))?;
    let temporary = folder.join(format!(".{name}.partial"));
    std::fs::write(&temporary, bytes).map_err(io("writing", &temporary))?;
    let target = folder.join(name);
    std::fs::rename(&temporary, &target).map_err(io("renaming into", &target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_failure_is_cut_between_characters() {
        let root = tempfile::tempdir().unwrap();
        let tree = Tree::new(root.path());
        tree.write_failure(&format!("x{}", "ü".repeat(600)))
            .unwrap();
        let written = std::fs::read_to_string(root.path().join("output/failure")).unwrap();
        assert_eq!(written.len(), MAX_FAILURE_BYTES - 1);
        assert!(written.ends_with('ü'));
    }

    #[test]
    fn no_temporary_file_is_left() {
        let root = tempfile::tempdir().unwrap();
        write_whole(root.path(), "a", b"1").unwrap();
        write_whole(root.path(), "a", b"2").unwrap();
        let names: Vec<_> = std::fs::read_dir(root.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(names, ["a"]);
        assert_eq!(std::fs::read(root.path().join("a")).unwrap(), b"2");
    }
}
