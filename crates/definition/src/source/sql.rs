//! A table of a relational database as a source: which rows are read, how consistently, how gently.

use super::Incremental;
use crate::faults::Faults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A table or a query of a relational database, such as one on Amazon RDS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SqlSource {
    /// The database engine.
    pub engine: Engine,
    /// ARN or name of the Secrets Manager secret with `username`, `password` and, as RDS writes
    /// them, `host`, `port` and `dbname`.
    pub secret: String,
    /// The database server's host name; by default the secret's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its TCP port; by default the secret's, else the engine's usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// The database; by default the secret's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The table to read, such as `public.orders` or `dbo.Orders`. Without a schema it is searched
    /// in `public`, or `dbo`. Either `table` or `query`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// A SELECT to read instead of a table. It is read as one stream, within one invocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The columns to read; all if empty. The key's columns are always included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Which rows to read, as a condition in the engine's SQL; all if absent.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The column by which the table is split into chunks: the leading column of a unique index. By
    /// default that of the primary key; a partitioned table is then split by its partitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_by: Option<String>,
    /// Chunks to split the table into; by default one per 256 MiB. The database's statistics may
    /// allow fewer, and partitions take more: small ones then share a task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub chunks: Option<u32>,
    /// What is promised about rows that change while they are read.
    #[serde(default)]
    pub consistency: Consistency,
    /// Reads only the rows that changed since the last run that ended well, and takes the others
    /// from that run. It needs a unique key, and with SQL Server a `rowversion` column. If absent,
    /// each run reads the whole table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incremental: Option<Incremental>,
    /// What becomes of half of a surrogate pair in a text of SQL Server, which is no character.
    #[serde(default)]
    pub bad_text: BadText,
    /// Connections at a time, at most.
    #[serde(default = "default_connections")]
    #[schemars(range(min = 1, max = 40))]
    pub max_connections: u32,
    /// Rows per second, by all connections together, at most; unlimited if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_rows_per_second: Option<u32>,
    /// Certificate authorities to trust beside those of Amazon RDS, in PEM: for a server that is not
    /// on RDS. The server's certificate and host name are always verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_authorities: Option<String>,
}

/// A database engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Engine {
    /// Microsoft SQL Server.
    SqlServer,
    /// PostgreSQL, and Aurora PostgreSQL.
    Postgres,
}

impl Engine {
    /// The engine's name, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SqlServer => "SQL Server",
            Self::Postgres => "PostgreSQL",
        }
    }

    /// The TCP port that it listens on by default.
    pub const fn port(self) -> u16 {
        match self {
            Self::SqlServer => 1433,
            Self::Postgres => 5432,
        }
    }

    /// The schema of a table that is named without one.
    pub const fn schema(self) -> &'static str {
        match self {
            Self::SqlServer => "dbo",
            Self::Postgres => "public",
        }
    }
}

/// What becomes of text that is no sequence of characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum BadText {
    /// The run ends.
    #[default]
    Refuse,
    /// It becomes U+FFFD, and the report counts the values that have one.
    Replace,
}

/// What is promised about rows that change while they are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Consistency {
    /// All rows as of one moment: one snapshot on one connection, so the table must be read within
    /// one invocation of 15 minutes.
    Strict,
    /// Every chunk as of one moment, and chunks as of different moments. Row counts and sums are
    /// compared with the database's own, in the same snapshot.
    #[default]
    Partitioned,
    /// Without snapshots: a row whose key changes may be lost or doubled, and nothing is compared.
    ReadCommitted,
}

impl Consistency {
    /// The promise in one sentence, for reports.
    pub const fn promise(self) -> &'static str {
        match self {
            Self::Strict => "all rows are as of one moment",
            Self::Partitioned => {
                "the rows of a chunk that one invocation reads are as of one moment; different chunks are as of \
                 different moments"
            }
            Self::ReadCommitted => {
                "rows are read as they are committed: a row whose key changes meanwhile may be lost or doubled"
            }
        }
    }
}

const fn default_connections() -> u32 {
    4
}

/// A table's schema and name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableName<'a> {
    /// The schema.
    pub schema: &'a str,
    /// The table.
    pub table: &'a str,
}

impl SqlSource {
    /// What is read, for messages: the table's name, or `the query`.
    pub fn name(&self) -> &str {
        self.table.as_deref().unwrap_or("the query")
    }

