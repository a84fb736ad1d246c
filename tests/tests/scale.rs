//! A simulated run on 1 TB and 10 TB: the real planning on a fake description of the table. Every limit of
//! AWS is kept, by the figures that `docs/src/concepts/limits.md` shows.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures of tables are far from any bound of their types"
)]

use contract::states::{Execution, MOST_CHILDREN, PlanExportInput, PlanExportOutput, Route};
use contract::{RunId, ServiceError};
use definition::Dataset;
use end_to_end::asl::history::{MOST_EVENTS, Turn, loops};
use end_to_end::in_process::NoOther;
use end_to_end::workspace;
use lake::records::{Checksum, Encoding, Part, Plan};
use lake::{MemoryStore, ObjectStore, RunKeys, documents};
use plan_export::{Overrides, PlanExportError, Settings, Sources};
use sagemaker_ports::MemorySageMaker;
use serde_json::{Value, json};
use source::{
    DescribeRecovery, DescribeTable, PageBuffer, PageEnd, PageRequest, PointInTimeRecovery,
    ReadCapacity, Recoverable, ScanPages, TableInfo,
};

const TB: u64 = 1_000_000_000_000;
const PAYLOAD: usize = 256 * 1024;
/// Bytes that one vCPU parses of the lake's JSON documents a second, with caution.
const JSON_PER_SECOND: f64 = 50e6;
/// CPU seconds of `merge-to-csv` for a gigabyte of raw lines (its README), doubled for a slower vCPU.
const MERGE_SECONDS_PER_GB: f64 = 5.0;
/// GET requests of one prefix that S3 serves a second.
const GETS_PER_SECOND: f64 = 5500.0;

/// A table of so many bytes, in items of 400 bytes.
struct Table {
    bytes: u64,
    recovery: PointInTimeRecovery,
}

impl DescribeTable for Table {
    async fn describe(&self, _: &str) -> Result<Option<TableInfo>, ServiceError> {
        Ok(Some(TableInfo {
            arn: Some("arn:aws:dynamodb:eu-central-1:123456789012:table/interactions".to_owned()),
            id: None,
            key_attributes: vec!["user_id".to_owned(), "event_id".to_owned()],
            has_number_key: false,
            items: self.bytes / 400,
            bytes: self.bytes,
            capacity: ReadCapacity::OnDemand {
                warm: Some(40_000),
                maximum: None,
            },
            indexes: Vec::new(),
        }))
    }

    async fn holds_an_item(&self, _: &str, _: Option<&str>) -> Result<bool, ServiceError> {
        Ok(true)
    }
}

impl ScanPages for Table {
    async fn page(
        &self,
        _: &PageRequest<'_>,
        buffer: &mut PageBuffer,
    ) -> Result<PageEnd, ServiceError> {
        buffer.clear();
        Ok(PageEnd {
            cursor: None,
            scanned: 0,
            read_units: 0.0,
        })
    }
}

impl DescribeRecovery for Table {
    async fn recovery(&self, _: &str) -> Result<PointInTimeRecovery, ServiceError> {
        Ok(self.recovery)
    }
}

async fn plan(
    store: &MemoryStore,
    table: &Table,
    read: Value,
) -> Result<PlanExportOutput, PlanExportError> {
    let settings = Settings {
        stack: "shop".to_owned(),
        overrides: Overrides::default(),
        concurrency: 40,
    };
    let sources = Sources {
        tables: table,
        databases: &database::Drivers::AT_ONCE,
        secrets: &sql_source::MemorySecrets::new(),
        lake: None::<&MemoryStore>,
        captures: &source::MemoryCapture::default(),
        concurrency: settings.concurrency,
    };
    let input = PlanExportInput {
        execution: Execution {
            id: "arn:aws:states:eu-central-1:123456789012:execution:millrace-retrain:scale"
                .to_owned(),
            start_time: "2026-11-20T17:30:00Z".to_owned(),
        },
        input: json!({
            "source": {"dynamodb": {"table": "interactions", "read": read}},
            "dataset": {"label": "rating"},
            "training": {"image": "recommender"},
            "promotion": {"metric": "validation:rmse", "goal": "minimize"},
        }),
    };
    let alarms = MemorySageMaker::new();
    let functions = source::MemoryFunctions::default();
    let planned = plan_export::handle(
        store, &sources, &NoOther, &alarms, &functions, &settings, input,
    );
    Box::pin(planned).await
}

fn length(value: &impl serde::Serialize) -> usize {
    serde_json::to_vec(value).unwrap().len()
}

/// A part's record as the dataset's plan lists it, with a key of the usual length.
fn part() -> Part {
    let keys = RunKeys::new(
        "recommendations",
        &RunId::parse("20261120-173000-1a2b3c4d").unwrap(),
    );
    Part {
        key: keys.part(9999, 999, "0123456789abcdef"),
        items: 160_000,
        raw_bytes: 64 << 20,
        bytes: 13 << 20,
        checksum: Checksum::default(),
        encoding: Encoding::Zstd,
    }
}

