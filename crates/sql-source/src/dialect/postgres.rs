//! PostgreSQL.
//!
//! Source: the PostgreSQL documentation, chapters "System Catalogs", "System Views" and "Client
//! Connection Defaults".

use super::Dialect;
use definition::{Consistency, TableName};
use lake::records::{SqlColumn, SqlKind};

/// PostgreSQL, from version 12.
#[derive(Debug)]
pub struct Postgres;

/// A text as a literal. It needs `standard_conforming_strings`, which a session sets.
fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// The table as a value of `regclass`; an error of the server if there is none.
fn regclass(table: TableName<'_>) -> String {
    let Postgres = Postgres;
    let name = [table.schema, table.table].map(|part| Postgres.quote(part));
    format!("{}::regclass", text(&name.join(".")))
}

impl Dialect for Postgres {
    fn quote(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn literal(&self, value: &str, column: &SqlColumn) -> String {
        format!("{}::{}", text(value), column.sql_type)
    }

    fn session(&self) -> &'static [&'static str] {
        &[
            "SET standard_conforming_strings = on",
            "SET datestyle = 'ISO, YMD'",
            "SET intervalstyle = 'iso_8601'",
            "SET timezone = 'UTC'",
            "SET bytea_output = 'hex'",
            "SET extra_float_digits = 1",
            "SET lock_timeout = '5s'",
            "SET statement_timeout = '120s'",
            // An invocation that is frozen must not hold its snapshot.
            "SET idle_in_transaction_session_timeout = '180s'",
            // A page is read in the order of an index: sorting a whole chunk for it would use the
            // server's memory and disk.
            "SET enable_sort = off",
        ]
    }

