//! Chunks from the partitions of a table, whatever divides it: their union is the table, each row
//! once.

use crate::boundaries::{counted, smaller_pages, text_of, text_of_row};
use crate::export::{export, items, plan};
use crate::runs::{Runs, base};
use crate::server::Database;
use contract::{ErrorName, Named, chain};
use database::Drivers;
use export_sql_range::Settings;
use fastrand::Rng;
use lake::MemoryStore;
use lake::records::{Plan, SqlPartition};
use serde_json::{Value, json};
use std::time::Duration;

const SEEDS: u64 = 36;
const LONG: Duration = Duration::from_mins(10);
const COLUMNS: &str = "a int, b text, n bigint, note text";

/// What divides a table.
struct Tree {
    by: &'static str,
    /// The partitions of `{t}`, and of its partitions.
    parts: &'static [&'static str],
    /// The columns of a unique key that such a table may have, and whether they may be NULL.
    key: Option<(&'static str, bool)>,
    /// Whether `a` may be NULL.
    has_null: bool,
}

const TREES: [Tree; 7] = [
    Tree {
        by: "RANGE (a)",
        parts: &[
            "{t}_1 PARTITION OF {t} FOR VALUES FROM (MINVALUE) TO (20)",
            "{t}_2 PARTITION OF {t} FOR VALUES FROM (20) TO (21)",
            "{t}_3 PARTITION OF {t} FOR VALUES FROM (21) TO (90)",
            "{t}_4 PARTITION OF {t} FOR VALUES FROM (5000) TO (6000)",
            "{t}_d PARTITION OF {t} DEFAULT",
        ],
        key: Some(("a, n", false)),
        has_null: false,
    },
    Tree {
        by: "RANGE (a)",
        parts: &[
            "{t}_1 PARTITION OF {t} FOR VALUES FROM (0) TO (50)",
            "{t}_d PARTITION OF {t} DEFAULT",
        ],
        key: None,
        has_null: true,
    },
    Tree {
        by: "LIST (a)",
        parts: &[
            "{t}_1 PARTITION OF {t} FOR VALUES IN (1, 2, 3)",
            "{t}_2 PARTITION OF {t} FOR VALUES IN (NULL, 4)",
            "{t}_3 PARTITION OF {t} FOR VALUES IN (777)",
            "{t}_d PARTITION OF {t} DEFAULT",
        ],
        // A unique key may hold NULL as often as it likes: `a` differs otherwise.
        key: Some(("a", true)),
        has_null: true,
    },
    Tree {
        by: "HASH (n)",
        parts: &[
            "{t}_0 PARTITION OF {t} FOR VALUES WITH (MODULUS 3, REMAINDER 0)",
            "{t}_1 PARTITION OF {t} FOR VALUES WITH (MODULUS 3, REMAINDER 1)",
            "{t}_2 PARTITION OF {t} FOR VALUES WITH (MODULUS 6, REMAINDER 2)",
            "{t}_5 PARTITION OF {t} FOR VALUES WITH (MODULUS 6, REMAINDER 5)",
        ],
        key: Some(("n", false)),
        has_null: true,
    },
    Tree {
        by: "LIST (b)",
        parts: &[
            "{t}_x PARTITION OF {t} FOR VALUES IN ('x') PARTITION BY RANGE (a)",
            "{t}_x1 PARTITION OF {t}_x FOR VALUES FROM (0) TO (40)",
            "{t}_x2 PARTITION OF {t}_x FOR VALUES FROM (40) TO (MAXVALUE)",
            "{t}_y PARTITION OF {t} FOR VALUES IN ('y', 'O''z') PARTITION BY HASH (n)",
            "{t}_y0 PARTITION OF {t}_y FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
            "{t}_y1 PARTITION OF {t}_y FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
            "{t}_e PARTITION OF {t} FOR VALUES IN ('nothing') PARTITION BY LIST (a)",
        ],
        key: Some(("n, b, a", false)),
        has_null: false,
    },
    Tree {
        by: "RANGE ((a % 10))",
        parts: &[
            "{t}_1 PARTITION OF {t} FOR VALUES FROM (0) TO (5)",
            "{t}_2 PARTITION OF {t} FOR VALUES FROM (5) TO (10)",
            "{t}_d PARTITION OF {t} DEFAULT",
        ],
        key: None,
        has_null: true,
    },
    Tree {
        by: "RANGE (a, n)",
        parts: &[
            "{t}_1 PARTITION OF {t} FOR VALUES FROM (MINVALUE, MINVALUE) TO (30, 100)",
            "{t}_2 PARTITION OF {t} FOR VALUES FROM (30, 100) TO (MAXVALUE, MAXVALUE)",
        ],
        key: Some(("n, a", false)),
        has_null: false,
    },
];

