//! What merging changes into a base costs, beside decompressing, profiling and compressing its lines:
//! CPU seconds for a GB of raw lines, and peak memory. Every figure is taken in a fresh process with
//! one thread; the objects are files. Figures vary with the machine, and with what else it does: the
//! ratios of one run are what counts.

#[path = "../../../merge-to-csv/benches/merge/disk.rs"]
mod disk;
#[path = "../../../merge-to-csv/benches/merge/lines.rs"]
mod lines;
#[path = "../../../merge-to-csv/benches/merge/measure.rs"]
mod measure;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use changes::{Apply, ChangedKeys, Compact, seal_changes};
use clap::{Parser, Subcommand};
use contract::RunId;
use disk::Disk;
use flate2::Compression;
use flate2::write::GzEncoder;
use lake::native::ExportFile;
use lake::part::{self, LineCount, PartWriter};
use lake::records::{
    ChangeView, ChangeWindow, ChangesRecord, Part, SnapshotKind, SnapshotRecord, Window,
};
use lake::{ObjectStore, RunKeys, documents};
use md5::{Digest, Md5};
use measure::{Outcome, Used, least, run, say, used};
use profile::{Profile, Vocabularies};
use serde_json::Value;
use std::hint::black_box;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

#[derive(Parser)]
#[command(about = "Measures what merging changes costs beside reading and writing the lines")]
struct Options {
    /// GB of raw lines of the base
    #[arg(long, default_value_t = 0.25)]
    gb: f64,
    /// Every so manyth item is changed
    #[arg(long, default_value_t = 20)]
    every: u64,
    /// Runs of each, of which the one with the least CPU time counts
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// A folder to keep the lines in, for other programs to read
    #[arg(long)]
    keep: Option<PathBuf>,
    #[command(subcommand)]
    role: Option<Role>,
    /// Given by cargo.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Write the base and the changes
    Prepare { folder: PathBuf },
    #[command(hide = true)]
    Copy { folder: PathBuf },
    #[command(hide = true)]
    Rewrite { folder: PathBuf },
    #[command(hide = true)]
    Compact { folder: PathBuf },
    #[command(hide = true)]
    Apply { folder: PathBuf },
}

/// Bytes of a part's lines, about what a task writes.
const PART: u64 = 64 << 20;

fn main() -> Outcome<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match &options.role {
        None => compare(&options),
        Some(Role::Prepare { folder }) => {
            runtime.block_on(prepare(&Disk::new(folder), options.gb, options.every))
        }
        Some(Role::Copy { folder }) => used(|| runtime.block_on(copy(&Disk::new(folder)))),
        Some(Role::Rewrite { folder }) => used(|| runtime.block_on(rewrite(&Disk::new(folder)))),
        Some(Role::Compact { folder }) => {
            let store = Disk::new(folder);
            forget(folder, &["changed.json", "segment"])?;
            used(|| runtime.block_on(compact(&store)))
        }
        Some(Role::Apply { folder }) => {
            let store = Disk::new(folder);
            let segments = runtime.block_on(changes_of(&store))?.segments;
            // But for the changed items, which compacting has left.
            let segments: Vec<_> = (0..segments.len())
                .map(|number| format!("segment-{number:05}"))
                .collect();
            forget(folder, &segments)?;
            used(|| runtime.block_on(apply(&store)))?;
            runtime.block_on(check(&store))
        }
    }
}

fn keys(run: &str) -> Outcome<RunKeys> {
    Ok(RunKeys::new("default", &RunId::parse(run)?))
}

fn base() -> Outcome<RunKeys> {
    keys("20261120-173000-1a2b3c4d")
}

fn merged() -> Outcome<RunKeys> {
    keys("20261121-173000-1a2b3c4d")
}

/// Removes what an earlier round wrote.
fn forget(folder: &Path, names: &[impl AsRef<str>]) -> Outcome<()> {
    let run = folder.join(merged()?.raw());
    for entry in std::fs::read_dir(&run)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if names.iter().any(|begin| name.starts_with(begin.as_ref())) {
            if path.is_dir() {
                std::fs::remove_dir_all(&path)?;
            } else {
                std::fs::remove_file(&path)?;
            }
        }
    }
    Ok(())
}

