//! Chunks from the partitions of a table: their union is the table, each row once.

use crate::boundaries::{counted, smaller_pages, text_of};
use crate::export::{export, items, plan};
use crate::server::Database;
use contract::{ErrorName, Named, chain};
use database::Drivers;
use export_sql_range::Settings;
use fastrand::Rng;
use lake::MemoryStore;
use lake::records::{Plan, SqlPartition};
use serde_json::{Value, json};
use sqlserver_local::{Cell, Index, Table};
use std::collections::BTreeSet;
use std::time::Duration;

const SEEDS: usize = 32;

/// Where the partitioning column is in the unique key.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Key {
    Leading,
    /// Behind another column: the index of each partition has the key's order.
    Behind,
    /// Nowhere: the index is not partitioned.
    Other,
    None,
}

/// A column's type, and its value for a number below 1000.
type Column = (&'static str, fn(i64) -> String);

/// Partitioning columns.
const COLUMNS: [Column; 4] = [
    ("int", |n| (n - 500).to_string()),
    ("date", |n| {
        format!("2026-{:02}-{:02}", n / 84 + 1, n / 3 % 28 + 1)
    }),
    ("datetime2(7)", |n| {
        format!("2026-01-01T00:00:00.{:07}", n / 2 + 1)
    }),
    ("varchar(9) COLLATE Korean_Wansung_CI_AS", |n| {
        format!("한{:03}", n / 2)
    }),
];

/// A partitioned table and its rows: the partitioning column and a number.
struct Made {
    key: Key,
    rows: Vec<Vec<String>>,
    partitions: usize,
}

fn make(database: &Database, name: &str, key: Key, random: &mut Rng) -> Made {
    let (of, value) = COLUMNS[random.usize(0..COLUMNS.len())];
    // Every key of several columns has none that may be NULL.
    let nullable = random.bool() && matches!(key, Key::Other | Key::None);
    let null = if nullable { "" } else { " NOT NULL" };
    let mut numbers = BTreeSet::new();
    for _ in 0..random.usize(1..8) {
        numbers.insert(value(random.i64(100..900)));
    }
    let mut boundaries: Vec<_> = numbers.iter().collect();
    // In the server's order, which is that of the numbers.
    boundaries.sort_by_key(|text| text.parse::<i64>().unwrap_or_default());
    let mut boundaries: Vec<Cell> = boundaries
        .into_iter()
        .map(|it| it.as_str().into())
        .collect();
    if random.u8(0..6) == 0 {
        boundaries.insert(0, Cell::Null);
    }
    let index = |columns: &[&str], is_clustered| Index {
        name: "key".to_owned(),
        columns: columns.iter().map(ToString::to_string).collect(),
        is_unique: true,
        is_primary: false,
        is_clustered,
    };
    let mut table = Table::new("dbo", name)
        .column("part", &format!("{of}{null}"))
        .and_then(|it| it.column("n", "int NOT NULL"))
        // It counts as full, so that the rows have several pages.
        .and_then(|it| it.column("note", "varchar(100)"))
        .unwrap()
        .partitioned("part", random.bool(), &boundaries);
    table = match key {
        Key::Leading => table.index(index(&["part", "n"], true)),
        Key::Behind => table.index(index(&["n", "part"], true)),
        Key::Other => table.index(index(&["n"], false)),
        Key::None => table,
    };
    database.server.create(table).unwrap();
    let count = [0, 1, 300, 300, 300][random.usize(0..5)];
    let of_boundaries: Vec<_> = numbers.into_iter().collect();
    let row = |n: u64| {
        let part = match random.u8(0..8) {
            0 if nullable => "NULL".to_owned(),
            // On a boundary itself.
            1 | 2 => of_boundaries[random.usize(0..of_boundaries.len())].clone(),
            // Some partitions are much larger, and some empty.
            3..7 => value(random.i64(480..520)),
            _ => value(random.i64(0..1000)),
        };
        vec![part, n.to_string(), "NULL".to_owned()]
    };
    let rows: Vec<_> = (0..count).map(row).collect();
    let cell = |text: &String| match text.as_str() {
        "NULL" => Cell::Null,
        text => text.into(),
    };
    let cells: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| row.iter().map(cell).collect())
        .collect();
    database.server.insert(name, &cells).unwrap();
    Made {
        key,
        rows,
        partitions: boundaries.len() + 1,
    }
}

fn partitions_of(plan: &Plan) -> usize {
    let chunks = &plan.sql().unwrap().1.chunks;
    chunks.iter().filter(|it| it.partition.is_some()).count()
}

