//! Every row comes once and is compared, in one call or in many.

use crate::export::{export, items, manifests, plan};
use crate::lossy::{Change, Lossy};
use crate::server::Database;
use contract::{ErrorName, Named, chain};
use database::Drivers;
use export_sql_range::Settings;
use lake::MemoryStore;
use lake::segment::{self, Progress};
use profile::Profile;
use serde_json::json;
use std::time::Duration;

const ORDERS: &str = "
    CREATE TABLE orders (id bigint PRIMARY KEY, price numeric(12,2), note text);
    INSERT INTO orders SELECT n, n * 1.25, 'note ' || n FROM generate_series(1, 60000) AS n;
    ANALYZE orders;";

#[tokio::test]
async fn every_row_comes_once_and_is_compared() {
    let database = Database::with("every_row", ORDERS).await;
    let (store, drivers) = (MemoryStore::new(), Drivers::AT_ONCE);
    let secrets = database.secrets();
    let source = database.source(&json!({"table": "orders", "chunks": 7}));
    let plan = plan(&store, &drivers, &secrets, source).await.unwrap();
    let (_, of_table) = plan.sql().unwrap();
    assert_eq!(
        (of_table.chunks.len(), of_table.key.as_slice()),
        (7, &["id".to_owned()][..])
    );
    assert!(
        plan.reason
            .contains("7 ranges of \"id\" by the database's histogram"),
        "{}",
        plan.reason
    );
    assert!(
        plan.warnings().iter().any(|w| w.contains("may only read")),
        "{:?}",
        plan.warnings()
    );
    let settings = Settings::default();
    export(
        &store,
        &drivers,
        &secrets,
        &plan,
        settings,
        Duration::from_mins(10),
    )
    .await
    .unwrap();
    let items = items(&store, &plan).await;
    let ids: Vec<_> = items
        .iter()
        .map(|item| item["id"]["N"].as_str().unwrap().to_owned())
        .collect();
    let expected: Vec<_> = (1..=60_000).map(|n: u32| n.to_string()).collect();
    assert_eq!(ids, expected);
    assert_eq!(
        items[0],
        json!({"id": {"N": "1"}, "price": {"N": "1.25"}, "note": {"S": "note 1"}})
    );
    for manifest in manifests(&store, &plan).await {
        let [snapshot] = manifest.snapshots.as_slice() else {
            panic!("{:?}", manifest.snapshots);
        };
        assert_eq!(snapshot.compared, ["count", "id", "price"]);
        assert_eq!(snapshot.rows, manifest.totals.items);
        assert!(snapshot.taken.starts_with("20") && snapshot.taken.ends_with('Z'));
    }
}

#[tokio::test]
async fn without_time_a_chunk_takes_several_invocations() {
    let database = Database::with("without_time", ORDERS).await;
    let (store, drivers) = (MemoryStore::new(), Drivers::AT_ONCE);
    let secrets = database.secrets();
    let source = database.source(&json!({"table": "orders"}));
    let plan = plan(&store, &drivers, &secrets, source).await.unwrap();
    // Every invocation reads a page.
    export(
        &store,
        &drivers,
        &secrets,
        &plan,
        Settings::default(),
        Duration::ZERO,
    )
    .await
    .unwrap();
    let manifests = manifests(&store, &plan).await;
    assert!(
        manifests[0].snapshots.len() > 2,
        "{:?}",
        manifests[0].snapshots.len()
    );
    let items = items(&store, &plan).await;
    assert_eq!(items.len(), 60_000);
    assert!(
        items.is_sorted_by_key(|item| item["id"]["N"].as_str().unwrap().parse::<u32>().unwrap())
    );
}

#[tokio::test]
async fn rows_that_are_not_those_of_the_database_are_not_committed() {
    let database = Database::with("lossy", ORDERS).await;
    let secrets = database.secrets();
    for (change, says) in [
        (
            Change::Lost,
            "the database counts 60000 rows, and 59999 were read",
        ),
        (
            Change::Doubled,
            "the database counts 60000 rows, and 60001 were read",
        ),
        (
            Change::Altered(1, "6.26"),
            "the database's sum of \"price\" is 2250037500.00, and that of the rows that were read is \
             2250037500.01",
        ),
    ] {
        let store = MemoryStore::new();
        let source = database.source(&json!({"table": "orders"}));
        let plan = plan(&store, &Drivers::AT_ONCE, &secrets, source).await;
        let plan = plan.unwrap();
        let (lossy, time) = (Lossy { change }, Duration::from_mins(10));
        let exported = export(&store, &lossy, &secrets, &plan, Settings::default(), time);
        let error = Box::pin(exported).await.unwrap_err();
        assert_eq!(error.name(), ErrorName::SourceTotalsDiffer, "{change:?}");
        assert!(chain(&error).contains(says), "{}", chain(&error));
        let progress: Progress<Profile> = segment::progress(&store, &plan.keys(), 0).await.unwrap();
        let Progress::At { checkpoints: 0, .. } = progress else {
            panic!("{change:?} is committed");
        };
        // Without a snapshot there is nothing to compare with, and the plan says so.
        let source = database.source(&json!({"table": "orders", "consistency": "readCommitted"}));
        let store = MemoryStore::new();
        let plan = crate::export::plan(&store, &Drivers::AT_ONCE, &secrets, source).await;
        let plan = plan.unwrap();
        assert!(plan.pace().unwrap().contains("may be lost or doubled"));
        let exported = export(&store, &lossy, &secrets, &plan, Settings::default(), time);
        Box::pin(exported).await.unwrap();
        let snapshots = &manifests(&store, &plan).await[0].snapshots;
        assert!(snapshots[0].compared.is_empty(), "{snapshots:?}");
    }
}

#[tokio::test]
async fn what_needs_one_snapshot_is_read_at_once_or_not_at_all() {
    let tables = format!("{ORDERS} CREATE VIEW all_orders AS TABLE orders");
    let database = Database::with("at_once", &tables).await;
    let (drivers, secrets) = (Drivers::AT_ONCE, database.secrets());
    for (change, says) in [
        (
            json!({"table": "orders", "consistency": "strict"}),
            "consistency strict needs one snapshot",
        ),
        (
            json!({"table": "all_orders"}),
            "rows without a unique key are one stream",
        ),
    ] {
        let store = MemoryStore::new();
        let source = database.source(&change);
        let plan = plan(&store, &drivers, &secrets, source).await.unwrap();
        // Each call has time for one page of several.
        for _ in 0..2 {
            let settings = Settings::default();
            let exported = export(&store, &drivers, &secrets, &plan, settings, Duration::ZERO);
            let error = Box::pin(exported).await.unwrap_err();
            assert_eq!(error.name(), ErrorName::SnapshotTooLong, "{change}");
            assert!(chain(&error).contains(says), "{}", chain(&error));
            let progress: Progress<Profile> =
                segment::progress(&store, &plan.keys(), 0).await.unwrap();
            let Progress::At { checkpoints: 0, .. } = progress else {
                panic!("{change} is committed in part");
            };
        }
    }
}
