//! A program that runs in place of a container: in a process group of its own, with its output in
//! a log file.

use crate::images::Image;
use crate::processes::{ProcessGroup, opt_ml};
use nix::sys::signal::Signal;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

// When the server ends, it does not wait for a program's whole grace period.
const HURRIED_GRACE: Duration = Duration::from_secs(2);

/// A program with its call.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program of the image.
    pub image: Image,
    /// `train` or `serve`.
    pub verb: &'static str,
    /// Variables in addition to the server's own environment.
    pub environment: Vec<(String, String)>,
    /// Its working directory.
    pub folder: PathBuf,
    /// The file to which standard output and error are appended.
    pub log: PathBuf,
}

impl Program {
    /// Starts the program, and records its process group below `records`.
    pub fn start(&self, records: &Path) -> std::io::Result<Running> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let command = if self.image.needs_opt_ml {
            opt_ml::with_opt_ml(&self.folder, &self.image.words)?
        } else {
            self.image.words.clone()
        };
        let (program, arguments) = command.split_first().ok_or_else(|| {
            std::io::Error::new(
                std::io::ErrorKind::InvalidInput,
                "the image's command is empty",
            )
        })?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg(self.verb)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let mut group = ProcessGroup::start(&mut command, Duration::ZERO)?;
        group.record(records)?;
        Ok(Running(group))
    }
}

/// A started program. Dropping it kills the whole group.
#[derive(Debug)]
pub struct Running(ProcessGroup);

impl Running {
    /// Waits until the program ends, then kills what it left running.
    pub async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        let status = self.0.wait().await?;
        self.0.kill();
        Ok(status)
    }

    /// Stops the program, so that it does not react to SIGTERM either. Only SIGKILL ends it.
    pub fn freeze(&self) {
        self.0.signal(Signal::SIGSTOP);
    }

    /// Sends SIGTERM to the group, and SIGKILL after `grace`, or two seconds after `hurry`.
    pub async fn stop(
        &mut self,
        grace: Duration,
        hurry: &CancellationToken,
    ) -> std::io::Result<ExitStatus> {
        self.0.signal(Signal::SIGTERM);
        let patience = async {
            tokio::select! {
                () = tokio::time::sleep(grace) => {}
                () = async { hurry.cancelled().await; tokio::time::sleep(HURRIED_GRACE).await } => {}
            }
        };
        tokio::select! {
            status = self.0.wait() => { status?; }
            () = patience => self.0.signal(Signal::SIGKILL),
        }
        self.wait().await
    }
}

/// The exit code as a container reports it: 128 plus the signal's number if a signal ended it.
pub fn exit_code(status: ExitStatus) -> i32 {
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

// The tests read from /proc whether a process is alive.
#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::processes::orphans;

    fn shell(script: &str, folder: &Path) -> Program {
        Program {
            image: Image::new(vec!["sh".into(), "-c".into(), script.into()]),
            verb: "train",
            environment: vec![("GREETING".into(), "hello".into())],
            folder: folder.to_owned(),
            log: folder.join("log"),
        }
    }

    fn is_alive(pid: &str) -> bool {
        // A zombie has ended; its exit status is not yet fetched.
        std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
            .is_ok_and(|stat| !stat.contains(") Z "))
    }

    async fn until(what: &str, mut holds: impl FnMut() -> bool) {
        for _ in 0..100 {
            if holds() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{what} did not happen within 5 s");
    }

    #[tokio::test]
    async fn output_and_exit_code_are_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let program = shell("echo $GREETING $0; echo oops >&2; exit 3", folder.path());
        let status = program.start(folder.path()).unwrap().wait().await.unwrap();
        assert_eq!(exit_code(status), 3);
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
        assert_eq!(log, "hello train\noops\n");
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "the record is removed"
        );
    }

    #[tokio::test]
    async fn a_program_that_ignores_sigterm_is_killed_after_its_grace() {
        let folder = tempfile::tempdir().unwrap();
        let program = shell(
            "trap '' TERM; echo ready; while :; do sleep 0.1; done",
            folder.path(),
        );
        let mut running = program.start(folder.path()).unwrap();
        let log = folder.path().join("log");
        until("ready", || {
            std::fs::read_to_string(&log).unwrap().contains("ready")
        })
        .await;
        let grace = Duration::from_millis(300);
        let status = running
            .stop(grace, &CancellationToken::new())
            .await
            .unwrap();
        assert_eq!(exit_code(status), 137);
    }

    #[tokio::test]
    async fn dropping_a_program_ends_its_child_processes() {
        let folder = tempfile::tempdir().unwrap();
        let program = shell("sleep 60 & echo $!; wait", folder.path());
        let running = program.start(folder.path()).unwrap();
        let log = folder.path().join("log");
        until("the child", || {
            std::fs::read_to_string(&log).unwrap().ends_with('\n')
        })
        .await;
        let child = std::fs::read_to_string(&log).unwrap();
        assert!(is_alive(&child));
        drop(running);
        until("the child's end", || !is_alive(&child)).await;
    }

    #[tokio::test]
    async fn only_processes_of_an_earlier_server_are_ended() {
        let folder = tempfile::tempdir().unwrap();
        let records = folder.path().join("processes");
        let mut ours = shell("sleep 60", folder.path()).start(&records).unwrap();
        let stranger = shell("sleep 60", folder.path()).start(&records).unwrap();
        let id = stranger.0.id();
        let record = format!(r#"{{"pid":{id},"started":"another time"}}"#);
        std::fs::write(orphans::path(&records, id), record).unwrap();
        // The exit status is fetched at once, as init does for orphans.
        let end = tokio::task::spawn_blocking({
            let records = records.clone();
            move || orphans::end(&records)
        });
        assert_eq!(exit_code(ours.0.wait().await.unwrap()), 137);
        end.await.unwrap().unwrap();
        assert!(is_alive(&id.to_string()));
        assert_eq!(std::fs::read_dir(&records).unwrap().count(), 0);
    }
}
