//! What a process has used: CPU time from `begin` on, and memory at its peak.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use serde::{Deserialize, Serialize};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What the server sent.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Served {
    pub bytes: u64,
    pub items: u64,
}

/// What a run used, as the measuring process tells it to the one that started it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Used {
    pub served: Served,
    pub cpu: Duration,
    pub wall: Duration,
    pub peak_bytes: u64,
}

impl Used {
    /// CPU seconds for 10^9 bytes of JSON.
    pub fn cpu_per_gb(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e9 / self.served.bytes as f64
    }

    pub fn megabytes_per_second(&self) -> f64 {
        self.served.bytes as f64 / 1e6 / self.wall.as_secs_f64()
    }
}

static BEGUN: Mutex<Option<(Duration, Instant)>> = Mutex::new(None);

/// Begins to count; what was used before does not count.
pub fn begin() {
    *BEGUN.lock().expect("one thread measures") = Some((cpu().0, Instant::now()));
}

/// What was used since `begin`.
///
/// `served` says how much that was for, and is asked only after all counting.
pub fn end(served: impl FnOnce() -> Served) -> Used {
    let (cpu, peak_bytes) = cpu();
    let begun = BEGUN.lock().expect("one thread measures");
    let (before, begun) = begun.expect("it was begun");
    let wall = begun.elapsed();
    Used {
        served: served(),
        cpu: cpu.saturating_sub(before),
        wall,
        peak_bytes,
    }
}

/// CPU time of all threads of the process, and its peak memory in bytes.
fn cpu() -> (Duration, u64) {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("every process may ask about itself");
    let time = usage.user_time() + usage.system_time();
    let time = Duration::from_micros(u64::try_from(time.num_microseconds()).unwrap_or(0));
    // Linux counts kilobytes, macOS bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    let peak = u64::try_from(usage.max_rss()).unwrap_or(0) * unit;
    (time, peak)
}
