//! A million items through the functions as they are deployed: fills a table, plans, exports, holds
//! the parts against the table, and says what it took. With `--peers`, also what others take to scan
//! the same table.

#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

mod check;
mod used;

use clap::Parser;
use contract::RunId;
use contract::states::{ExportSegmentOutput, ExportTask, PlanExportOutput, Status};
use lake::RunKeys;
use local_servers::dynamodb::DynamoDb;
use local_servers::items::{self, KEY};
use local_servers::runtime_api::Function;
use local_servers::s3::S3;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use used::Used;

const LAKE: &str = "lake";
const TABLE: &str = "interactions";
const PIPELINE: &str = "default";
/// What Lambda gives a function at most.
const TIME: Duration = Duration::from_mins(15);

#[derive(Parser)]
#[command(about = "Exports a million items, and says what it took")]
struct Options {
    /// Items of the table
    #[arg(long, default_value_t = 1_000_000)]
    items: u64,
    /// Segments, all of one task
    #[arg(long, default_value_t = 8)]
    segments: u32,
    /// A folder with the functions' programs; without it they are built
    #[arg(long)]
    functions: Option<PathBuf>,
    /// Then let boto3, awswrangler and the JavaScript SDK scan the table
    #[arg(long)]
    peers: bool,
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let functions = options.functions.clone().unwrap_or_else(build);
    let folder = tempfile::tempdir().expect("temporary files can be made");
    let file = folder.path().join("table.sqlite");
    // A page is DynamoDB's megabyte, which is fewer items than these.
    let dynamodb = DynamoDb::on_file(&file, 10_000).await;
    let begun = Instant::now();
    let (mut checksum, mut bytes) = (0_u64, 0_usize);
    let all = (0..options.items).map(items::interaction).inspect(|item| {
        checksum = checksum.wrapping_add(items::fingerprint(item));
        bytes += item.to_string().len();
    });
    dynamodb.fill(TABLE, KEY, all);
    DynamoDb::index_segments(&file, TABLE);
    println!(
        "{} items, {:.0} MB of JSON, loaded in {:.0?}",
        options.items,
        bytes as f64 / 1e6,
        begun.elapsed()
    );
    let s3 = S3::start(&[LAKE]).await;
    let run = Run {
        functions,
        dynamodb: dynamodb.url().to_owned(),
        s3: s3.url().to_owned(),
        logs: folder.path().to_owned(),
    };
    let planned = run.plan(&options, s3.folder()).await;
    let (used, calls) = run.export(&planned, s3.folder()).await;
    let keys = RunKeys::new(PIPELINE, &planned.run);
    let found = check::read(&s3.folder().join(LAKE), &keys, planned.segments).await;
    assert_eq!(found.items, options.items, "as many items as the table has");
    assert_eq!(found.checksum, checksum, "the table's items and no others");
    println!(
        "exported exactly these in {calls} calls: {} parts of {:.0} MB",
        found.parts,
        found.bytes as f64 / 1e6
    );
    let gigabytes = bytes as f64 / 1e9;
    println!(
        "{:<34}{:>9}{:>9}{:>9}{:>9}{:>9}",
        "", "seconds", "CPU s", "CPU s/GB", "MB/s", "peak MB"
    );
    println!(
        "{:<34}{:>9.1}{:>9.1}{:>9.1}{:>9.0}{:>9.0}",
        "export-segment, to compressed parts",
        used.wall.as_secs_f64(),
        used.cpu.as_secs_f64(),
        used.cpu.as_secs_f64() / gigabytes,
        gigabytes * 1e3 / used.wall.as_secs_f64(),
        used.peak_bytes as f64 / 1e6,
    );
    if options.peers {
        let script = root().join("crates/export-segment/benches/peers/run.py");
        let mut peers = Command::new("python3");
        peers
            .arg(script)
            .args(["--endpoint", dynamodb.url(), "--table", TABLE]);
        peers.args(["--gigabytes", &gigabytes.to_string()]);
        // The servers answer while this waits.
        let status = tokio::task::spawn_blocking(move || peers.status()).await;
        let status = status.expect("no panic").expect("Python 3");
        assert!(status.success(), "the peers ended: {status}");
    }
}

