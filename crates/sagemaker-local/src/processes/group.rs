//! A process group that ends with its owner: also after an error, a panic, or a signal to the
//! owner.

use crate::processes::orphans;
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::io::Result;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

const POLL: Duration = Duration::from_millis(20);

/// A started program and all that it started in turn.
///
/// Dropping it sends SIGTERM to the group, and SIGKILL to what is left after the grace period.
/// Ctrl-C at a terminal goes to the foreground group only. The program has a group of its own, so
/// it never ends before its owner decides.
#[derive(Debug)]
pub struct ProcessGroup {
    child: Child,
    group: Pid,
    grace: Duration,
    record: Option<PathBuf>,
    has_ended: bool,
}

impl ProcessGroup {
    /// Starts `command` as the leader of a new process group.
    ///
    /// # Errors
    /// If the program cannot be started.
    ///
    /// # Panics
    /// Never: a child that was not waited for has an id.
    pub fn start(command: &mut Command, grace: Duration) -> Result<Self> {
        let child = command.process_group(0).spawn()?;
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let group = Pid::from_raw(id.expect("a child that was not waited for has an id"));
        Ok(Self {
            child,
            group,
            grace,
            record: None,
            has_ended: false,
        })
    }

    /// Records the group below `records` until it ends, so that [`orphans::end`] finds it if the
    /// owner is killed.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn record(&mut self, records: &Path) -> Result<()> {
        orphans::record(records, self.id())?;
        self.record = Some(orphans::path(records, self.id()));
        Ok(())
    }

    /// The process id of the leader, which is also the group's id.
    pub fn id(&self) -> i32 {
        self.group.as_raw()
    }

    /// The leader, to read its output.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits until the leader ends. What the leader started may still run.
    ///
    /// # Errors
    /// If the system does not report the leader's status.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        self.child.wait().await
    }

    /// Whether the leader runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal to every process of the group.
    pub(crate) fn signal(&self, signal: Signal) {
        match killpg(self.group, signal) {
            // The group has ended by itself.
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => {
                tracing::warn!(group = %self.group, %signal, %error, "a signal was refused");
            }
        }
    }

    /// Sends SIGKILL to the group, once: later its id may belong to another group.
    pub(crate) fn kill(&mut self) {
        if !self.has_ended {
            self.signal(Signal::SIGKILL);
            self.settle();
        }
    }

    /// Whether no process of the group is left. A leader counts until its status is fetched.
    fn is_gone(&mut self) -> bool {
        let _ = self.child.try_wait();
        killpg(self.group, None) == Err(Errno::ESRCH)
    }

    /// Waits for the group's end, at most for the grace period.
    fn wait_for_end(&mut self) -> bool {
        let deadline = Instant::now() + self.grace;
        loop {
            if self.is_gone() {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(POLL);
        }
    }

    fn settle(&mut self) {
        self.has_ended = true;
        if let Some(record) = self.record.take()
            && let Err(error) = std::fs::remove_file(&record)
        {
            tracing::debug!(record = %record.display(), %error, "no record to remove");
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        if !self.is_gone() {
            self.signal(Signal::SIGTERM);
            if !self.wait_for_end() {
                self.signal(Signal::SIGKILL);
                self.wait_for_end();
            }
        }
        self.settle();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Stdio;
    use tokio::io::{AsyncBufReadExt, BufReader};

    /// Starts a script that prints the id of a process that it started, and returns both.
    async fn start(script: &str, grace: Duration) -> (ProcessGroup, Pid) {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped());
        let mut group = ProcessGroup::start(&mut command, grace).unwrap();
        let output = group.child().stdout.take().unwrap();
        let line = BufReader::new(output).lines().next_line().await.unwrap();
        (group, Pid::from_raw(line.unwrap().parse().unwrap()))
    }

    fn is_alive(process: Pid) -> bool {
        // A zombie has ended; its exit status is not yet fetched.
        std::fs::read_to_string(format!("/proc/{process}/stat"))
            .is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[tokio::test]
    async fn dropping_a_group_ends_child_processes() {
        let (group, grandchild) = start("sleep 60 & echo $!; wait", Duration::from_secs(5)).await;
        let leader = Pid::from_raw(group.id());
        assert!(is_alive(leader) && is_alive(grandchild));
        drop(group);
        assert!(!is_alive(leader) && !is_alive(grandchild));
    }

    #[tokio::test]
    async fn a_program_that_ignores_sigterm_is_killed_after_the_grace() {
        let script = "trap '' TERM; echo $$; while :; do sleep 0.05; done";
        let (group, leader) = start(script, Duration::from_millis(200)).await;
        let begun = Instant::now();
        drop(group);
        assert!(!is_alive(leader));
        assert!(begun.elapsed() >= Duration::from_millis(200));
    }

    #[tokio::test]
    async fn a_panic_ends_the_group_too() {
        let (group, grandchild) = start("sleep 60 & echo $!; wait", Duration::from_secs(5)).await;
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _group = group;
            panic!("as a defect would");
        }));
        assert!(panicked.is_err());
        assert!(!is_alive(grandchild));
    }
}
