//! Reading only what changed, by the `rowversion` below `MIN_ACTIVE_ROWVERSION()`.

use crate::export::{invocation, items};
use crate::runs::{Runs, base, counted};
use crate::server::Database;
use contract::states::{ExportSegmentInput, Status};
use contract::{ErrorName, Named, chain};
use database::Drivers;
use lake::records::SourcePlan;
use serde_json::{Value, json};
use sqlserver_local::{At, Cell, Effect, Fault, Place};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

const COLUMNS: [(&str, &str); 4] = [
    ("id", "int NOT NULL"),
    ("version", "rowversion"),
    ("price", "decimal(9,2)"),
    ("note", "nvarchar(40)"),
];

/// Rows whose price says which change of theirs they are.
fn rows(ids: Range<i64>, change: i64) -> Vec<Vec<Cell>> {
    let row = |id: i64| vec![id.into(), change.into(), format!("note {id}").into()];
    ids.map(row).collect()
}

fn expected(changes: &[(Range<i64>, i64)]) -> Vec<Value> {
    let item = |id: i64, change: i64| {
        json!({
            "id": {"N": id.to_string()},
            "price": {"N": format!("{change}.00")},
            "note": {"S": format!("note {id}")},
        })
    };
    let items = |(ids, change): &(Range<i64>, i64)| {
        let change = *change;
        ids.clone().map(move |id| item(id, change))
    };
    changes.iter().flat_map(items).collect()
}

/// Asserts that the items are these, whatever their versions.
fn same(found: Vec<Value>, all: Vec<Value>) {
    let (found, all) = (counted(without_versions(found)), counted(all));
    let differ = |one: &BTreeMap<String, u32>, other: &BTreeMap<String, u32>| {
        let missing = one
            .iter()
            .find(|(item, count)| other.get(*item) != Some(*count));
        missing.map(|(item, count)| format!("{item} {count} times"))
    };
    assert_eq!((differ(&found, &all), differ(&all, &found)), (None, None));
}

fn without_versions(items: Vec<Value>) -> Vec<Value> {
    let without = |mut item: Value| {
        item.as_object_mut().unwrap().remove("version");
        item
    };
    items.into_iter().map(without).collect()
}

fn orders() -> (Database, Runs) {
    let database = Database::with("orders", &COLUMNS, &["id"], &rows(0..200, 1));
    let source = json!({"table": "orders", "chunks": 3, "incremental": {}});
    let runs = Runs::new(database.secrets(), database.source(&source));
    (database, runs)
}

#[tokio::test]
async fn what_a_transaction_changed_that_was_open_is_in_the_next_run() {
    let (database, mut runs) = orders();
    // A transaction has the next version, and commits when the run has read.
    database.server.hold_row_versions(true);
    let (plan, found) = runs.run().await;
    assert_eq!((base(&plan), found.len()), (None, 200), "{}", plan.reason);
    database
        .server
        .insert("orders", &rows(200..201, 2))
        .unwrap();
    // Another one has a higher version, and commits before the second run reads.
    database
        .server
        .insert("orders", &rows(201..203, 3))
        .unwrap();
    let (plan, found) = runs.run().await;
    assert_eq!(base(&plan), Some(run_before(&plan, 1)), "{}", plan.reason);
    let all = expected(&[(0..200, 1), (200..201, 2), (201..203, 3)]);
    same(found, all.clone());
    database.server.hold_row_versions(false);
    // Nothing was certain before the oldest version that was held: those rows are read once more.
    let plan = Box::pin(runs.plan()).await.unwrap();
    runs.export(&plan).await;
    let record = runs.end(&plan).await;
    assert_eq!(record.snapshots.unwrap().rows, 3);
    let found = items(&runs.store, &plan).await;
    same(found, all);
    // Every row is changed at once.
    database.server.truncate("orders").unwrap();
    database.server.insert("orders", &rows(0..203, 9)).unwrap();
    let (plan, found) = runs.run().await;
    assert!(base(&plan).is_some(), "{}", plan.reason);
    same(found, expected(&[(0..203, 9)]));
}

/// The run that was planned so many runs before, by its time.
fn run_before(plan: &lake::records::Plan, runs: i64) -> String {
    let start: jiff::Timestamp = plan.started.parse().unwrap();
    let start = start - jiff::SignedDuration::from_secs(runs);
    let base = base(plan).unwrap();
    let run = contract::RunId::of_execution("arn:1", &start.to_string()).unwrap();
    assert_eq!(base, run.to_string());
    base
}