    /// The table's schema and name, if a table is read.
    pub fn table_name(&self) -> Option<TableName<'_>> {
        let text = self.table.as_deref()?;
        Some(match text.split_once('.') {
            Some((schema, table)) => TableName { schema, table },
            None => TableName {
                schema: self.engine.schema(),
                table: text,
            },
        })
    }

    pub(crate) fn validate(&self, faults: &mut Faults) {
        if self.secret.trim().is_empty() {
            faults.add(
                "source.sql.secret",
                "must name a Secrets Manager secret, by name or ARN",
            );
        }
        self.validate_rows(faults);
        if let Some(incremental) = self.incremental {
            incremental.validate(self, faults);
        }
        if self.port == Some(0) {
            faults.add("source.sql.port", "must be 1 to 65,535");
        }
        if self.chunks.is_some_and(|n| !(1..=10_000).contains(&n)) {
            faults.add("source.sql.chunks", "must be 1 to 10,000");
        }
        if !(1..=40).contains(&self.max_connections) {
            faults.add("source.sql.maxConnections", "must be 1 to 40");
        }
        if self.max_rows_per_second == Some(0) {
            faults.add("source.sql.maxRowsPerSecond", "must be at least 1");
        }
        if let Some(pem) = &self.certificate_authorities
            && !pem.contains("-----BEGIN CERTIFICATE-----")
        {
            faults.add(
                "source.sql.certificateAuthorities",
                "must hold certificates in PEM, each from `-----BEGIN CERTIFICATE-----`",
            );
        }
    }

    fn validate_rows(&self, faults: &mut Faults) {
        match (&self.table, &self.query) {
            (Some(_), Some(_)) => faults.add("source.sql", "give `table` or `query`, not both"),
            (None, None) => faults.add(
                "source.sql",
                "names neither a `table` nor a `query`: give one of them",
            ),
            (Some(table), None) => {
                let parts: Vec<_> = table.split('.').collect();
                if parts.len() > 2 || parts.iter().any(|part| part.is_empty()) {
                    faults.add(
                        "source.sql.table",
                        format!(
                            "{table:?} is no table's name: `table` or `schema.table`, without quotes"
                        ),
                    );
                }
            }
            (None, Some(query)) => {
                check_text(faults, "source.sql.query", query);
                let first = query.split_whitespace().next().unwrap_or_default();
                if !["select", "with"].contains(&first.to_ascii_lowercase().as_str()) {
                    faults.add("source.sql.query", "must be one SELECT");
                }
                for (given, field) in [
                    (self.split_by.is_some(), "splitBy"),
                    (self.chunks.is_some(), "chunks"),
                    (self.condition.is_some(), "where"),
                    (!self.columns.is_empty(), "columns"),
                ] {
                    if given {
                        faults.add(
                            format!("source.sql.{field}"),
                            "belongs to a `table`: a `query` says itself what is read, and is read as one stream",
                        );
                    }
                }
            }
        }
        if let Some(condition) = &self.condition {
            check_text(faults, "source.sql.where", condition);
        }
        for (i, column) in self.columns.iter().enumerate() {
            if column.is_empty() {
                faults.add(format!("source.sql.columns[{i}]"), "must not be empty");
            }
        }
    }
}

/// Checks SQL that becomes part of a larger statement: one expression without comments. It is no
/// guard against its author, who could name any table: the login should be one that may only read.
fn check_text(faults: &mut Faults, field: &str, text: &str) {
    if text.trim().is_empty() {
        faults.add(field, "must not be empty");
    }
    let outside = outside_quotes(text);
    for wrong in [";", "--", "/*"] {
        if outside.contains(wrong) {
            faults.add(
                field,
                format!("may not contain `{wrong}`: one expression, without comments"),
            );
            return;
        }
    }
}

/// The text without what stands between quotes of either kind.
fn outside_quotes(text: &str) -> String {
    let mut quote = None;
    let mut outside = String::with_capacity(text.len());
    for character in text.chars() {
        match quote {
            None if character == '\'' || character == '"' => quote = Some(character),
            None => outside.push(character),
            Some(open) if open == character => quote = None,
            Some(_) => {}
        }
    }
    outside
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn faults(change: &Value) -> String {
        let mut source = json!({"engine": "postgres", "secret": "s", "table": "public.orders"});
        for (field, value) in change.as_object().unwrap() {
            source[field] = value.clone();
        }
        let source: SqlSource = serde_json::from_value(source).unwrap();
        let mut faults = Faults::default();
        source.validate(&mut faults);
        faults.to_string()
    }

    #[test]
    fn a_good_source_has_no_faults() {
        for good in [
            json!({}),
            json!({"table": "orders", "where": "state <> ';' AND \"a--b\" > 0"}),
            json!({"table": null, "query": "select 1 as a"}),
            json!({"table": null, "query": "WITH t AS (SELECT 1 AS a) SELECT a FROM t"}),
            json!({"engine": "sqlServer", "consistency": "strict", "maxConnections": 40}),
        ] {
            assert_eq!(faults(&good), "", "{good}");
        }
    }

    #[test]
    fn each_mistake_names_its_field_and_the_way_out() {
        for (change, says) in [
            (json!({"query": "select 1"}), "`table` or `query`, not both"),
            (json!({"table": null}), "neither a `table` nor a `query`"),
            (json!({"table": "a.b.c"}), "`schema.table`"),
            (
                json!({"table": null, "query": "select 1; drop table x"}),
                "may not contain `;`",
            ),
            (
                json!({"table": null, "query": "delete from x"}),
                "must be one SELECT",
            ),
            (
                json!({"table": null, "query": "select 1", "splitBy": "id"}),
                "source.sql.splitBy",
            ),
            (json!({"where": "a = 1 -- b"}), "may not contain `--`"),
            (json!({"where": " "}), "must not be empty"),
            (json!({"maxConnections": 41}), "must be 1 to 40"),
            (json!({"maxRowsPerSecond": 0}), "must be at least 1"),
            (json!({"secret": ""}), "source.sql.secret"),
            (json!({"certificateAuthorities": "x"}), "PEM"),
        ] {
            assert!(
                faults(&change).contains(says),
                "{change}: {}",
                faults(&change)
            );
        }
    }

    #[test]
    fn a_table_without_a_schema_is_in_the_engines_own() {
        let of = |engine: Engine, table: &str| {
            let source: SqlSource =
                serde_json::from_value(json!({"engine": engine, "secret": "s", "table": table}))
                    .unwrap();
            let name = source.table_name().unwrap();
            format!("{}/{}", name.schema, name.table)
        };
        assert_eq!(of(Engine::Postgres, "orders"), "public/orders");
        assert_eq!(of(Engine::SqlServer, "Orders"), "dbo/Orders");
        assert_eq!(of(Engine::SqlServer, "sales.Orders"), "sales/Orders");
    }
}
