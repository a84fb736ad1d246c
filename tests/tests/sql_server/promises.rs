//! What is promised of a read: totals that agree, little load, and a warning where it costs much.

use crate::export::{export, plan};
use crate::lossy::{Change, Lossy};
use crate::server::Database;
use contract::{ErrorName, Named, chain};
use database::Drivers;
use export_sql_range::Settings;
use lake::MemoryStore;
use lake::segment::{self, Progress};
use serde_json::{Value, json};
use sqlserver_local::{Cell, Table};
use std::time::Duration;

const LONG: Duration = Duration::from_mins(10);

fn orders() -> Database {
    let rows: Vec<_> = (1..=50)
        .map(|n: i64| vec![n.into(), format!("{n}.50").into()])
        .collect();
    let columns = [("id", "bigint NOT NULL"), ("price", "decimal(9,2)")];
    Database::with("orders", &columns, &["id"], &rows)
}

#[tokio::test]
async fn rows_that_are_not_those_of_the_database_are_not_committed() {
    let database = orders();
    let secrets = database.secrets();
    for (change, says) in [
        (Change::Lost, "counts 50 rows, and 49 were read"),
        (Change::Doubled, "counts 50 rows, and 51 were read"),
        (
            Change::Altered(1, "5.51"),
            "sum of \"price\" is 1300.00, and that of the rows that were read is 1300.01",
        ),
    ] {
        let store = MemoryStore::new();
        let source = database.source(&json!({"table": "orders"}));
        let plan = plan(&store, &Drivers::AT_ONCE, &secrets, source).await;
        let (plan, lossy) = (plan.unwrap(), Lossy { change });
        let exported = export(&store, &lossy, &secrets, &plan, Settings::default(), LONG);
        let error = Box::pin(exported).await.unwrap_err();
        assert_eq!(error.name(), ErrorName::SourceTotalsDiffer, "{change:?}");
        assert!(chain(&error).contains(says), "{}", chain(&error));
        let progress: Progress<Value> = segment::progress(&store, &plan.keys(), 0).await.unwrap();
        let Progress::At { checkpoints: 0, .. } = progress else {
            panic!("{change:?} is committed");
        };
    }
}

#[tokio::test]
async fn a_session_waits_five_seconds_for_a_lock_and_loses_a_deadlock() {
    let database = orders();
    let (store, drivers, secrets) = (MemoryStore::new(), Drivers::AT_ONCE, database.secrets());
    let source = database.source(&json!({"table": "orders"}));
    let plan = plan(&store, &drivers, &secrets, source).await.unwrap();
    let planned = database.server.queries().len();
    export(&store, &drivers, &secrets, &plan, Settings::default(), LONG)
        .await
        .unwrap();
    let all = database.server.queries();
    // Of the plan's connection, and of the one that reads.
    for queries in [&all[..planned], &all[planned..]] {
        for statement in ["SET LOCK_TIMEOUT 5000", "SET DEADLOCK_PRIORITY LOW"] {
            let at = queries.iter().position(|query| query == statement);
            let at = at.unwrap_or_else(|| panic!("{statement} was not sent"));
            let reads = |query: &String| query.contains("FROM [dbo].[orders]");
            let first = queries.iter().position(reads).unwrap();
            assert!(at < first, "{statement} is behind the first row");
        }
        assert!(queries.iter().all(|query| !query.contains("NOLOCK")));
    }
}

#[tokio::test]
async fn a_large_version_store_is_warned_about_where_the_whole_table_is_one_snapshot() {
    const GB: i64 = 1024 * 1024;
    let strict = json!({"table": "orders", "consistency": "strict"});
    // Without the view, or the permission, nothing is said.
    for (kb, change, is_warned) in [
        (None, &strict, false),
        (Some(GB / 2), &strict, false),
        (Some(3 * GB), &strict, true),
        (Some(3 * GB), &json!({"table": "orders"}), false),
    ] {
        let database = orders();
        if let Some(kb) = kb {
            let view = Table::new("sys", "dm_tran_version_store_space_usage")
                .column("database_id", "int")
                .unwrap()
                .column("reserved_space_kb", "bigint")
                .unwrap();
            database.server.create(view).unwrap();
            let rows: [Vec<Cell>; 2] = [vec![5.into(), kb.into()], vec![1.into(), (9 * GB).into()]];
            let name = "sys.dm_tran_version_store_space_usage";
            database.server.insert(name, &rows).unwrap();
        }
        let (store, drivers, secrets) = (MemoryStore::new(), Drivers::AT_ONCE, database.secrets());
        let source = database.source(change);
        let plan = plan(&store, &drivers, &secrets, source).await.unwrap();
        let warnings = plan.warnings().join("\n");
        let says = "the version store in tempdb has 3.0 GB";
        assert_eq!(warnings.contains(says), is_warned, "{kb:?}: {warnings}");
        export(&store, &drivers, &secrets, &plan, Settings::default(), LONG)
            .await
            .unwrap();
    }
}
