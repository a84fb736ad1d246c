//! Builds the Lambda functions and the container program with cargo, and packs the functions. Cargo
//! decides what is out of date.

use super::LocalError;
use super::logged_command::LoggedCommand;
use super::python::Tools;
use super::workspace::{Workspace, cargo, cargo_failed};
use crate::progress::Step;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tokio::process::Command;

const PACK: &str = include_str!("../../python/package.py");

/// The package of a function.
pub fn package(workspace: &Workspace, binary: &str) -> PathBuf {
    workspace
        .local()
        .join("lambda")
        .join(binary)
        .join("bootstrap.zip")
}

/// Where cargo leaves a program of the development profile, unless configured otherwise.
pub fn built_program(workspace: &Workspace, name: &str) -> PathBuf {
    workspace.target().join("debug").join(name)
}

/// Builds programs with the development profile, and returns their paths by name.
pub async fn programs(
    workspace: &Workspace,
    names: &[String],
    step: &Step,
) -> Result<BTreeMap<String, PathBuf>, LocalError> {
    let mut command = cargo(workspace.root());
    // The whole workspace, as `cargo run` and `cargo test --workspace` select it: with other
    // features than theirs, the dependencies would be built again.
    command
        .args(["build", "--workspace"])
        .args(["--message-format", "json-render-diagnostics"])
        .env("CARGO_TERM_PROGRESS_WHEN", "always")
        .env("CARGO_TERM_PROGRESS_WIDTH", "200")
        .env("CARGO_TERM_COLOR", "never");
    for name in names {
        command.args(["--bin", name]);
    }
    let log = workspace.local().join("build.log");
    let _ = std::fs::remove_file(&log);
    let called = LoggedCommand::new("building the Lambda functions", &log);
    let answer = called
        .run(&mut command, |line| match BuildProgress::parse(line) {
            Some(at) => step.count(at.done, at.total, &at.crates),
            None if line.trim_start().starts_with("Blocking") => {
                step.say("waiting for another build");
            }
            None => {}
        })
        .await;
    let messages = answer.map_err(|error| match error {
        LocalError::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            cargo_failed(workspace.root(), source)
        }
        other => other,
    })?;
    let built: BTreeMap<_, _> = messages
        .iter()
        .filter_map(|line| executable(line))
        .collect();
    match names.iter().find(|name| !built.contains_key(*name)) {
        None => Ok(built),
        Some(name) => Err(LocalError::Program {
            what: "finding the programs that cargo built",
            last_line: format!("it does not name {name}"),
            log,
        }),
    }
}

/// The name and path of a program, if the line is cargo's message that it is built.
fn executable(line: &str) -> Option<(String, PathBuf)> {
    #[derive(Deserialize)]
    struct Message {
        target: Target,
        executable: PathBuf,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
    }
    let message: Message = serde_json::from_str(line).ok()?;
    Some((message.target.name, message.executable))
}

/// Packs the functions whose package holds another program than the built one.
pub async fn pack(
    workspace: &Workspace,
    tools: &Tools,
    programs: &BTreeMap<String, PathBuf>,
) -> Result<(), LocalError> {
    let mut command = Command::new(tools.program("python"));
    command.args(["-c", PACK]);
    let mut is_current = true;
    for (name, program) in programs {
        let package = package(workspace, name);
        let built = modified(program).map_err(LocalError::file("read", program))?;
        if modified(&package).ok() != Some(built) {
            command.arg(program).arg(package);
            is_current = false;
        }
    }
    if !is_current {
        let log = workspace.local().join("package.log");
        LoggedCommand::new("packing the Lambda functions", &log)
            .run(&mut command, |_| ())
            .await?;
    }
    Ok(())
}

fn modified(path: &Path) -> std::io::Result<SystemTime> {
    path.metadata()?.modified()
}

/// Cargo's progress bar: `Building [===>  ] 12/345: serde, tokio`.
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
    fn cargos_progress_bar_is_read() {
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
