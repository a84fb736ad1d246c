//! The conformance suite of sources, over a table in memory that answers the queries of PostgreSQL's
//! dialect.

use crate::base::BaseParts;
use crate::ranges::Ranges;
use contract::{ErrorName, RunId, ServiceError};
use definition::SqlSource;
use lake::memory::poll_at_most;
use lake::part::{self, PartWriter};
use lake::records::{
    SourceRead, SqlChanges, SqlChunk, SqlColumn, SqlIncremental, SqlKind, SqlPlan,
};
use lake::{MemoryStore, RunKeys};
use raw_export::{Page, ReadSegments, SegmentRequest};
use serde_json::{Value, json};
use source::{PageBuffer, Throttles};
use sql_source::{Connection, Databases, Login, MemorySecrets, TakeRow};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// Rows of a page.
const PAGE: u32 = 3;

/// The rows of the table: `id`, its key, and `n`.
#[derive(Clone)]
struct Table {
    rows: Vec<[String; 2]>,
}

struct TableConnection {
    table: Table,
    open: VecDeque<[String; 2]>,
}

impl Table {
    fn of(lines: &[Vec<u8>]) -> Self {
        let row = |line: &Vec<u8>| {
            let line: Value = serde_json::from_slice(line).unwrap();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let item = &line["Item"];
            [text(&item["id"]["S"]), text(&item["n"]["N"])]
        };
        Self {
            rows: lines.iter().map(row).collect(),
        }
    }

    /// The rows that a query selects.
    fn select(&self, sql: &str) -> Vec<[String; 2]> {
        let conditions = sql.split_once(" WHERE ").map_or("", |(_, rest)| rest);
        let conditions = conditions.split(" ORDER BY ").next().unwrap_or_default();
        let holds = |id: &str| {
            let mut conditions = conditions.split(" AND ").filter(|it| !it.is_empty());
            conditions.all(|condition| {
                let value = condition.split('\'').nth(1).unwrap_or_default();
                let is = |start: &str| condition.starts_with(start);
                match () {
                    () if is("((xmin::text::bigint - 7 ") => is_changed(id),
                    () if is("\"id\" >= ") => id >= value,
                    () if is("\"id\" < ") => id < value,
                    () if is("(\"id\") > ") => id > value,
                    () if is("NOT (\"id\") > ") => id <= value,
                    () => panic!("{condition} is no condition of this table's"),
                }
            })
        };
        let rows = self.rows.iter().filter(|[id, _]| holds(id));
        let limit = sql.split_once(" LIMIT ").map(|(_, rows)| rows);
        let limit = limit.map_or(usize::MAX, |rows| rows.parse().unwrap());
        rows.take(limit).cloned().collect()
    }
}

/// Whether a row changed since the base: two thirds did.
fn is_changed(id: &str) -> bool {
    !number(id).is_multiple_of(3)
}

/// The number in `é0012`.
fn number(id: &str) -> u32 {
    id.trim_start_matches('é').parse().unwrap()
}

impl Databases for Table {
    type Connection = TableConnection;

    fn authorities(&self) -> String {
        String::new()
    }

    async fn connect(&self, _: &Login) -> Result<TableConnection, ServiceError> {
        Ok(TableConnection {
            table: self.clone(),
            open: VecDeque::new(),
        })
    }
}

impl Connection for TableConnection {
    async fn execute(&mut self, _: &str) -> Result<(), ServiceError> {
        Ok(())
    }

