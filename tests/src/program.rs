//! The program `millrace` on local AWS, as a person runs it in a folder.

use millrace::local::Local;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;
use tempfile::TempDir;
use tokio::process::Command;

/// The program, in a folder of its own.
pub struct Program<'l> {
    path: PathBuf,
    local: &'l Local,
    folder: TempDir,
}

/// The program at `path` in a folder, with the words of a shell, on local AWS and with nothing of
/// this process's environment.
///
/// # Panics
/// If the words cannot be split.
pub fn command(path: &Path, local: &Local, folder: &Path, line: &str) -> Command {
    let sagemaker = local.sagemaker_url();
    let mut command = Command::new(path);
    command
        .args(shlex::split(line).expect("words of a shell"))
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ENDPOINT_URL", local.url())
        .env("AWS_ENDPOINT_URL_SAGEMAKER", &sagemaker)
        .env("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", &sagemaker)
        .env("AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING", &sagemaker);
    command
}

/// What a command prints with `--json`, which is as its schema says.
///
/// # Panics
/// If it is no JSON, or differs from the schema.
pub fn document(command: &str, text: &str) -> Value {
    let document: Value = serde_json::from_str(text).expect("JSON");
    let all = millrace::output::all();
    let found = all.into_iter().find(|(name, _)| *name == command);
    let (_, schema) = found.expect("a command with a schema");
    let schema = serde_json::to_value(schema).expect("a schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<_> = validator
        .iter_errors(&document)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{command}: {errors:?}\n{document:#}");
    document
}

/// How the program ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub error: String,
}

impl Ended {
    /// How it ended, by its output.
    ///
    /// # Panics
    /// If it was killed, or printed anything but UTF-8.
    pub fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
        Self {
            code: output.status.code().expect("no signal ends the program"),
            output: text(output.stdout),
            error: text(output.stderr),
        }
    }

    /// What it printed.
    ///
    /// # Panics
    /// If it ended with another code than 0.
    #[track_caller]
    pub fn well(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.output, self.error);
        self.output
    }
}

impl<'l> Program<'l> {
    /// The program at `path`, in an empty folder.
    ///
    /// # Panics
    /// If no folder can be made.
    pub fn new(path: impl Into<PathBuf>, local: &'l Local) -> Self {
        Self {
            path: path.into(),
            local,
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    /// The folder that it runs in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a command to its end, whatever that is.
    ///
    /// # Panics
    /// As [`command`] and [`Ended::of`], or if the program cannot be started.
    pub async fn run(&self, line: &str) -> Ended {
        let output = command(&self.path, self.local, self.folder(), line).output();
        Ended::of(output.await.expect("the program starts"))
    }

    /// Runs a command to a good end.
    ///
    /// # Panics
    /// If it ends with another code than 0.
    pub async fn well(&self, line: &str) -> Ended {
        let ended = self.run(line).await;
        assert_eq!(ended.code, 0, "{line}\n{}{}", ended.output, ended.error);
        ended
    }
}