/// Creates a table of this tree with random rows. Returns how many.
async fn make(database: &Database, name: &str, tree: &Tree, random: &mut Rng) -> u64 {
    let key = tree.key.filter(|_| random.u8(0..4) > 0);
    let unique = match key {
        None => String::new(),
        Some((columns, true)) => format!(", UNIQUE ({columns})"),
        Some((columns, false)) => format!(", PRIMARY KEY ({columns})"),
    };
    let by = tree.by;
    let table = format!("CREATE TABLE {name} ({COLUMNS}{unique}) PARTITION BY {by};");
    let part = |part: &&str| format!("CREATE TABLE {};", part.replace("{t}", name));
    let parts: String = tree.parts.iter().map(part).collect();
    let count = [0, 1, 400, 400][random.usize(0..4)];
    let null = if tree.has_null { "g % 7 = 0" } else { "false" };
    let number = match key {
        Some(("a", _)) => "g",
        // Most rows are of few values: one partition is much larger than the others.
        _ => "(random() * random() * random() * 100)::int",
    };
    let rows = format!(
        "INSERT INTO {name} SELECT CASE WHEN {null} THEN NULL ELSE {number} END, \
         (ARRAY['x', 'y', 'O''z'])[g % 3 + 1], g, repeat('note', 50) FROM generate_series(1, {count}) g;"
    );
    let analyze = if random.bool() {
        format!("ANALYZE {name};")
    } else {
        String::new()
    };
    database.run(&[table, parts, rows, analyze].concat()).await;
    count
}

#[tokio::test]
async fn the_union_of_the_partitions_is_the_table() {
    let database = Database::with("partitions", "SELECT 1").await;
    let (drivers, secrets) = (Drivers::AT_ONCE, database.secrets());
    let (mut split, mut joined, mut streams, mut single) = (0, 0, 0, 0);
    for seed in 0..SEEDS {
        let mut random = Rng::with_seed(seed);
        let name = format!("t{seed}");
        let tree = &TREES[random.usize(0..TREES.len())];
        let count = make(&database, &name, tree, &mut random).await;
        let consistency = ["partitioned", "readCommitted"][random.usize(0..2)];
        let change = json!({
            "table": name, "chunks": random.u32(2..12), "consistency": consistency,
        });
        let (store, source) = (MemoryStore::new(), database.source(&change));
        let planned = plan(&store, &drivers, &secrets, source).await;
        if count == 0 {
            assert_eq!(planned.unwrap_err().name(), ErrorName::TableEmpty);
            continue;
        }
        let mut planned = planned.unwrap();
        let what = format!("seed {seed}, {}: {}", tree.by, planned.reason);
        smaller_pages(&store, &mut planned).await;
        let exported = export(
            &store,
            &drivers,
            &secrets,
            &planned,
            Settings::default(),
            LONG,
        );
        Box::pin(exported).await.unwrap();
        let items = items(&store, &planned).await;
        let found = counted(items.iter().map(text_of));
        let all = database.rows(&format!("SELECT * FROM {name}")).await;
        let expected = counted(all.iter().map(|row| text_of_row(row)));
        assert_eq!(items.len() as u64, count, "{what}");
        assert!(found == expected, "{what}");
        assert!(planned.reason.contains("by its"), "{what}");
        split += usize::from(planned.reason.contains("large ones in ranges of"));
        joined += usize::from(planned.reason.contains("small ones together"));
        streams += usize::from(planned.reason.contains("each is one stream"));
        single += usize::from(planned.reason.contains("one stream: no unique key"));
    }
    let seen = (split, joined, streams, single);
    assert!(
        split > 2 && joined > 2 && streams > 1 && single > 1,
        "{seen:?}"
    );
}

