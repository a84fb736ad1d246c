//! The queries of a chunk: a page of its rows, and what the database counts of them.

use crate::Dialect;
use definition::SqlSource;
use lake::records::{SqlChunk, SqlColumn, SqlNulls, SqlPartition, SqlPartitionTable, SqlPlan};

/// The rows of one chunk of a plan.
#[derive(Clone, Copy)]
pub struct Rows<'p> {
    dialect: &'p dyn Dialect,
    source: &'p SqlSource,
    plan: &'p SqlPlan,
    chunk: &'p SqlChunk,
}

impl std::fmt::Debug for Rows<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Rows").field(self.chunk).finish()
    }
}

/// The values of a row's key, in the key's order, as the database's text.
pub type Keyset = Vec<String>;

impl<'p> Rows<'p> {
    /// The rows of `chunk`.
    pub fn new(source: &'p SqlSource, plan: &'p SqlPlan, chunk: &'p SqlChunk) -> Self {
        Self {
            dialect: crate::dialect(source.engine),
            source,
            plan,
            chunk,
        }
    }

    /// Whether the rows can be read in pages, in the order of a unique key. Else they are one stream:
    /// there is no key, or it does not tell rows with NULL apart.
    pub const fn has_order(&self) -> bool {
        !self.plan.key.is_empty() && !matches!(self.chunk.nulls, SqlNulls::Only)
    }

