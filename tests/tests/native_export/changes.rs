//! Runs that merge what changed in a table since the run before, by the real steps and adapters.
//!
//! moto answers for an incremental export as if it had made one, and writes the whole table: that is
//! refused, and the test writes what DynamoDB would have written.

use super::moto::{ITEMS, Moto, invocation, of};
use contract::states::{
    AfterExport, Outcome, PlanDatasetOutput, RequestExportOutput, Route, RunInput, Status,
};
use contract::{ErrorName, Named};
use end_to_end::dynamodb;
use end_to_end::native::{self, Change};
use end_to_end::pipeline::{assert_same_items, raw_items};
use jiff::{SignedDuration, Timestamp};
use lake::records::{Latest, LatestExport, Plan, SnapshotRecord, Window};
use lake::{ObjectStore, RunKeys, documents, latest};
use millrace::demo::TABLE;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const KEY: [&str; 2] = ["user_id", "event_id"];

/// The items of the table by their keys, as the test has written them.
type Items = BTreeMap<String, Value>;

fn key_of(item: &Value) -> String {
    KEY.map(|name| item[name].to_string()).concat()
}

/// moto with a pipeline that merges changes.
struct Pipeline {
    moto: Moto,
    items: Items,
    /// How many hours ago the next run starts.
    hours_ago: i64,
    share: f64,
    full_every_days: u32,
}

impl Pipeline {
    async fn start() -> Self {
        let moto = Moto::start().await;
        dynamodb::turn_recovery_on(moto.server.url(), TABLE).await;
        let items = moto.interactions.items();
        let items = items.map(|item| (key_of(item), item.clone())).collect();
        Self {
            moto,
            items,
            hours_ago: 30,
            share: 0.0,
            full_every_days: 28,
        }
    }

    /// Plans the next run, an hour after the one before.
    async fn plan(&mut self) -> (Plan, RunInput, RunKeys) {
        let ago = SignedDuration::from_hours(self.hours_ago);
        self.hours_ago -= 1;
        let start = Timestamp::now() - ago;
        // As if it were that time.
        self.moto.tables.1.lock().unwrap().latest = Some(start.as_second());
        let definition = json!({
            "pipeline": "changes",
            "source": {"dynamodb": {
                "table": TABLE, "mode": "incremental",
                "changes": {"retrainAtShare": self.share, "fullEveryDays": self.full_every_days},
            }},
        });
        let start = start.to_string();
        let planned = Box::pin(self.moto.plan_run(definition, &start)).await;
        let planned = planned.unwrap();
        let (run, keys) = of(&planned);
        let plan: Plan = documents::read(&self.moto.lake, &keys.plan(), "plan")
            .await
            .unwrap();
        assert_eq!(plan.route, planned.route);
        (plan, run, keys)
    }

    /// The ARN of the export whose files lie below a prefix.
    async fn export_below(&self, prefix: &str) -> String {
        for arn in self.moto.exports().await {
            let request = json!({ "ExportArn": arn });
            let described = dynamodb::call(self.moto.server.url(), "DescribeExport", &request);
            if described.await["ExportDescription"]["S3Prefix"] == prefix {
                return arn;
            }
        }
        panic!("no export below {prefix}");
    }

    /// Removes what moto has written below a prefix, which is never what DynamoDB writes.
    async fn clear(&self, prefix: &str) {
        for object in self.moto.lake.list(prefix).await.unwrap() {
            self.moto.lake.delete(&object.key).await.unwrap();
        }
    }

    /// Exports the whole table, and adopts its files.
    async fn whole(&self, run: &RunInput, keys: &RunKeys) -> RequestExportOutput {
        let error = self.moto.wait(run).await.unwrap_err();
        assert_eq!(error.name(), ErrorName::DatasetInvalid);
        let prefix = keys.native(1);
        let arn = self.export_below(&prefix).await;
        self.clear(&prefix).await;
        let items: Vec<_> = self.items.values().collect();
        let (lake, encoded) = (&self.moto.lake, native::encode(&items));
        let file = native::write_file(lake, &prefix, &arn, "0", encoded).await;
        native::write_manifests(lake, &prefix, &arn, &[(file, items.len())]).await;
        let done = self.moto.look(run).await.unwrap();
        assert_eq!((done.status, done.route), (Status::Done, Route::Export));
        self.moto
            .export_segments(run, &done.tasks_key)
            .await
            .unwrap();
        done
    }

    /// Exports these changes, compacts them and merges them.
    async fn merge(&self, plan: &Plan, run: &RunInput, keys: &RunKeys, changes: &[Change]) {
        Box::pin(self.merge_all(plan, run, keys, changes)).await;
    }