#[tokio::test]
async fn changes_are_merged_once_whatever_is_cut() {
    let (database, mut runs) = orders();
    runs.run().await;
    database
        .server
        .insert("orders", &rows(200..230, 2))
        .unwrap();
    let plan = Box::pin(runs.plan()).await.unwrap();
    assert!(base(&plan).is_some(), "{}", plan.reason);
    let all = expected(&[(0..200, 1), (200..230, 2)]);
    for token in (0..34).step_by(5) {
        let store = runs.store.clone();
        runs.store = fork(&store).await;
        database.server.set_faults(vec![Fault {
            at: At::Query("FROM [dbo].[orders] WHERE".to_owned()),
            effect: Effect::Cut(Place::Token(token)),
            // Of the two ranges before, the page and the totals.
            skip: 4,
            times: 1,
        }]);
        let mut errors = Vec::new();
        for task in &plan.tasks {
            for calls in 0.. {
                assert!(calls < 20, "it does not end: {errors:?}");
                let input = ExportSegmentInput {
                    pipeline: plan.definition.pipeline.clone(),
                    run: plan.run.clone(),
                    task: *task,
                };
                let (drivers, time) = (Drivers::AT_ONCE, invocation(Duration::from_mins(5)));
                let (store, secrets) = (&runs.store, &runs.secrets);
                match export_sql_range::handle(store, &drivers, secrets, runs.settings, input, time)
                    .await
                {
                    Ok(output) if output.status == Status::Done => break,
                    Ok(_) => {}
                    Err(error) => {
                        assert_eq!(
                            error.name(),
                            ErrorName::ServiceUnavailable,
                            "{}",
                            chain(&error)
                        );
                        errors.push(chain(&error));
                    }
                }
            }
        }
        assert_eq!(errors.len(), 1, "token {token}: {errors:?}");
        same(items(&runs.store, &plan).await, all.clone());
        runs.store = store;
    }
}

#[tokio::test]
async fn a_lock_that_is_not_granted_between_two_pages_of_changes_is_waited_for_again() {
    let (database, mut runs) = orders();
    runs.source["chunks"] = json!(1);
    runs.source["consistency"] = json!("readCommitted");
    runs.run().await;
    database
        .server
        .insert("orders", &rows(200..230, 2))
        .unwrap();
    let mut plan = Box::pin(runs.plan()).await.unwrap();
    assert!(base(&plan).is_some(), "{}", plan.reason);
    let Some(SourcePlan::Sql(of_table)) = &mut plan.source else {
        panic!("the source is a database");
    };
    of_table.page_rows = 7;
    lake::documents::write(&runs.store, &plan.keys().plan(), &plan)
        .await
        .unwrap();
    database.server.set_faults(vec![Fault {
        at: At::Query("FROM [dbo].[orders] WHERE".to_owned()),
        effect: Effect::Error {
            number: 1222,
            after_rows: 0,
        },
        skip: 2,
        times: 1,
    }]);
    runs.export(&plan).await;
    assert_eq!(database.server.faults_left(), 0);
    let all = expected(&[(0..200, 1), (200..230, 2)]);
    same(items(&runs.store, &plan).await, all);
}

/// A store with the same objects.
async fn fork(store: &lake::MemoryStore) -> lake::MemoryStore {
    use lake::ObjectStore;
    let fork = lake::MemoryStore::new();
    for object in store.list("").await.unwrap() {
        let body = store.get(&object.key).await.unwrap();
        fork.put(&object.key, body).await.unwrap();
    }
    fork
}

#[tokio::test]
async fn a_database_whose_position_went_back_is_read_whole() {
    let (database, mut runs) = orders();
    let many = rows(200..400, 1);
    database.server.insert("orders", &many).unwrap();
    let (first, _) = runs.run().await;
    let plan = Box::pin(runs.plan()).await.unwrap();
    assert_eq!(base(&plan), Some(first.run.to_string()), "{}", plan.reason);
    // The same server and table, restored to an earlier moment: rows have versions of the base again.
    let restored = Database::with("orders", &COLUMNS, &["id"], &rows(0..200, 7));
    runs.secrets = restored.secrets();
    runs.source["certificateAuthorities"] = json!(restored.server.authority());
    let (plan, found) = runs.run().await;
    assert_eq!(base(&plan), None);
    let says = format!(
        "the database's position is before that of run {}",
        first.run
    );
    assert!(plan.reason.contains(&says), "{}", plan.reason);
    assert!(plan.reason.ends_with("it was restored"), "{}", plan.reason);
    same(found, expected(&[(0..200, 7)]));
}

#[tokio::test]
async fn a_table_without_a_rowversion_is_refused_with_the_way_out() {
    let columns = [("id", "int NOT NULL"), ("price", "decimal(9,2)")];
    let rows = [vec![1.into(), 1.into()]];
    let database = Database::with("plain", &columns, &["id"], &rows);
    let source = database.source(&json!({"table": "plain", "incremental": {}}));
    let error = Box::pin(Runs::new(database.secrets(), source).plan()).await;
    let error = error.unwrap_err();
    assert_eq!(error.name(), ErrorName::InvalidDefinition);
    let message = chain(&error);
    assert!(
        message.contains("source.sql.incremental: plain: the table has no rowversion column")
            && message.contains("ADD version rowversion"),
        "{message}"
    );
}
