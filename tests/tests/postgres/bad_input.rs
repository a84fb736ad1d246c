//! What cannot be exported: one line each that says what, where, and what to do.

use crate::export::{export, items, plan, plan_of};
use crate::server::{Database, SECRET};
use contract::{ErrorName, Named, chain};
use database::Drivers;
use export_sql_range::Settings;
use lake::MemoryStore;
use serde_json::{Value, json};
use sql_source::MemorySecrets;
use std::time::Duration;

const TABLES: &str = "
    CREATE TABLE orders (id int PRIMARY KEY, code text UNIQUE NOT NULL, price numeric(9,2), secret text);
    INSERT INTO orders SELECT n, 'c' || n, n, 's' FROM generate_series(1, 50) n;
    CREATE TABLE empty (id int PRIMARY KEY);
    CREATE VIEW recent AS SELECT id, price FROM orders WHERE id > 40;
    CREATE ROLE part_reader LOGIN PASSWORD 'part';
    GRANT SELECT (id, code, price) ON orders TO part_reader;";

async fn refused(
    database: &Database,
    secrets: &MemorySecrets,
    change: Value,
) -> (ErrorName, String) {
    let store = MemoryStore::new();
    let source = database.source(&change);
    let error = plan(&store, &Drivers::AT_ONCE, secrets, source)
        .await
        .unwrap_err();
    (error.name(), chain(&error))
}

#[tokio::test]
async fn each_is_one_line_with_its_name() {
    let database = Database::with("bad_input", TABLES).await;
    let good = database.secrets();
    for (change, name, says) in [
        (
            json!({"table": "order"}),
            ErrorName::SourceObjectMissing,
            "relation \"public.order\" does not exist",
        ),
        (
            json!({"table": "nowhere.orders"}),
            ErrorName::SourceObjectMissing,
            "relation \"nowhere.orders\" does not exist",
        ),
        (
            json!({"table": "orders", "columns": ["id", "prise"]}),
            ErrorName::SourceObjectMissing,
            "orders has no column `prise` (it has: `id`, `code`, `price`, `secret`)",
        ),
        (
            json!({"table": "orders", "splitBy": "price"}),
            ErrorName::InvalidDefinition,
            "source.sql.splitBy: \"price\" is not the leading column of a unique index of orders; use one of \
             `id`, `code`",
        ),
        (
            json!({"table": "empty"}),
            ErrorName::TableEmpty,
            "empty holds no rows",
        ),
        (
            json!({"table": "orders", "where": "price >"}),
            ErrorName::InvalidDefinition,
            "syntax error",
        ),
        (
            json!({"query": "SELECT id, id FROM orders"}),
            ErrorName::SourceTypeUnsupported,
            "give every column of the query one",
        ),
        (
            json!({"table": "orders", "host": "no-such-host.invalid"}),
            ErrorName::SourceUnreachable,
            "has no address",
        ),
        (
            json!({"table": "orders", "port": 1}),
            ErrorName::SourceUnreachable,
            "refused",
        ),
        (
            json!({"table": "orders", "database": "nothing"}),
            ErrorName::SourceLoginFailed,
            "database \"nothing\" does not exist",
        ),
        (
            json!({"table": "orders", "certificateAuthorities": null}),
            ErrorName::SourceCertificateRefused,
            "source.sql.certificateAuthorities",
        ),
        (
            json!({"table": "orders", "secret": "other"}),
            ErrorName::NotFound,
            "can't find the specified secret",
        ),
    ] {
        let (found, message) = refused(&database, &good, change.clone()).await;
        assert_eq!(found, name, "{change}: {message}");
        assert!(message.contains(says), "{change}: {message}");
        assert!(!message.contains('\n') && message.len() < 600, "{message}");
    }
    let reader = database.secrets_of("part_reader", "part");
    let (name, message) = refused(&database, &reader, json!({"table": "orders"})).await;
    assert_eq!(name, ErrorName::SourcePermissionDenied, "{message}");
    assert!(
        message.contains("may not read `secret` of orders"),
        "{message}"
    );
    // A password whose time is over: the secret is read once more, in vain.
    database
        .run("CREATE ROLE late_reader LOGIN PASSWORD 'late' VALID UNTIL '2020-01-01'")
        .await;
    let late = database.secrets_of("late_reader", "late");
    let (name, message) = refused(&database, &late, json!({"table": "orders"})).await;
    assert_eq!(name, ErrorName::SourceLoginFailed, "{message}");
    let wrong = database.secrets_of("postgres", "wrong");
    let (name, message) = refused(&database, &wrong, json!({"table": "orders"})).await;
    assert_eq!(name, ErrorName::SourceLoginFailed, "{message}");
}