    async fn merge_all(&self, plan: &Plan, run: &RunInput, keys: &RunKeys, changes: &[Change]) {
        // What moto writes is a whole table in the place of changes.
        let error = self.moto.wait(run).await.unwrap_err();
        assert_eq!(error.name(), ErrorName::DatasetInvalid, "{error}");
        let (_, of_table) = plan.dynamodb().unwrap();
        let windows = &of_table.changes.as_ref().unwrap().windows;
        for (number, window) in windows.iter().enumerate() {
            // All changes are of the last window.
            let is_last = number + 1 == windows.len();
            let changes = if is_last { changes } else { &[] };
            self.write_window(keys, number, *window, changes).await;
        }
        let done = self.moto.look(run).await.unwrap();
        assert_eq!((done.status, done.route), (Status::Done, Route::Changes));
        let lake = self.moto.lakes.of("compact-changes").await;
        let compacted = compact_changes::handle(&lake.store, 40, run.clone(), invocation());
        let compacted = Box::pin(compacted).await.unwrap();
        assert_eq!(compacted.status, Status::Done);
        assert_eq!(compacted.changes, changes.len() as u64);
        let tasks_key = &compacted.tasks_key;
        self.moto.export_segments(run, tasks_key).await.unwrap();
    }

    async fn write_window(&self, keys: &RunKeys, number: usize, window: Window, all: &[Change]) {
        let prefix = keys.native_window(number, 1);
        let arn = self.export_below(&prefix).await;
        self.clear(&prefix).await;
        native::write_changes(&self.moto.lake, &prefix, &arn, window, &KEY, all).await;
    }

    /// Ends a run that is not known to be wrong.
    async fn end(&self, run: &RunInput) -> PlanDatasetOutput {
        let lake = self.moto.lakes.of("plan-dataset").await;
        let planned = plan_dataset::handle(&lake.store, 40, run.clone(), invocation());
        let planned = Box::pin(planned).await.unwrap();
        if planned.then == AfterExport::End {
            let key = RunKeys::new(&run.pipeline, &run.run).plan();
            let plan: Plan = documents::read(&self.moto.lake, &key, "plan")
                .await
                .unwrap();
            let started = plan.started;
            let newest = Latest {
                pipeline: run.pipeline.clone(),
                run: run.run.clone(),
                outcome: Outcome::Exported,
                started: started.clone(),
                finished: started,
                report: String::new(),
                export: LatestExport {
                    table: TABLE.to_owned(),
                    items: planned.items,
                    raw_bytes: 0,
                    prefix: String::new(),
                    manifest: String::new(),
                },
                dataset: None,
                model: None,
            };
            latest::advance(&self.moto.lake, &newest).await.unwrap();
        }
        planned
    }

    async fn snapshot(&self, keys: &RunKeys) -> SnapshotRecord {
        documents::read(&self.moto.lake, &keys.snapshot(), "snapshot")
            .await
            .unwrap()
    }

    async fn assert_is_table(&self, keys: &RunKeys) {
        let raw = raw_items(&self.moto.lake, keys).await;
        assert_same_items(&raw, self.items.values());
    }

