//! The functions' packages as they are deployed, unpacked to be run. It must not know what they do.

use crate::python;
use millrace::local::{self, Options};
use millrace::progress::Progress;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;

/// Packages, built and unpacked where they go away with the last of these.
#[derive(Debug, Clone)]
pub struct Packages {
    folder: Arc<TempDir>,
}

impl Packages {
    /// Builds what is missing or out of date, as for local AWS; with `MILLRACE_NO_BUILD` the packages of an
    /// earlier build are taken.
    ///
    /// # Panics
    /// If they cannot be built or unpacked.
    pub async fn built() -> Self {
        let mut options = Options::new(Progress::quiet());
        options.build = std::env::var_os("MILLRACE_NO_BUILD").is_none();
        let packages = local::packages(&options).await;
        let packages = packages.unwrap_or_else(|error| panic!("{error}"));
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, package) in packages {
            let into = folder.path().join(name);
            let mut unpack = Command::new(python::program("python"));
            unpack.args(["-m", "zipfile", "-e"]).arg(package).arg(&into);
            let output = python::output(&mut unpack);
            assert!(output.status.success(), "{}", python::said(&output));
            let executable = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(into.join("bootstrap"), executable)
                .expect("a package holds a bootstrap");
        }
        Self {
            folder: Arc::new(folder),
        }
    }

    /// A function's program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.path().join(name).join("bootstrap")
    }
}
