//! A program in a process group of its own, which ends with its owner: also after an error, a
//! panic, or a signal to the owner.

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::process::ExitStatus;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A started program and its child processes. Dropping it sends SIGTERM to the group, and SIGKILL
/// to the processes that are left after the grace period.
///
/// Ctrl-C at a terminal signals the foreground group only. The program has a group of its own, so
/// it ends only when its owner ends it.
#[derive(Debug)]
pub struct ProcessGroup {
    child: Child,
    group: Pid,
    grace: Duration,
}

impl ProcessGroup {
    /// Starts `command` as the leader of a new process group.
    pub fn start(command: &mut Command, grace: Duration) -> std::io::Result<Self> {
        let child = command.process_group(0).spawn()?;
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let group = Pid::from_raw(id.expect("a child that was not waited for has an id"));
        Ok(Self {
            child,
            group,
            grace,
        })
    }

    /// The process id of the leader, which is the group's id too.
    pub fn id(&self) -> i32 {
        self.group.as_raw()
    }

    /// The child, to read its output.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits until the leader ends.
    pub async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Whether the leader runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Whether the group has no process any more. Until its exit status is fetched, the leader
    /// counts as one.
    fn is_gone(&mut self) -> bool {
        let _ = self.child.try_wait();
        killpg(self.group, None) == Err(Errno::ESRCH)
    }

    fn end(&mut self) {
        if self.is_gone() || killpg(self.group, Signal::SIGTERM) == Err(Errno::ESRCH) {
            return;
        }
        let deadline = Instant::now() + self.grace;
        while Instant::now() < deadline {
            if self.is_gone() {
                return;
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        // ESRCH: the last process has just ended.
        let _ = killpg(self.group, Signal::SIGKILL);
        let deadline = Instant::now() + self.grace;
        while !self.is_gone() && Instant::now() < deadline {
            std::thread::sleep(POLL_INTERVAL);
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.end();
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
