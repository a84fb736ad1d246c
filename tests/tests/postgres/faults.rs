//! A table that is read while connections break at any byte, sessions are ended, attempts overlap and
//! rows change: nothing is lost or doubled.
//!
//! `MILLRACE_FAULT_SEEDS` and `MILLRACE_FAULT_FIRST_SEED` choose other seeds.

use crate::export::{invocation, items, plan};
use crate::server::{Database, SECRET};
use contract::states::{ExportSegmentInput, Status};
use contract::{ErrorName, Named, chain};
use database::Drivers;
use export_sql_range::Settings;
use fastrand::Rng;
use lake::MemoryStore;
use lake::records::{Plan, SourcePlan};
use serde_json::json;
use sql_source::{Databases, MemorySecrets};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const ROWS: usize = 300;
const SEEDS: u64 = 6;

/// A proxy that breaks connections.
struct Faulty {
    port: u16,
    accepting: JoinHandle<()>,
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Faulty {
    /// In front of the server on `behind`. Every other connection, about, ends after some bytes.
    async fn start(behind: u16, mut random: Rng) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let most = random.bool().then(|| random.usize(1..30_000));
                tokio::spawn(pass_on(client, behind, most.unwrap_or(usize::MAX)));
            }
        });
        Self { port, accepting }
    }
}

/// Passes on `most` bytes of the server's, then hangs up.
async fn pass_on(client: TcpStream, behind: u16, most: usize) -> std::io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", behind)).await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let mut left = most;
    let mut buffer = [0; 4096];
    while left > 0 {
        let read = from_server.read(&mut buffer).await?;
        if read == 0 {
            break;
        }
        let passed = read.min(left);
        to_client.write_all(&buffer[..passed]).await?;
        left -= passed;
    }
    up.abort();
    Ok(())
}

/// One call of the function for a task; whether the task is done.
async fn call(
    store: &MemoryStore,
    secrets: &MemorySecrets,
    plan: &Plan,
    task: usize,
    left: Duration,
) -> bool {
    let input = ExportSegmentInput {
        pipeline: plan.definition.pipeline.clone(),
        run: plan.run.clone(),
        task: plan.tasks[task],
    };
    let settings = Settings {
        // A few pages a part.
        part_bytes: 2_000,
        ..Settings::default()
    };
    let drivers = Drivers::AT_ONCE;
    let time = invocation(left);
    let called = export_sql_range::handle(store, &drivers, secrets, settings, input, time);
    match Box::pin(called).await {
        Ok(output) => output.status == Status::Done,
        Err(error) => {
            let is_passing = [
                ErrorName::ServiceUnavailable,
                ErrorName::SourceUnreachable,
                ErrorName::Throttled,
            ];
            assert!(is_passing.contains(&error.name()), "{}", chain(&error));
            false
        }
    }
}