/// One row of the page: what a run on a table of `bytes` makes of each limit.
async fn row(bytes: u64, read: Value) -> String {
    let store = MemoryStore::new();
    let table = Table {
        bytes,
        recovery: PointInTimeRecovery::Off,
    };
    let planned = plan(&store, &table, read).await.unwrap();
    assert_eq!(planned.route, Route::Scan);
    // Payloads are keys and counts.
    let payload = length(&planned);
    assert!(payload < PAYLOAD / 100, "{payload} bytes");
    assert!(planned.tasks <= MOST_CHILDREN);
    let keys = RunKeys::new(&planned.pipeline, &planned.run);
    let plan: Plan = documents::read(&store, &keys.plan(), "the run's plan")
        .await
        .unwrap();
    assert_eq!(plan.tasks.len(), planned.tasks as usize);
    let tasks = store.get(&keys.tasks()).await.unwrap().len();
    // A Distributed Map reads 8 MB of its items at once, and 10 GB at most.
    assert!(tasks < 8_000_000, "{tasks} bytes");

    // Each child of the export turns in its loop; so does each child of the merge, once.
    let minutes = planned.estimate.minutes.unwrap();
    let at_once = planned.tasks.min(40);
    let turns = (minutes * 60.0 * f64::from(at_once) / f64::from(planned.tasks) / 810.0).ceil();
    let machine = workspace::state_machine();
    let exporting = loops(&machine)
        .into_iter()
        .find(|found| found.place == "ExportSegments/ExportSegment")
        .unwrap();
    assert!(matches!(exporting.turn, Turn::Works(_)));
    let events = turns as u64 * exporting.events;
    assert!(events < MOST_EVENTS / 10, "{events} events");

    // DynamoDB JSON is about twice the table's bytes; a part is 64 MiB of it, a segment has one at least.
    let raw = bytes * 2;
    let parts = raw.div_ceil(64 << 20).max(u64::from(planned.segments));
    let shards = raw.div_ceil(256 << 20).min(u64::from(MOST_CHILDREN));
    let shard = raw / shards;
    assert!(shard < Dataset::LARGEST_SHARD / 10, "{shard} bytes");
    let dataset_plan = parts as usize * (length(&part()) + 1);
    // A child of the merge reads the dataset's plan, then its parts.
    let seconds = dataset_plan as f64 / JSON_PER_SECOND + shard as f64 / 1e9 * MERGE_SECONDS_PER_GB;
    assert!(seconds < 450.0, "{seconds} s of 900");
    // Parsed, a record of a part is smaller than its text and the key beside it; the text goes afterwards.
    let memory = dataset_plan * 3 / 1_000_000 + 200;
    assert!(memory < 1769 / 2 + 200, "{memory} MB");
    let gets = parts * 2 + shards * 3 + u64::from(planned.segments) * 2;
    let merge_seconds = seconds * shards as f64 / 40.0;
    assert!(
        (gets as f64) < GETS_PER_SECOND * merge_seconds / 5.0,
        "{gets} GETs"
    );
    let longest = minutes * 60.0 + merge_seconds + 7200.0;
    assert!(
        longest < definition::EXECUTION_SECONDS as f64,
        "{longest} s"
    );

    format!(
        "| {} TB | {} | {} | {:.1} h | {turns} | {events} | {} KiB | {shards} | {:.1} GB | {seconds:.0} s | {} MB | {gets} |",
        bytes / TB,
        planned.segments,
        planned.tasks,
        minutes / 60.0,
        payload.div_ceil(1024),
        shard as f64 / 1e9,
        dataset_plan / 1_000_000,
    )
}

#[tokio::test]
async fn one_and_ten_terabytes_keep_every_limit() {
    let page = workspace::text("docs/src/concepts/limits.md");
    let rows = [
        row(TB, json!({})).await,
        row(10 * TB, json!({"rcu": 20_000})).await,
    ];
    let missing: Vec<_> = rows
        .iter()
        .filter(|row| !page.contains(row.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/src/concepts/limits.md does not have:\n{missing:#?}"
    );
}

#[tokio::test]
async fn what_a_scan_cannot_read_in_time_leaves_by_export_or_is_refused() {
    let slow = json!({"rcu": 1000});
    let table = |recovery| Table {
        bytes: 10 * TB,
        recovery,
    };
    let store = MemoryStore::new();
    let error = plan(&store, &table(PointInTimeRecovery::Off), slow.clone())
        .await
        .unwrap_err();
    let words = contract::chain(&error);
    assert!(words.contains("an execution of two days leaves"), "{words}");
    let exported = plan(
        &store,
        &table(PointInTimeRecovery::On(Recoverable::default())),
        slow,
    )
    .await
    .unwrap();
    assert_eq!(exported.route, Route::Export);
}

#[test]
fn no_map_has_more_children_than_its_result_may_list() {
    assert_eq!(MOST_CHILDREN, 10_000);
}
