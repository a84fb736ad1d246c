//! Microsoft SQL Server.
//!
//! Source: the Transact-SQL reference, "System catalog views", "System dynamic management views" and
//! "CAST and CONVERT".

use super::Dialect;
use definition::{Consistency, TableName};
use lake::records::{SqlColumn, SqlKind};

/// SQL Server, from version 2016.
#[derive(Debug)]
pub struct SqlServer;

/// A text as a literal.
fn text(value: &str) -> String {
    format!("N'{}'", value.replace('\'', "''"))
}

/// The table's name as a literal, for the functions that take one.
fn named(table: TableName<'_>) -> String {
    let SqlServer = SqlServer;
    let name = [table.schema, table.table].map(|part| SqlServer.quote(part));
    text(&name.join("."))
}

/// A type such as `varchar(20) COLLATE Korean_Wansung_CI_AS`.
#[derive(Debug, Clone, Copy)]
struct Type<'t> {
    /// Without length, precision and collation.
    base: &'t str,
    /// Without collation.
    whole: &'t str,
    collation: Option<&'t str>,
}

impl<'t> Type<'t> {
    fn of(sql_type: &'t str) -> Self {
        let (whole, collation) = match sql_type.split_once(" COLLATE ") {
            Some((whole, collation)) => (whole, Some(collation)),
            None => (sql_type, None),
        };
        Self {
            base: whole.split('(').next().unwrap_or(whole),
            whole,
            collation,
        }
    }

    /// An expression of this type as text that [`SqlServer::literal`] reads back without loss.
    fn text_of(self, expression: &str) -> String {
        match self.base {
            "binary" | "varbinary" | "timestamp" => {
                format!("CONVERT(varchar(max), {expression}, 1)")
            }
            "date" | "time" | "datetime" | "datetime2" | "smalldatetime" | "datetimeoffset" => {
                format!("CONVERT(varchar(40), {expression}, 126)")
            }
            "real" | "float" => format!("CONVERT(varchar(40), {expression}, 3)"),
            "money" | "smallmoney" => format!("CONVERT(varchar(40), {expression}, 2)"),
            _ => format!("CONVERT(nvarchar(max), {expression})"),
        }
    }
}

impl Dialect for SqlServer {
    fn quote(&self, name: &str) -> String {
        format!("[{}]", name.replace(']', "]]"))
    }

    fn literal(&self, value: &str, column: &SqlColumn) -> String {
        let of = Type::of(&column.sql_type);
        let (whole, value) = (of.whole, text(value));
        match (of.base, of.collation) {
            // Converted by the column's code page, and compared with it: a literal of another type
            // would convert the column, and no index could be used.
            (_, Some(collation)) => format!("CAST({value} COLLATE {collation} AS {whole})"),
            ("timestamp", _) => format!("CONVERT(binary(8), {value}, 1)"),
            ("binary" | "varbinary", _) => format!("CONVERT({whole}, {value}, 1)"),
            (
                "date" | "time" | "datetime" | "datetime2" | "smalldatetime" | "datetimeoffset",
                _,
            ) => format!("CONVERT({whole}, {value}, 126)"),
            _ => format!("CAST({value} AS {whole})"),
        }
    }

