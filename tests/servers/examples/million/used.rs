//! What a process has used, as Linux counts it. It must not know what the process did.

use std::time::Duration;

/// Ticks of a second in `/proc`, the same on every Linux that Rust runs on.
const TICKS: u64 = 100;

/// Time and memory of a process.
pub struct Used {
    /// From its first call to its last answer.
    pub wall: Duration,
    /// Of all its threads, in user and system mode.
    pub cpu: Duration,
    /// Its resident set at its largest.
    pub peak_bytes: u64,
}

impl Used {
    /// By a process that still runs.
    pub fn by(process: u32, wall: Duration) -> Self {
        let read = |name: &str| {
            let path = format!("/proc/{process}/{name}");
            std::fs::read_to_string(path).expect("a machine with /proc")
        };
        let (stat, status) = (read("stat"), read("status"));
        // Behind the program's name, which may hold anything, comes the third field.
        let (_, fields) = stat.rsplit_once(") ").expect("the name is in parentheses");
        let ticks = |field: usize| -> u64 {
            let text = fields.split(' ').nth(field - 3);
            text.and_then(|text| text.parse().ok())
                .expect("a number of ticks")
        };
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
        Self {
            wall,
            cpu: Duration::from_millis((ticks(14) + ticks(15)) * 1000 / TICKS),
            peak_bytes: peak.expect("a number of kilobytes") * 1024,
        }
    }
}
