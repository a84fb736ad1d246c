//! Connections that are cut and answers that are errors: whatever happens, called again the function
//! reads every row once.
//!
//! `MILLRACE_FAULT_SEEDS` and `MILLRACE_FAULT_FIRST_SEED` choose other seeds.

use crate::export::{invocation, items, plan};
use crate::failover::Machines;
use crate::server::{Database, SECRET};
use contract::states::{ExportSegmentInput, Status};
use contract::{ErrorName, Named, chain};
use database::Drivers;
use export_sql_range::Settings;
use lake::MemoryStore;
use lake::records::{Plan, SourcePlan};
use serde_json::json;
use sql_source::{Databases, MemorySecrets};
use sqlserver_local::{At, Config, Effect, Fault, Place};
use std::collections::BTreeMap;
use std::time::Duration;

const ROWS: i64 = 40;
const SEEDS: u64 = 60;

fn orders() -> Database {
    let rows: Vec<_> = (1..=ROWS)
        .map(|n| {
            vec![
                n.into(),
                format!("{n}.50").into(),
                format!("note {n}").into(),
            ]
        })
        .collect();
    let columns = [
        ("id", "bigint NOT NULL"),
        ("price", "decimal(9,2)"),
        ("note", "nvarchar(max)"),
    ];
    Database::with("orders", &columns, &["id"], &rows)
}

/// A plan of two chunks in pages of seven rows.
async fn planned(database: &Database, store: &MemoryStore, secrets: &MemorySecrets) -> Plan {
    let source = database.source(&json!({"table": "orders", "chunks": 2}));
    let mut plan = plan(store, &Drivers::AT_ONCE, secrets, source)
        .await
        .unwrap();
    let Some(SourcePlan::Sql(of_table)) = &mut plan.source else {
        panic!("the source is a database");
    };
    of_table.page_rows = 7;
    lake::documents::write(store, &plan.keys().plan(), &plan)
        .await
        .unwrap();
    plan
}

/// Calls the function until every task is done. Returns the names of the errors on the way.
async fn persist(store: &MemoryStore, secrets: &MemorySecrets, plan: &Plan) -> Vec<ErrorName> {
    persist_with(&Drivers::AT_ONCE, store, secrets, plan).await
}

/// The same with other drivers.
async fn persist_with(
    drivers: &impl Databases,
    store: &MemoryStore,
    secrets: &MemorySecrets,
    plan: &Plan,
) -> Vec<ErrorName> {
    let mut names = Vec::new();
    for task in &plan.tasks {
        for _ in 0..20 {
            let input = ExportSegmentInput {
                pipeline: plan.definition.pipeline.clone(),
                run: plan.run.clone(),
                task: *task,
            };
            let time = invocation(Duration::from_mins(5));
            let settings = Settings::default();
            match export_sql_range::handle(store, drivers, secrets, settings, input, time).await {
                Ok(output) if output.status == Status::Done => break,
                Ok(_) => {}
                Err(error) => {
                    let name = error.name();
                    assert!(
                        [
                            ErrorName::Throttled,
                            ErrorName::ServiceUnavailable,
                            ErrorName::SourceUnreachable
                        ]
                        .contains(&name),
                        "{name:?}: {}",
                        chain(&error)
                    );
                    names.push(name);
                }
            }
        }
    }
    names
}

async fn is_whole(store: &MemoryStore, plan: &Plan) -> bool {
    let items = items(store, plan).await;
    let ids: Vec<i64> = items
        .iter()
        .map(|item| item["id"]["N"].as_str().unwrap().parse().unwrap())
        .collect();
    ids == (1..=ROWS).collect::<Vec<_>>()
        && items.iter().all(|item| {
            let id = item["id"]["N"].as_str().unwrap();
            item["price"]["N"] == format!("{id}.50") && item["note"]["S"] == format!("note {id}")
        })
}

#[tokio::test]
async fn a_connection_that_is_cut_at_any_token_loses_and_doubles_nothing() {
    let database = orders();
    let secrets = database.secrets();
    // The columns, seven rows, the end; of the second page too; and behind them.
    for skip in 0..2 {
        for token in 0..10 {
            let store = MemoryStore::new();
            let plan = planned(&database, &store, &secrets).await;
            database.server.set_faults(vec![Fault {
                at: At::Query("FROM [dbo].[orders] WHERE".to_owned()),
                effect: Effect::Cut(Place::Token(token)),
                skip,
                times: 1,
            }]);
            let errors = persist(&store, &secrets, &plan).await;
            assert!(
                is_whole(&store, &plan).await,
                "token {token} of page {skip}"
            );
            assert_eq!(database.server.faults_left(), 0);
            assert!(errors.len() <= 1, "{errors:?}");
        }
    }
}

