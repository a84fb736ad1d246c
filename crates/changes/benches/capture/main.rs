//! What capturing batches of a stream costs: CPU seconds for a GB of the events' bytes, and peak
//! memory. Every figure is taken in a fresh process with one thread. Figures vary with the machine, and
//! with what else it does: the ratios of one run are what counts.

#[path = "../../../merge-to-csv/benches/merge/measure.rs"]
mod measure;

use changes::capture::Batch;
use clap::{Parser, Subcommand};
use measure::{Outcome, Used, least, run, say, used};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::hint::black_box;
use std::path::{Path, PathBuf};

#[derive(Parser)]
#[command(about = "Measures what capturing batches of a stream costs, beside a handler in Python")]
struct Options {
    /// Batches of 3,000 records, each of which modifies an item
    #[arg(long, default_value_t = 50)]
    batches: u32,
    /// Runs of each, of which the one with the least CPU time counts
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// A Python to measure `benches/peers/capture.py` with
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    #[command(subcommand)]
    role: Option<Role>,
    /// Given by cargo.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Role {
    #[command(hide = true)]
    Prepare { file: PathBuf },
    #[command(hide = true)]
    Capture { file: PathBuf, batches: u32 },
    #[command(hide = true)]
    Parse { file: PathBuf, batches: u32 },
}

fn main() -> Outcome<()> {
    let options = Options::parse();
    match &options.role {
        None => compare(&options),
        Some(Role::Prepare { file }) => Ok(std::fs::write(file, event())?),
        Some(Role::Capture { file, batches }) => measured(file, *batches, capture),
        Some(Role::Parse { file, batches }) => measured(file, *batches, parse),
    }
}

/// A batch as Lambda hands it over.
fn event() -> String {
    let records = (0..3_000_u64).map(|number| {
        let image = |rating: u64| {
            json!({
                "user_id": {"S": format!("u-{:05}", number * 7_919 % 20_000)},
                "event_id": {"S": format!("{:032x}", u128::from(number) * 0x9e37_79b9_7f4a_7c15_f39c)},
                "rating": {"N": rating.to_string()},
                "at": {"S": "2026-11-28T09:12:01.789Z"},
                "title": {"S": format!("film {} \"again\"", number % 900)},
                "context": {"M": {"device": {"S": "tv"}, "hour": {"N": (number % 24).to_string()}}},
                "tags": {"L": [{"S": "drama"}, {"S": "classic"}]},
                "favourite": {"BOOL": number % 3 == 0},
            })
        };
        let (old, new) = (image(number % 5), image(number % 5 + 1));
        json!({
            "eventID": format!("{number:032x}"),
            "eventName": "MODIFY",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-central-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_795_859_999_u64,
                "Keys": {"user_id": old["user_id"], "event_id": old["event_id"]},
                "NewImage": new,
                "OldImage": old,
                "SequenceNumber": format!("{:021}", 100_000_000_003_126_276_362_u128 + u128::from(number)),
                "SizeBytes": 420,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/interactions/stream/2026-11-28T09:12:01.789",
        })
    });
    json!({ "Records": records.collect::<Vec<_>>() }).to_string()
}

/// From the bytes that the Runtime API sends to those that S3 is sent.
fn capture(event: &[u8]) -> Outcome<()> {
    let event: Box<RawValue> = serde_json::from_slice(event)?;
    let event: Box<str> = event.into();
    let batch = Batch::read(&event)?;
    if batch.changes != 3_000 {
        return Err("not all records were read".into());
    }
    black_box(lake::part::compress(&batch.lines)?);
    Ok(())
}

/// As the function would do with a tree.
fn parse(event: &[u8]) -> Outcome<()> {
    let event: Value = serde_json::from_slice(event)?;
    let mut lines = Vec::new();
    for record in event["Records"].as_array().into_iter().flatten() {
        serde_json::to_writer(&mut lines, &record["dynamodb"])?;
        lines.push(b'\n');
    }
    black_box(lake::part::compress(&lines)?);
    Ok(())
}

/// Measures `work` on so many batches.
fn measured(file: &Path, batches: u32, work: impl Fn(&[u8]) -> Outcome<()>) -> Outcome<()> {
    let event = std::fs::read(file)?;
    used(|| (0..batches).try_for_each(|_| work(&event)))
}

fn compare(options: &Options) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("event.json");
    let own = std::env::current_exe()?;
    // By a process of its own: the peak memory of this one would count as that of all it starts.
    run(&own, &["prepare".as_ref(), file.as_os_str()])?;
    let bytes = std::fs::metadata(&file)?.len() as f64;
    let batches = options.batches.to_string();
    say(&format!(
        "{batches} batches of {:.1} MB, least CPU of {} runs\n{:<38}{:>10}{:>12}{:>10}",
        bytes / 1e6,
        options.rounds,
        "",
        "CPU s/GB",
        "x capture",
        "peak MB"
    ))?;
    let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/capture.py");
    let file = file.to_string_lossy();
    let peer = peer.to_string_lossy();
    let mut floor = None;
    for (name, program, arguments) in [
        ("capture", own.as_path(), ["capture", &*file, &*batches]),
        (
            "the same through a tree",
            own.as_path(),
            ["parse", &*file, &*batches],
        ),
        (
            "Python: json, gzip of level 1",
            options.python.as_path(),
            [&*peer, &*file, "5"],
        ),
    ] {
        let times = if program == own {
            f64::from(options.batches)
        } else {
            5.0
        };
        let Used { cpu, peak } = least(options.rounds, program, &arguments)?;
        let per_gb = cpu / (bytes * times) * 1e9;
        let ratio = per_gb / *floor.get_or_insert(per_gb);
        let peak = peak / 1e6;
        say(&format!(
            "{name:<38}{per_gb:>10.2}{ratio:>12.1}{peak:>10.0}"
        ))?;
    }
    Ok(())
}
