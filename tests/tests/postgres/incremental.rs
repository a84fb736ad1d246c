//! Reading what changed: whatever was committed, and whenever, each run's data is the table's.
//!
//! `MILLRACE_FAULT_SEEDS` and `MILLRACE_FAULT_FIRST_SEED` choose other seeds.

use crate::export::{export, invocation, items};
use crate::runs::{Runs, base, counted};
use crate::server::{Database, connect};
use contract::states::{ExportSegmentInput, Status};
use contract::{ErrorName, Named, chain};
use database::{DatabaseConnection, Drivers};
use export_sql_range::Settings;
use fastrand::Rng;
use lake::ObjectStore;
use lake::records::{Plan, SourcePlan};
use serde_json::{Value, json};
use sql_source::Connection;
use std::time::Duration;

const SEEDS: u64 = 4;
const ROUNDS: usize = 5;
/// Sessions that change rows of their own.
const WRITERS: usize = 4;

/// A session that changes the rows whose `a` is its number modulo [`WRITERS`].
struct Writer {
    connection: DatabaseConnection,
    number: usize,
    is_open: bool,
    /// Rows that it has inserted so far, or that were there.
    rows: usize,
}

impl Writer {
    async fn new(database: &Database, number: usize, rows: usize) -> Self {
        let mut connection = connect(&database.server.login(&database.name)).await;
        connection
            .execute("SET lock_timeout = '10s'")
            .await
            .unwrap();
        Self {
            connection,
            number,
            is_open: false,
            rows,
        }
    }

    async fn run(&mut self, sql: &str) {
        self.connection.execute(sql).await.unwrap();
    }

    /// One step of its history.
    async fn step(&mut self, random: &mut Rng) {
        let a = |row: usize| row * WRITERS + self.number;
        let change = if random.u8(0..3) == 0 {
            let new = a(self.rows);
            self.rows += 1;
            // The rows of a transaction that is rolled back may be missing later.
            format!(
                "INSERT INTO t VALUES ({new}, 'k{new}', {}, 'new') ON CONFLICT DO NOTHING",
                random.u32(..)
            )
        } else {
            let row = a(random.usize(0..self.rows));
            format!(
                "UPDATE t SET n = {}, note = note || 'x' WHERE a = {row}",
                random.u32(..)
            )
        };
        match (self.is_open, random.u8(0..8)) {
            (false, 0..4) => {
                self.run("BEGIN").await;
                self.is_open = true;
                self.run(&change).await;
            }
            (true, 0) => {
                self.run("SAVEPOINT s").await;
                self.run(&change).await;
                self.run("ROLLBACK TO s").await;
            }
            (true, 1) => {
                self.run("SAVEPOINT s").await;
                self.run(&change).await;
                self.run("RELEASE s").await;
            }
            (true, 2 | 3) => self.end("COMMIT").await,
            (true, 4) => self.end("ROLLBACK").await,
            _ => self.run(&change).await,
        }
    }

    async fn end(&mut self, how: &str) {
        if self.is_open {
            self.run(how).await;
        }
        self.is_open = false;
    }
}

async fn steps(writers: &mut [Writer], random: &mut Rng, count: usize) {
    for _ in 0..count {
        let at = random.usize(0..writers.len());
        writers[at].step(random).await;
    }
}

/// Calls the function until every task is done, in calls that may have no time, or a twin.
async fn export_in_pieces(runs: &Runs, plan: &Plan, random: &mut Rng) {
    for task in &plan.tasks {
        for calls in 0.. {
            assert!(calls < 500, "it does not end");
            let call = |left: Duration| {
                let input = ExportSegmentInput {
                    pipeline: plan.definition.pipeline.clone(),
                    run: plan.run.clone(),
                    task: *task,
                };
                let (drivers, time) = (&Drivers::AT_ONCE, invocation(left));
                let (store, secrets) = (&runs.store, &runs.secrets);
                Box::pin(export_sql_range::handle(
                    store,
                    drivers,
                    secrets,
                    runs.settings,
                    input,
                    time,
                ))
            };
            let left = [Duration::ZERO, Duration::from_mins(10)][random.usize(0..2)];
            let outputs = if random.u8(0..4) == 0 {
                let twins = tokio::join!(call(left), call(left));
                vec![twins.0, twins.1]
            } else {
                vec![call(left).await]
            };
            let mut is_done = false;
            for output in outputs {
                match output {
                    Ok(output) => is_done |= output.status == Status::Done,
                    // Without time, a page may not be answered in time.
                    Err(error) => {
                        let name = error.name();
                        assert_eq!(name, ErrorName::ServiceUnavailable, "{}", chain(&error));
                    }
                }
            }
            if is_done {
                break;
            }
        }
    }
}

