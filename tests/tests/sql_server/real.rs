//! The same types and keys in a real SQL Server, by `MILLRACE_SQLSERVER_URL`: see
//! `docs/src/how-to/real-sql-server.md`. Nobody runs it in CI.

use crate::boundaries::{SHAPES, counted, rows, smaller_pages, text_of};
use crate::export::{export, items, plan};
use crate::server::{SECRET, parsed};
use crate::types::{moments_and_bytes, numbers_and_texts};
use database::{DatabaseConnection, Drivers};
use export_sql_range::Settings;
use lake::MemoryStore;
use reqwest::Url;
use serde_json::{Value, json};
use sql_source::{Connection, MemorySecrets, connect};
use std::collections::BTreeSet;
use std::time::Duration;

const LONG: Duration = Duration::from_mins(10);

/// The server, and a connection that may create tables.
struct Real {
    secrets: MemorySecrets,
    authorities: Option<String>,
}

impl Real {
    fn from_environment() -> Self {
        let text = std::env::var("MILLRACE_SQLSERVER_URL");
        let text = text.expect("set MILLRACE_SQLSERVER_URL: docs/src/how-to/real-sql-server.md");
        let url = Url::parse(&text).unwrap();
        let secret = json!({
            "host": url.host_str().unwrap(),
            "port": url.port().unwrap_or(1433),
            "username": decoded(url.username()),
            "password": decoded(url.password().unwrap_or_default()),
            "dbname": url.path().trim_start_matches('/'),
        });
        let authority = std::env::var("MILLRACE_SQLSERVER_AUTHORITY").ok();
        Self {
            secrets: MemorySecrets::new().with(SECRET, &[&secret.to_string()]),
            authorities: authority.map(|path| std::fs::read_to_string(path).unwrap()),
        }
    }

    fn source(&self, change: &Value) -> Value {
        let mut source = json!({"engine": "sqlServer", "secret": SECRET});
        if let Some(authorities) = &self.authorities {
            source["certificateAuthorities"] = json!(authorities);
        }
        for (field, value) in change.as_object().unwrap() {
            source[field] = value.clone();
        }
        source
    }

    async fn connect(&self) -> DatabaseConnection {
        let source = parsed(self.source(&json!({"table": "t"})));
        connect(&Drivers::AT_ONCE, &self.secrets, &source)
            .await
            .unwrap()
    }

    /// The items of a table, in pages of five rows.
    async fn items(&self, change: &Value) -> (Vec<Value>, String) {
        let (store, drivers) = (MemoryStore::new(), Drivers::AT_ONCE);
        let source = self.source(change);
        let planned = Box::pin(plan(&store, &drivers, &self.secrets, source)).await;
        let mut planned = planned.unwrap();
        smaller_pages(&store, &mut planned).await;
        let settings = Settings::default();
        export(&store, &drivers, &self.secrets, &planned, settings, LONG)
            .await
            .unwrap();
        (items(&store, &planned).await, planned.reason.clone())
    }
}

/// Text without the `%` escapes of a URL.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| *first == b'%');
        let digits = escaped.and_then(|pair| std::str::from_utf8(pair).ok());
        if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// A value of a column as T-SQL.
fn literal(of: &str, value: &str) -> String {
    let of = of.trim_end_matches(" NOT NULL");
    let (of, collation) = of.split_once(" COLLATE ").unwrap_or((of, ""));
    let text = format!("N'{}'", value.replace('\'', "''"));
    let base = of.split('(').next().unwrap_or(of);
    match base {
        _ if value == "NULL" => "NULL".to_owned(),
        "binary" | "varbinary" | "image" => format!("CONVERT(varbinary(max), {text}, 1)"),
        "hierarchyid" | "geometry" | "geography" => {
            format!("CAST(CONVERT(varbinary(max), {text}, 1) AS {base})")
        }
        _ if collation.is_empty() => format!("CAST({text} AS {of})"),
        _ => format!("CAST({text} COLLATE {collation} AS {of})"),
    }
}

/// Creates a table anew.
async fn create(connection: &mut DatabaseConnection, name: &str, columns: &[String], key: &[&str]) {
    let drop = format!("DROP TABLE IF EXISTS [{name}]");
    connection.execute(&drop).await.unwrap();
    let key = match key {
        [] => String::new(),
        key => format!(", UNIQUE CLUSTERED ({})", key.join(", ")),
    };
    let create = format!("CREATE TABLE [{name}] ({}{key})", columns.join(", "));
    connection.execute(&create).await.unwrap();
}

#[tokio::test]
#[ignore = "needs a real SQL Server: docs/src/how-to/real-sql-server.md"]
async fn every_type_keeps_every_digit_and_character() {
    let real = Real::from_environment();
    let mut connection = real.connect().await;
    // Bytes that are no value of a .NET type are refused by a real server.
    let is_valid = |(of, ..): &(&str, &str, Value)| !of.starts_with("geo");
    let cases = [numbers_and_texts(), moments_and_bytes()].concat();
    let cases: Vec<_> = cases.into_iter().filter(is_valid).collect();
    let columns = cases.iter().enumerate();
    let columns = columns.map(|(n, (of, ..))| format!("[c {n}] {of}"));
    let columns: Vec<_> = ["id int NOT NULL".to_owned()]
        .into_iter()
        .chain(columns)
        .collect();
    create(&mut connection, "millrace_types", &columns, &["id"]).await;
    let values: Vec<_> = cases
        .iter()
        .map(|(of, value, _)| literal(of, value))
        .collect();
    let insert = format!(
        "INSERT INTO millrace_types VALUES (1, {})",
        values.join(", ")
    );
    connection.execute(&insert).await.unwrap();
    let nulls = "INSERT INTO millrace_types (id) VALUES (2)";
    connection.execute(nulls).await.unwrap();
    let (items, _) = real.items(&json!({"table": "millrace_types"})).await;
    for (n, (of, value, expected)) in cases.iter().enumerate() {
        assert_eq!(items[0][format!("c {n}")], *expected, "{of} {value}");
        let null = json!({"NULL": true});
        assert_eq!(items[1][format!("c {n}")], null, "{of} NULL");
    }
    connection
        .execute("DROP TABLE millrace_types")
        .await
        .unwrap();
}

