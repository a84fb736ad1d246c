//! The Python programs that the tests call, in a virtual environment of their own below `target/`,
//! pinned by hash. It must not know what the programs do.

use crate::workspace;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const LOCK: &str = include_str!("../python/requirements.txt");

/// A program of the environment, which is installed first if it is not there.
pub fn program(name: &str) -> PathBuf {
    let local = workspace::target().join("local");
    std::fs::create_dir_all(&local).expect("target/ can be written");
    // Tests run side by side, in several processes; one of them installs.
    let lock = File::create(local.join("venv-tests.lock")).expect("target/ can be written");
    lock.lock().expect("a lock of a local file");
    let venv = local.join("venv-tests");
    let stamp = venv.join("requirements.installed.txt");
    if std::fs::read_to_string(&stamp).ok().as_deref() != Some(LOCK) {
        install(&venv);
        // It comes last: without it an environment is taken for half made.
        std::fs::write(&stamp, LOCK).expect("target/ can be written");
    }
    venv.join("bin").join(name)
}

fn install(venv: &Path) {
    let requirements = workspace::root().join("tests/python/requirements.txt");
    let mut make = Command::new("python3");
    run(make.args(["-m", "venv", "--clear"]).arg(venv));
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-input"])
        .arg("--disable-pip-version-check")
        // The lock names every package, and wheels alone: nothing else is resolved, built or run.
        .args(["--no-deps", "--require-hashes", "--only-binary", ":all:"])
        .arg("--requirement")
        .arg(requirements);
    run(&mut pip);
}

fn run(command: &mut Command) {
    let output = output(command);
    assert!(output.status.success(), "{command:?}: {}", said(&output));
}

/// Runs a command of the environment to its end, without what would lead Python to other packages.
pub fn output(command: &mut Command) -> Output {
    for name in ["PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET"] {
        command.env_remove(name);
    }
    command.output().unwrap_or_else(|error| {
        panic!("{command:?}: {error}: install Python 3.10 or newer with its venv module")
    })
}

/// All that a command has said.
pub fn said(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}
