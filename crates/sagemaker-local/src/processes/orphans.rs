//! Ends processes that outlive an owner that was killed. Each process group is recorded in a file
//! while it runs; the owner's next start kills the recorded groups.

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

// A killed process is gone as soon as the system has freed its memory.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// Process ids are reused. Together with the start time, an id is unique.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    pid: i32,
    started: String,
}

/// The folder of the records, below a folder of the owner.
pub fn records(folder: &Path) -> PathBuf {
    folder.join("processes")
}

/// The record of a process group's leader.
pub(crate) fn path(records: &Path, leader: i32) -> PathBuf {
    records.join(format!("{leader}.json"))
}

/// Records the leader of a process group below `records`, which is created if it is missing. A
/// leader that has already ended is not recorded.
pub(crate) fn record(records: &Path, leader: i32) -> io::Result<()> {
    std::fs::create_dir_all(records)?;
    if let Some(started) = start_time(leader) {
        let record = Record {
            pid: leader,
            started,
        };
        std::fs::write(path(records, leader), serde_json::to_vec(&record)?)?;
    }
    Ok(())
}

/// Kills the recorded process groups, waits until they are gone, and removes the records. A process
/// with a recorded id and another start time is left alone.
pub fn end(records: &Path) -> io::Result<()> {
    let entries = match std::fs::read_dir(records) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        // An unreadable record is an unfinished write, which names no process.
        if let Ok(record) = serde_json::from_slice::<Record>(&std::fs::read(&path)?)
            && start_time(record.pid).is_some_and(|started| started == record.started)
        {
            tracing::info!(
                pid = record.pid,
                "killing a program that an earlier process left behind"
            );
            kill(Pid::from_raw(record.pid))?;
        }
        std::fs::remove_file(path)?;
    }
    Ok(())
}

fn kill(group: Pid) -> io::Result<()> {
    let begun = Instant::now();
    loop {
        match killpg(group, Signal::SIGKILL) {
            Err(Errno::ESRCH) => return Ok(()),
            Err(error) => return Err(error.into()),
            // Where no process fetches the exit status of orphans, they stay as zombies.
            Ok(()) if begun.elapsed() > PATIENCE => return Ok(()),
            Ok(()) => std::thread::sleep(PAUSE),
        }
    }
}

/// The start time of a process in the system's own form: the 22nd field of `/proc/<pid>/stat`, or
/// the output of `ps` where there is no `/proc`. `None` if there is no such process.
fn start_time(pid: i32) -> Option<String> {
    if Path::new("/proc/self/stat").exists() {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the program's name in parentheses and may hold spaces.
        let (_, fields) = stat.rsplit_once(')')?;
        return fields.split_whitespace().nth(19).map(str::to_owned);
    }
    let output = std::process::Command::new("ps")
        .args(["-o", "lstart=", "-p", &pid.to_string()])
        .output()
        .ok()?;
    let started = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!started.is_empty()).then_some(started)
}