#[tokio::test]
async fn the_union_of_the_partitions_is_the_table() {
    let (drivers, settings) = (Drivers::AT_ONCE, Settings::default());
    let database = Database::new();
    let secrets = database.secrets();
    let (mut by_boundaries, mut by_partition, mut split, mut streams) = (0, 0, 0, 0);
    for seed in 0..SEEDS {
        let mut random = Rng::with_seed(seed as u64);
        let name = format!("t{seed}");
        let key = [Key::Leading, Key::Behind, Key::Other, Key::None][seed % 4];
        let made = make(&database, &name, key, &mut random);
        // Without a key, partitions are read one by one only where moved rows may be lost.
        let is_lossy = key == Key::None && seed % 8 == 7;
        let consistency = if is_lossy {
            "readCommitted"
        } else {
            "partitioned"
        };
        let change = json!({
            "table": name, "chunks": random.u32(2..12), "consistency": consistency,
        });
        let (store, source) = (MemoryStore::new(), database.source(&change));
        let planned = plan(&store, &drivers, &secrets, source).await;
        if made.rows.is_empty() {
            assert_eq!(planned.unwrap_err().name(), ErrorName::TableEmpty);
            continue;
        }
        let mut planned = planned.unwrap();
        let what = format!("seed {seed}, {:?}: {}", made.key, planned.reason);
        smaller_pages(&store, &mut planned).await;
        let time = Duration::from_mins(10);
        export(&store, &drivers, &secrets, &planned, settings, time)
            .await
            .unwrap();
        let items = items(&store, &planned).await;
        let found = counted(items.iter().map(text_of));
        let expected = counted(made.rows.iter().map(|row| row.join("|")));
        assert!(found == expected, "{what}");
        let segments = planned.segments as usize;
        let of_tasks: u32 = planned.tasks.iter().map(|task| task.segment_count).sum();
        assert_eq!(of_tasks, planned.segments, "{what}");
        match made.key {
            Key::Leading => {
                assert!(
                    planned
                        .reason
                        .contains("ranges of \"part\" by the boundaries of its")
                );
                by_boundaries += usize::from(segments > 1);
            }
            Key::Behind => {
                assert!(partitions_of(&planned) == segments, "{what}");
                by_partition += 1;
                split += usize::from(segments > made.partitions);
            }
            Key::None if is_lossy => {
                assert!(planned.reason.contains("so each is one stream"), "{what}");
                streams += 1;
            }
            Key::None => {
                let why = "not by its partitions: a row that moves to another";
                assert!(planned.reason.contains(why), "{what}");
                assert_eq!(segments, 1, "{what}");
            }
            Key::Other => {
                let why = "not by its partitions: the unique key has no \"part\"";
                assert!(planned.reason.contains(why), "{what}");
            }
        }
    }
    let seen = (by_boundaries, by_partition, split, streams);
    assert!(
        by_boundaries > 4 && by_partition > 4 && split > 0 && streams > 0,
        "{seen:?}"
    );
}

#[tokio::test]
async fn small_partitions_are_read_together_and_large_ones_in_pieces() {
    let database = Database::new();
    let boundaries: Vec<Cell> = (1..12)
        .map(|month| format!("2026-{month:02}-01").into())
        .collect();
    for key in [["day", "id"], ["id", "day"]] {
        let name = key.concat();
        let table = Table::new("dbo", &name)
            .column("id", "int NOT NULL")
            .and_then(|it| it.column("day", "date NOT NULL"))
            .unwrap();
        let table = table
            .primary_key(&key)
            .partitioned("day", true, &boundaries);
        database.server.create(table).unwrap();
        // Six months have ten rows, and one has five thousand.
        let small = (1..7).flat_map(|month| (0..10).map(move |day| (month, day)));
        let large = (0..5000).map(|n| (8, n % 28));
        let rows = small.chain(large).zip(0..);
        let rows = rows.map(|((month, day), n): ((i64, i64), i64)| {
            vec![
                Cell::from(n),
                format!("2026-{month:02}-{:02}", day + 1).into(),
            ]
        });
        database
            .server
            .insert(&name, &rows.collect::<Vec<_>>())
            .unwrap();
    }
    let secrets = database.secrets();
    let planned = async |change: Value| {
        let (store, source) = (MemoryStore::new(), database.source(&change));
        plan(&store, &Drivers::AT_ONCE, &secrets, source)
            .await
            .unwrap()
    };
    let plan = planned(json!({"table": "dayid", "chunks": 5})).await;
    assert_eq!(
        plan.reason,
        "7 ranges of \"day\" by the boundaries of its 12 partitions"
    );
    let plan = planned(json!({"table": "idday", "chunks": 5})).await;
    let says = "15 chunks by its 12 partitions, large ones in ranges of \"id\", small ones together in 6 tasks";
    assert_eq!(plan.reason, says);
    let Some(SqlPartition::Range(range)) = &plan.sql().unwrap().1.chunks[3].partition else {
        panic!("{plan:?}");
    };
    let bounds = (range.from.as_deref(), range.to.as_deref(), range.is_right);
    assert_eq!(bounds, (Some("2026-03-01"), Some("2026-04-01"), true));
    // A column that is asked for is the one that divides.
    let change = json!({"table": "idday", "chunks": 5, "splitBy": "id"});
    let plan = planned(change).await;
    let why = "not by its partitions: \"day\" divides them, and not `splitBy`";
    assert!(
        plan.reason.contains("ranges of \"id\" by") && plan.reason.contains(why),
        "{plan:?}"
    );
    let plan = planned(json!({"table": "idday", "chunks": 5, "consistency": "strict"})).await;
    assert!(
        plan.reason.starts_with("one stream: consistency strict"),
        "{}",
        plan.reason
    );
    // A sample is spread over the partitions.
    let source = crate::server::parsed(database.source(&json!({"table": "idday"})));
    let sample = plan_export::sample_sql(&Drivers::AT_ONCE, &secrets, &source, 100).await;
    let sample = sample.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!((sample.sample.items, sample.is_whole), (100, false));
    let all = plan_export::sample_sql(&Drivers::AT_ONCE, &secrets, &source, 100_000).await;
    let all = all.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!((all.sample.items, all.is_whole), (5060, true));
}