/// The rows of the table as items.
async fn table(database: &Database) -> Vec<Value> {
    let rows = database
        .rows("SELECT a::text, b, n::text, note FROM t")
        .await;
    let item = |row: Vec<Option<String>>| {
        let [a, b, n, note] = row.try_into().unwrap();
        json!({"a": {"N": a}, "b": {"S": b}, "n": {"N": n}, "note": {"S": note}})
    };
    rows.into_iter().map(item).collect()
}

fn small_pages(plan: &mut Plan, random: &mut Rng) {
    let Some(SourcePlan::Sql(of_table)) = &mut plan.source else {
        panic!("the source is a database");
    };
    of_table.page_rows = random.u32(5..60);
}

async fn history(database: &Database, seed: u64) -> usize {
    let mut random = Rng::with_seed(seed);
    database
        .run(
            "DROP TABLE IF EXISTS t; \
             CREATE TABLE t (a int, b text, n numeric(12,1), note text, PRIMARY KEY (a, b)); \
             INSERT INTO t SELECT g, 'k' || g, g, repeat('note', 20) FROM generate_series(0, 199) g; ANALYZE t",
        )
        .await;
    let source = database.source(&json!({"table": "t", "chunks": 3, "incremental": {}}));
    let mut runs = Runs::new(database.secrets(), source);
    runs.settings = Settings {
        part_bytes: 3_000,
        ..Settings::default()
    };
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        writers.push(Writer::new(database, number, 200 / WRITERS).await);
    }
    let mut from_changes = 0;
    for round in 0..=ROUNDS {
        let (mut of_writers, mut of_run) = (random.fork(), random.fork());
        steps(&mut writers, &mut of_writers, random.usize(0..20)).await;
        let is_last = round == ROUNDS;
        if is_last {
            for writer in &mut writers {
                writer.end("COMMIT").await;
            }
        }
        let mut plan = Box::pin(runs.plan()).await.unwrap();
        small_pages(&mut plan, &mut random);
        lake::documents::write(&runs.store, &plan.keys().plan(), &plan)
            .await
            .unwrap();
        from_changes += usize::from(base(&plan).is_some());
        let is_alone = is_last || random.bool();
        let meanwhile = if is_alone { 0 } else { random.usize(1..30) };
        tokio::join!(
            export_in_pieces(&runs, &plan, &mut of_run),
            steps(&mut writers, &mut of_writers, meanwhile)
        );
        // A run that fails behind its export is no base.
        if is_last || random.u8(0..5) > 0 {
            runs.end(&plan).await;
        }
        if is_alone {
            let (found, expected) = (items(&runs.store, &plan).await, table(database).await);
            let (found, expected) = (counted(found), counted(expected));
            assert!(
                found == expected,
                "seed {seed}, round {round}: {:?} and {:?}",
                found.iter().find(|it| expected.get(it.0) != Some(it.1)),
                expected.iter().find(|it| found.get(it.0) != Some(it.1)),
            );
        }
    }
    from_changes
}

#[tokio::test]
async fn whatever_was_open_while_a_run_read_is_in_a_later_one() {
    let number = |name: &str, default| {
        let value = std::env::var(name).ok();
        value.map_or(default, |text| text.parse::<u64>().unwrap())
    };
    let first = number("MILLRACE_FAULT_FIRST_SEED", 1);
    let seeds = number("MILLRACE_FAULT_SEEDS", SEEDS);
    let database = Database::with("histories", "SELECT 1").await;
    let mut from_changes = 0;
    for seed in first..first + seeds {
        from_changes += Box::pin(history(&database, seed)).await;
    }
    assert!(
        from_changes > usize::try_from(seeds).unwrap(),
        "{from_changes}"
    );
}

const ORDERS: &str = "
    CREATE TABLE t (a int, b text, n numeric(12,1), note text, PRIMARY KEY (a, b));
    INSERT INTO t SELECT g, 'k' || g, g, 'note' FROM generate_series(1, 1000) g; ANALYZE t;";

