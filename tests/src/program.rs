//! The program `millrace` on local AWS, as a person runs it in a folder.

use millrace::local::Local;
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

    /// Runs a command, with words as a shell has them, to its end, whatever that is.
    ///
    /// # Panics
    /// If the words cannot be split, or the program cannot be started or is killed.
    pub async fn run(&self, line: &str) -> Ended {
        let sagemaker = self.local.sagemaker_url();
        let Output {
            status,
            stdout,
            stderr,
        } = Command::new(&self.path)
            .args(shlex::split(line).expect("words of a shell"))
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ENDPOINT_URL", self.local.url())
            .env("AWS_ENDPOINT_URL_SAGEMAKER", &sagemaker)
            .env("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", &sagemaker)
            .output()
            .await
            .expect("the program starts");
        Ended {
            code: status.code().expect("no signal ends the program"),
            output: String::from_utf8(stdout).expect("the program prints UTF-8"),
            error: String::from_utf8(stderr).expect("the program prints UTF-8"),
        }
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