    fn session(&self) -> &'static [&'static str] {
        &[
            "SET NOCOUNT ON",
            "SET ANSI_NULLS ON",
            "SET QUOTED_IDENTIFIER ON",
            "SET LOCK_TIMEOUT 5000",
            "SET DEADLOCK_PRIORITY LOW",
        ]
    }

    fn begin(&self, consistency: Consistency) -> &'static [&'static str] {
        match consistency {
            Consistency::Strict | Consistency::Partitioned => &[
                "SET TRANSACTION ISOLATION LEVEL SNAPSHOT",
                "BEGIN TRANSACTION",
            ],
            Consistency::ReadCommitted => &[
                "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
                "BEGIN TRANSACTION",
            ],
        }
    }

    fn end(&self) -> &'static str {
        "COMMIT TRANSACTION"
    }

    fn moment(&self) -> &'static str {
        "SELECT CONVERT(varchar(40), SYSUTCDATETIME(), 126) + 'Z'"
    }

    fn columns(&self, table: TableName<'_>) -> String {
        let name = named(table);
        format!(
            "SELECT c.name, \
             CASE WHEN c.encryption_type IS NOT NULL THEN 'encrypted' \
             WHEN t.is_assembly_type = 1 THEN t.name \
             ELSE TYPE_NAME(c.system_type_id) + CASE \
             WHEN TYPE_NAME(c.system_type_id) IN ('decimal', 'numeric') \
             THEN '(' + CONVERT(varchar(3), c.precision) + ',' + CONVERT(varchar(3), c.scale) + ')' \
             WHEN TYPE_NAME(c.system_type_id) IN ('datetime2', 'time', 'datetimeoffset') \
             THEN '(' + CONVERT(varchar(3), c.scale) + ')' \
             WHEN TYPE_NAME(c.system_type_id) IN ('char', 'varchar', 'binary', 'varbinary', 'nchar', 'nvarchar') \
             THEN '(' + CASE WHEN c.max_length = -1 THEN 'max' \
             WHEN TYPE_NAME(c.system_type_id) LIKE 'n%' THEN CONVERT(varchar(5), c.max_length / 2) \
             ELSE CONVERT(varchar(5), c.max_length) END + ')' \
             ELSE '' END + COALESCE(' COLLATE ' + c.collation_name, '') END, \
             CONVERT(int, c.is_nullable), \
             HAS_PERMS_BY_NAME({name}, 'OBJECT', 'SELECT', c.name, 'COLUMN') \
             FROM sys.columns AS c JOIN sys.types AS t ON t.user_type_id = c.user_type_id \
             WHERE c.object_id = OBJECT_ID({name}) ORDER BY c.column_id"
        )
    }

    fn kind(&self, sql_type: &str) -> Result<(SqlKind, Option<u32>), String> {
        let of = Type::of(sql_type);
        Ok(match of.base {
            "bit" => (SqlKind::Boolean, None),
            "tinyint" | "smallint" | "int" | "bigint" => (SqlKind::Number, Some(0)),
            "decimal" | "numeric" => (SqlKind::Number, scale(of.whole)),
            "money" | "smallmoney" => (SqlKind::Number, Some(4)),
            "real" | "float" => (SqlKind::Number, None),
            "char" | "varchar" | "nchar" | "nvarchar" | "text" | "ntext" | "xml"
            | "uniqueidentifier" | "date" | "time" | "datetime" | "datetime2" | "smalldatetime"
            | "datetimeoffset" | "sysname" => (SqlKind::Text, None),
            "binary" | "varbinary" | "image" | "timestamp" | "hierarchyid" | "geometry"
            | "geography" => (SqlKind::Bytes, None),
            "encrypted" => {
                return Err(
                    "it is encrypted by Always Encrypted: leave it out of `columns`".to_owned(),
                );
            }
            "sql_variant" => {
                return Err(
                    "sql_variant holds a type for each value: read a view that casts it, or leave it out of \
                     `columns`"
                        .to_owned(),
                );
            }
            other => {
                return Err(format!(
                    "{other} has no form without loss: read a view that casts it, or leave it out of `columns`"
                ));
            }
        })
    }

    fn select(&self, column: &SqlColumn) -> String {
        let name = self.quote(&column.name);
        let of = Type::of(&column.sql_type);
        let expression = match of.base {
            "money" => format!("CAST({name} AS decimal(19,4))"),
            "smallmoney" => format!("CAST({name} AS decimal(10,4))"),
            // The server converts from the column's code page.
            "char" | "varchar" | "text" | "ntext" | "xml" => {
                format!("CAST({name} AS nvarchar(max))")
            }
            "date" | "time" | "datetime" | "datetime2" | "smalldatetime" | "datetimeoffset" => {
                of.text_of(&name)
            }
            "image" | "hierarchyid" | "geometry" | "geography" => {
                format!("CAST({name} AS varbinary(max))")
            }
            _ => return name,
        };
        format!("{expression} AS {name}")
    }

    fn count(&self) -> &'static str {
        "COUNT_BIG(*)"
    }

    fn sum(&self, column: &SqlColumn) -> String {
        format!(
            "CONVERT(varchar(50), SUM(CAST({} AS decimal(38,{}))))",
            self.quote(&column.name),
            column.scale.unwrap_or_default()
        )
    }

    fn unique_indexes(&self, table: TableName<'_>) -> String {
        // Rows of a clustered index are stored in its order.
        format!(
            "SELECT i.name, c.name, CONVERT(int, c.is_nullable) \
             FROM sys.indexes AS i \
             JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id \
             JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id \
             WHERE i.object_id = OBJECT_ID({}) AND i.is_unique = 1 AND i.is_disabled = 0 \
             AND i.has_filter = 0 AND k.key_ordinal > 0 \
             ORDER BY CASE WHEN i.type = 1 THEN 0 ELSE 1 END, i.is_primary_key DESC, i.index_id, \
             k.key_ordinal",
            named(table)
        )
    }

    fn size(&self, table: TableName<'_>) -> String {
        // Catalogue views, which a login that may read the table sees; the dynamic management view of
        // partitions needs VIEW DATABASE STATE.
        format!(
            "SELECT SUM(CASE WHEN a.type = 1 THEN p.rows ELSE 0 END), SUM(a.total_pages) * 8192 \
             FROM sys.partitions AS p JOIN sys.allocation_units AS a ON a.container_id = p.partition_id \
             WHERE p.object_id = OBJECT_ID({}) AND p.index_id IN (0, 1)",
            named(table)
        )
    }

    fn histogram(&self, table: TableName<'_>, column: &SqlColumn) -> String {
        let of = Type::of(&column.sql_type);
        let name = named(table);
        let high = format!("CAST(h.range_high_key AS {})", of.whole);
        format!(
            "SELECT {} FROM (SELECT TOP (1) s.object_id, s.stats_id FROM sys.stats AS s \
             JOIN sys.stats_columns AS k ON k.object_id = s.object_id AND k.stats_id = s.stats_id \
             WHERE s.object_id = OBJECT_ID({name}) AND s.has_filter = 0 AND k.stats_column_id = 1 \
             AND k.column_id = COLUMNPROPERTY(OBJECT_ID({name}), {}, 'ColumnId') \
             ORDER BY s.stats_id) AS s \
             CROSS APPLY sys.dm_db_stats_histogram(s.object_id, s.stats_id) AS h \
             WHERE h.range_high_key IS NOT NULL ORDER BY h.step_number",
            of.text_of(&high),
            text(&column.name),
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
        let within = within.map(|condition| format!(" AND {condition}"));
        let from = [table.schema, table.table].map(|part| self.quote(part));
        let value = Type::of(&column.sql_type).text_of("MIN(s.v)");
        format!(
            "SELECT {value} FROM (SELECT t.v, NTILE({}) OVER (ORDER BY t.v) AS part FROM \
             (SELECT {name} AS v FROM {} TABLESAMPLE ({percent} PERCENT) WHERE {name} IS NOT NULL{}) AS t) AS s \
             WHERE s.part > 1 GROUP BY s.part ORDER BY s.part",
            count + 1,
            from.join("."),
            within.unwrap_or_default(),
        )
    }

    fn partition_column(&self, table: TableName<'_>) -> Option<String> {
        Some(format!(
            "SELECT c.name, CONVERT(int, c.is_nullable), CONVERT(int, f.boundary_value_on_right) \
             FROM sys.indexes AS i JOIN sys.partition_schemes AS s ON s.data_space_id = i.data_space_id \
             JOIN sys.partition_functions AS f ON f.function_id = s.function_id \
             JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id \
             JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id \
             WHERE i.object_id = OBJECT_ID({}) AND i.index_id IN (0, 1) AND k.partition_ordinal = 1",
            named(table)
        ))
    }

    fn partition_ranges(&self, table: TableName<'_>, column: &SqlColumn) -> String {
        let of = Type::of(&column.sql_type);
        let name = named(table);
        // A boundary is the upper one of the partition of its number.
        format!(
            "SELECT {}, z.bytes, z.items FROM (SELECT p.partition_number, \
             SUM(a.total_pages) * 8192 AS bytes, SUM(CASE WHEN a.type = 1 THEN p.rows ELSE 0 END) AS items \
             FROM sys.partitions AS p JOIN sys.allocation_units AS a ON a.container_id = p.partition_id \
             WHERE p.object_id = OBJECT_ID({name}) AND p.index_id IN (0, 1) \
             GROUP BY p.partition_number) AS z \
             LEFT JOIN (SELECT v.boundary_id, v.value FROM sys.indexes AS i \
             JOIN sys.partition_schemes AS s ON s.data_space_id = i.data_space_id \
             JOIN sys.partition_range_values AS v ON v.function_id = s.function_id \
             WHERE i.object_id = OBJECT_ID({name}) AND i.index_id IN (0, 1)) AS b \
             ON b.boundary_id = z.partition_number ORDER BY z.partition_number",
            of.text_of(&format!("CAST(b.value AS {})", of.whole)),
        )
    }

    fn limited(&self, select: &str, from: &str, rows: u32) -> String {
        format!("SELECT TOP ({rows}) {select} {from}")
    }

    fn snapshots_allowed(&self) -> Option<&'static str> {
        Some(
            "SELECT CONVERT(int, snapshot_isolation_state) FROM sys.databases WHERE name = DB_NAME()",
        )
    }

    fn version_store(&self) -> Option<&'static str> {
        Some(
            "SELECT CONVERT(varchar(20), SUM(u.reserved_space_kb)) \
             FROM sys.dm_tran_version_store_space_usage AS u WHERE u.database_id = DB_ID()",
        )
    }

    fn version_column(&self, columns: &[(&str, &str)]) -> Result<Option<String>, String> {
        // A table has one at most.
        let version = columns.iter().find(|(_, of)| *of == "timestamp");
        version.map(|(name, _)| Some((*name).to_owned())).ok_or_else(|| {
            "the table has no rowversion column, which tells the changed rows: ALTER TABLE … ADD version rowversion, \
             or leave `incremental` out"
                .to_owned()
        })
    }

    fn position(&self) -> &'static str {
        // The oldest change that may still be committed.
        "SELECT CONVERT(varchar(20), CONVERT(bigint, MIN_ACTIVE_ROWVERSION()))"
    }

    fn changed(&self, version_column: Option<&str>, position: u64) -> String {
        let column = self.quote(version_column.unwrap_or_default());
        format!("{column} >= 0x{position:016X}")
    }

    fn server_identity(&self) -> &'static str {
        // A database that is restored is made anew. A new version may order texts anew.
        "SELECT @@SERVERNAME, @@VERSION, DB_NAME(), CONVERT(varchar(40), d.create_date, 126), d.collation_name \
         FROM sys.databases AS d WHERE d.name = DB_NAME()"
    }

    fn table_identity(&self, table: TableName<'_>) -> Vec<String> {
        let name = named(table);
        // A column that was added anew has another number, and a partition that was switched in
        // another storage.
        let columns = format!(
            "SELECT CONVERT(varchar(20), c.column_id), c.name, CONVERT(varchar(20), c.user_type_id) \
             FROM sys.columns AS c WHERE c.object_id = OBJECT_ID({name}) ORDER BY c.column_id"
        );
        let storage = format!(
            "SELECT CONVERT(varchar(20), p.object_id), CONVERT(varchar(20), p.partition_number), \
             CONVERT(varchar(20), p.partition_id) FROM sys.partitions AS p \
             WHERE p.object_id = OBJECT_ID({name}) AND p.index_id IN (0, 1) ORDER BY p.partition_number"
        );
        vec![columns, storage]
    }

    fn tells_changes(&self, _: TableName<'_>) -> Option<String> {
        None
    }

    fn may_write(&self, table: TableName<'_>) -> String {
        let name = named(table);
        format!(
            "SELECT CASE WHEN HAS_PERMS_BY_NAME({name}, 'OBJECT', 'INSERT') = 1 \
             OR HAS_PERMS_BY_NAME({name}, 'OBJECT', 'UPDATE') = 1 \
             OR HAS_PERMS_BY_NAME({name}, 'OBJECT', 'DELETE') = 1 THEN 1 ELSE 0 END"
        )
    }
}

