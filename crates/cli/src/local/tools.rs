//! Prepares what local AWS needs on this machine: the Python tools and the built programs. Of
//! several processes that prepare at once, one works and the others wait.

use super::LocalError;
use super::build;
use super::python::{self, Tools};
use super::stack::Source;
use super::workspace::Workspace;
use crate::progress::{Progress, count};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

const POLL_INTERVAL: Duration = Duration::from_millis(200);
const TEMPLATE: &str = "infra/template.yaml";
const RECOMMENDER: &str = "recommender";

/// What local AWS is started with.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub workspace: Workspace,
    pub tools: Tools,
    pub source: Source,
    /// The program that stands for the container image.
    pub recommender: PathBuf,
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

    let recommender = if building {
        let step = progress.step("Programs");
        let mut names = binaries.clone();
        names.push(RECOMMENDER.to_owned());
        let mut programs = build::programs(&workspace, &names, &step).await?;
        let recommender = programs
            .remove(RECOMMENDER)
            .expect("all that was named is built");
        programs.retain(|name, _| binaries.contains(name));
        step.say("packing the Lambda functions");
        build::pack(&workspace, &tools, &programs).await?;
        let functions = count(binaries.len() as u64);
        step.done(&format!("{functions} Lambda functions, {RECOMMENDER}"));
        recommender
    } else {
        let packages = binaries.iter().map(|name| build::package(&workspace, name));
        let recommender = build::built_program(&workspace, RECOMMENDER);
        for path in packages.chain([recommender.clone()]) {
            if !path.is_file() {
                return Err(LocalError::NotBuilt { path });
            }
        }
        recommender
    };
    drop(lock);
    Ok(Prepared {
        workspace,
        tools,
        source,
        recommender,
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