async fn read(database: &Database, secrets: &MemorySecrets, change: Value) -> Vec<Value> {
    let (store, drivers) = (MemoryStore::new(), Drivers::AT_ONCE);
    let source = database.source(&change);
    let plan = Box::pin(plan(&store, &drivers, secrets, source));
    let plan = plan.await.unwrap();
    let time = Duration::from_mins(5);
    let settings = Settings {
        // Parts of a row or two: what has no order is committed as a whole all the same.
        part_bytes: 100,
        ..Settings::default()
    };
    let exported = export(&store, &drivers, secrets, &plan, settings, time);
    Box::pin(exported).await.unwrap();
    items(&store, &plan).await
}

#[tokio::test]
async fn what_has_a_way_is_read() {
    let database = Database::with("ways", &TABLES.replace("part_reader", "some_reader")).await;
    let good = database.secrets();
    // A view has no key, and is one stream, which the plan says.
    let source = database.source(&json!({"table": "recent"}));
    let store = MemoryStore::new();
    let planned = plan(&store, &Drivers::AT_ONCE, &good, source)
        .await
        .unwrap();
    assert!(
        planned.reason.contains("one stream: no unique key"),
        "{}",
        planned.reason
    );
    let warnings = planned.warnings().join("\n");
    assert!(
        warnings.contains("recent has no unique key: it is read as one stream"),
        "{warnings}"
    );
    assert!(
        warnings.contains("the login may change recent"),
        "{warnings}"
    );
    assert_eq!(
        read(&database, &good, json!({"table": "recent"}))
            .await
            .len(),
        10
    );
    let query =
        json!({"query": "SELECT code, price * 2 AS twice FROM orders WHERE id <= 3 ORDER BY id"});
    let items = read(&database, &good, query).await;
    assert_eq!(
        items[2],
        json!({"code": {"S": "c3"}, "twice": {"N": "6.00"}})
    );
    let reader = database.secrets_of("some_reader", "part");
    let some = json!({"table": "orders", "columns": ["price"], "where": "id > 48 OR code = 'c1'"});
    let items = read(&database, &reader, some).await;
    assert_eq!(items.len(), 3);
    assert_eq!(items[0], json!({"id": {"N": "1"}, "price": {"N": "1.00"}}));
    // A secret that was rotated between two reads of it.
    let texts = ["wrong", &database.server.postgres.password].map(|password| {
        database
            .server
            .postgres
            .secret("postgres", password, &database.name)
    });
    let rotated = MemorySecrets::new().with(SECRET, &[&texts[0], &texts[1]]);
    assert_eq!(
        read(&database, &rotated, json!({"table": "recent"}))
            .await
            .len(),
        10
    );
    for consistency in ["strict", "readCommitted"] {
        let items = read(
            &database,
            &good,
            json!({"table": "orders", "consistency": consistency}),
        )
        .await;
        assert_eq!(items.len(), 50, "{consistency}");
    }
}

#[tokio::test]
async fn a_path_that_the_table_does_not_have_is_found_before_it_is_read() {
    let database = Database::with("label", &TABLES.replace("part_reader", "label_reader")).await;
    let store = MemoryStore::new();
    for (dataset, says) in [
        (json!({"label": "prise"}), "`price`"),
        // Every other path is held against the columns too.
        (
            json!({"label": "price", "exclude": ["secrett"]}),
            "field `dataset.exclude[0]`: names `secrett`, which is no column that is read of orders; there are `id`, ",
        ),
    ] {
        let definition = json!({
            "source": {"sql": database.source(&json!({"table": "orders"}))},
            "dataset": dataset,
        });
        let error = plan_of(&store, &Drivers::AT_ONCE, &database.secrets(), definition).await;
        let error = error.unwrap_err();
        let message = chain(&error);
        assert_eq!(error.name(), ErrorName::AttributeMissing, "{message}");
        assert!(message.contains(says), "{message}");
    }
}

#[tokio::test]
async fn a_table_that_changes_between_plan_and_read_is_not_read() {
    let database = Database::with("changes", &TABLES.replace("part_reader", "change_reader")).await;
    let (drivers, secrets) = (Drivers::AT_ONCE, database.secrets());
    for (alter, says) in [
        (
            "ALTER COLUMN price TYPE double precision",
            "\"price\" was numeric(9,2) and is double precision",
        ),
        ("DROP COLUMN secret", "\"secret\" is gone"),
    ] {
        let store = MemoryStore::new();
        let source = database.source(&json!({"table": "orders"}));
        let plan = plan(&store, &drivers, &secrets, source).await.unwrap();
        let alter = format!("DROP VIEW IF EXISTS recent; ALTER TABLE orders {alter}");
        database.run(&alter).await;
        let time = Duration::from_mins(5);
        let read = export(&store, &drivers, &secrets, &plan, Settings::default(), time).await;
        let error = read.unwrap_err();
        assert_eq!(
            error.name(),
            ErrorName::SourceSchemaChanged,
            "{}",
            chain(&error)
        );
        assert!(chain(&error).contains(says), "{}", chain(&error));
    }
}
