//! After a failover the host's name stands for another address, which is found.

use crate::export::{invocation, items, plan};
use crate::failover::Machines;
use crate::server::Database;
use contract::states::{ExportSegmentInput, Status};
use contract::{ErrorName, Named, chain};
use export_sql_range::Settings;
use lake::MemoryStore;
use lake::records::{Plan, SourcePlan};
use serde_json::json;
use std::time::Duration;

const HOST: &str = "localhost";

/// A plan of one chunk in so many pages that a failover finds it at work.
async fn planned(database: &Database, machines: &Machines, store: &MemoryStore) -> Plan {
    let change =
        json!({"table": "orders", "host": HOST, "port": machines.port, "maxRowsPerSecond": 300});
    let source = database.source(&change);
    let drivers = machines.drivers(Duration::ZERO);
    let plan = plan(store, &drivers, &database.secrets(), source).await;
    let mut plan = plan.unwrap();
    let Some(SourcePlan::Sql(of_table)) = &mut plan.source else {
        panic!("the source is a database");
    };
    of_table.page_rows = 10;
    lake::documents::write(store, &plan.keys().plan(), &plan)
        .await
        .unwrap();
    plan
}

#[tokio::test]
async fn after_a_failover_the_name_is_resolved_anew_and_the_new_address_read() {
    let database = Database::moving().await;
    let machines = Machines::start(database.port(), HOST).await;
    let (store, secrets) = (MemoryStore::new(), database.secrets());
    let plan = planned(&database, &machines, &store).await;
    let before = machines.dns.asked();
    assert_eq!(
        (machines.accepted()[0], machines.accepted()[1]),
        (before, 0)
    );
    let patient = machines.drivers(Duration::from_secs(20));
    let persist = async {
        let mut lost = 0;
        loop {
            let input = ExportSegmentInput {
                pipeline: plan.definition.pipeline.clone(),
                run: plan.run.clone(),
                task: plan.tasks[0],
            };
            let time = invocation(Duration::from_mins(5));
            let settings = Settings::default();
            let called =
                export_sql_range::handle(&store, &patient, &secrets, settings, input, time);
            match Box::pin(called).await {
                Ok(output) if output.status == Status::Done => return lost,
                Ok(_) => {}
                Err(error) => {
                    let name = error.name();
                    assert_eq!(name, ErrorName::ServiceUnavailable, "{}", chain(&error));
                    lost += 1;
                }
            }
            assert!(lost < 5, "it does not end");
        }
    };
    let failover = async {
        // It reads; nothing of it is committed yet.
        for _ in 0..4000 {
            if database.is_paging().await {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // For a while the name still stands for a machine that refuses.
        machines.fail_over(Duration::from_secs(1)).await;
    };
    let (lost, ()) = tokio::join!(persist, failover);
    assert_eq!(lost, 1, "the failover found it at work");
    // Once for the connection that was lost, at least once in vain, and once for the other machine.
    assert!(
        machines.dns.asked() >= before + 3,
        "{}",
        machines.dns.asked()
    );
    assert_eq!(machines.accepted(), [before + 1, 1]);
    let items = items(&store, &plan).await;
    let ids = items.iter().map(|item| item["id"]["N"].as_str().unwrap());
    let ids: Vec<usize> = ids.map(|id| id.parse().unwrap()).collect();
    assert_eq!(ids, (1..=1000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_plan_finds_the_new_address_within_its_patience() {
    let database = Database::moving().await;
    let machines = Machines::start(database.port(), HOST).await;
    let secrets = database.secrets();
    let source = database.source(&json!({"table": "orders", "host": HOST, "port": machines.port}));
    let patient = machines.drivers(Duration::from_secs(20));
    let (store, at_once) = (MemoryStore::new(), machines.drivers(Duration::ZERO));
    let (planned, ()) = tokio::join!(
        async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let refused = plan(&store, &at_once, &secrets, source.clone()).await;
            let name = refused.unwrap_err().name();
            assert_eq!(name, ErrorName::SourceUnreachable);
            plan(&store, &patient, &secrets, source).await
        },
        machines.fail_over(Duration::from_secs(1))
    );
    planned.unwrap();
    assert_eq!(machines.accepted(), [0, 1]);
}
