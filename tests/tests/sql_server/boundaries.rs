//! The union of the chunks is the table, each row once, whatever the key.

use crate::export::{export, items, plan};
use crate::server::Database;
use database::Drivers;
use export_sql_range::Settings;
use lake::MemoryStore;
use lake::records::{Plan, SourcePlan};
use serde_json::{Value, json};
use sqlserver_local::{Cell, Index, Table};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A table's columns, and the number of those that are its unique key.
pub struct Shape {
    pub name: &'static str,
    pub columns: &'static [(&'static str, &'static str)],
    pub key: usize,
    /// The values of the columns of row `n`, from random bits; `NULL` is NULL.
    pub row: fn(n: u64, random: u64) -> Vec<String>,
}

pub const SHAPES: [Shape; 12] = [
    Shape {
        name: "identity",
        columns: &[("id", "bigint NOT NULL")],
        key: 1,
        row: |n, _| vec![n.to_string()],
    },
    Shape {
        name: "sparse_integers",
        columns: &[("id", "int NOT NULL"), ("n", "bigint")],
        key: 1,
        row: |n, random| {
            vec![
                ((random % 4_000_000_000).cast_signed() - 2_000_000_000).to_string(),
                n.to_string(),
            ]
        },
    },
    Shape {
        name: "guids",
        columns: &[("id", "uniqueidentifier NOT NULL")],
        key: 1,
        row: |n, random| {
            let last = random.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ n;
            let (a, b) = (format!("{random:016X}"), format!("{last:016X}"));
            let parts = [&a[..8], &a[8..12], &a[12..], &b[..4], &b[4..]];
            vec![parts.join("-")]
        },
    },
    Shape {
        name: "texts",
        columns: &[("id", "nvarchar(40) NOT NULL")],
        key: 1,
        row: |n, random| {
            let letter = char::from_u32(65 + (random % 60) as u32).unwrap_or('x');
            vec![format!("{letter}'\\{n}")]
        },
    },
    Shape {
        name: "korean",
        columns: &[("id", "varchar(20) COLLATE Korean_Wansung_CI_AS NOT NULL")],
        key: 1,
        row: |n, _| vec![format!("한{n}")],
    },
    Shape {
        name: "binary_texts",
        columns: &[("id", "varchar(20) COLLATE Latin1_General_BIN2 NOT NULL")],
        key: 1,
        row: |n, random| vec![format!("{}{n}", if random & 1 == 0 { "a" } else { "A" })],
    },
    Shape {
        name: "composite",
        columns: &[
            ("a", "int NOT NULL"),
            ("b", "varchar(5) NOT NULL"),
            ("c", "decimal(9,3) NOT NULL"),
        ],
        key: 3,
        row: |_, random| {
            let b = ["x", "y", "z"][(random >> 8) as usize % 3];
            vec![
                (random % 3).to_string(),
                b.to_string(),
                format!("{}.{:03}", random % 5, random >> 16 & 511),
            ]
        },
    },
    Shape {
        name: "datetimes",
        columns: &[("at", "datetime NOT NULL"), ("n", "int NOT NULL")],
        key: 2,
        row: |n, random| {
            let at = format!(
                "2024-01-01T00:00:0{}.{:03}",
                random % 10,
                1 + (random >> 8 & 511)
            );
            vec![at, n.to_string()]
        },
    },
    Shape {
        name: "moments",
        columns: &[("at", "datetime2(7) NOT NULL"), ("n", "int NOT NULL")],
        key: 2,
        row: |n, random| {
            let at = format!("2024-01-01T00:00:00.{:07}", 1 + random % 99);
            vec![at, n.to_string()]
        },
    },
    Shape {
        name: "offsets",
        columns: &[("at", "datetimeoffset(3) NOT NULL"), ("n", "int NOT NULL")],
        key: 2,
        row: |n, random| {
            let at = format!(
                "2024-01-01T12:00:00.{:03}+0{}:00",
                1 + random % 900,
                random % 9
            );
            vec![at, n.to_string()]
        },
    },
    Shape {
        name: "with_null",
        columns: &[("id", "int"), ("n", "bigint")],
        key: 1,
        row: |n, _| {
            vec![
                if n % 7 == 0 {
                    "NULL".to_string()
                } else {
                    n.to_string()
                },
                n.to_string(),
            ]
        },
    },
    Shape {
        name: "no_key",
        columns: &[("n", "int")],
        key: 0,
        row: |_, random| vec![(random % 5).to_string()],
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

fn cell(text: &str) -> Cell {
    match text {
        "NULL" => Cell::Null,
        text => text.into(),
    }
}

/// Rows with keys that differ.
pub fn rows(shape: &Shape, count: u64, seed: u64) -> Vec<Vec<String>> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut keys = BTreeSet::new();
    let rows = (0..count).map(|n| (shape.row)(n, random.u64(..)));
    let is_new = |row: &Vec<String>| {
        let key = row[..shape.key].to_vec();
        // `datetime` rounds to 1/300 s and a collation ignores case: keys keep clear of both.
        shape.key == 0 || key[0] == "NULL" || keys.insert(key)
    };
    rows.filter(is_new).collect()
}

#[tokio::test]
async fn the_union_of_the_chunks_is_the_table() {
    let database = Database::new();
    let (drivers, secrets) = (Drivers::AT_ONCE, database.secrets());
    let mut several = 0;
    for shape in &SHAPES {
        for count in [1, 2, 300] {
            for chunks in [1, 9] {
                let name = format!("{}_{count}_{chunks}", shape.name);
                let mut table = Table::new("dbo", &name);
                for (column, description) in shape.columns {
                    table = table.column(column, description).unwrap();
                }
                if shape.key > 0 {
                    let key = shape.columns[..shape.key].iter();
                    table = table.index(Index {
                        name: "key".to_owned(),
                        columns: key.map(|(name, _)| (*name).to_owned()).collect(),
                        is_unique: true,
                        is_primary: false,
                        is_clustered: true,
                    });
                }
                database.server.create(table).unwrap();
                let rows = rows(shape, count, count + chunks);
                let cells: Vec<Vec<Cell>> = rows
                    .iter()
                    .map(|row| row.iter().map(|text| cell(text)).collect())
                    .collect();
                database.server.insert(&name, &cells).unwrap();

                let store = MemoryStore::new();
                let source = database.source(&json!({"table": name, "chunks": chunks}));
                let mut planned = plan(&store, &drivers, &secrets, source).await.unwrap();
                several += u32::from(planned.segments > 2);
                smaller_pages(&store, &mut planned).await;
                let time = Duration::from_mins(10);
                export(
                    &store,
                    &drivers,
                    &secrets,
                    &planned,
                    Settings::default(),
                    time,
                )
                .await
                .unwrap();
                let items = items(&store, &planned).await;
                let found = counted(items.iter().map(text_of));
                // `datetime` has other digits than its text: it is counted alone.
                if shape.name == "datetimes" {
                    assert_eq!(items.len(), rows.len(), "{name}: {}", planned.reason);
                    let numbers = counted(items.iter().map(|item| item["n"].to_string()));
                    assert_eq!(numbers.len(), rows.len(), "{name}");
                    continue;
                }
                let expected = counted(rows.iter().map(|row| row.join("|")));
                assert!(found == expected, "{name}: {}", planned.reason);
            }
        }
    }
    assert!(several > 8, "only {several} tables had several chunks");
}

#[tokio::test]
async fn a_page_may_be_larger_than_a_batch() {
    let note = |n: i64| "한글".repeat(15_000) + &n.to_string();
    let rows: Vec<_> = (0..23).map(|n| vec![n.into(), note(n).into()]).collect();
    let columns = [("id", "bigint NOT NULL"), ("note", "nvarchar(max)")];
    let database = Database::with("notes", &columns, &["id"], &rows);
    let (drivers, secrets) = (Drivers::AT_ONCE, database.secrets());
    for consistency in ["partitioned", "strict", "readCommitted"] {
        let store = MemoryStore::new();
        let source = json!({"table": "notes", "consistency": consistency});
        let source = database.source(&source);
        let mut planned = plan(&store, &drivers, &secrets, source).await.unwrap();
        smaller_pages(&store, &mut planned).await;
        let (settings, time) = (Settings::default(), Duration::from_mins(10));
        export(&store, &drivers, &secrets, &planned, settings, time)
            .await
            .unwrap();
        let found = items(&store, &planned).await;
        let expected = (0..23).map(|n| json!({"id": {"N": n.to_string()}, "note": {"S": note(n)}}));
        assert!(found == expected.collect::<Vec<_>>(), "{consistency}");
    }
}

/// Makes the pages of a plan so small that a chunk has many.
pub async fn smaller_pages(store: &MemoryStore, plan: &mut Plan) {
    let Some(SourcePlan::Sql(of_table)) = &mut plan.source else {
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
