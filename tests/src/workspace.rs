//! Paths of the sources.

use cargo_metadata::MetadataCommand;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The workspace's folder.
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("the tests lie in the workspace")
        .to_owned()
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    let mut metadata = MetadataCommand::new();
    metadata.manifest_path(root().join("Cargo.toml")).no_deps();
    let metadata = metadata.exec().expect("cargo knows the workspace");
    metadata.target_directory.into_std_path_buf()
}

/// The source of a crate that the workspace depends on.
///
/// # Panics
/// If the workspace does not depend on it.
pub fn dependency(name: &str) -> PathBuf {
    let mut metadata = MetadataCommand::new();
    metadata.manifest_path(root().join("Cargo.toml"));
    metadata.other_options(["--locked", "--offline"].map(str::to_owned));
    let metadata = metadata.exec().expect("cargo knows the workspace");
    let mut packages = metadata.packages.into_iter();
    let package = packages.find(|package| package.name == name);
    let package = package.unwrap_or_else(|| panic!("the workspace does not depend on {name}"));
    let manifest = package.manifest_path.into_std_path_buf();
    manifest
        .parent()
        .expect("a manifest lies in a folder")
        .to_owned()
}

/// The text of one of the workspace's files.
pub fn text(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// The state machine's definition.
pub fn state_machine() -> Value {
    serde_json::from_str(&text("statemachine/retrain.asl.json"))
        .expect("the state machine's definition is JSON")
}
