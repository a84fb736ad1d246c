//! CPU time and peak memory of a process, and the least of several fresh ones. Other benchmarks
//! include this file, too.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

pub type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// What a process used.
#[derive(Debug, Clone, Copy)]
pub struct Used {
    /// CPU seconds.
    pub cpu: f64,
    /// Bytes of memory at its peak.
    pub peak: f64,
}

/// Prints the CPU seconds of `work` and the process's peak memory in bytes, as JSON.
pub fn used(work: impl FnOnce() -> Outcome<()>) -> Outcome<()> {
    let before = cpu()?.0;
    work()?;
    let (after, peak) = cpu()?;
    say(&json!({"cpu": after - before, "peak": peak}).to_string())
}

fn cpu() -> Outcome<(f64, u64)> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let time = usage.user_time() + usage.system_time();
    // Linux counts kilobytes, macOS bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    let peak = u64::try_from(usage.max_rss())? * unit;
    Ok((time.num_microseconds() as f64 / 1e6, peak))
}

/// Runs a program that prints what it used, several times. Returns the run with the least CPU time.
pub fn least<A: AsRef<OsStr>>(rounds: u32, program: &Path, arguments: &[A]) -> Outcome<Used> {
    let mut best: Option<Used> = None;
    for _ in 0..rounds {
        let said: Value = serde_json::from_slice(&run(program, arguments)?)?;
        let used = Used {
            cpu: said["cpu"].as_f64().ok_or("no CPU time")?,
            peak: said["peak"].as_f64().ok_or("no memory")?,
        };
        if best.is_none_or(|least| used.cpu < least.cpu) {
            best = Some(used);
        }
    }
    Ok(best.ok_or("no rounds")?)
}

/// Runs a program. Returns what it prints.
pub fn run<A: AsRef<OsStr>>(program: &Path, arguments: &[A]) -> Outcome<Vec<u8>> {
    let output = Command::new(program)
        .args(arguments)
        .stderr(std::process::Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("{} ended with {}", program.display(), output.status).into());
    }
    Ok(output.stdout)
}

/// Prints a line.
pub fn say(line: &str) -> Outcome<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