    fn begin(&self, consistency: Consistency) -> &'static [&'static str] {
        match consistency {
            Consistency::Strict | Consistency::Partitioned => {
                &["BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"]
            }
            Consistency::ReadCommitted => &["BEGIN ISOLATION LEVEL READ COMMITTED, READ ONLY"],
        }
    }

    fn end(&self) -> &'static str {
        "COMMIT"
    }

    fn moment(&self) -> &'static str {
        "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    }

    fn columns(&self, table: TableName<'_>) -> String {
        // A domain has the values of the type that it is made of, and their text.
        format!(
            "WITH RECURSIVE a AS ( \
             SELECT attrelid, attnum, attname, attnotnull, atttypid AS type, atttypmod AS modifier \
             FROM pg_attribute WHERE attrelid = {} AND attnum > 0 AND NOT attisdropped \
             UNION ALL SELECT a.attrelid, a.attnum, a.attname, a.attnotnull, t.typbasetype, \
             CASE WHEN t.typtypmod = -1 THEN a.modifier ELSE t.typtypmod END \
             FROM a JOIN pg_type t ON t.oid = a.type WHERE t.typtype = 'd') \
             SELECT a.attname, format_type(a.type, a.modifier), \
             CASE WHEN a.attnotnull THEN 0 ELSE 1 END, \
             CASE WHEN has_column_privilege(a.attrelid, a.attnum, 'SELECT') THEN 1 ELSE 0 END \
             FROM a JOIN pg_type t ON t.oid = a.type WHERE t.typtype <> 'd' ORDER BY a.attnum",
            regclass(table)
        )
    }

    fn kind(&self, sql_type: &str) -> Result<(SqlKind, Option<u32>), String> {
        let base = sql_type.split('(').next().unwrap_or(sql_type).trim();
        Ok(match base {
            _ if sql_type.ends_with("[]") => (SqlKind::Text, None),
            "smallint" | "integer" | "bigint" => (SqlKind::Number, Some(0)),
            "numeric" => (SqlKind::Number, numeric_scale(sql_type)),
            "real" | "double precision" | "oid" | "money" => (SqlKind::Number, None),
            "boolean" => (SqlKind::Boolean, None),
            "bytea" => (SqlKind::Bytes, None),
            "timestamp" | "timestamp without time zone" | "timestamp with time zone" => {
                (SqlKind::Timestamp, None)
            }
            _ => (SqlKind::Text, None),
        })
    }

    fn select(&self, column: &SqlColumn) -> String {
        let name = self.quote(&column.name);
        // Its text has the currency and the separators of the server's locale.
        match column.sql_type.as_str() {
            "money" => format!("{name}::numeric AS {name}"),
            "money[]" => format!("{name}::numeric[] AS {name}"),
            _ => name,
        }
    }

    fn sum(&self, column: &SqlColumn) -> String {
        let name = self.quote(&column.name);
        if column.sql_type.starts_with("numeric") {
            return format!(
                "sum({name}) FILTER (WHERE {name} NOT IN ('NaN', 'Infinity', '-Infinity'))::text"
            );
        }
        format!("sum({name})::text")
    }

    fn unique_indexes(&self, table: TableName<'_>) -> String {
        format!(
            "SELECT c.relname, a.attname, CASE WHEN a.attnotnull THEN 0 ELSE 1 END \
             FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
             CROSS JOIN LATERAL unnest(i.indkey::int[]) WITH ORDINALITY AS k(attnum, position) \
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum \
             WHERE i.indrelid = {} AND i.indisunique AND i.indisvalid AND i.indpred IS NULL \
             AND i.indexprs IS NULL AND k.position <= i.indnkeyatts \
             ORDER BY i.indisprimary DESC, c.relname, k.position",
            regclass(table)
        )
    }

    fn size(&self, table: TableName<'_>) -> String {
        // A partitioned table has no rows of its own. `reltuples` is -1 where nothing was counted.
        format!(
            "SELECT CASE WHEN bool_and(c.reltuples >= 0) THEN sum(c.reltuples)::bigint END, \
             sum(pg_table_size(c.oid))::bigint \
             FROM pg_class c WHERE c.relkind IN ('r', 'm') AND (c.oid = {table} OR c.oid IN \
             (SELECT relid FROM pg_partition_tree({table})))",
            table = regclass(table)
        )
    }

    fn histogram(&self, table: TableName<'_>, column: &SqlColumn) -> String {
        format!(
            "SELECT b.value FROM (SELECT histogram_bounds::text::text[] AS bounds FROM pg_stats \
             WHERE schemaname = {} AND tablename = {} AND attname = {} \
             ORDER BY inherited DESC LIMIT 1) s \
             CROSS JOIN LATERAL unnest(s.bounds) WITH ORDINALITY AS b(value, position) \
             ORDER BY b.position",
            text(table.schema),
            text(table.table),
            text(&column.name)
        )
    }

    fn sampled_boundaries(
        &self,
        table: TableName<'_>,
        column: &SqlColumn,
        count: u32,
        percent: f64,
        within: Option<&str>,
    ) -> String {
        let name = self.quote(&column.name);
        let from = [table.schema, table.table].map(|part| self.quote(part));
        let within = within.map(|condition| format!(" WHERE {condition}"));
        let fraction = |n| f64::from(n) / f64::from(count + 1);
        let fractions: Vec<_> = (1..=count).map(|n| fraction(n).to_string()).collect();
        format!(
            "SELECT unnest(percentile_disc(ARRAY[{}]::float8[]) WITHIN GROUP (ORDER BY {name}))::text \
             FROM {} TABLESAMPLE SYSTEM ({percent}){}",
            fractions.join(", "),
            from.join("."),
            within.unwrap_or_default(),
        )
    }

    fn partition_tables(&self, table: TableName<'_>) -> Option<String> {
        // Privileges and policies are those of the relation that a query names: rows that the login
        // reads of the whole table it may not see in a partition, or the other way round.
        Some(format!(
            "SELECT n.nspname, c.relname, \
             (SELECT string_agg(pg_get_expr(a.relpartbound, a.oid), ' OF ' ORDER BY p.level) \
             FROM pg_partition_ancestors(c.oid) WITH ORDINALITY AS p(relid, level) \
             JOIN pg_class a ON a.oid = p.relid), \
             pg_table_size(c.oid)::text, CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END::text, \
             CASE WHEN c.relkind = 'r' AND has_schema_privilege(n.oid, 'USAGE') \
             AND has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid) \
             AND NOT row_security_active({table}) THEN 1 ELSE 0 END, c.oid::text \
             FROM pg_partition_tree({table}) t JOIN pg_class c ON c.oid = t.relid \
             JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE t.isleaf AND c.oid <> {table} ORDER BY n.nspname, c.relname",
            table = regclass(table)
        ))
    }

    fn shows_all_rows(&self) -> Option<&'static str> {
        Some("SET LOCAL row_security = off")
    }

    fn hold_partition(&self, partition: TableName<'_>) -> Option<String> {
        let name = [partition.schema, partition.table].map(|part| self.quote(part));
        // What takes it away, or puts a policy on it, waits for the end.
        Some(format!(
            "LOCK TABLE ONLY {} IN ACCESS SHARE MODE",
            name.join(".")
        ))
    }

    fn limited(&self, select: &str, from: &str, rows: u32) -> String {
        format!("SELECT {select} {from} LIMIT {rows}")
    }

    fn after(&self, key: &[(String, String)]) -> String {
        let (columns, values): (Vec<_>, Vec<_>) = key.iter().cloned().unzip();
        // Compared as rows, which an index answers with one search.
        format!("({}) > ({})", columns.join(", "), values.join(", "))
    }

    fn version_column(&self, _: &[(&str, &str)]) -> Result<Option<String>, String> {
        Ok(None)
    }

    fn position(&self) -> &'static str {
        // The oldest transaction that may still commit. These functions are there before version 13.
        "SELECT txid_snapshot_xmin(txid_current_snapshot())::text"
    }

    fn most_positions(&self) -> Option<u64> {
        // A row's number of its transaction is used again after twice as many.
        Some(1 << 31)
    }

    fn changed(&self, _: Option<&str>, position: u64) -> String {
        // A row has the lower half of its transaction's number. The transactions since the position
        // are less than 2^32, so a changed row is always among them; a row that was frozen long ago
        // may seem to be, and is read once more.
        format!(
            "(xmin::text::bigint - {} + 4294967296) % 4294967296 \
             <= txid_snapshot_xmax(txid_current_snapshot()) - {position}",
            position % (1 << 32)
        )
    }

    fn server_identity(&self) -> &'static str {
        // A restored or promoted server has another timeline. A new version may order texts anew.
        "SELECT s.system_identifier::text, c.timeline_id::text, version(), current_database(), \
         (SELECT d.oid::text FROM pg_database d WHERE d.datname = current_database()) \
         FROM pg_control_system() s, pg_control_checkpoint() c"
    }

    fn table_identity(&self, table: TableName<'_>) -> Vec<String> {
        let table = regclass(table);
        // Default and generation expressions count: a new column's value for old rows is kept in the
        // catalogue, and no row changes. A text's order is that of its collation's version.
        let columns = format!(
            "SELECT a.attnum::text, a.attname, format_type(a.atttypid, a.atttypmod), \
             a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid), \
             CASE WHEN a.attcollation <> 0 THEN pg_collation_actual_version(a.attcollation) END \
             FROM pg_attribute a \
             LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
             WHERE a.attrelid = {table} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        );
        // An enum's label is renamed, and a composite type gets a column, in the catalogue alone. A
        // column's type may have such a type within: as an array's element, a domain's base, a
        // range's bound.
        let types = format!(
            "WITH RECURSIVE used(type) AS ( \
             SELECT a.atttypid FROM pg_attribute a \
             WHERE a.attrelid = {table} AND a.attnum > 0 AND NOT a.attisdropped \
             UNION SELECT within.type FROM used u JOIN pg_type t ON t.oid = u.type \
             CROSS JOIN LATERAL (SELECT t.typelem UNION ALL SELECT t.typbasetype \
             UNION ALL SELECT f.atttypid FROM pg_attribute f \
             WHERE f.attrelid = t.typrelid AND f.attnum > 0 AND NOT f.attisdropped \
             UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid) AS within(type) \
             WHERE within.type <> 0) \
             SELECT u.type::text, \
             (SELECT string_agg(e.enumlabel::text, ',' ORDER BY e.enumsortorder) FROM pg_enum e \
             WHERE e.enumtypid = u.type), \
             (SELECT string_agg(f.attname || ' ' || f.atttypid, ',' ORDER BY f.attnum) \
             FROM pg_attribute f JOIN pg_type t ON t.typrelid = f.attrelid \
             WHERE t.oid = u.type AND f.attnum > 0 AND NOT f.attisdropped) \
             FROM used u ORDER BY u.type"
        );
        // A partition that the login may no longer read by itself is no chunk.
        let storage = format!(
            "SELECT c.oid::text, c.relkind::text, p.relid::text, pg_get_expr(b.relpartbound, b.oid), \
             has_schema_privilege(b.relnamespace, 'USAGE')::text, \
             has_table_privilege(b.oid, 'SELECT')::text, row_security_active(b.oid)::text \
             FROM pg_class c LEFT JOIN pg_partition_tree({table}) p ON true \
             LEFT JOIN pg_class b ON b.oid = p.relid WHERE c.oid = {table} ORDER BY p.relid"
        );
        vec![columns, types, storage]
    }

    fn tells_changes(&self, table: TableName<'_>) -> Option<String> {
        // A unique key does not span tables that inherit from the table without being partitions. A
        // policy may show a row to the login that did not change.
        Some(format!(
            "SELECT CASE WHEN c.relkind IN ('r', 'p', 'm') AND NOT row_security_active(c.oid) \
             AND (c.relkind = 'p' OR NOT EXISTS \
             (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid)) THEN 1 ELSE 0 END \
             FROM pg_class c WHERE c.oid = {}",
            regclass(table)
        ))
    }

    fn may_write(&self, table: TableName<'_>) -> String {
        format!(
            "SELECT CASE WHEN has_table_privilege({}, 'INSERT, UPDATE, DELETE, TRUNCATE') \
             THEN 1 ELSE 0 END",
            regclass(table)
        )
    }
}