#[tokio::test]
async fn only_changed_rows_are_read_and_deleted_ones_stay_until_a_full_read() {
    let database = Database::with("changes_alone", ORDERS).await;
    let source = database.source(&json!({"table": "t", "chunks": 4, "incremental": {}}));
    let mut runs = Runs::new(database.secrets(), source);
    let (plan, _) = runs.run().await;
    assert_eq!(base(&plan), None);
    assert!(
        plan.reason
            .contains("all rows: no run of the pipeline has ended well"),
        "{}",
        plan.reason
    );
    // The second position begins behind the first run's own transactions.
    database
        .run("UPDATE t SET n = 0 WHERE a IN (7, 700); INSERT INTO t VALUES (2000, 'k', 1, NULL); DELETE FROM t WHERE a = 9")
        .await;
    let plan = Box::pin(runs.plan()).await.unwrap();
    let first = plan.reason.clone();
    assert!(first.contains("rows that changed since run 20"), "{first}");
    assert!(first.contains("in its 4 ranges"), "{first}");
    let warned = plan.warnings();
    assert!(warned.iter().any(|it| it.contains("deleted")), "{warned:?}");
    runs.export(&plan).await;
    let record = runs.end(&plan).await;
    let snapshots = record.snapshots.unwrap();
    assert_eq!((snapshots.rows, snapshots.count), (3, 4));
    assert_eq!(snapshots.compared, ["count", "a", "n"]);
    let found = items(&runs.store, &plan).await;
    assert_eq!(found.len(), 1001);
    assert_eq!(found.iter().filter(|it| it["n"]["N"] == "0.0").count(), 2);
    assert_eq!(found.iter().filter(|it| it["a"]["N"] == "9").count(), 1);
    // After its days the whole table is read again.
    let source = database.source(&json!({"table": "t", "incremental": {"fullEveryDays": 1}}));
    let mut old = Runs::new(database.secrets(), source);
    old.first -= jiff::SignedDuration::from_hours(25);
    let (plan, _) = old.run().await;
    assert_eq!(base(&plan), None);
    let (plan, found) = old.run().await;
    assert!(plan.reason.contains("is 1 days old"), "{}", plan.reason);
    assert_eq!(found.len(), 1000);
}

#[tokio::test]
async fn a_base_that_is_not_the_tables_past_is_not_taken() {
    let database = Database::with("other_past", ORDERS).await;
    let source = database.source(&json!({"table": "t", "incremental": {}}));
    for (sql, change, says) in [
        (
            "ALTER TABLE t ADD d int DEFAULT 7",
            json!({}),
            "the table's columns or its storage changed",
        ),
        (
            // The old rows have the new value without any change of theirs.
            "ALTER TABLE t DROP d, ADD d int DEFAULT 8",
            json!({}),
            "the table's columns or its storage changed",
        ),
        ("", json!({"columns": ["n"]}), "other columns are read"),
        (
            "",
            json!({"consistency": "strict"}),
            "the consistency is another",
        ),
        (
            "CREATE TABLE u (a int PRIMARY KEY); INSERT INTO u VALUES (1)",
            json!({"table": "u"}),
            "the source is another",
        ),
    ] {
        let mut runs = Runs::new(database.secrets(), source.clone());
        runs.run().await;
        if !sql.is_empty() {
            database.run(sql).await;
        }
        for (field, value) in change.as_object().unwrap() {
            runs.source[field] = value.clone();
        }
        let plan = Box::pin(runs.plan()).await.unwrap();
        assert_eq!(base(&plan), None, "{sql} {change}");
        assert!(plan.reason.contains(says), "{}", plan.reason);
    }
    // Rows of a partition that is attached were changed before.
    database
        .run(
            "CREATE TABLE p (a int PRIMARY KEY) PARTITION BY RANGE (a); \
             CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); INSERT INTO p VALUES (1); \
             CREATE TABLE p2 (a int PRIMARY KEY); INSERT INTO p2 VALUES (11)",
        )
        .await;
    let mut runs = Runs::new(database.secrets(), source.clone());
    runs.source["table"] = json!("p");
    runs.run().await;
    let (plan, _) = runs.run().await;
    assert!(base(&plan).is_some(), "{}", plan.reason);
    database
        .run("ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (10) TO (20)")
        .await;
    let (plan, found) = runs.run().await;
    assert_eq!((base(&plan), found.len()), (None, 2), "{}", plan.reason);
    // A label that is renamed is another text in rows that did not change.
    database
        .run(
            "CREATE TYPE mood AS ENUM ('good', 'bad'); \
             CREATE DOMAIN feeling AS mood; CREATE TYPE pair AS (one feeling, other mood[]); \
             CREATE TABLE e (a int PRIMARY KEY, m mood); INSERT INTO e VALUES (1, 'bad'); \
             CREATE TABLE many (a int PRIMARY KEY, m mood[]); INSERT INTO many VALUES (1, '{bad}'); \
             CREATE TABLE domains (a int PRIMARY KEY, m feeling); INSERT INTO domains VALUES (1, 'bad'); \
             CREATE TABLE pairs (a int PRIMARY KEY, m pair); INSERT INTO pairs VALUES (1, ('bad', '{bad}'))",
        )
        .await;
    let mut all = Vec::new();
    for (table, text) in [
        ("e", "poor"),
        ("many", "{poor}"),
        ("domains", "poor"),
        ("pairs", "(poor,{poor})"),
    ] {
        let mut runs = Runs::new(database.secrets(), source.clone());
        runs.source["table"] = json!(table);
        runs.run().await;
        all.push((runs, text));
    }
    database
        .run("ALTER TYPE mood RENAME VALUE 'bad' TO 'poor'")
        .await;
    for (runs, text) in &mut all {
        let (plan, found) = runs.run().await;
        assert_eq!(base(&plan), None, "{text}: {}", plan.reason);
        assert_eq!(found[0]["m"]["S"], *text);
    }
    // A part of the base that is gone.
    let mut runs = Runs::new(database.secrets(), source);
    runs.run().await;
    let (plan, _) = runs.run().await;
    assert!(base(&plan).is_some());
    let part = runs.store.list(&plan.keys().segments()).await.unwrap();
    let part = part.iter().find(|it| it.key.contains("part-")).unwrap();
    runs.store.delete(&part.key).await.unwrap();
    let plan = Box::pin(runs.plan()).await.unwrap();
    assert!(plan.reason.contains("are gone"), "{}", plan.reason);
}