async fn trial(database: &Database, seed: u64) {
    let mut random = Rng::with_seed(seed);
    let table = format!("t{seed}");
    database
        .run(&format!(
            "CREATE TABLE {table} (a int, b uuid DEFAULT gen_random_uuid(), n numeric(9,3), x text, PRIMARY KEY (a, b)); \
             INSERT INTO {table} SELECT (random() * 40)::int, gen_random_uuid(), g, repeat('x', 100) \
             FROM generate_series(1, {ROWS}) g; ANALYZE {table}"
        ))
        .await;
    let store = MemoryStore::new();
    let straight = database.secrets();
    let source = database.source(&json!({"table": table, "chunks": 3}));
    let mut plan = plan(&store, &Drivers::AT_ONCE, &straight, source)
        .await
        .unwrap();
    let Some(SourcePlan::Sql(of_table)) = &mut plan.source else {
        panic!("the source is a database");
    };
    of_table.page_rows = random.u32(1..40);
    lake::documents::write(&store, &plan.keys().plan(), &plan)
        .await
        .unwrap();

    let faulty = Faulty::start(database.server.postgres.port, random.fork()).await;
    let mut secret: serde_json::Value = serde_json::from_str(&database.server.postgres.secret(
        "postgres",
        &database.server.postgres.password,
        &database.name,
    ))
    .unwrap();
    secret["port"] = json!(faulty.port);
    let secrets = MemorySecrets::new().with(SECRET, &[&secret.to_string()]);
    let mut calls = 0;
    for task in 0..plan.tasks.len() {
        loop {
            calls += 1;
            assert!(calls < 1000, "seed {seed} does not end");
            let left = [Duration::ZERO, Duration::from_mins(10)][random.usize(0..2)];
            match random.u8(0..4) {
                0 => {
                    let twins = tokio::join!(
                        call(&store, &secrets, &plan, task, left),
                        call(&store, &secrets, &plan, task, left)
                    );
                    if twins.0 || twins.1 {
                        break;
                    }
                }
                1 => {
                    let ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                                WHERE application_name = 'millrace' AND pid <> pg_backend_pid() \
                                AND datname = current_database()";
                    let ended = async {
                        tokio::time::sleep(Duration::from_millis(random.u64(0..60))).await;
                        // Sessions of other seeds end as well, which is one fault more for them.
                        let _ = database.try_rows(ends).await;
                    };
                    if tokio::join!(call(&store, &secrets, &plan, task, left), ended).0 {
                        break;
                    }
                }
                2 => {
                    let change = format!("UPDATE {table} SET n = n + 1, x = x || 'y'");
                    let changed = database.try_rows(&change);
                    if tokio::join!(call(&store, &secrets, &plan, task, left), changed).0 {
                        break;
                    }
                }
                _ => {
                    if call(&store, &secrets, &plan, task, left).await {
                        break;
                    }
                }
            }
        }
    }
    let mut found: BTreeMap<String, u32> = BTreeMap::new();
    for item in items(&store, &plan).await {
        let key = format!("{}|{}", item["a"]["N"], item["b"]["S"]);
        *found.entry(key).or_default() += 1;
    }
    let all = database.rows(&format!("SELECT a, b FROM {table}")).await;
    let key = |row: &Vec<Option<String>>| {
        format!(
            "{:?}|{:?}",
            row[0].as_ref().unwrap(),
            row[1].as_ref().unwrap()
        )
    };
    let expected: BTreeMap<String, u32> = all.iter().map(|row| (key(row), 1)).collect();
    assert_eq!(expected.len(), ROWS);
    assert!(found == expected, "seed {seed}: rows are lost or doubled");
    database.run(&format!("DROP TABLE {table}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_whatever_breaks() {
    let number = |name: &str, default| {
        let value = std::env::var(name).ok();
        value.map_or(default, |text| text.parse::<u64>().unwrap())
    };
    let first = number("MILLRACE_FAULT_FIRST_SEED", 1);
    let seeds = number("MILLRACE_FAULT_SEEDS", SEEDS);
    let database = Database::with("faults", "SELECT 1").await;
    for seed in first..first + seeds {
        Box::pin(trial(&database, seed)).await;
    }
}

#[tokio::test]
async fn a_server_that_refuses_is_asked_again_as_long_as_patience_lasts() {
    let database = Database::with("patience", "SELECT 1").await;
    let mut login = database.server.login(&database.name);
    let behind = login.port;
    login.port = sagemaker_local::port::reserve().unwrap();
    let refused = Drivers::AT_ONCE.connect(&login).await.unwrap_err();
    assert_eq!(refused.name, ErrorName::SourceUnreachable, "{refused}");
    let port = login.port;
    let after_a_while = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let (client, _) = listener.accept().await.unwrap();
        tokio::spawn(pass_on(client, behind, usize::MAX));
    };
    let patient = Drivers::patient(Duration::from_secs(30));
    let (connected, ()) = tokio::join!(patient.connect(&login), after_a_while);
    connected.unwrap();
}
