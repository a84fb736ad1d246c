//! The Python programs of the tests, in virtual environments of their own below `target/`, pinned
//! by hash.

use crate::workspace;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// An environment, which is made when it is first needed.
#[derive(Debug, Clone, Copy)]
pub struct Environment {
    /// Its folder below `target/local`.
    folder: &'static str,
    /// The file of the lock, and what is in it.
    file: &'static str,
    lock: &'static str,
}

/// What most of the tests call.
pub const TESTS: Environment = Environment {
    folder: "venv-tests",
    file: "tests/python/requirements.txt",
    lock: include_str!("../python/requirements.txt"),
};

/// Node.js, for machines without it.
pub const NODE: Environment = Environment {
    folder: "venv-node",
    file: "tests/python/node.txt",
    lock: include_str!("../python/node.txt"),
};

/// checkov, for those who ask for it: it is large.
pub const CHECKOV: Environment = Environment {
    folder: "venv-checkov",
    file: "tests/python/checkov.txt",
    lock: include_str!("../python/checkov.txt"),
};

/// scikit-learn without what it needs to run: its wheel ships 1,797 handwritten digits.
pub const DIGITS: Environment = Environment {
    folder: "venv-digits",
    file: "crates/cli/python/digits.txt",
    lock: include_str!("../../crates/cli/python/digits.txt"),
};

/// MXNet and `WebDataset`, for those who ask for them: they are large.
pub const IMAGE_READERS: Environment = Environment {
    folder: "venv-image-readers",
    file: "tests/python/image_readers.txt",
    lock: include_str!("../python/image_readers.txt"),
};

/// Clients of SQL Server, to read what the driver reads.
pub const SQL_SERVER: Environment = Environment {
    folder: "venv-sql-server",
    file: "tests/python/sql_server.txt",
    lock: include_str!("../python/sql_server.txt"),
};

/// `DuckDB` and pandas, as those use them who query the lake.
pub const LAKE: Environment = Environment {
    folder: "venv-lake",
    file: "tests/python/lake.txt",
    lock: include_str!("../python/lake.txt"),
};

/// AWS's own command line without what it needs to run: a translator of it is called.
pub const AWSCLI: Environment = Environment {
    folder: "venv-awscli",
    file: "tests/python/awscli.txt",
    lock: include_str!("../python/awscli.txt"),
};

/// Sample events of AWS's SAM CLI, and Powertools, which read events and answers.
pub const LAMBDA_EVENTS: Environment = Environment {
    folder: "venv-lambda-events",
    file: "tests/python/lambda_events.txt",
    lock: include_str!("../python/lambda_events.txt"),
};

/// cargo-lambda, for the test of the deployable functions.
pub const CARGO_LAMBDA: Environment = Environment {
    folder: "venv-cargo-lambda",
    file: "tests/python/cargo_lambda.txt",
    lock: include_str!("../python/cargo_lambda.txt"),
};

/// What packs the wheels of a release.
pub const RELEASE: Environment = Environment {
    folder: "venv-release",
    file: "tests/python/release.txt",
    lock: include_str!("../python/release.txt"),
};

/// A program of the tests' environment, which is installed first if it is not there.
pub fn program(name: &str) -> PathBuf {
    TESTS.program(name)
}

impl Environment {
    /// A program of the environment, which is installed first if it is not there.
    pub fn program(self, name: &str) -> PathBuf {
        let local = workspace::target().join("local");
        std::fs::create_dir_all(&local).expect("target/ can be written");
        // Tests run side by side, in several processes; one of them installs.
        let lock = File::create(local.join(format!("{}.lock", self.folder)));
        let lock = lock.expect("target/ can be written");
        lock.lock().expect("a lock of a local file");
        let venv = local.join(self.folder);
        let stamp = venv.join("requirements.installed.txt");
        if std::fs::read_to_string(&stamp).ok().as_deref() != Some(self.lock) {
            self.install(&venv);
            // It comes last: without it an environment is taken for half made.
            std::fs::write(&stamp, self.lock).expect("target/ can be written");
        }
        venv.join("bin").join(name)
    }

    fn install(self, venv: &Path) {
        let mut make = Command::new("python3");
        run(make.args(["-m", "venv", "--clear"]).arg(venv));
        let mut pip = Command::new(venv.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--no-input"])
            .arg("--disable-pip-version-check")
            // The lock names every package, and wheels alone: nothing else is resolved, built or
            // run.
            .args(["--no-deps", "--require-hashes", "--only-binary", ":all:"])
            .arg("--requirement")
            .arg(workspace::root().join(self.file));
        run(&mut pip);
    }
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