/// Writes the base's parts, and the changes of every so manyth item in files as an export has them.
async fn prepare(store: &Disk, gb: f64, every: u64) -> Outcome<()> {
    let keys = base()?;
    let (mut parts, mut files) = (Vec::<Part>::new(), Vec::<ExportFile>::new());
    let (mut lines, mut page) = (lines::Lines::new(), dynamodb_json::Lines::new());
    let (mut number, mut total) = (0_u64, 0);
    while (total as f64) < gb * 1e9 {
        let at = u32::try_from(parts.len())?;
        let mut writer = PartWriter::new(store, keys.part(0, at, "a"))?;
        let mut changes = GzEncoder::new(Vec::new(), Compression::default());
        let mut items = 0;
        while writer.raw_bytes() < PART {
            page.clear();
            while page.text().len() < 1 << 20 {
                let line = lines.next_line();
                page.push_line(line)?;
                if number.is_multiple_of(every) {
                    writeln!(changes, "{}", change(std::str::from_utf8(line)?)?)?;
                    items += 1;
                }
                number += 1;
            }
            let text = page.text().as_bytes();
            writer.append(text, part::lines(text), |_, _| ()).await?;
        }
        let part = writer.finish().await?.ok_or("a part has lines")?;
        total += part.raw_bytes;
        parts.push(part);
        let bytes = changes.finish()?;
        let file = ExportFile {
            key: format!("changes/{at:05}.json.gz"),
            items,
            bytes: bytes.len() as u64,
            md5: STANDARD.encode(Md5::digest(&bytes)),
        };
        store.put(&file.key, bytes.into()).await?;
        files.push(file);
    }
    let changes = ChangesRecord {
        key_attributes: vec!["user_id".to_owned(), "event_id".to_owned()],
        view: ChangeView::NewAndOldImages,
        base: SnapshotRecord {
            run: keys.run().clone(),
            as_of: 0,
            items: number,
            segments: 1,
            full_as_of: 0,
            generation: 0,
            changed_keys: 0,
            audit: None,
            kind: SnapshotKind::Exact,
            capture: None,
        },
        segments: changes::bins(&parts, 256 << 20),
        windows: vec![ChangeWindow {
            window: Window {
                from: 0,
                to: 86_400,
            },
            export: "export".to_owned(),
            files,
        }],
        audit: false,
        captured: None,
    };
    Ok(documents::write(store, &merged()?.changes(), &changes).await?)
}

/// The line of an incremental export that changes an item's rating.
fn change(line: &str) -> Outcome<String> {
    let image = line
        .strip_prefix("{\"Item\":")
        .and_then(|rest| rest.strip_suffix('}'));
    let image = image.ok_or("a raw line")?;
    let item: Value = serde_json::from_str(image)?;
    let new = image.replacen("\"rating\":{\"N\":\"", "\"rating\":{\"N\":\"1", 1);
    Ok(format!(
        "{{\"Metadata\":{{\"WriteTimestampMicros\":{{\"N\":\"1774379199746598\"}}}},\"Keys\":{{\"user_id\":{},\
         \"event_id\":{}}},\"OldImage\":{image},\"NewImage\":{new}}}",
        item["user_id"], item["event_id"]
    ))
}

async fn changes_of(store: &Disk) -> Outcome<ChangesRecord> {
    Ok(documents::read(store, &merged()?.changes(), "the changes").await?)
}

/// Decompresses every part and copies what comes.
async fn copy(store: &Disk) -> Outcome<()> {
    let changes = changes_of(store).await?;
    let mut copied = Vec::with_capacity(8 << 20);
    for part in changes.segments.iter().flatten() {
        let mut reader = part::open(store, part).await?;
        while let Some(batch) = reader.next().await? {
            if copied.len() + batch.len() > copied.capacity() {
                black_box(&copied);
                copied.clear();
            }
            copied.extend_from_slice(batch);
        }
    }
    black_box(&copied);
    Ok(())
}

