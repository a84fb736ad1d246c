//! The functions' packages, unpacked to be run.

use crate::layers;
use crate::python::{self, CARGO_LAMBDA};
use crate::workspace;
use millrace::local::{self, Options};
use millrace::progress::Progress;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;

/// Unpacked packages, removed with the last clone of this.
#[derive(Debug, Clone)]
pub struct Packages {
    folder: Arc<TempDir>,
}

impl Packages {
    /// The packages of local AWS. Builds what is missing or out of date, or with `MILLRACE_NO_BUILD` takes
    /// those of an earlier build.
    ///
    /// # Panics
    /// If they cannot be built or unpacked.
    pub async fn built() -> Self {
        let mut options = Options::new(Progress::quiet());
        options.build = std::env::var_os("MILLRACE_NO_BUILD").is_none();
        let packages = local::packages(&options).await;
        Self::unpack(packages.unwrap_or_else(|error| panic!("{error}")))
    }

    /// The packages as they are deployed, for this machine: built by cargo-lambda with the release profile.
    ///
    /// # Panics
    /// If they cannot be built or unpacked.
    pub fn released() -> Self {
        let names: Vec<_> = layers::lambdas(&layers::read(&workspace::root()))
            .into_iter()
            .map(|lambda| lambda.name)
            .collect();
        let folder = workspace::target().join("local/release");
        let mut build = Command::new(CARGO_LAMBDA.program("cargo-lambda"));
        build
            .current_dir(workspace::root())
            .args(["lambda", "build", "--release", "--output-format", "zip"])
            // The functions run on this machine: its own linker will do.
            .args(["--compiler", "cargo"])
            .arg("--lambda-dir")
            .arg(&folder);
        if cfg!(target_arch = "aarch64") {
            build.arg("--arm64");
        }
        for name in &names {
            build.args(["--package", name, "--bin", name]);
        }
        let output = python::output(&mut build);
        assert!(output.status.success(), "{}", python::said(&output));
        let packages = names.into_iter().map(|name| {
            let package = folder.join(&name).join("bootstrap.zip");
            (name, package)
        });
        Self::unpack(packages.collect())
    }

    fn unpack(packages: BTreeMap<String, PathBuf>) -> Self {
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
