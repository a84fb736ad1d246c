//! What a shard costs, beside decompressing and copying its lines: CPU seconds for a GB of raw lines,
//! and peak memory. Every figure is taken in a fresh process with one thread; the objects are files.
//! Figures vary with the machine, and with what else it does: the ratios of one run are what counts.

mod disk;
mod lines;
mod measure;

use clap::{Parser, Subcommand};
use contract::states::{MergeToCsvInput, RunInput};
use contract::{Invocation, RunId};
use dataset::Columns;
use disk::Disk;
use lake::part::{self, PartWriter};
use lake::records::{DatasetPlan, Plan, SegmentRecord};
use lake::{ObjectStore, RunKeys, documents, sample, segment};
use measure::{Outcome, Used, least, run, say, used};
use profile::Profile;
use serde_json::{Value, json};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

#[derive(Parser)]
#[command(about = "Measures what a shard costs beside decompressing and copying its lines")]
struct Options {
    /// GB of raw lines
    #[arg(long, default_value_t = 0.25)]
    gb: f64,
    /// Runs of each, of which the one with the least CPU time counts
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Only these formats
    #[arg(long, value_delimiter = ',', default_value = "csv,recordIo,parquet")]
    formats: Vec<String>,
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
    /// Write the lines
    Prepare { folder: PathBuf },
    #[command(hide = true)]
    Copy { folder: PathBuf },
    #[command(hide = true)]
    Merge { folder: PathBuf, format: String },
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
        Some(Role::Prepare { folder }) => runtime.block_on(prepare(folder, options.gb)),
        Some(Role::Copy { folder }) => {
            let store = Disk::new(folder);
            used(|| runtime.block_on(copy(&store)))
        }
        Some(Role::Merge { folder, format }) => {
            let store = Disk::new(folder);
            runtime.block_on(choose(&store, format))?;
            used(|| runtime.block_on(merge(&store)))
        }
    }
}

fn input() -> Outcome<RunInput> {
    Ok(RunInput {
        pipeline: "default".to_owned(),
        run: RunId::parse("20261120-173000-1a2b3c4d")?,
    })
}

fn keys() -> Outcome<RunKeys> {
    let RunInput { pipeline, run } = input()?;
    Ok(RunKeys::new(&pipeline, &run))
}

fn invocation() -> Invocation {
    Invocation {
        attempt: "a".to_owned(),
        deadline: SystemTime::now() + Duration::from_mins(15),
    }
}

/// Writes one segment's parts, and the plan that makes one shard of them.
async fn prepare(folder: &Path, gb: f64) -> Outcome<()> {
    let store = Disk::new(folder);
    let keys = keys()?;
    documents::write(&store, &keys.plan(), &plan()).await?;
    let mut record = SegmentRecord::new(0, 1, Profile::new());
    let mut lines = lines::Lines::new();
    let mut page = dynamodb_json::Lines::new();
    while (record.totals.raw_bytes as f64) < gb * 1e9 {
        let number = u32::try_from(record.parts.len())?;
        let mut writer = PartWriter::new(&store, keys.part(0, number, "a"))?;
        while writer.raw_bytes() < PART {
            page.clear();
            while page.text().len() < 1 << 20 {
                page.push_line(lines.next_line())?;
            }
            record.profile.observe_lines(&page);
            let text = page.text().as_bytes();
            writer.append(text, part::lines(text), |_, _| ()).await?;
        }
        let part = writer.finish().await?.ok_or("a part has lines")?;
        record.totals.add_part(&part);
        record.parts.push(part);
    }
    segment::commit(&store, &keys, 0, &record, None).await?;
    plan_dataset::handle(&store, 40, input()?, invocation()).await?;
    Ok(())
}

fn plan() -> Plan {
    let definition = json!({
        "source": {"dynamodb": {"table": "t"}},
        "dataset": {
            "label": "rating",
            "columns": [
                {"path": "user_id"}, {"path": "item_id"}, {"path": "event_type"}, {"path": "price"},
                {"path": "context.device"}, {"path": "context.position"},
            ],
            "shardBytes": definition::Dataset::LARGEST_SHARD,
        },
        "training": {"image": "i"},
        "promotion": {"metric": "m", "goal": "minimize"},
    });
    Plan {
        key_attributes: vec!["user_id".to_owned(), "event_id".to_owned()],
        segments: 1,
        ..sample::plan(definition)
    }
}

/// Sets the format, and forgets an earlier merge.
async fn choose(store: &Disk, format: &str) -> Outcome<()> {
    let keys = keys()?;
    let mut plan: DatasetPlan<Columns> =
        documents::read(store, &keys.dataset_plan(), "the dataset's plan").await?;
    plan.format = serde_json::from_value(Value::String(format.to_owned()))?;
    documents::write(store, &keys.dataset_plan(), &plan).await?;
    Ok(store.delete(&keys.shard_manifest(0)).await?)
}

async fn merge(store: &Disk) -> Outcome<()> {
    let RunInput { pipeline, run } = input()?;
    let input = MergeToCsvInput {
        pipeline,
        run,
        shard: 0,
    };
    Box::pin(merge_to_csv::handle(store, input, invocation())).await?;
    Ok(())
}

/// Decompresses every part and copies what comes, a piece's size at a time.
async fn copy(store: &Disk) -> Outcome<()> {
    let keys = keys()?;
    let plan: DatasetPlan<Columns> =
        documents::read(store, &keys.dataset_plan(), "the dataset's plan").await?;
    let mut copied = Vec::with_capacity(8 << 20);
    for part in plan.shards.iter().flatten() {
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

fn compare(options: &Options) -> Outcome<()> {
    let own = std::env::current_exe()?;
    let temporary = tempfile::tempdir()?;
    let folder = options.keep.as_deref().unwrap_or(temporary.path());
    let gb = format!("--gb={}", options.gb);
    if !folder.join("raw").exists() {
        run(&own, &[&gb, "prepare", &folder.to_string_lossy()])?;
    }
    say(&format!(
        "{} GB of raw lines in one shard, least CPU of {} runs\n{:<28}{:>10}{:>10}{:>10}",
        options.gb, options.rounds, "", "CPU s/GB", "x copy", "peak MB"
    ))?;
    let mut floor = None;
    let merges = options.formats.iter().map(|format| vec!["merge", format]);
    for role in std::iter::once(vec!["copy"]).chain(merges) {
        let place = folder.to_string_lossy();
        let mut arguments = vec![role[0], &place];
        arguments.extend(&role[1..]);
        let Used { cpu, peak } = least(options.rounds, &own, &arguments)?;
        let per_gb = cpu / options.gb;
        let floor = *floor.get_or_insert(per_gb);
        let name = match role[..] {
            [_, format] => format!("to {format}"),
            _ => "decompress and copy".to_owned(),
        };
        say(&format!(
            "{name:<28}{per_gb:>10.2}{:>10.2}{:>10.0}",
            per_gb / floor,
            peak / 1e6
        ))?;
    }
    Ok(())
}
