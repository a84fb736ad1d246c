//! A folder for one start of local AWS. Its user holds a lock on it: a folder that is not locked was left
//! behind, and so were the processes that it names.

use super::LocalError;
use sagemaker_local::orphans;
use std::fs::File;
use std::path::{Path, PathBuf};

/// A folder that is in use.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    // Closing the file ends the lock.
    _lock: File,
}

impl RunFolder {
    /// Makes a new folder below `parent`. Ends the processes of folders that were left behind, and removes
    /// the folders.
    pub fn new(parent: &Path) -> Result<Self, LocalError> {
        std::fs::create_dir_all(parent).map_err(LocalError::file("make", parent))?;
        // Only one starts at a time, so that nobody removes a folder that is just being locked.
        let gate = lock_file(&parent.join("lock"))?;
        gate.lock().map_err(LocalError::file("lock", parent))?;
        remove_abandoned(parent)?;
        let path = parent.join(format!("{}-{:04x}", std::process::id(), fastrand::u16(..)));
        std::fs::create_dir(&path).map_err(LocalError::file("make", &path))?;
        let lock = lock_file(&path.join("lock"))?;
        lock.lock().map_err(LocalError::file("lock", &path))?;
        Ok(Self { path, _lock: lock })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it with its content.
    pub fn remove(self) -> Result<(), LocalError> {
        std::fs::remove_dir_all(&self.path).map_err(LocalError::file("remove", &self.path))
    }
}

/// The state of local SageMaker in a run's folder.
pub fn sagemaker(folder: &Path) -> PathBuf {
    folder.join("sagemaker")
}

/// The files of a PostgreSQL server in a run's folder.
pub fn postgres(folder: &Path) -> PathBuf {
    folder.join("postgres")
}

/// The files of a SQL Server in a run's folder.
pub fn sql_server(folder: &Path) -> PathBuf {
    folder.join("sql-server")
}

fn remove_abandoned(parent: &Path) -> Result<(), LocalError> {
    let entries = std::fs::read_dir(parent).map_err(LocalError::file("list", parent))?;
    for entry in entries {
        let path = entry.map_err(LocalError::file("list", parent))?.path();
        if path.is_dir() && lock_file(&path.join("lock"))?.try_lock().is_ok() {
            let owners = [
                path.clone(),
                sagemaker(&path),
                postgres(&path),
                sql_server(&path),
            ];
            for owner in &owners {
                let records = orphans::records(owner);
                orphans::end(&records)
                    .map_err(LocalError::file("end the processes in", &records))?;
            }
            std::fs::remove_dir_all(&path).map_err(LocalError::file("remove", &path))?;
        }
    }
    Ok(())
}

fn lock_file(path: &Path) -> Result<File, LocalError> {
    let file = File::options().create(true).append(true).open(path);
    file.map_err(LocalError::file("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    use sagemaker_local::ProcessGroup;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    #[test]
    fn folders_in_use_stay_and_abandoned_ones_go() {
        let parent = tempfile::tempdir().unwrap();
        let used = RunFolder::new(parent.path()).unwrap();
        let abandoned = RunFolder::new(parent.path()).unwrap();
        let left = abandoned.path().to_owned();
        drop(abandoned);
        let third = RunFolder::new(parent.path()).unwrap();
        assert!(used.path().is_dir() && third.path().is_dir() && !left.exists());
        let path = third.path().to_owned();
        third.remove().unwrap();
        assert!(!path.exists());
    }

    const PARENT: &str = "MILLRACE_TEST_RUNS";

    /// The process that `a_killed_process_leaves_nothing_running` kills.
    #[tokio::test]
    #[ignore = "another test runs it, in a process of its own"]
    async fn start_programs_and_wait() {
        let parent = std::env::var_os(PARENT).unwrap();
        let folder = RunFolder::new(Path::new(&parent)).unwrap();
        let mut groups = Vec::new();
        for owner in [folder.path(), &sagemaker(folder.path())] {
            let mut command = tokio::process::Command::new("sh");
            command.args(["-c", "trap '' TERM; sleep 600 & wait; sleep 600"]);
            let mut group = ProcessGroup::start(&mut command, Duration::from_secs(1)).unwrap();
            group.record(&orphans::records(owner)).unwrap();
            groups.push(group);
        }
        let ids: Vec<_> = groups.iter().map(|group| group.id().to_string()).collect();
        std::fs::write(Path::new(&parent).join("ids"), ids.join(" ")).unwrap();
        std::future::pending::<()>().await;
    }

    #[test]
    fn a_killed_process_leaves_nothing_running() {
        let parent = tempfile::tempdir().unwrap();
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([
                "--ignored",
                "--exact",
                "local::run_folder::tests::start_programs_and_wait",
            ])
            .env(PARENT, parent.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let ids = until(|| {
            let ids = std::fs::read_to_string(parent.path().join("ids")).ok()?;
            let ids: Option<Vec<i32>> = ids.split(' ').map(|id| id.parse().ok()).collect();
            ids.filter(|ids| ids.len() == 2)
        });
        // SIGKILL: nothing of the process can end what it started.
        process.kill().unwrap();
        process.wait().unwrap();
        assert!(ids.iter().all(|id| is_alive(*id)), "{ids:?}");

        let next = RunFolder::new(parent.path()).unwrap();
        assert!(!ids.iter().any(|id| is_alive(*id)), "{ids:?}");
        let folders = std::fs::read_dir(parent.path()).unwrap();
        let folders = folders.filter(|entry| entry.as_ref().unwrap().path().is_dir());
        assert_eq!(folders.count(), 1, "only {}", next.path().display());
    }

    fn until<T>(mut found: impl FnMut() -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = found() {
                return found;
            }
            assert!(
                begun.elapsed() < Duration::from_mins(1),
                "nothing was started"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn is_alive(process: i32) -> bool {
        match std::fs::read_to_string(format!("/proc/{process}/stat")) {
            // A zombie is dead, but not yet fetched by init.
            Ok(stat) => !stat.contains(") Z "),
            Err(_) => {
                !cfg!(target_os = "linux") && kill(Pid::from_raw(process), None::<Signal>).is_ok()
            }
        }
    }
}