/// The scale of `decimal(p,s)`.
fn scale(whole: &str) -> Option<u32> {
    whole.split_once(',')?.1.strip_suffix(')')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(sql_type: &str) -> SqlColumn {
        let (kind, scale) = SqlServer.kind(sql_type).unwrap();
        SqlColumn {
            name: "a]b".to_owned(),
            sql_type: sql_type.to_owned(),
            kind,
            scale,
            nullable: false,
        }
    }

    #[test]
    fn no_value_is_read_in_a_form_that_loses_some_of_it() {
        for (sql_type, select) in [
            ("int", "[a]]b]"),
            ("money", "CAST([a]]b] AS decimal(19,4)) AS [a]]b]"),
            (
                "varchar(20) COLLATE Korean_Wansung_CI_AS",
                "CAST([a]]b] AS nvarchar(max)) AS [a]]b]",
            ),
            (
                "datetime2(7)",
                "CONVERT(varchar(40), [a]]b], 126) AS [a]]b]",
            ),
            ("geography", "CAST([a]]b] AS varbinary(max)) AS [a]]b]"),
        ] {
            assert_eq!(SqlServer.select(&column(sql_type)), select);
        }
        for refused in ["encrypted", "sql_variant", "json", "vector", "my_type"] {
            assert!(
                SqlServer.kind(refused).unwrap_err().contains("`columns`"),
                "{refused}"
            );
        }
        assert_eq!(
            SqlServer.kind("decimal(38,10)"),
            Ok((SqlKind::Number, Some(10)))
        );
    }

    #[test]
    fn a_key_is_compared_in_its_own_type() {
        for (sql_type, literal) in [
            ("bigint", "CAST(N'o''k' AS bigint)"),
            (
                "varchar(20) COLLATE Korean_Wansung_CI_AS",
                "CAST(N'o''k' COLLATE Korean_Wansung_CI_AS AS varchar(20))",
            ),
            ("datetime", "CONVERT(datetime, N'o''k', 126)"),
            ("uniqueidentifier", "CAST(N'o''k' AS uniqueidentifier)"),
            ("timestamp", "CONVERT(binary(8), N'o''k', 1)"),
        ] {
            assert_eq!(SqlServer.literal("o'k", &column(sql_type)), literal);
        }
        let key = [("[a]", "1"), ("[b]", "2")].map(|(c, v)| (c.to_owned(), v.to_owned()));
        assert_eq!(
            SqlServer.after(&key),
            "(([a] > 1) OR ([a] = 1 AND [b] > 2))"
        );
    }
}
