//! Where the sources are and where what is made of them goes. It must not know what is built.

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

/// Millrace's own workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// The workspace at `root`, or if `None` the one that this program was built from.
    ///
    /// # Errors
    /// If there is none, or cargo is missing.
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
            let said = String::from_utf8_lossy(&answer.stderr);
            let problem = said.split_whitespace().collect::<Vec<_>>().join(" ");
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

    /// Where everything of local AWS is kept.
    pub fn local(&self) -> PathBuf {
        self.target.join("local")
    }
}

/// The folder of the workspace at `root`, or if `None` of the one that this program was built from.
///
/// # Errors
/// If there is none.
pub fn workspace_root(root: Option<&Path>) -> Result<PathBuf, LocalError> {
    let built_from = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.map_or_else(built_from, Path::to_owned);
    match std::fs::canonicalize(&path) {
        Ok(root) if root.join("crates/cli/Cargo.toml").is_file() => Ok(root),
        _ => Err(LocalError::NoWorkspace { path }),
    }
}

/// A call of cargo in the workspace.
pub fn cargo(root: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(root).stdin(Stdio::null());
    forget_own_package(&mut command);
    command
}

/// `cargo run` tells this program about its own package; build scripts that look at the same
/// variables would run again for every caller.
pub fn forget_own_package(command: &mut Command) {
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

/// Why cargo could not be called.
pub fn cargo_failed(root: &Path, error: std::io::Error) -> LocalError {
    if error.kind() == std::io::ErrorKind::NotFound {
        NO_CARGO
    } else {
        LocalError::file("run cargo in", root)(error)
    }
}
