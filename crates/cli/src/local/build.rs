//! Builds the Lambda packages with cargo-lambda and the container programs with cargo. Cargo knows
//! what is up to date; this does not. It must not know what the packages do.

use super::LocalError;
use super::called::Called;
use super::python::Tools;
use super::workspace::{Workspace, cargo_failed, forget_own_package};
use crate::progress::Step;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::process::Command;

/// The package of a function that cargo-lambda built.
pub fn package(workspace: &Workspace, binary: &str) -> PathBuf {
    workspace
        .local()
        .join("lambda")
        .join(binary)
        .join("bootstrap.zip")
}

/// Where cargo leaves a container program of the development profile, unless configured otherwise.
pub fn built_program(workspace: &Workspace, name: &str) -> PathBuf {
    workspace.target().join("debug").join(name)
}

/// Builds the functions' packages for this machine, with the profile that is deployed.
pub async fn functions(
    workspace: &Workspace,
    tools: &Tools,
    binaries: &[String],
    step: &Step,
) -> Result<(), LocalError> {
    let mut command = Command::new(tools.program("cargo-lambda"));
    command.current_dir(workspace.root()).stdin(Stdio::null());
    forget_own_package(&mut command);
    put_cargo_first(&mut command);
    command
        .args(["lambda", "build", "--release", "--output-format", "zip"])
        // The functions run on this machine: its own linker will do.
        .args(["--compiler", "cargo"])
        .arg("--lambda-dir")
        .arg(workspace.local().join("lambda"));
    if cfg!(target_arch = "aarch64") {
        command.arg("--arm64");
    }
    for binary in binaries {
        command.args(["--package", binary, "--bin", binary]);
    }
    let log = workspace.local().join("functions.log");
    run(
        "building the Lambda functions",
        command,
        workspace,
        log,
        step,
    )
    .await?;
    Ok(())
}

/// Builds a container program with the development profile, and returns its path.
pub async fn program(
    workspace: &Workspace,
    name: &'static str,
    step: &Step,
) -> Result<PathBuf, LocalError> {
    let mut command = super::workspace::cargo(workspace.root());
    command
        .args(["build", "--package", name, "--bin", name])
        .args(["--message-format", "json-render-diagnostics"]);
    let log = workspace.local().join("programs.log");
    let said = run(
        "building the container program",
        command,
        workspace,
        log.clone(),
        step,
    )
    .await?;
    // Cargo tells where the program is, wherever the configuration puts it.
    let told = said.iter().rev().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message.get("executable")?.as_str().map(PathBuf::from)
    });
    told.ok_or(LocalError::Program {
        what: "finding the container program",
        last_line: String::new(),
        log,
    })
}

async fn run(
    what: &'static str,
    mut command: Command,
    workspace: &Workspace,
    log: PathBuf,
    step: &Step,
) -> Result<Vec<String>, LocalError> {
    command
        .env("CARGO_TERM_PROGRESS_WHEN", "always")
        .env("CARGO_TERM_PROGRESS_WIDTH", "200")
        .env("CARGO_TERM_COLOR", "never");
    let _ = std::fs::remove_file(&log);
    let called = Called::new(what, &log);
    let answer = called
        .run(&mut command, |line| match BuildProgress::parse(line) {
            Some(at) => step.count(at.done, at.total, &at.crates),
            None if line.trim_start().starts_with("Blocking") => {
                step.say("waiting for another build to end");
            }
            None => {}
        })
        .await;
    answer.map_err(|error| match error {
        LocalError::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            cargo_failed(workspace.root(), source)
        }
        other => other,
    })
}

/// cargo-lambda calls `cargo`: it shall be the one that built this program.
fn put_cargo_first(command: &mut Command) {
    let Some(cargo) = std::env::var_os("CARGO").map(PathBuf::from) else {
        return;
    };
    let Some(folder) = cargo.parent().filter(|folder| folder.is_absolute()) else {
        return;
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    // A folder with a colon in its name cannot stand in PATH: then the one there must do.
    if let Ok(path) = std::env::join_paths(folders) {
        command.env("PATH", path);
    }
}

/// What cargo's progress bar says: `Building [===>  ] 12/345: serde, tokio`.
#[derive(Debug, PartialEq, Eq)]
struct BuildProgress {
    done: u64,
    total: u64,
    crates: String,
}

impl BuildProgress {
    fn parse(line: &str) -> Option<Self> {
        let (_, bar) = line.split_once("Building [")?;
        let (_, counts) = bar.split_once("] ")?;
        let (counts, crates) = counts.split_once(": ").unwrap_or((counts, ""));
        let (done, total) = counts.trim_end_matches(':').split_once('/')?;
        Some(Self {
            done: done.trim().parse().ok()?,
            total: total.trim().parse().ok()?,
            crates: crates.split_whitespace().collect::<Vec<_>>().join(" "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_bar_is_read() {
        let line = "    Building [====>        ] 12/345: aws-sdk-s3, tokio(build)      ";
        let expected = BuildProgress {
            done: 12,
            total: 345,
            crates: "aws-sdk-s3, tokio(build)".to_owned(),
        };
        assert_eq!(BuildProgress::parse(line), Some(expected));
        let bare = BuildProgress::parse("    Building [>  ] 0/9").unwrap();
        assert_eq!((bare.done, bare.total), (0, 9));
        assert_eq!(BuildProgress::parse("   Compiling serde v1.0.0"), None);
    }
}