/// The scale of `numeric(p,s)`; none without one, or where it is negative.
fn numeric_scale(sql_type: &str) -> Option<u32> {
    let inside = sql_type.strip_prefix("numeric(")?.strip_suffix(')')?;
    inside.split_once(',')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_ends_a_statement_that_takes_too_long() {
        let limit = crate::LONGEST_STATEMENT.as_secs();
        let limit = format!("SET statement_timeout = '{limit}s'");
        assert!(Postgres.session().contains(&limit.as_str()));
    }

    #[test]
    fn types_have_their_kinds() {
        for (sql_type, kind, scale) in [
            ("bigint", SqlKind::Number, Some(0)),
            ("numeric(12,2)", SqlKind::Number, Some(2)),
            ("numeric(3,-2)", SqlKind::Number, None),
            ("numeric", SqlKind::Number, None),
            ("double precision", SqlKind::Number, None),
            ("integer[]", SqlKind::Text, None),
            ("timestamp(3) with time zone", SqlKind::Timestamp, None),
            ("timestamp without time zone", SqlKind::Timestamp, None),
            ("date", SqlKind::Text, None),
            ("character varying(20)", SqlKind::Text, None),
            ("bytea", SqlKind::Bytes, None),
            ("boolean", SqlKind::Boolean, None),
        ] {
            assert_eq!(Postgres.kind(sql_type), Ok((kind, scale)), "{sql_type}");
        }
    }

    #[test]
    fn a_change_is_told_by_the_lower_half_of_its_transaction() {
        let position = 5 * (1 << 32) + 7;
        assert_eq!(
            Postgres.changed(None, position),
            "(xmin::text::bigint - 7 + 4294967296) % 4294967296 \
             <= txid_snapshot_xmax(txid_current_snapshot()) - 21474836487"
        );
    }

    #[test]
    fn names_and_values_cannot_leave_their_quotes() {
        assert_eq!(Postgres.quote("a\"b"), "\"a\"\"b\"");
        assert_eq!(text("a'b\\"), "'a''b\\'");
        let table = TableName {
            schema: "public",
            table: "o'r\"d",
        };
        assert_eq!(regclass(table), "'\"public\".\"o''r\"\"d\"'::regclass");
    }
}
