//! The Node.js programs of the tests: projects of the repository, copied below `target/` and
//! installed there from their lock files.

use crate::{python, workspace};
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The oldest version that will do.
const OLDEST: u32 = 20;

/// A project below `target/local`, installed.
#[derive(Debug)]
pub struct Project {
    folder: PathBuf,
    // Held while it is used: another process would copy into it.
    _lock: File,
}

impl Project {
    /// The project of this name with the files as they are now, each from its place in the
    /// repository to its place in the project. Among them must be `package.json` and
    /// `package-lock.json`.
    ///
    /// # Panics
    /// If it cannot be installed.
    pub fn new(name: &str, files: &[(PathBuf, &str)]) -> Self {
        let local = workspace::target().join("local");
        let folder = local.join(name);
        std::fs::create_dir_all(&folder).expect("target/ can be written");
        let lock =
            File::create(local.join(format!("{name}.lock"))).expect("target/ can be written");
        lock.lock().expect("a lock of a local file");
        let stamp = folder.join("installed.json");
        let installed = std::fs::read(&stamp).unwrap_or_default();
        for (from, to) in files {
            let to = folder.join(to);
            std::fs::create_dir_all(to.parent().expect("a folder"))
                .expect("target/ can be written");
            std::fs::copy(from, &to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        }
        let project = Self {
            folder,
            _lock: lock,
        };
        let wanted = std::fs::read(project.folder.join("package-lock.json"));
        let wanted = wanted.expect("a project with a lock");
        if installed != wanted {
            project.run(
                "npm",
                &["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            );
            std::fs::write(stamp, wanted).expect("target/ can be written");
        }
        project
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs `node`, `npm` or `npx` in it to the end.
    pub fn output(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.folder);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = own_node().into_iter().chain(std::env::split_paths(&path));
        let path: OsString = std::env::join_paths(folders).expect("folders without a colon");
        // A shell's npm would hand its own settings on.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("npm_") {
                command.env_remove(name);
            }
        }
        command.env("PATH", path);
        python::output(&mut command)
    }

    /// Runs it, which must end well, and returns what it printed.
    ///
    /// # Panics
    /// If it does not end well.
    pub fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.output(program, arguments);
        let said = python::said(&output);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        String::from_utf8(output.stdout).expect("text")
    }
}

/// The folder of a Node.js of ours, if the machine has none, or an old one.
fn own_node() -> Option<PathBuf> {
    static OWN: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        let npm = Command::new("npm").arg("--version").output();
        let version = Command::new("node").arg("--version").output().ok()?;
        let version = String::from_utf8_lossy(&version.stdout).into_owned();
        let major = version
            .trim_start_matches('v')
            .split('.')
            .next()?
            .parse::<u32>();
        (npm.is_ok() && major.ok()? >= OLDEST).then_some(())
    };
    OWN.get_or_init(|| match find() {
        Some(()) => None,
        None => python::NODE.program("node").parent().map(Path::to_owned),
    })
    .clone()
}
