//! What the transformation of a batch costs, beside what no transformation can do without: to read
//! the invocation, base64 both ways, and to write the answer. Every figure is taken in a fresh
//! process with one thread. Figures vary with the machine; the ratio to the floor of the same run is
//! what counts.

mod batches;

use clap::{Parser, Subcommand, ValueEnum};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;

#[derive(Parser)]
#[command(
    about = "Measures what the transformation of events costs, beside base64 and the envelope"
)]
struct Options {
    /// GB of events for each figure
    #[arg(long, default_value_t = 1.0, global = true)]
    gb: f64,
    /// Rounds, in each of which both ways are gone once
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    #[command(subcommand)]
    role: Option<Role>,
    /// Given by cargo.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Takes one figure, in a process of its own
    #[command(hide = true)]
    Measure { way: Way },
    /// Writes the batches, for `benches/peers/run.py`
    Write { folder: PathBuf },
}

/// What is done with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Way {
    /// Reads the invocation, base64 both ways, writes the answer.
    Floor,
    /// What the function does.
    Transform,
}

#[derive(Debug, Serialize, Deserialize)]
struct Used {
    /// CPU seconds for 10^9 bytes of events.
    cpu_per_gb: f64,
    peak_bytes: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    match options.role {
        Some(Role::Measure { way }) => {
            #[allow(clippy::print_stdout)] // The process that started this one reads it.
            {
                println!("{}", serde_json::to_string(&measure(way, options.gb)?)?);
            }
        }
        Some(Role::Write { folder }) => batches::write(&folder)?,
        None => compare(&options)?,
    }
    Ok(())
}

fn measure(way: Way, gb: f64) -> Result<Used, Box<dyn Error>> {
    let batches = batches::all();
    let mut transform = events::Transform::new(&["event_id".to_owned()], &[])?;
    let mut done = 0.0;
    let before = cpu();
    while done < gb * 1e9 {
        for batch in &batches {
            let answer = match way {
                Way::Floor => batches::floor(&batch.invocation)?,
                Way::Transform => {
                    let (answer, totals) =
                        transform_records::answer(&mut transform, batch.invocation.as_bytes())?;
                    assert_eq!(totals.failed, 0, "the events are sound");
                    serde_json::to_vec(&answer)?
                }
            };
            black_box(answer);
            done += batch.bytes as f64;
        }
    }
    Ok(Used {
        cpu_per_gb: (cpu() - before) * 1e9 / done,
        peak_bytes: peak(),
    })
}

#[allow(clippy::print_stdout)]
fn compare(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut all: BTreeMap<Way, Vec<Used>> = BTreeMap::new();
    for _ in 0..options.rounds {
        for way in [Way::Floor, Way::Transform] {
            let name = way.to_possible_value().expect("none is hidden");
            let output = Command::new(std::env::current_exe()?)
                .args(["measure", name.get_name(), "--gb", &options.gb.to_string()])
                .output()?;
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).into());
            }
            all.entry(way)
                .or_default()
                .push(serde_json::from_slice(&output.stdout)?);
        }
    }
    let median = |way: Way| {
        let mut figures: Vec<f64> = all[&way].iter().map(|used| used.cpu_per_gb).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    let floor = median(Way::Floor);
    println!("| | CPU s/GB of events | times the floor | peak memory |");
    println!("|---|---|---|---|");
    for (way, title) in [
        (Way::Floor, "base64 both ways and the envelope (floor)"),
        (Way::Transform, "`transform-records`"),
    ] {
        let peak = all[&way]
            .iter()
            .map(|used| used.peak_bytes)
            .max()
            .unwrap_or(0);
        let cpu = median(way);
        println!(
            "| {title} | {cpu:.2} | {:.2} | {:.0} MB |",
            cpu / floor,
            peak as f64 / 1e6
        );
    }
    Ok(())
}

/// CPU seconds of this process.
fn cpu() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("every process may ask about itself");
    let time = usage.user_time() + usage.system_time();
    time.num_microseconds() as f64 / 1e6
}

/// Its memory at the peak, in bytes.
fn peak() -> u64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("every process may ask about itself");
    // Linux counts kilobytes, macOS bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    u64::try_from(usage.max_rss()).unwrap_or(0) * unit
}