    /// Changes some items, and says how.
    fn change(&mut self, random: &mut fastrand::Rng, puts: usize, deletes: usize) -> Vec<Change> {
        let mut keys: Vec<_> = self.items.keys().cloned().collect();
        random.shuffle(&mut keys);
        let mut changes = Vec::new();
        for (number, key) in keys.into_iter().take(puts + deletes).enumerate() {
            let old = self.items.remove(&key);
            let new = (number < puts).then(|| {
                let mut item = old.clone().unwrap();
                item["rating"] = json!({"N": random.u32(10..99).to_string()});
                self.items.insert(key, item.clone());
                item
            });
            changes.push(Change { old, new });
        }
        let mut item = self.items.values().next().unwrap().clone();
        item["event_id"] = json!({"S": format!("new-{}", random.u64(..))});
        self.items.insert(key_of(&item), item.clone());
        changes.push(Change {
            old: None,
            new: Some(item),
        });
        changes
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_merged_until_one_is_missing_and_then_the_table_is_exported() {
    let random = &mut fastrand::Rng::with_seed(7);
    let mut pipeline = Pipeline::start().await;
    Box::pin(two_generations_are_merged(&mut pipeline, random)).await;
    Box::pin(a_lost_change_ends_in_the_whole_table(&mut pipeline, random)).await;
    Box::pin(too_few_changes_are_merged_by_a_later_run(
        &mut pipeline,
        random,
    ))
    .await;
    Box::pin(what_changes_come_to_is_compared(&mut pipeline, random)).await;
    pipeline.moto.assert_permitted();
}

async fn two_generations_are_merged(pipeline: &mut Pipeline, random: &mut fastrand::Rng) {
    let (plan, run, keys) = pipeline.plan().await;
    assert_eq!(plan.route, Route::Export, "{}", plan.reason);
    pipeline.whole(&run, &keys).await;
    assert_eq!(pipeline.end(&run).await.items, ITEMS as u64);
    let base = pipeline.snapshot(&keys).await;
    assert_eq!((base.items, base.generation), (ITEMS as u64, 0));
    pipeline.assert_is_table(&keys).await;

    // Two generations: the second one is merged into merged items.
    for generation in 1..3 {
        let (plan, run, keys) = pipeline.plan().await;
        assert_eq!(plan.route, Route::Changes, "{}", plan.reason);
        assert!(plan.sample.is_none(), "the table was not read");
        let changes = pipeline.change(random, 12, 5);
        pipeline.merge(&plan, &run, &keys, &changes).await;
        let ended = pipeline.end(&run).await;
        assert_eq!(ended.then, AfterExport::End);
        let snapshot = pipeline.snapshot(&keys).await;
        assert_eq!(
            (snapshot.generation, snapshot.changed_keys),
            (generation, 18)
        );
        assert_eq!(snapshot.items, pipeline.items.len() as u64);
        pipeline.assert_is_table(&keys).await;
        // A repeated call answers the same.
        assert_eq!(pipeline.end(&run).await, ended);
    }
}

async fn a_lost_change_ends_in_the_whole_table(
    pipeline: &mut Pipeline,
    random: &mut fastrand::Rng,
) {
    // Nothing changed: nothing is to be trained.
    let (plan, run, keys) = pipeline.plan().await;
    pipeline.merge(&plan, &run, &keys, &[]).await;
    assert_eq!(pipeline.end(&run).await.then, AfterExport::NothingNew);
    pipeline.assert_is_table(&keys).await;

    // Items changed twice, and the export lacks the first changes.
    let (plan, run, keys) = pipeline.plan().await;
    assert_eq!(plan.route, Route::Changes, "{}", plan.reason);
    let _lost = pipeline.change(random, ITEMS, 0);
    let changes = pipeline.change(random, 3, 2);
    pipeline.merge(&plan, &run, &keys, &changes).await;
    assert_eq!(pipeline.end(&run).await.then, AfterExport::ExportWhole);
    assert_eq!(pipeline.end(&run).await.then, AfterExport::ExportWhole);
    pipeline.whole(&run, &keys).await;
    assert_eq!(pipeline.end(&run).await.then, AfterExport::End);
    let snapshot = pipeline.snapshot(&keys).await;
    assert_eq!(snapshot.generation, 0);
    pipeline.assert_is_table(&keys).await;
}

async fn too_few_changes_are_merged_by_a_later_run(
    pipeline: &mut Pipeline,
    random: &mut fastrand::Rng,
) {
    // Fewer than the share that is asked for.
    pipeline.share = 0.1;
    let (plan, run, keys) = pipeline.plan().await;
    assert_eq!(plan.route, Route::Changes, "{}", plan.reason);
    let changes = pipeline.change(random, 10, 0);
    pipeline.merge(&plan, &run, &keys, &changes).await;
    // The definition is another one: it is trained all the same.
    assert_eq!(pipeline.end(&run).await.then, AfterExport::End);
    let (plan, run, keys) = pipeline.plan().await;
    let changes = pipeline.change(random, 10, 0);
    pipeline.merge(&plan, &run, &keys, &changes).await;
    assert_eq!(pipeline.end(&run).await.then, AfterExport::NothingNew);
    // The next run merges them too, and both together are enough.
    let (plan, run, keys) = pipeline.plan().await;
    let more = pipeline.change(random, 100, 0);
    let mut all: BTreeMap<String, Change> = BTreeMap::new();
    for change in changes.into_iter().chain(more) {
        let image = change.new.as_ref().or(change.old.as_ref()).unwrap();
        let earlier = all.remove(&key_of(image));
        let old = earlier.map_or(change.old.clone(), |earlier| earlier.old);
        all.insert(key_of(image), Change { old, ..change });
    }
    let all: Vec<_> = all.into_values().collect();
    pipeline.merge(&plan, &run, &keys, &all).await;
    assert_eq!(pipeline.end(&run).await.then, AfterExport::End);
    pipeline.assert_is_table(&keys).await;
}

async fn what_changes_come_to_is_compared(pipeline: &mut Pipeline, random: &mut fastrand::Rng) {
    // The last export of the whole table is over a day old: what the changes come to is compared with
    // another one.
    pipeline.full_every_days = 1;
    let (plan, run, keys) = pipeline.plan().await;
    assert_eq!(plan.route, Route::Changes, "{}", plan.reason);
    let changes = pipeline.change(random, 12, 5);
    pipeline.merge(&plan, &run, &keys, &changes).await;
    assert_eq!(pipeline.end(&run).await.then, AfterExport::ExportWhole);
    pipeline.whole(&run, &keys).await;
    assert_eq!(pipeline.end(&run).await.then, AfterExport::End);
    let snapshot = pipeline.snapshot(&keys).await;
    let windows = &plan.dynamodb().unwrap().1.changes.as_ref().unwrap().windows;
    assert_eq!(snapshot.as_of, windows.last().unwrap().to);
    assert_eq!(
        (snapshot.generation, snapshot.full_as_of),
        (0, snapshot.as_of)
    );
    let audit = snapshot.audit.unwrap();
    assert!(audit.is_equal() && audit.exported.items > 0, "{audit:?}");
    pipeline.assert_is_table(&keys).await;
}