#[tokio::test]
async fn seeded_faults_lose_and_double_nothing() {
    let number = |name: &str, default| {
        let value = std::env::var(name).ok();
        value.map_or(default, |text| text.parse::<u64>().unwrap())
    };
    let first_seed = number("MILLRACE_FAULT_FIRST_SEED", 1);
    let seeds = number("MILLRACE_FAULT_SEEDS", SEEDS);
    let database = orders();
    let of = Config::default();
    let store = MemoryStore::new();
    let plan = planned(&database, &store, &database.secrets()).await;
    let machines = Machines::start(database.server.port(), "localhost").await;
    let drivers = machines.drivers(Duration::ZERO);
    let (mut struck, mut named) = (0, BTreeMap::<_, u32>::new());
    for seed in first_seed..first_seed + seeds {
        let mut random = fastrand::Rng::with_seed(seed);
        let store = MemoryStore::new();
        lake::documents::write(&store, &plan.keys().plan(), &plan)
            .await
            .unwrap();
        // In a quarter of them the password was rotated behind the secret's first reading.
        let is_rotated = random.u8(0..4) == 0;
        let password = format!("password {seed}");
        database.server.set_password(&of.user, &password);
        let [new, old] = [password.as_str(), "the old password"]
            .map(|password| Database::secret_at(machines.port, &of.user, password));
        let secrets = MemorySecrets::new();
        let secrets = if is_rotated {
            secrets.with(SECRET, &[&old, &new])
        } else {
            secrets.with(SECRET, &[&new])
        };
        let faults: Vec<_> = (0..random.u32(1..4)).map(|_| fault(&mut random)).collect();
        let count = faults.len();
        database.server.set_faults(faults.clone());
        let errors = match random.u8(0..6) {
            // Twins.
            0 => {
                let (one, other) = tokio::join!(
                    persist_with(&drivers, &store, &secrets, &plan),
                    persist_with(&drivers, &store, &secrets, &plan)
                );
                [one, other].concat()
            }
            // A failover: every connection ends at once, and the name has another address.
            1 => {
                let failover = async {
                    tokio::time::sleep(Duration::from_millis(random.u64(0..30))).await;
                    machines.fail_over(Duration::ZERO).await;
                };
                tokio::join!(persist_with(&drivers, &store, &secrets, &plan), failover).0
            }
            _ => persist_with(&drivers, &store, &secrets, &plan).await,
        };
        struck += count - database.server.faults_left();
        assert!(
            is_whole(&store, &plan).await,
            "seed {seed}: {faults:?}, {errors:?}"
        );
        for name in errors {
            *named.entry(format!("{name:?}")).or_default() += 1;
        }
    }
    println!("{seeds} seeds, {struck} faults struck, errors on the way: {named:?}");
    assert!(machines.accepted()[1] > 0, "{:?}", machines.accepted());
    assert!(
        struck > usize::try_from(seeds).unwrap() / 2,
        "only {struck} faults struck"
    );
}

fn fault(random: &mut fastrand::Rng) -> Fault {
    let places = [
        "FROM [dbo].[orders]",
        "COUNT_BIG",
        "BEGIN TRANSACTION",
        "COMMIT",
        "SET ",
        "sys.columns",
    ];
    let query = At::Query((*random.choice(places.iter()).unwrap()).to_owned());
    let error = |random: &mut fastrand::Rng| Effect::Error {
        number: *random
            .choice([1205, 1222, 40_613, 40_501, 3958].iter())
            .unwrap(),
        after_rows: random.u64(0..8),
    };
    let (at, effect) = match random.u32(0..7) {
        0 => (query, Effect::Cut(Place::Token(random.u64(0..12)))),
        1 => (query, Effect::Cut(Place::Byte(random.u64(0..600)))),
        2 => (
            At::Connection,
            Effect::Cut(Place::Byte(random.u64(0..2500))),
        ),
        3 => (At::Login, Effect::Cut(Place::Byte(random.u64(0..400)))),
        4 => {
            let stall = Effect::Stall {
                at: Place::Token(random.u64(0..12)),
                duration: Duration::from_millis(random.u64(1..30)),
            };
            (query, stall)
        }
        _ => (query, error(random)),
    };
    Fault {
        at,
        effect,
        skip: random.u32(0..8),
        times: 1,
    }
}

