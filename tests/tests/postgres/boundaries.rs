//! The union of the chunks is the table, each row once, whatever the key.

use crate::export::{export, items, plan};
use crate::server::Database;
use database::Drivers;
use export_sql_range::Settings;
use lake::MemoryStore;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// A table's columns and key, and what fills `n` rows of it.
struct Shape {
    name: &'static str,
    columns: &'static str,
    /// A SELECT of so many rows with random keys, by `n`.
    rows: &'static str,
}

const SHAPES: [Shape; 9] = [
    Shape {
        name: "serial",
        columns: "id bigint PRIMARY KEY",
        rows: "SELECT g FROM generate_series(1, {n}) g",
    },
    Shape {
        name: "sparse_integers",
        columns: "id int PRIMARY KEY",
        rows: "SELECT DISTINCT (random() * 2e9 - 1e9)::int FROM generate_series(1, {n}) g",
    },
    Shape {
        name: "uuids",
        columns: "id uuid PRIMARY KEY",
        rows: "SELECT gen_random_uuid() FROM generate_series(1, {n}) g",
    },
    Shape {
        name: "texts",
        columns: "id text PRIMARY KEY",
        rows: "SELECT DISTINCT repeat(chr((65 + random() * 60)::int), (random() * 4)::int) || E'\\'\\\\\\t' || g \
               FROM generate_series(1, {n}) g",
    },
    Shape {
        name: "composite",
        columns: "a int, b text, c numeric(6,3), PRIMARY KEY (a, b, c)",
        rows: "SELECT DISTINCT (random() * 3)::int, chr((97 + random() * 4)::int), (random() * 9)::numeric(6,3) \
               FROM generate_series(1, {n}) g",
    },
    Shape {
        name: "moments",
        columns: "at timestamptz, n int, PRIMARY KEY (at, n)",
        rows: "SELECT '2024-01-01'::timestamptz + (random() * 1e6)::int * interval '1 microsecond', g \
               FROM generate_series(1, {n}) g",
    },
    Shape {
        name: "with_null",
        columns: "id int UNIQUE, n int",
        rows: "SELECT CASE WHEN g % 7 = 0 THEN NULL ELSE g END, g FROM generate_series(1, {n}) g",
    },
    Shape {
        name: "no_key",
        columns: "n int",
        rows: "SELECT (random() * 5)::int FROM generate_series(1, {n}) g",
    },
    Shape {
        name: "floats",
        columns: "id float8 PRIMARY KEY",
        rows: "SELECT DISTINCT random() * 10 ^ (random() * 40 - 20) FROM generate_series(1, {n}) g",
    },
];

/// How often each line comes.
pub fn counted(lines: impl Iterator<Item = String>) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for line in lines {
        *counts.entry(line).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn the_union_of_the_chunks_is_the_table() {
    let database = Database::with("boundaries", "SELECT 1").await;
    let (drivers, secrets) = (Drivers::AT_ONCE, database.secrets());
    let mut several = 0;
    for Shape {
        name,
        columns,
        rows,
    } in SHAPES
    {
        for count in [1, 2, 150] {
            for chunks in [1, 9] {
                let table = format!("{name}_{count}_{chunks}");
                let fill = rows.replace("{n}", &count.to_string());
                database
                    .run(&format!(
                        "CREATE TABLE {table} ({columns}); INSERT INTO {table} {fill}; ANALYZE {table}"
                    ))
                    .await;
                let store = MemoryStore::new();
                let source = database.source(&json!({"table": table, "chunks": chunks}));
                let mut planned = plan(&store, &drivers, &secrets, source).await.unwrap();
                several += u32::from(planned.segments > 2);
                smaller_pages(&store, &mut planned).await;
                export(
                    &store,
                    &drivers,
                    &secrets,
                    &planned,
                    Settings::default(),
                    LONG,
                )
                .await
                .unwrap();
                let items = items(&store, &planned).await;
                let found = counted(items.iter().map(text_of));
                let all = format!("SET timezone = 'UTC'; SELECT * FROM {table}");
                let all = database.rows(&all).await;
                let expected = counted(all.iter().map(|row| text_of_row(row)));
                assert!(found == expected, "{table}: {}", planned.reason);
            }
        }
    }
    assert!(several > 6, "only {several} tables had several chunks");
}

const LONG: Duration = Duration::from_mins(10);

/// Makes the pages of a plan so small that a chunk has many.
pub async fn smaller_pages(store: &MemoryStore, plan: &mut lake::records::Plan) {
    let Some(lake::records::SourcePlan::Sql(of_table)) = &mut plan.source else {
        panic!("the source is a database");
    };
    of_table.page_rows = 5;
    lake::documents::write(store, &plan.keys().plan(), &*plan)
        .await
        .unwrap();
}

/// An item's values as text.
pub fn text_of(item: &Value) -> String {
    let value = |value: &Value| {
        let of = value.as_object().unwrap().values().next().unwrap();
        match of {
            Value::Bool(_) => "NULL".to_owned(),
            other => other.as_str().unwrap().to_owned(),
        }
    };
    let all: Vec<_> = item.as_object().unwrap().values().map(value).collect();
    all.join("|")
}

/// The same of a row as the database writes it.
pub fn text_of_row(row: &[Option<String>]) -> String {
    let value = |value: &Option<String>| match value {
        None => "NULL".to_owned(),
        Some(text) => match text.strip_suffix("+00") {
            Some(moment) => format!("{}Z", moment.replacen(' ', "T", 1)),
            None => text.clone(),
        },
    };
    row.iter().map(value).collect::<Vec<_>>().join("|")
}
