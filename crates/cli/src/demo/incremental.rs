//! The demo of changes: a table whose stream is captured, a run that reads all of it, and after some
//! changes one that reads nothing of it.

use super::data::Interactions;
use super::table::{self, PARTITION_KEY, SORT_KEY};
use super::{DemoError, Settings, Summary, TABLE, count, definition, run_once};
use crate::local::{Local, Options};
use crate::progress::Progress;
use aws::dynamodb_load::TableLoader;
use aws::s3::S3Store;
use contract::Names;
use lake::part::{LineReader, lines};
use lake::records::{Encoding, Plan, SnapshotRecord};
use lake::{ObjectStore, RunKeys, documents, keys};
use serde_json::{Value, json};
use std::fmt::{self, Display, Formatter};
use std::time::Duration;
use tokio::time::Instant;

/// Every so many items change once.
const EVERY: usize = 100;
const PATIENCE: Duration = Duration::from_mins(5);
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// The stack's parameter with the stream to capture.
const PARAMETER: &str = "ChangeStreamArn";

/// What the two runs have come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Incremental {
    /// The run that reads the whole table.
    pub first: Summary,
    /// The run that merges what changed.
    pub second: Summary,
    /// Changes that were made in between.
    pub written: u64,
    /// The plan of the second run.
    pub plan: Plan,
    /// What its items are a state of.
    pub snapshot: SnapshotRecord,
    /// The items of the table since then.
    pub table: Vec<Value>,
}

/// Starts local AWS with a table whose stream the stack captures.
///
/// # Errors
/// If local AWS does not start, or the table cannot be created.
pub async fn start(options: &Options) -> Result<Local, DemoError> {
    Local::start_after(options, PARAMETER, async |config| {
        let loader = TableLoader::new(config);
        let created = loader.create(TABLE, PARTITION_KEY, SORT_KEY).await;
        created.map_err(Box::new)?;
        Ok(loader.enable_stream(TABLE).await.map_err(Box::new)?)
    })
    .await
}

/// Fills the table, runs the pipeline, changes a hundredth of the table, and runs the pipeline again.
///
/// # Errors
/// If one of the steps fails, or the changes are not captured.
pub async fn run(
    local: &Local,
    settings: &Settings,
    progress: &Progress,
) -> Result<Incremental, DemoError> {
    let interactions = Interactions::generate(settings.seed, settings.items);
    let loader = TableLoader::new(local.aws_config());
    let step = progress.step(format!("Table {TABLE}"));
    let all = interactions.items();
    let filled = all.len() as u64;
    let put = table::put(&loader, TABLE, all, &step).await;
    put.map_err(Box::new)?;
    step.done(&format!("{} items", count(filled)));
    captured(local, filled, progress).await?;

    let text = definition::text(settings.algorithm).as_bytes();
    let mut definition: Value = contract::read::from_slice(text)?;
    definition["source"]["dynamodb"]["mode"] = json!("incremental");
    definition["source"]["dynamodb"]["changes"] = json!({"from": "stream"});
    let key = keys::definition(Names::DEFAULT_PIPELINE);
    local
        .lake()
        .put(&key, definition.to_string().into())
        .await?;
    let first = run_once(local, settings, &interactions, progress).await?;

    let step = progress.step("Changes");
    let (table, written) = change(&loader, &interactions).await?;
    step.done(&format!("{} of {} items", count(written), count(filled)));
    captured(local, filled + written, progress).await?;
    let second = run_once(local, settings, &interactions, progress).await?;
    let run = RunKeys::new(&second.output.pipeline, &second.output.run);
    Ok(Incremental {
        plan: documents::read(&local.lake(), &run.plan(), "the run's plan").await?,
        snapshot: documents::read(&local.lake(), &run.snapshot(), "a snapshot").await?,
        first,
        second,
        written,
        table,
    })
}

/// Changes some items: of three one is put again, one updated and one deleted. Returns what the table
/// then holds, and how many items changed.
async fn change(
    loader: &TableLoader,
    interactions: &Interactions,
) -> Result<(Vec<Value>, u64), DemoError> {
    let mut table = Vec::new();
    let mut written = 0_u64;
    for (number, item) in interactions.items().enumerate() {
        let mut item = item.clone();
        if number % EVERY != 0 {
            table.push(item);
            continue;
        }
        let key = json!({PARTITION_KEY: item[PARTITION_KEY], SORT_KEY: item[SORT_KEY]});
        let changed = match written % 3 {
            0 => {
                item["review"] = json!({"S": "I saw it again."});
                loader.put(TABLE, std::slice::from_ref(&item)).await
            }
            1 => {
                item["review"] = json!({"S": "I changed my mind."});
                loader.set(TABLE, &key, "review", &item["review"]).await
            }
            _ => loader.delete(TABLE, &key).await,
        };
        changed.map_err(Box::new)?;
        if written % 3 != 2 {
            table.push(item);
        }
        written += 1;
    }
    Ok((table, written))
}

/// Waits until so many changes are captured.
async fn captured(local: &Local, written: u64, progress: &Progress) -> Result<(), DemoError> {
    let step = progress.step("Captured");
    let begun = Instant::now();
    let mut counted = Counted::default();
    loop {
        counted.count(&local.lake()).await?;
        step.count(counted.changes.min(written), written, "changes");
        if counted.changes >= written {
            step.done(&format!("{} changes of the table's stream", count(written)));
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            return Err(DemoError::NotCaptured {
                captured: counted.changes,
                written,
                seconds: PATIENCE.as_secs(),
            });
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

/// Lines of the objects of changes.
#[derive(Default)]
struct Counted {
    objects: std::collections::BTreeSet<String>,
    changes: u64,
}

impl Counted {
    async fn count(&mut self, lake: &S3Store) -> Result<(), DemoError> {
        for object in lake.list(lake::captured::CHANGES).await? {
            let named = lake::captured::CapturedObject::parse(&object.key);
            if named.is_none() || !self.objects.insert(object.key.clone()) {
                continue;
            }
            let stream = lake.stream(&object.key).await?;
            let (bucket, key) = (lake.bucket(), &object.key);
            let mut reader = LineReader::new(stream, Encoding::Zstd, bucket, key)?;
            while let Some(batch) = reader.next().await? {
                self.changes += lines(batch).count() as u64;
            }
        }
        Ok(())
    }
}

impl Display for Incremental {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (before, after) = (self.first.output.items, self.second.output.items);
        writeln!(
            f,
            "{} keys changed; {} → {} items; {} read units",
            count(self.snapshot.changed_keys),
            count(before),
            count(after),
            count(self.plan.estimate.read_units),
        )?;
        writeln!(f, "Why so: {}\n", self.plan.reason)?;
        writeln!(f, "Before the changes")?;
        self.first.model(f)?;
        write!(f, "\n{}", self.second)
    }
}