    /// The partition that is a table, if they are those of one: the database may take it out of the
    /// whole table meanwhile.
    pub const fn partition_table(&self) -> Option<&'p SqlPartitionTable> {
        match &self.chunk.partition {
            Some(SqlPartition::Table(table)) => Some(table),
            _ => None,
        }
    }

    /// The positions of the key among the columns.
    pub fn key_positions(&self) -> Vec<usize> {
        let position = |name: &String| {
            let columns = self.plan.columns.iter();
            columns.clone().position(|column| column.name == *name)
        };
        self.plan.key.iter().filter_map(position).collect()
    }

    fn key(&self) -> impl Iterator<Item = &'p SqlColumn> {
        let columns = &self.plan.columns;
        self.key_positions().into_iter().map(move |at| &columns[at])
    }

    /// The columns whose sums are compared: exact numbers of a fixed scale, those of the key first.
    pub fn summed(&self) -> Vec<&'p SqlColumn> {
        const MOST: usize = 8;
        let others = self.plan.columns.iter();
        let others = others.filter(|column| !self.plan.key.contains(&column.name));
        let all = self.key().chain(others);
        all.filter(|column| column.scale.is_some())
            .take(MOST)
            .collect()
    }

    /// The query of a page: up to `page_rows` rows after a key; all rows where there is no order.
    pub fn page_query(&self, after: Option<&Keyset>) -> String {
        let columns = self.plan.columns.iter();
        let select: Vec<_> = columns.map(|column| self.dialect.select(column)).collect();
        let select = select.join(", ");
        let from = self.from(after, None);
        if !self.has_order() {
            return format!("SELECT {select} {from}");
        }
        let order: Vec<_> = self
            .key()
            .map(|key| self.dialect.quote(&key.name))
            .collect();
        let from = format!("{from} ORDER BY {}", order.join(", "));
        self.dialect.limited(&select, &from, self.plan.page_rows)
    }

    /// The query of the row whose key has these values, whatever the source's condition and chunks.
    pub fn row_query(&self, key: &Keyset) -> String {
        let columns = self.plan.columns.iter();
        let select: Vec<_> = columns.map(|column| self.dialect.select(column)).collect();
        let conditions = self.key().zip(key).map(|(column, value)| {
            let name = self.dialect.quote(&column.name);
            format!("{name} = {}", self.dialect.literal(value, column))
        });
        format!(
            "SELECT {} FROM {} WHERE {}",
            select.join(", "),
            self.object(None),
            conditions.collect::<Vec<_>>().join(" AND ")
        )
    }

    /// The query of the count and the sums of the rows after one key, up to another and including it.
    pub fn totals_query(&self, after: Option<&Keyset>, last: Option<&Keyset>) -> String {
        let sums = self.summed().into_iter();
        let sums = sums.map(|column| format!(", {}", self.dialect.sum(column)));
        format!(
            "SELECT {}{} {}",
            self.dialect.count(),
            sums.collect::<String>(),
            self.from(after, last)
        )
    }

    /// `FROM … WHERE …`.
    fn from(&self, after: Option<&Keyset>, last: Option<&Keyset>) -> String {
        let partition = self.chunk.partition.as_ref();
        let from = self.object(partition);
        let mut conditions = Vec::new();
        if let Some(condition) = &self.source.condition {
            conditions.push(format!("({condition})"));
        }
        if let Some(changes) = self.plan.changes() {
            let version = self.plan.incremental.as_ref();
            let version = version.and_then(|it| it.version_column.as_deref());
            let changed = self.dialect.changed(version, changes.position);
            conditions.push(format!("({changed})"));
        }
        if let Some(SqlPartition::Range(range)) = partition {
            conditions.push(self.dialect.in_partition(range));
        }
        if let Some(leading) = self.key().next() {
            let name = self.dialect.quote(&leading.name);
            if let Some(from) = &self.chunk.from {
                conditions.push(format!("{name} >= {}", self.dialect.literal(from, leading)));
            }
            if let Some(to) = &self.chunk.to {
                conditions.push(format!("{name} < {}", self.dialect.literal(to, leading)));
            }
            match self.chunk.nulls {
                SqlNulls::Any => {}
                SqlNulls::Without => conditions.push(format!("{name} IS NOT NULL")),
                SqlNulls::Only => conditions.push(format!("{name} IS NULL")),
            }
        }
        if let Some(after) = after {
            conditions.push(self.after(after));
        }
        if let Some(last) = last {
            conditions.push(format!("NOT {}", self.after(last)));
        }
        if conditions.is_empty() {
            return format!("FROM {from}");
        }
        format!("FROM {from} WHERE {}", conditions.join(" AND "))
    }

    /// The table, or one of its partitions, or the query as one.
    fn object(&self, partition: Option<&SqlPartition>) -> String {
        let name = |schema: &str, table: &str| {
            let parts = [schema, table].map(|part| self.dialect.quote(part));
            parts.join(".")
        };
        if let Some(SqlPartition::Table(partition)) = partition {
            return format!("ONLY {}", name(&partition.schema, &partition.table));
        }
        match (self.source.table_name(), &self.source.query) {
            (Some(of), _) => name(of.schema, of.table),
            (None, query) => format!("({}) AS q", query.as_deref().unwrap_or_default()),
        }
    }

    fn after(&self, values: &Keyset) -> String {
        let pairs = self.key().zip(values).map(|(column, value)| {
            let value = self.dialect.literal(value, column);
            (self.dialect.quote(&column.name), value)
        });
        self.dialect.after(&pairs.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lake::records::{SqlChanges, SqlIncremental, SqlKind, SqlPartitionRange};
    use serde_json::json;

    fn column(name: &str, sql_type: &str, scale: Option<u32>) -> SqlColumn {
        SqlColumn {
            name: name.to_owned(),
            sql_type: sql_type.to_owned(),
            kind: SqlKind::Number,
            scale,
            nullable: false,
        }
    }

    fn plan(key: &[&str]) -> SqlPlan {
        SqlPlan {
            columns: vec![
                column("note", "text", None),
                column("b", "integer", Some(0)),
                column("a", "bigint", Some(0)),
                column("price", "numeric(9,2)", Some(2)),
            ],
            key: key.iter().map(ToString::to_string).collect(),
            chunks: Vec::new(),
            page_rows: 100,
            connections: 1,
            incremental: None,
            authorities: String::new(),
            pace: String::new(),
            warnings: Vec::new(),
        }
    }

    fn source(change: &serde_json::Value) -> SqlSource {
        let mut source = json!({"engine": "postgres", "secret": "s", "table": "shop.orders"});
        for (field, value) in change.as_object().unwrap() {
            source[field] = value.clone();
        }
        serde_json::from_value(source).unwrap()
    }

    #[test]
    fn a_page_continues_after_the_whole_key_within_its_chunk() {
        let chunk = SqlChunk {
            from: Some("10".to_owned()),
            to: Some("20".to_owned()),
            nulls: SqlNulls::Without,
            partition: None,
        };
        let (source, plan) = (
            source(&json!({"where": "price > 0 OR TRUE"})),
            plan(&["a", "b"]),
        );
        let rows = Rows::new(&source, &plan, &chunk);
        let after = vec!["12".to_owned(), "O'x".to_owned()];
        assert_eq!(
            rows.page_query(Some(&after)),
            "SELECT \"note\", \"b\", \"a\", \"price\" FROM \"shop\".\"orders\" \
             WHERE (price > 0 OR TRUE) AND \"a\" >= '10'::bigint AND \"a\" < '20'::bigint \
             AND \"a\" IS NOT NULL AND (\"a\", \"b\") > ('12'::bigint, 'O''x'::integer) \
             ORDER BY \"a\", \"b\" LIMIT 100"
        );
        let last = vec!["13".to_owned(), "1".to_owned()];
        let totals = rows.totals_query(None, Some(&last));
        assert!(
            totals.ends_with("AND NOT (\"a\", \"b\") > ('13'::bigint, '1'::integer)"),
            "{totals}"
        );
        let summed: Vec<_> = rows.summed().iter().map(|c| c.name.as_str()).collect();
        assert_eq!(summed, ["a", "b", "price"]);
    }

    #[test]
    fn of_a_partition_no_row_of_another_is_read() {
        let range = |is_right, nulls| SqlChunk {
            from: Some("10".to_owned()),
            partition: Some(SqlPartition::Range(SqlPartitionRange {
                column: column("day", "date", None),
                from: Some("2026-01-01".to_owned()),
                to: Some("2026-02-01".to_owned()),
                is_right,
                nulls,
            })),
            ..SqlChunk::default()
        };
        let (server, plan) = (source(&json!({"engine": "sqlServer"})), plan(&["a"]));
        let page = |chunk: &SqlChunk| Rows::new(&server, &plan, chunk).page_query(None);
        let value = |day: &str| format!("CONVERT(date, N'2026-{day}', 126)");
        let right = page(&range(true, SqlNulls::Any));
        let expected = format!(
            "WHERE [day] >= {} AND [day] < {} AND [a] >= CAST(N'10' AS bigint) ORDER BY [a]",
            value("01-01"),
            value("02-01")
        );
        assert!(right.ends_with(&expected), "{right}");
        let left = page(&range(false, SqlNulls::Without));
        let expected = format!(
            "WHERE [day] > {} AND [day] <= {} AND [day] IS NOT NULL AND [a]",
            value("01-01"),
            value("02-01")
        );
        assert!(left.contains(&expected), "{left}");
        let table = SqlChunk {
            partition: Some(SqlPartition::Table(SqlPartitionTable {
                id: "16385".to_owned(),
                schema: "shop".to_owned(),
                table: "orders \"1\"".to_owned(),
                bound: String::new(),
            })),
            ..SqlChunk::default()
        };
        let source = source(&json!({}));
        let page = Rows::new(&source, &plan, &table).page_query(None);
        let from = "FROM ONLY \"shop\".\"orders \"\"1\"\"\" ORDER BY";
        assert!(page.contains(from), "{page}");
    }

    #[test]
    fn a_row_is_found_by_its_whole_key_and_nothing_else() {
        let chunk = SqlChunk {
            from: Some("10".to_owned()),
            ..SqlChunk::default()
        };
        let (source, plan) = (source(&json!({"where": "price > 0"})), plan(&["a", "b"]));
        let key = vec!["12".to_owned(), "O'x".to_owned()];
        assert_eq!(
            Rows::new(&source, &plan, &chunk).row_query(&key),
            "SELECT \"note\", \"b\", \"a\", \"price\" FROM \"shop\".\"orders\" \
             WHERE \"a\" = '12'::bigint AND \"b\" = 'O''x'::integer"
        );
    }

    #[test]
    fn of_changes_the_rows_and_their_totals_are_asked_for() {
        let mut plan = plan(&["a"]);
        plan.incremental = Some(SqlIncremental {
            version_column: Some("version".to_owned()),
            server: String::new(),
            table: String::new(),
            last_full: None,
            changes: Some(SqlChanges {
                base: contract::RunId::parse("20261120-173000-1a2b3c4d").unwrap(),
                position: 2001,
            }),
        });
        let source = source(&json!({"engine": "sqlServer"}));
        let all = SqlChunk::default();
        let rows = Rows::new(&source, &plan, &all);
        let changed = "FROM [shop].[orders] WHERE ([version] >= 0x00000000000007D1)";
        let page = rows.page_query(None);
        assert!(page.ends_with(&format!("{changed} ORDER BY [a]")), "{page}");
        let totals = rows.totals_query(None, None);
        assert!(totals.ends_with(changed), "{totals}");
    }

    #[test]
    fn without_an_order_a_chunk_is_one_stream() {
        let (table, query) = (
            source(&json!({})),
            source(&json!({"table": null, "query": "SELECT 1 AS a"})),
        );
        let (keyed, unkeyed) = (plan(&["a"]), plan(&[]));
        let nulls = SqlChunk {
            nulls: SqlNulls::Only,
            ..SqlChunk::default()
        };
        let all = SqlChunk::default();
        let page = |source, plan, chunk| {
            let rows = Rows::new(source, plan, chunk);
            assert!(!rows.has_order());
            rows.page_query(None)
        };
        let nulls = page(&table, &keyed, &nulls);
        assert!(
            nulls.ends_with("FROM \"shop\".\"orders\" WHERE \"a\" IS NULL"),
            "{nulls}"
        );
        assert!(page(&table, &unkeyed, &all).ends_with("FROM \"shop\".\"orders\""));
        assert!(page(&query, &unkeyed, &all).ends_with("FROM (SELECT 1 AS a) AS q"));
    }
}
