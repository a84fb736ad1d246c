//! Row-level security that comes after the plan, or after the run whose rows are taken: no row is left
//! out in silence.

use crate::export::{export, plan};
use crate::runs::{Runs, base};
use crate::server::Database;
use contract::{ErrorName, Named, chain};
use database::Drivers;
use export_sql_range::Settings;
use lake::MemoryStore;
use serde_json::json;
use std::time::Duration;

const LONG: Duration = Duration::from_mins(10);

/// A partitioned table that this role may read, with its partitions.
fn orders(role: &str) -> String {
    format!(
        "CREATE TABLE t (a int PRIMARY KEY, n int) PARTITION BY RANGE (a);
         CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (100);
         CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (100) TO (200);
         INSERT INTO t SELECT g, g FROM generate_series(0, 199) g; ANALYZE t;
         CREATE ROLE {role} LOGIN PASSWORD 'part'; GRANT SELECT ON t, t1, t2 TO {role};"
    )
}

#[tokio::test]
async fn a_policy_that_comes_after_the_plan_ends_the_run() {
    let database = Database::with("late_policy", &orders("policy_reader")).await;
    let secrets = database.secrets_of("policy_reader", "part");
    let (store, drivers) = (MemoryStore::new(), Drivers::AT_ONCE);
    let source = json!({"table": "t", "chunks": 2});
    let planned = plan(&store, &drivers, &secrets, database.source(&source)).await;
    let planned = planned.unwrap();
    let says = "2 chunks by its 2 partitions";
    assert!(planned.reason.contains(says), "{}", planned.reason);
    database
        .run("ALTER TABLE t2 ENABLE ROW LEVEL SECURITY")
        .await;
    let settings = Settings::default();
    let exported = export(&store, &drivers, &secrets, &planned, settings, LONG);
    let error = Box::pin(exported).await.unwrap_err();
    let text = chain(&error);
    assert_eq!(error.name(), ErrorName::SourceSchemaChanged, "{text}");
    let says = "partition public.t2 may not be read as a table any more, or a policy hides rows";
    assert!(text.contains(says), "{text}");
}

#[tokio::test]
async fn a_policy_that_comes_after_the_base_lets_all_be_read_again() {
    let database = Database::with("base_policy", &orders("base_reader")).await;
    let secrets = database.secrets_of("base_reader", "part");
    let source = json!({"table": "t", "chunks": 2, "incremental": {}});
    let mut runs = Runs::new(secrets, database.source(&source));
    let (_, found) = runs.run().await;
    assert_eq!(found.len(), 200);
    let (plan, _) = runs.run().await;
    assert!(base(&plan).is_some(), "{}", plan.reason);
    // Whoever reads the whole table still sees its rows.
    database
        .run("ALTER TABLE t2 ENABLE ROW LEVEL SECURITY")
        .await;
    let (plan, found) = runs.run().await;
    assert_eq!((base(&plan), found.len()), (None, 200), "{}", plan.reason);
    let says = "not by its partitions: the login may not read public.t2 as a table";
    assert!(plan.reason.contains(says), "{}", plan.reason);
    // And then no more: of the whole table no change can be told.
    database
        .run(
            "CREATE TABLE u (a int PRIMARY KEY); INSERT INTO u VALUES (1), (2); \
                  GRANT SELECT ON u TO base_reader",
        )
        .await;
    let mut runs = Runs::new(
        database.secrets_of("base_reader", "part"),
        database.source(&json!({"table": "u", "incremental": {}})),
    );
    let plan = Box::pin(runs.plan()).await.unwrap();
    database
        .run("ALTER TABLE u ENABLE ROW LEVEL SECURITY")
        .await;
    let (drivers, settings) = (Drivers::AT_ONCE, Settings::default());
    let exported = export(&runs.store, &drivers, &runs.secrets, &plan, settings, LONG);
    let error = Box::pin(exported).await.unwrap_err();
    let text = chain(&error);
    assert_eq!(error.name(), ErrorName::SourcePermissionDenied, "{text}");
    assert!(text.contains("row-level security"), "{text}");
}