    async fn rows(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, ServiceError> {
        let cells = |cells: &[&str]| cells.iter().map(|it| Some((*it).to_owned())).collect();
        if sql.contains("pg_attribute") {
            return Ok(vec![cells(&["id", "text"]), cells(&["n", "integer"])]);
        }
        if sql.contains("txid_snapshot_xmin") {
            return Ok(vec![cells(&["9"])]);
        }
        if !sql.starts_with("SELECT count(*)") {
            return Ok(vec![cells(&["2026-11-20T17:30:00Z"])]);
        }
        let rows = self.table.select(sql);
        let sum: Option<i64> = rows.iter().map(|[_, n]| n.parse::<i64>().ok()).sum();
        let sum = sum.filter(|_| !rows.is_empty());
        Ok(vec![vec![
            Some(rows.len().to_string()),
            sum.map(|sum| sum.to_string()),
        ]])
    }

    async fn describe(&mut self, _: &str) -> Result<Vec<(String, String)>, ServiceError> {
        Ok(Vec::new())
    }

    async fn open(&mut self, select: &str) -> Result<(), ServiceError> {
        self.open = self.table.select(select).into();
        Ok(())
    }

    async fn fetch(&mut self, most: u32, take: &mut TakeRow<'_>) -> Result<u32, ServiceError> {
        let mut count = 0;
        while count < most {
            let Some([id, n]) = self.open.pop_front() else {
                break;
            };
            take(&[Some(&id), Some(&n)]);
            count += 1;
        }
        Ok(count)
    }
}

/// Everything that a reader borrows.
struct Fixture {
    table: Table,
    secrets: MemorySecrets,
    store: MemoryStore,
    keys: RunKeys,
    source: SqlSource,
    plan: SqlPlan,
    base: BaseParts,
}

/// A reader that owns nothing: what it borrows lives as long as the test's process.
struct Reader(Ranges<'static, Table, MemorySecrets, MemoryStore>);

impl ReadSegments for Reader {
    async fn page(
        &self,
        request: &SegmentRequest<'_>,
        buffer: &mut PageBuffer,
    ) -> Result<Page, ServiceError> {
        self.0.page(request, buffer).await
    }

    async fn before_commit(&self, segment: u32) -> Result<SourceRead, ServiceError> {
        self.0.before_commit(segment).await
    }
}

impl Fixture {
    /// A table of these lines in three chunks, read whole.
    fn of(lines: &[Vec<u8>], store: &MemoryStore, keys: &RunKeys) -> Self {
        let table = Table::of(lines);
        let boundary = |n: usize| {
            let row = table.rows.get(n * table.rows.len() / 3);
            row.map_or_else(|| format!("é{n}"), |[id, _]| id.clone())
        };
        let chunk = |from: Option<String>, to: Option<String>| SqlChunk {
            from,
            to,
            ..SqlChunk::default()
        };
        let (one, two) = (boundary(1), boundary(2));
        let column = |name: &str, sql_type: &str, kind, scale| SqlColumn {
            name: name.to_owned(),
            sql_type: sql_type.to_owned(),
            kind,
            scale,
            nullable: false,
        };
        let secret = json!({"host": "h", "dbname": "d", "username": "u", "password": "p"});
        let source = json!({"engine": "postgres", "secret": "s", "table": "t"});
        Self {
            secrets: MemorySecrets::new().with("s", &[&secret.to_string()]),
            store: store.clone(),
            keys: keys.clone(),
            source: serde_json::from_value(source).unwrap(),
            plan: SqlPlan {
                columns: vec![
                    column("id", "text", SqlKind::Text, None),
                    column("n", "integer", SqlKind::Number, Some(0)),
                ],
                key: vec!["id".to_owned()],
                chunks: vec![
                    chunk(None, Some(one.clone())),
                    chunk(Some(one), Some(two.clone())),
                    chunk(Some(two), None),
                ],
                page_rows: PAGE,
                connections: 3,
                incremental: None,
                authorities: String::new(),
                pace: String::new(),
                warnings: Vec::new(),
            },
            base: BaseParts::new(),
            table,
        }
    }

    /// The same table, read as what changed since a base. Of the rows that changed, half are in the
    /// base with another value, and the others are new.
    fn of_changes(lines: &[Vec<u8>], store: &MemoryStore, keys: &RunKeys) -> Self {
        let mut fixture = Self::of(lines, store, keys);
        let base = RunId::parse("20261119-173000-1a2b3c4d").unwrap();
        let base_keys = RunKeys::new("p", &base);
        for (segment, chunk) in (0..).zip(&fixture.plan.chunks) {
            let is_before = |id: &str| chunk.to.as_deref().is_none_or(|to| id < to);
            let is_after = |id: &str| chunk.from.as_deref().is_none_or(|from| id >= from);
            let rows = fixture.table.rows.iter();
            let rows = rows.filter(|[id, _]| is_before(id) && is_after(id));
            let rows: Vec<_> = rows.filter(|[id, _]| number(id) % 3 < 2).collect();
            // A part is a batch of lines: there are several of each.
            let parts = rows.chunks(2).zip(0..).map(|(rows, part)| {
                let lines = rows.iter().map(|[id, n]| {
                    let n = if is_changed(id) { "-1" } else { n };
                    let item = json!({"Item": {"id": {"S": id}, "n": {"N": n}}});
                    format!("{item}\n").into_bytes()
                });
                let lines = lines.collect::<Vec<_>>().concat();
                let write = async {
                    let key = base_keys.part(segment, part, "base");
                    let mut writer = PartWriter::new(store, key).unwrap();
                    let each = part::lines(&lines);
                    writer.append(&lines, each, |_, _| {}).await.unwrap();
                    writer.finish().await.unwrap().unwrap()
                };
                poll_at_most(usize::MAX, write).unwrap()
            });
            fixture.base.insert(segment, parts.collect());
        }
        fixture.plan.incremental = Some(SqlIncremental {
            version_column: None,
            server: String::new(),
            table: String::new(),
            last_full: None,
            changes: Some(SqlChanges { base, position: 7 }),
        });
        fixture
    }

    fn reader(self) -> Reader {
        let fixture: &'static Self = Box::leak(Box::new(self));
        Reader(Ranges::new(
            (&fixture.table, &fixture.secrets),
            (&fixture.store, &fixture.keys),
            &fixture.source,
            (&fixture.plan, &fixture.base),
            1,
        ))
    }
}

fn keys() -> RunKeys {
    let run = RunId::parse("20261120-173000-1a2b3c4d").unwrap();
    RunKeys::new("p", &run)
}

#[tokio::test(start_paused = true)]
async fn a_table_conforms() {
    raw_export::conformance::holds(|lines| {
        Fixture::of(&lines, &MemoryStore::new(), &keys()).reader()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn changes_and_their_base_conform() {
    raw_export::conformance::holds_of_commits(|lines, store, keys| {
        Fixture::of_changes(&lines, store, keys).reader()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn more_changed_rows_than_memory_may_hold_end_the_run() {
    let line =
        |n| format!("{{\"Item\":{{\"id\":{{\"S\":\"é{n:04}\"}},\"n\":{{\"N\":\"{n}\"}}}}}}\n");
    let lines: Vec<_> = (0..60).map(|n| line(n).into_bytes()).collect();
    let store = MemoryStore::new();
    for (most, is_refused) in [(20, false), (13, false), (12, true)] {
        // Of the twenty rows of the first chunk, thirteen changed.
        let mut reader = Fixture::of_changes(&lines, &store, &keys()).reader();
        reader.0.most_changed = most;
        let mut buffer = PageBuffer::new();
        let (mut cursor, mut refused) = (None, None);
        loop {
            let request = SegmentRequest {
                segment: 0,
                total_segments: 3,
                cursor: cursor.as_ref(),
                stop: Instant::now() + Duration::from_mins(1),
                throttles: &Throttles::new(),
            };
            match reader.page(&request, &mut buffer).await {
                Ok(Page::Read { end, .. }) if end.cursor.is_some() => cursor = end.cursor,
                Ok(_) => break,
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        assert_eq!(refused.is_some(), is_refused, "{most}: {refused:?}");
        let Some(error) = refused else {
            continue;
        };
        assert_eq!(error.name, ErrorName::ResourceLimitExceeded);
        assert_eq!(error.code, "TooManyChanges");
        let says = "more than 12 rows of chunk 0 changed";
        assert!(error.message.contains(says), "{}", error.message);
        assert!(error.message.contains("source.sql.incremental to null"));
    }
}
