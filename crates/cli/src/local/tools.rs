//! Prepares what local AWS needs on this machine: the Python tools and the built programs. Of
//! several processes that prepare at once, one works and the others wait.

use super::LocalError;
use super::build;
use super::python::{self, Tools};
use super::stack::Source;
use super::workspace::Workspace;
use crate::progress::{Progress, Step, count};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

const POLL_INTERVAL: Duration = Duration::from_millis(200);
const TEMPLATE: &str = "infra/template.yaml";
/// The programs that stand for container images.
const CONTAINERS: [&str; 2] = ["recommender", "image-classifier"];

/// What local AWS is started with.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub workspace: Workspace,
    pub tools: Tools,
    pub source: Source,
    /// The programs that stand for the images of the recommender and of the image classifier.
    pub containers: [PathBuf; 2],
}

/// Installs missing tools and, if `building`, builds what is missing or out of date.
pub async fn prepare(
    root: Option<&Path>,
    building: bool,
    progress: &Progress,
) -> Result<Prepared, LocalError> {
    let workspace = Workspace::find(root).await?;
    let source = Source::read(&workspace.root().join(TEMPLATE))?;
    let binaries = source.binaries()?;

    let step = progress.step("Python tools");
    let lock = lock(&workspace, |text| step.say(text)).await?;
    let (tools, installed) = python::install(&python::TOOLS, &workspace, &step).await?;
    step.done(if installed {
        "installed"
    } else {
        "already installed"
    });

    let containers = if building {
        let step = progress.step("Programs");
        let mut names = binaries.clone();
        names.extend(CONTAINERS.map(str::to_owned));
        let mut programs = build::programs(&workspace, &names, &step).await?;
        let containers = CONTAINERS.map(|name| {
            let program = programs.remove(name);
            program.expect("all that was named is built")
        });
        programs.retain(|name, _| binaries.contains(name));
        step.say("packing the Lambda functions");
        build::pack(&workspace, &tools, &programs).await?;
        let functions = count(binaries.len() as u64);
        let programs = CONTAINERS.join(", ");
        step.done(&format!("{functions} Lambda functions, {programs}"));
        containers
    } else {
        let packages = binaries.iter().map(|name| build::package(&workspace, name));
        let containers = CONTAINERS.map(|name| build::built_program(&workspace, name));
        for path in packages.chain(containers.iter().cloned()) {
            if !path.is_file() {
                return Err(LocalError::NotBuilt { path });
            }
        }
        containers
    };
    drop(lock);
    Ok(Prepared {
        workspace,
        tools,
        source,
        containers,
    })
}

/// Installs the program of the built-in XGBoost image, and returns its Python.
pub async fn install_xgboost(
    workspace: &Workspace,
    progress: &Progress,
) -> Result<PathBuf, LocalError> {
    let step = progress.step("XGBoost");
    let lock = lock(workspace, |text| step.say(text)).await?;
    let (tools, installed) = python::install(&python::XGBOOST, workspace, &step).await?;
    drop(lock);
    step.done(if installed {
        "installed"
    } else {
        "already installed"
    });
    Ok(tools.program("python"))
}

/// The path of another program of the workspace, built first if `building`.
pub async fn program(
    workspace: &Workspace,
    name: &str,
    building: bool,
    step: &Step,
) -> Result<PathBuf, LocalError> {
    if building {
        let _lock = lock(workspace, |text| step.say(text)).await?;
        let programs = build::programs(workspace, &[name.to_owned()], step).await?;
        return Ok(programs
            .into_values()
            .next()
            .expect("all that was named is built"));
    }
    let path = build::built_program(workspace, name);
    if path.is_file() {
        Ok(path)
    } else {
        Err(LocalError::NotBuilt { path })
    }
}

/// Waits for the lock on the tools and packages. Closing the file ends the lock.
pub async fn lock(workspace: &Workspace, show: impl Fn(&str)) -> Result<File, LocalError> {
    let folder = workspace.local();
    std::fs::create_dir_all(&folder).map_err(LocalError::file("make", &folder))?;
    let path = folder.join("build.lock");
    let file = File::options().create(true).append(true).open(&path);
    let file = file.map_err(LocalError::file("write", &path))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => show("waiting for another build"),
            Err(TryLockError::Error(source)) => return Err(LocalError::file("lock", path)(source)),
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
