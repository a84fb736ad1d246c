//! The folders of Millrace's sources and build output.

use super::LocalError;
use serde::Deserialize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

const NO_CARGO: LocalError = LocalError::Missing {
    program: "cargo",
    remedy: "install Rust with https://rustup.rs",
};

/// Millrace's workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// The workspace at `root`, or by default the one this program was built from.
    ///
    /// # Errors
    /// If there is no workspace, or cargo is missing.
    pub async fn find(root: Option<&Path>) -> Result<Self, LocalError> {
        #[derive(Deserialize)]
        struct Metadata {
            target_directory: PathBuf,
        }
        let root = workspace_root(root)?;
        let mut command = cargo(&root);
        command
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .stdout(Stdio::piped());
        let answer = command
            .output()
            .await
            .map_err(|error| cargo_failed(&root, error))?;
        if !answer.status.success() {
            let stderr = String::from_utf8_lossy(&answer.stderr);
            let problem = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
            let path = root.join("Cargo.toml");
            return Err(LocalError::Template { path, problem });
        }
        let metadata: Metadata =
            serde_json::from_slice(&answer.stdout).map_err(|source| LocalError::Answer {
                program: "cargo metadata",
                source,
            })?;
        Ok(Self {
            root,
            target: metadata.target_directory,
        })
    }

    /// The workspace's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's target folder.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The folder of local AWS.
    pub fn local(&self) -> PathBuf {
        self.target.join("local")
    }
}

/// The folder of the workspace at `root`, or by default of the one this program was built from.
///
/// # Errors
/// If there is no workspace.
pub fn workspace_root(root: Option<&Path>) -> Result<PathBuf, LocalError> {
    let built_from = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.map_or_else(built_from, Path::to_owned);
    match std::fs::canonicalize(&path) {
        Ok(root) if root.join("crates/cli/Cargo.toml").is_file() => Ok(root),
        _ => Err(LocalError::NoWorkspace { path }),
    }
}

/// A cargo command in the workspace.
pub fn cargo(root: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(root).stdin(Stdio::null());
    remove_package_variables(&mut command);
    command
}

/// Removes the variables by which `cargo run` describes this program's package. Build scripts that
/// depend on them would run again.
fn remove_package_variables(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let is_own = ["CARGO_PKG_", "CARGO_BIN_", "CARGO_MANIFEST_"]
            .iter()
            .any(|prefix| text.starts_with(prefix))
            || ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"].contains(&&*text);
        if is_own {
            command.env_remove(&name);
        }
    }
}

/// Why cargo could not be started.
pub fn cargo_failed(root: &Path, error: std::io::Error) -> LocalError {
    if error.kind() == std::io::ErrorKind::NotFound {
        NO_CARGO
    } else {
        LocalError::file("run cargo in", root)(error)
    }
}