#[tokio::test]
async fn what_cannot_be_merged_or_told_is_refused() {
    let tables = "
        CREATE TABLE t (a int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1);
        CREATE TABLE unkeyed (a int); INSERT INTO unkeyed VALUES (1);
        CREATE TABLE nullable (a int UNIQUE); INSERT INTO nullable VALUES (1);
        CREATE VIEW v AS TABLE t;
        CREATE TABLE parent (a int PRIMARY KEY); INSERT INTO parent VALUES (1);
        CREATE TABLE child () INHERITS (parent); INSERT INTO child VALUES (1);
        CREATE ROLE column_reader LOGIN PASSWORD 'part'; GRANT SELECT (a, n) ON t TO column_reader;
        CREATE TABLE policed (a int PRIMARY KEY); INSERT INTO policed VALUES (1);
        ALTER TABLE policed ENABLE ROW LEVEL SECURITY; GRANT SELECT ON policed TO column_reader;";
    let database = Database::with("not_told", tables).await;
    let owner = ("postgres", database.server.postgres.password.clone());
    let reader = ("column_reader", "part".to_owned());
    for ((user, password), table, name, says) in [
        (
            &owner,
            "unkeyed",
            ErrorName::InvalidDefinition,
            "unkeyed has no unique key without NULL",
        ),
        (
            &owner,
            "nullable",
            ErrorName::InvalidDefinition,
            "nullable has no unique key without NULL",
        ),
        (
            &owner,
            "v",
            ErrorName::InvalidDefinition,
            "v has no unique key without NULL",
        ),
        (
            &owner,
            "parent",
            ErrorName::InvalidDefinition,
            "other tables inherit from it",
        ),
        (
            &reader,
            "policed",
            ErrorName::InvalidDefinition,
            "row-level security hides rows",
        ),
        (
            &reader,
            "t",
            ErrorName::SourcePermissionDenied,
            "permission denied for table t",
        ),
    ] {
        let secrets = database.secrets_of(user, password);
        let source = database.source(&json!({"table": table, "incremental": {}}));
        let error = Box::pin(Runs::new(secrets, source).plan())
            .await
            .unwrap_err();
        assert_eq!(error.name(), name, "{table}: {}", chain(&error));
        assert!(chain(&error).contains(says), "{table}: {}", chain(&error));
    }
}

#[tokio::test]
async fn a_base_that_goes_or_is_damaged_meanwhile_ends_the_run() {
    let database = Database::with("damaged_base", ORDERS).await;
    let source = database.source(&json!({"table": "t", "incremental": {}}));
    for (is_gone, name) in [
        (true, ErrorName::NotFound),
        (false, ErrorName::DatasetInvalid),
    ] {
        let mut runs = Runs::new(database.secrets(), source.clone());
        runs.settings.compression_level = None;
        let (first, _) = runs.run().await;
        let plan = Box::pin(runs.plan()).await.unwrap();
        let listed = runs.store.list(&first.keys().segments()).await.unwrap();
        let part = &listed
            .iter()
            .find(|it| it.key.contains("part-"))
            .unwrap()
            .key;
        let body = runs.store.get(part).await.unwrap();
        if is_gone {
            runs.store.delete(part).await.unwrap();
        } else {
            let text = String::from_utf8(body.to_vec()).unwrap();
            let other = text.replacen("\"k5\"", "\"k6\"", 1);
            runs.store.put(part, other.into()).await.unwrap();
        }
        let (drivers, time) = (Drivers::AT_ONCE, Duration::from_mins(10));
        let exported = export(
            &runs.store,
            &drivers,
            &runs.secrets,
            &plan,
            runs.settings,
            time,
        );
        let error = Box::pin(exported).await.unwrap_err();
        assert_eq!(error.name(), name, "{}", chain(&error));
        let whole = lake::segment::manifest::<Value>(&runs.store, &plan.keys(), 0).await;
        assert!(whole.unwrap().is_none());
    }
}