fn root() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = folder.ancestors().nth(2);
    root.expect("the package lies in the workspace").to_owned()
}

/// Builds the functions with the profile that is deployed.
fn build() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root()).args(["build", "--release"]);
    cargo.args(["-p", "plan-export", "-p", "export-segment"]);
    let status = cargo.status().expect("cargo");
    assert!(status.success(), "the functions cannot be built");
    // This program lies in the examples' folder beside them.
    let own = std::env::current_exe().expect("a program knows its file");
    own.ancestors().nth(2).expect("a folder above").to_owned()
}

/// What the functions run with.
struct Run {
    functions: PathBuf,
    dynamodb: String,
    s3: String,
    logs: PathBuf,
}

impl Run {
    fn function(&self, name: &str) -> Function {
        let mut environment: Vec<(String, String)> = local_servers::environment()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        environment.extend([
            ("LAKE_BUCKET".to_owned(), LAKE.to_owned()),
            ("INPUT_MAY_OVERRIDE".to_owned(), "all".to_owned()),
            ("MAP_CONCURRENCY".to_owned(), "40".to_owned()),
            ("STACK_NAME".to_owned(), "millrace".to_owned()),
            (
                "AWS_ENDPOINT_URL_DYNAMODB".to_owned(),
                self.dynamodb.clone(),
            ),
            ("AWS_ENDPOINT_URL_S3".to_owned(), self.s3.clone()),
        ]);
        let log = self.logs.join(format!("{name}.log"));
        Function::new(&self.functions.join(name), environment, &log)
    }

    async fn plan(&self, options: &Options, folder: &Path) -> PlanExportOutput {
        let definition = json!({
            "source": { "dynamodb": {
                "table": TABLE,
            "read": { "unlimited": true },
                "segments": options.segments,
                "segmentsPerTask": options.segments,
            } },
            "dataset": { "label": "rating" },
            "training": { "image": "none" },
            "promotion": { "metric": "none", "goal": "minimize" },
        });
        let file = folder.join(LAKE).join(lake::keys::definition(PIPELINE));
        let above = file.parent().expect("a folder above");
        std::fs::create_dir_all(above).expect("a new folder");
        std::fs::write(&file, definition.to_string()).expect("a new file");
        let execution = json!({
            "id": "arn:aws:states:us-east-1:000000000000:execution:retrain:million",
            "startTime": "2026-11-20T17:30:00Z",
        });
        let input = json!({ "execution": execution, "input": {} });
        let planned = self.function("plan-export").invoke(input, TIME).await;
        let planned = planned.expect("the export can be planned");
        contract::read::from_value(planned).expect("the contract's answer")
    }

    /// Runs the one task to its end; returns what its process used, and the calls it took.
    async fn export(&self, planned: &PlanExportOutput, folder: &Path) -> (Used, u32) {
        let tasks = std::fs::read(folder.join(LAKE).join(&planned.tasks_key));
        let tasks: Vec<ExportTask> =
            contract::read::from_slice(&tasks.expect("the tasks are there")).expect("tasks");
        assert_eq!(tasks.len(), 1, "all segments are of one task");
        let input = input(&planned.run, &tasks[0]);
        let mut function = self.function("export-segment");
        let begun = Instant::now();
        for call in 1.. {
            let output = function.invoke(input.clone(), TIME).await;
            let output = output.expect("nothing fails here");
            let output: ExportSegmentOutput =
                contract::read::from_value(output).expect("the contract's answer");
            if output.status == Status::Done {
                let process = function.process_id().expect("it is warm");
                return (Used::by(process, begun.elapsed()), call);
            }
        }
        unreachable!("the loop ends by returning")
    }
}

fn input(run: &RunId, task: &ExportTask) -> Value {
    json!({ "pipeline": PIPELINE, "run": run, "task": task })
}