const ORDERS: &str = "
    CREATE TABLE t (a int, n int, PRIMARY KEY (a, n)) PARTITION BY RANGE (a);
    CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (100);
    CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (100) TO (200);
    CREATE TABLE td PARTITION OF t DEFAULT;
    INSERT INTO t SELECT g, g FROM generate_series(0, 299) g; ANALYZE t;";

async fn planned(database: &Database, store: &MemoryStore, change: Value) -> Plan {
    let mut source = json!({"table": "t", "chunks": 3});
    for (field, value) in change.as_object().unwrap() {
        source[field] = value.clone();
    }
    let secrets = match source.as_object_mut().unwrap().remove("reader") {
        Some(_) => database.secrets_of("partition_reader", "part"),
        None => database.secrets(),
    };
    let source = database.source(&source);
    plan(store, &Drivers::AT_ONCE, &secrets, source)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_partition_is_read_as_a_table_only_where_the_whole_table_shows_the_same_rows() {
    let database = Database::with("seen_partitions", ORDERS).await;
    let role =
        "CREATE ROLE partition_reader LOGIN PASSWORD 'part'; GRANT SELECT ON t TO partition_reader";
    database.run(role).await;
    for (sql, change, says) in [
        ("SELECT 1", json!({}), "3 chunks by its 3 partitions"),
        (
            "SELECT 1",
            json!({"splitBy": "a"}),
            "not by its partitions: `splitBy` asks for ranges of a column",
        ),
        (
            "SELECT 1",
            json!({"consistency": "strict"}),
            "one stream: consistency strict",
        ),
        (
            "SELECT 1",
            json!({"chunks": 1}),
            "one range of \"a\": the table is small",
        ),
        // A new partition has no grants, and the table's hold for it all the same.
        (
            "SELECT 1",
            json!({"reader": true}),
            "may not read public.t1 as a table",
        ),
        (
            "GRANT SELECT ON t1, t2, td TO partition_reader",
            json!({"reader": true}),
            "3 chunks by its 3 partitions",
        ),
        // Its policies hide rows from a query of the partition, and not from one of the table.
        (
            "ALTER TABLE t2 ENABLE ROW LEVEL SECURITY",
            json!({"reader": true}),
            "may not read public.t2 as a table, or a policy hides rows",
        ),
    ] {
        database.run(sql).await;
        let store = MemoryStore::new();
        let plan = planned(&database, &store, change.clone()).await;
        assert!(plan.reason.contains(says), "{change}: {}", plan.reason);
        let secrets = if change["reader"] == true {
            database.secrets_of("partition_reader", "part")
        } else {
            database.secrets()
        };
        let settings = Settings::default();
        let exported = export(&store, &Drivers::AT_ONCE, &secrets, &plan, settings, LONG);
        Box::pin(exported).await.unwrap();
        assert_eq!(items(&store, &plan).await.len(), 300, "{change}");
    }
}

#[tokio::test]
async fn a_row_that_moves_to_another_partition_after_the_plan_is_not_missed() {
    let database = Database::with("moved_rows", ORDERS).await;
    let secrets = database.secrets();
    for (sql, says) in [
        (
            // All rows are in the table at every time.
            "ALTER TABLE t DETACH PARTITION td; \
             CREATE TABLE t3 PARTITION OF t FOR VALUES FROM (200) TO (250); INSERT INTO t3 SELECT * FROM td \
             WHERE a < 250; DELETE FROM td WHERE a < 250; ALTER TABLE t ATTACH PARTITION td DEFAULT",
            "partition public.t3 is now FOR VALUES FROM (200) TO (250) since the run was planned",
        ),
        (
            "ALTER TABLE t DETACH PARTITION t3; \
             DELETE FROM t3 WHERE a = 249; \
             ALTER TABLE t ATTACH PARTITION t3 FOR VALUES FROM (200) TO (249)",
            "partition public.t3 is now FOR VALUES FROM (200) TO (249)",
        ),
        (
            "ALTER TABLE t DETACH PARTITION t1; ALTER TABLE t1 RENAME TO t1_old; \
             CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (100)",
            "partition public.t1 is now another table, FOR VALUES FROM (0) TO (100)",
        ),
        (
            "ALTER TABLE t DETACH PARTITION t1",
            "partition public.t1 was taken away",
        ),
        ("DROP TABLE t2", "partition public.t2 was taken away"),
    ] {
        let store = MemoryStore::new();
        let plan = planned(&database, &store, json!({})).await;
        assert!(plan.reason.contains("partitions"), "{}", plan.reason);
        database.run(sql).await;
        let settings = Settings::default();
        let exported = export(&store, &Drivers::AT_ONCE, &secrets, &plan, settings, LONG);
        let error = Box::pin(exported).await.unwrap_err();
        assert_eq!(
            error.name(),
            ErrorName::SourceSchemaChanged,
            "{}",
            chain(&error)
        );
        assert!(chain(&error).contains(says), "{}", chain(&error));
    }
}

#[tokio::test]
async fn changes_of_a_partitioned_table_are_merged_partition_by_partition() {
    let database = Database::with("changed_partitions", ORDERS).await;
    let source = database.source(&json!({"table": "t", "chunks": 3, "incremental": {}}));
    let mut runs = Runs::new(database.secrets(), source);
    let (plan, found) = runs.run().await;
    assert_eq!((base(&plan), found.len()), (None, 300), "{}", plan.reason);
    database
        .run("INSERT INTO t VALUES (7, 1000), (150, 1000), (999, 1)")
        .await;
    let (plan, found) = runs.run().await;
    assert!(base(&plan).is_some(), "{}", plan.reason);
    assert!(plan.reason.contains("in its 3 chunks"), "{}", plan.reason);
    assert_eq!(found.len(), 303);
    let chunks = &plan.sql().unwrap().1.chunks;
    let is_of_table =
        |partition: &Option<SqlPartition>| matches!(partition, Some(SqlPartition::Table(_)));
    assert!(chunks.iter().all(|chunk| is_of_table(&chunk.partition)));
    // The same tables hold other rows: a key may be in another chunk than in the base.
    database
        .run(
            "ALTER TABLE t DETACH PARTITION t2; DELETE FROM t2 WHERE a >= 190; \
             ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (100) TO (190)",
        )
        .await;
    let (plan, found) = runs.run().await;
    assert_eq!((base(&plan), found.len()), (None, 293), "{}", plan.reason);
}

#[tokio::test]
async fn a_table_without_a_key_is_one_stream_unless_moved_rows_may_be_lost() {
    let tables = "
        CREATE TABLE t (a int, n int) PARTITION BY LIST (a);
        CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);
        CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2, NULL);
        INSERT INTO t SELECT g % 3, g FROM generate_series(1, 300) g WHERE g % 3 > 0; ANALYZE t;";
    let database = Database::with("keyless_partitions", tables).await;
    for (consistency, reason, warning) in [
        (
            "partitioned",
            "one stream: no unique key tells the rows apart; not by its partitions: a row that moves",
            "t has no unique key: it is read as one stream",
        ),
        (
            "readCommitted",
            "2 chunks by its 2 partitions: no unique key tells the rows apart, so each is one stream",
            "t has no unique key: each of its 2 chunks is read as one stream",
        ),
    ] {
        let change = json!({ "consistency": consistency });
        let plan = planned(&database, &MemoryStore::new(), change).await;
        assert!(plan.reason.starts_with(reason), "{}", plan.reason);
        let warnings = plan.warnings().join("\n");
        assert!(warnings.contains(warning), "{warnings}");
    }
}