/// Decompresses, hashes, profiles and compresses every line: what any rewrite of raw parts costs.
async fn rewrite(store: &Disk) -> Outcome<()> {
    let changes = changes_of(store).await?;
    for (number, parts) in (0..).zip(&changes.segments) {
        let (mut profile, mut lines) = (Profile::new(), dynamodb_json::Lines::new());
        let key = format!("rewritten/{number:05}.jsonl.zst");
        let mut writer = PartWriter::new(store, key)?;
        for part in parts {
            let (mut reader, mut count) = (part::open(store, part).await?, LineCount::default());
            while let Some(batch) = reader.next().await? {
                lines.clear();
                for line in part::lines(batch) {
                    count.add_line(line);
                    lines.push_line(line)?;
                }
                count.raw_bytes += batch.len() as u64;
                let (text, each) = (lines.text().as_bytes(), lines.lines().map(str::as_bytes));
                let sampled = |hash, line| profile.sample(hash, line);
                writer.append(text, each, sampled).await?;
                profile.observe_lines(&lines);
            }
            count.check(store.bucket(), part)?;
        }
        writer.finish().await?;
        black_box(&profile);
    }
    Ok(())
}

async fn compact(store: &Disk) -> Outcome<()> {
    let (changes, keys) = (changes_of(store).await?, merged()?);
    let compact = Compact {
        store,
        keys: &keys,
        changes: &changes,
        declared: &[],
        attempt: "a",
        part_bytes: PART,
        stop: Instant::now() + Duration::from_hours(1),
    };
    black_box(compact.run().await?);
    Ok(())
}

async fn apply(store: &Disk) -> Outcome<()> {
    let (changes, keys) = (changes_of(store).await?, merged()?);
    let (_, superseded) = ChangedKeys::load(store, &keys).await?;
    let apply = Apply {
        store,
        keys: &keys,
        changes: &changes,
        changed: &superseded,
        vocabularies: &Vocabularies::new(),
        declared: &[],
        attempt: "a",
    };
    for number in 0..changes.total_segments() {
        apply.segment(number).await?;
    }
    Ok(())
}

/// What was measured is a snapshot.
async fn check(store: &Disk) -> Outcome<()> {
    let (changes, keys) = (changes_of(store).await?, merged()?);
    store.delete(&keys.snapshot()).await?;
    match seal_changes(store, &keys, &changes).await? {
        changes::Sealed::Whole(_) => Ok(()),
        changes::Sealed::Disagree(why) => Err(why.into()),
        changes::Sealed::Compare(_) => Err("a comparison, which nobody asked for".into()),
    }
}

fn compare(options: &Options) -> Outcome<()> {
    let own = std::env::current_exe()?;
    let temporary = tempfile::tempdir()?;
    let folder = options.keep.as_deref().unwrap_or(temporary.path());
    let (gb, every) = (
        format!("--gb={}", options.gb),
        format!("--every={}", options.every),
    );
    if !folder.join("raw").exists() {
        run(&own, &[&gb, &every, "prepare", &folder.to_string_lossy()])?;
    }
    say(&format!(
        "{} GB of raw lines, every {}th changed, least CPU of {} runs\n{:<38}{:>10}{:>12}{:>10}",
        options.gb, options.every, options.rounds, "", "CPU s/GB", "x rewrite", "peak MB"
    ))?;
    let mut floor = None;
    for (role, name) in [
        ("rewrite", "decompress, hash, profile, compress"),
        ("copy", "decompress and copy"),
        ("compact", "compact the changes"),
        ("apply", "apply them"),
    ] {
        let arguments = [role, &folder.to_string_lossy()];
        let Used { cpu, peak } = least(options.rounds, &own, &arguments)?;
        let per_gb = cpu / options.gb;
        let floor = *floor.get_or_insert(per_gb);
        let ratio = per_gb / floor;
        say(&format!(
            "{name:<38}{per_gb:>10.2}{ratio:>12.2}{:>10.0}",
            peak / 1e6
        ))?;
    }
    Ok(())
}