#[tokio::test]
async fn a_deadlock_and_a_lock_that_is_not_granted_are_tried_again() {
    let database = orders();
    let secrets = database.secrets();
    for number in [1205, 1222] {
        let store = MemoryStore::new();
        let plan = planned(&database, &store, &secrets).await;
        let effect = Effect::Error {
            number,
            after_rows: 3,
        };
        let query = At::Query("SELECT TOP".to_owned());
        database.server.set_faults(vec![Fault::once(query, effect)]);
        let errors = persist(&store, &secrets, &plan).await;
        assert!(errors.iter().all(|name| *name == ErrorName::Throttled));
        assert_eq!(database.server.faults_left(), 0);
        assert!(is_whole(&store, &plan).await, "{number}");
    }
}

#[tokio::test]
async fn rows_that_are_written_meanwhile_are_not_of_the_snapshot() {
    let database = orders();
    let secrets = database.secrets();
    let store = MemoryStore::new();
    let plan = planned(&database, &store, &secrets).await;
    // The second page waits: rows are written between the pages of one snapshot.
    database.server.set_faults(vec![Fault {
        at: At::Query("SELECT TOP".to_owned()),
        effect: Effect::Stall {
            at: Place::Token(0),
            duration: Duration::from_millis(300),
        },
        skip: 1,
        times: 1,
    }]);
    let write = async {
        while database.server.faults_left() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let row = vec![0.into(), "0.50".into(), "note 0".into()];
        database.server.insert("orders", &[row]).unwrap();
    };
    let (errors, ()) = tokio::join!(persist(&store, &secrets, &plan), write);
    assert!(errors.is_empty(), "{errors:?}");
    assert!(is_whole(&store, &plan).await);
}

#[tokio::test]
async fn two_attempts_at_once_commit_every_row_once() {
    let database = orders();
    let secrets = database.secrets();
    for _ in 0..5 {
        let store = MemoryStore::new();
        let plan = planned(&database, &store, &secrets).await;
        let twins = tokio::join!(
            persist(&store, &secrets, &plan),
            persist(&store, &secrets, &plan)
        );
        assert!(is_whole(&store, &plan).await, "{twins:?}");
    }
}

#[tokio::test]
async fn a_column_that_changes_after_the_plan_is_named() {
    let database = orders();
    let secrets = database.secrets();
    let store = MemoryStore::new();
    let plan = planned(&database, &store, &secrets).await;
    database.server.drop_table("orders").unwrap();
    let columns = [
        ("id", "bigint NOT NULL"),
        ("price", "decimal(12,4)"),
        ("note", "nvarchar(max)"),
    ];
    database.add("orders", &columns, &["id"], &[]);
    let input = ExportSegmentInput {
        pipeline: plan.definition.pipeline.clone(),
        run: plan.run.clone(),
        task: plan.tasks[0],
    };
    let time = invocation(Duration::from_mins(5));
    let settings = Settings::default();
    let drivers = Drivers::AT_ONCE;
    let result = export_sql_range::handle(&store, &drivers, &secrets, settings, input, time).await;
    let error = result.unwrap_err();
    let message = chain(&error);
    assert_eq!(error.name(), ErrorName::SourceSchemaChanged, "{message}");
    let says = "column \"price\" was decimal(9,2) and is decimal(12,4)";
    assert!(message.contains(says), "{message}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let database = orders();
    let secrets = database.secrets();
    let stall = Effect::Stall {
        at: Place::Byte(0),
        duration: Duration::from_secs(30),
    };
    let fault = Fault::once(At::Connection, stall);
    database.server.set_faults(vec![fault]);
    let source = database.source(&json!({"table": "orders"}));
    let store = MemoryStore::new();
    let begun = std::time::Instant::now();
    let error = plan(&store, &Drivers::AT_ONCE, &secrets, source)
        .await
        .unwrap_err();
    assert_eq!(
        error.name(),
        ErrorName::SourceUnreachable,
        "{}",
        chain(&error)
    );
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
}