#[tokio::test]
#[ignore = "needs a real SQL Server: docs/src/how-to/real-sql-server.md"]
async fn the_union_of_the_chunks_is_the_table() {
    let real = Real::from_environment();
    let mut connection = real.connect().await;
    for shape in &SHAPES {
        let name = format!("millrace_{}", shape.name);
        let columns = shape.columns.iter();
        let columns: Vec<_> = columns.map(|(name, of)| format!("[{name}] {of}")).collect();
        let key: Vec<_> = shape.columns[..shape.key].iter().map(|it| it.0).collect();
        create(&mut connection, &name, &columns, &key).await;
        let mut nulls = BTreeSet::new();
        // A unique index of a real server holds NULL once.
        let rows: Vec<_> = rows(shape, 300, 5)
            .into_iter()
            .filter(|row| shape.key == 0 || row[0] != "NULL" || nulls.insert(row[0].clone()))
            .collect();
        for row in &rows {
            let cells = row.iter().zip(shape.columns);
            let cells: Vec<_> = cells.map(|(cell, (_, of))| literal(of, cell)).collect();
            let insert = format!("INSERT INTO [{name}] VALUES ({})", cells.join(", "));
            connection.execute(&insert).await.unwrap();
        }
        let update = format!("UPDATE STATISTICS [{name}] WITH FULLSCAN");
        connection.execute(&update).await.unwrap();
        let (items, reason) = real.items(&json!({"table": name, "chunks": 9})).await;
        assert_eq!(items.len(), rows.len(), "{name}: {reason}");
        if shape.name != "datetimes" {
            let found = counted(items.iter().map(text_of));
            let expected = counted(rows.iter().map(|row| row.join("|")));
            assert!(found == expected, "{name}: {reason}");
        }
        connection
            .execute(&format!("DROP TABLE [{name}]"))
            .await
            .unwrap();
    }
}

#[tokio::test]
#[ignore = "needs a real SQL Server: docs/src/how-to/real-sql-server.md"]
async fn the_union_of_the_partitions_is_the_table() {
    let real = Real::from_environment();
    let mut connection = real.connect().await;
    let clean = "DROP TABLE IF EXISTS millrace_parts; \
                 IF EXISTS (SELECT * FROM sys.partition_schemes WHERE name = 'millrace_parts') \
                 DROP PARTITION SCHEME millrace_parts; \
                 IF EXISTS (SELECT * FROM sys.partition_functions WHERE name = 'millrace_parts') \
                 DROP PARTITION FUNCTION millrace_parts";
    for side in ["LEFT", "RIGHT"] {
        for (null, key) in [
            ("NOT NULL", "CONSTRAINT millrace_pk PRIMARY KEY (part, n)"),
            ("NOT NULL", "CONSTRAINT millrace_pk PRIMARY KEY (n, part)"),
            ("NULL", "INDEX millrace_ix (n)"),
        ] {
            connection.execute(clean).await.unwrap();
            for statement in [
                format!("CREATE PARTITION FUNCTION millrace_parts (date) AS RANGE {side} FOR VALUES ('2026-02-01', '2026-03-01')"),
                "CREATE PARTITION SCHEME millrace_parts AS PARTITION millrace_parts ALL TO ([PRIMARY])".to_owned(),
                format!("CREATE TABLE millrace_parts (part date {null}, n int NOT NULL, {key}) ON millrace_parts (part)"),
            ] {
                connection.execute(&statement).await.unwrap();
            }
            let rows: Vec<_> = (0..300)
                .map(|n: u32| match n % 11 {
                    0 if null == "NULL" => ("NULL".to_owned(), n),
                    1 => ("2026-02-01".to_owned(), n),
                    _ => (format!("2026-{:02}-{:02}", n % 2 + 1, n % 28 + 1), n),
                })
                .collect();
            for (part, n) in &rows {
                let part = literal("date", part);
                let insert = format!("INSERT INTO millrace_parts VALUES ({part}, {n})");
                connection.execute(&insert).await.unwrap();
            }
            let (items, reason) = real
                .items(&json!({"table": "millrace_parts", "chunks": 4}))
                .await;
            assert!(
                reason.contains("its 3 partitions"),
                "{side} {key}: {reason}"
            );
            let found = counted(items.iter().map(text_of));
            let expected = counted(rows.iter().map(|(part, n)| format!("{part}|{n}")));
            assert!(found == expected, "{side} {key}: {reason}");
        }
    }
    connection.execute(clean).await.unwrap();
}

#[test]
fn a_password_of_a_url_may_have_any_character() {
    assert_eq!(decoded("a%40b%2Fc%25"), "a@b/c%");
    assert_eq!(decoded("100%"), "100%");
}
