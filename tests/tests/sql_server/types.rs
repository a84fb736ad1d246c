//! Every type at its edges, and that nothing of a value is lost.

use crate::export::{export, items, plan};
use crate::server::Database;
use contract::{ErrorName, Named};
use database::Drivers;
use export_sql_range::Settings;
use lake::MemoryStore;
use serde_json::{Value, json};
use sqlserver_local::Cell;
use std::time::Duration;

const LONG: Duration = Duration::from_mins(10);

/// A type, the text of a value, and the attribute that it becomes.
pub fn numbers_and_texts() -> Vec<(&'static str, &'static str, Value)> {
    let n = |text: &str| json!({ "N": text });
    let s = |text: &str| json!({ "S": text });
    vec![
        ("bit", "1", json!({"BOOL": true})),
        ("bit", "0", json!({"BOOL": false})),
        ("tinyint", "0", n("0")),
        ("tinyint", "255", n("255")),
        ("smallint", "-32768", n("-32768")),
        ("int", "-2147483648", n("-2147483648")),
        ("bigint", "-9223372036854775808", n("-9223372036854775808")),
        ("bigint", "9223372036854775807", n("9223372036854775807")),
        (
            "decimal(38,0)",
            "99999999999999999999999999999999999999",
            n("99999999999999999999999999999999999999"),
        ),
        (
            "decimal(38,38)",
            "-0.99999999999999999999999999999999999999",
            n("-0.99999999999999999999999999999999999999"),
        ),
        (
            "decimal(38,10)",
            "-9999999999999999999999999999.9999999999",
            n("-9999999999999999999999999999.9999999999"),
        ),
        ("numeric(5,2)", "0.10", n("0.10")),
        ("numeric(9,0)", "0", n("0")),
        ("money", "-922337203685477.5808", n("-922337203685477.5808")),
        ("money", "922337203685477.5807", n("922337203685477.5807")),
        ("smallmoney", "-214748.3648", n("-214748.3648")),
        ("real", "0.1", n("0.1")),
        ("real", "3.4028235e38", n("3.4028235e38")),
        ("float", "0.30000000000000004", n("0.30000000000000004")),
        ("float", "1e100", n("1e100")),
        (
            "float",
            "-2.2250738585072014e-308",
            s("-2.2250738585072014e-308"),
        ),
        ("char(5)", "ab", s("ab   ")),
        ("varchar(10)", "é€", s("é€")),
        (
            "varchar(10) COLLATE Korean_Wansung_CI_AS",
            "한글",
            s("한글"),
        ),
        ("varchar(max)", "", s("")),
        (
            "varchar(40) COLLATE Latin1_General_100_CI_AS_SC_UTF8",
            "한글 😀",
            s("한글 😀"),
        ),
        ("nchar(4)", "한글", s("한글  ")),
        (
            "nvarchar(40)",
            "a\tb\\N\n\"c\" 한글 😀 'd'",
            s("a\tb\\N\n\"c\" 한글 😀 'd'"),
        ),
        ("nvarchar(max)", "\u{0}\u{1}\u{7f}", s("\u{0}\u{1}\u{7f}")),
        ("text", "old", s("old")),
        ("ntext", "오래", s("오래")),
        ("xml", "<a b=\"1\"/>", s("<a b=\"1\"/>")),
    ]
}

/// As [`numbers_and_texts`].
pub fn moments_and_bytes() -> Vec<(&'static str, &'static str, Value)> {
    let s = |text: &str| json!({ "S": text });
    let b = |text: &str| json!({ "B": text });
    vec![
        ("date", "0001-01-01", s("0001-01-01")),
        ("date", "9999-12-31", s("9999-12-31")),
        ("time(7)", "23:59:59.9999999", s("23:59:59.9999999")),
        ("time(0)", "00:00:00", s("00:00:00")),
        ("datetime", "1753-01-01", s("1753-01-01T00:00:00")),
        (
            "datetime",
            "9999-12-31T23:59:59.997",
            s("9999-12-31T23:59:59.997"),
        ),
        (
            "datetime",
            "2024-02-29T00:00:00.003",
            s("2024-02-29T00:00:00.003"),
        ),
        (
            "smalldatetime",
            "2079-06-06T23:59:00",
            s("2079-06-06T23:59:00"),
        ),
        (
            "datetime2(7)",
            "0001-01-01T00:00:00.0000001",
            s("0001-01-01T00:00:00.0000001"),
        ),
        (
            "datetime2(7)",
            "9999-12-31T23:59:59.9999999",
            s("9999-12-31T23:59:59.9999999"),
        ),
        (
            "datetimeoffset(7)",
            "2024-07-01T12:00:00.1234567+09:00",
            s("2024-07-01T12:00:00.1234567+09:00"),
        ),
        (
            "datetimeoffset(0)",
            "2024-07-01T12:00:00-14:00",
            s("2024-07-01T12:00:00-14:00"),
        ),
        (
            "uniqueidentifier",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            s("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
        ),
        ("binary(4)", "0x00FF", b("AP8AAA==")),
        ("varbinary(8)", "0x", b("")),
        ("varbinary(max)", "0x00FF10", b("AP8Q")),
        ("image", "0x01", b("AQ==")),
        ("hierarchyid", "0x5AC0", b("WsA=")),
        ("geometry", "0x0000000001", b("AAAAAAE=")),
        ("geography", "0xE6100000", b("5hAAAA==")),
    ]
}

#[tokio::test]
async fn every_type_keeps_every_digit_and_character() {
    let cases = [numbers_and_texts(), moments_and_bytes()].concat();
    let names: Vec<_> = (0..cases.len()).map(|n| format!("c {n}")).collect();
    let mut columns = vec![("id", "int NOT NULL"), ("version", "rowversion")];
    columns.extend(
        names
            .iter()
            .zip(&cases)
            .map(|(name, (of, ..))| (name.as_str(), *of)),
    );
    let values = cases.iter().map(|(_, value, _)| Cell::from(*value));
    let first: Vec<_> = [Cell::from(1)].into_iter().chain(values).collect();
    let nulls = cases.iter().map(|_| Cell::Null);
    let second: Vec<_> = [Cell::from(2)].into_iter().chain(nulls).collect();
    let database = Database::with("all_types", &columns, &["id"], &[first, second]);
    let (store, drivers, secrets) = (MemoryStore::new(), Drivers::AT_ONCE, database.secrets());
    let source = database.source(&json!({"table": "all_types"}));
    let plan = plan(&store, &drivers, &secrets, source).await.unwrap();
    export(&store, &drivers, &secrets, &plan, Settings::default(), LONG)
        .await
        .unwrap();
    let items = items(&store, &plan).await;
    assert_eq!(items.len(), 2);
    for (n, (of, value, expected)) in cases.iter().enumerate() {
        assert_eq!(items[0][format!("c {n}")], *expected, "{of} {value}");
        let null = json!({"NULL": true});
        assert_eq!(items[1][format!("c {n}")], null, "{of} NULL");
    }
    assert_eq!(items[0]["version"], json!({"B": "AAAAAAAAB9E="}));
    // The schema is in the plan, so that the way back is exact.
    let of_table = plan.sql().unwrap().1;
    let column = of_table.columns.iter().find(|one| one.name == "c 10");
    let column = column.unwrap();
    assert_eq!(
        (column.sql_type.as_str(), column.scale),
        ("decimal(38,10)", Some(10))
    );
}

#[tokio::test]
async fn half_a_surrogate_pair_is_refused_by_name() {
    let half = vec![1.into(), Cell::Utf16(vec![0x61, 0xD800])];
    let columns = [("id", "int NOT NULL"), ("note", "nvarchar(9)")];
    let database = Database::with("halves", &columns, &["id"], &[half]);
    let (store, drivers, secrets) = (MemoryStore::new(), Drivers::AT_ONCE, database.secrets());
    let source = database.source(&json!({"table": "halves"}));
    // The plan reads a sample of the rows.
    let error = plan(&store, &drivers, &secrets, source).await.unwrap_err();
    let message = contract::chain(&error);
    assert_eq!(error.name(), ErrorName::ServiceRejected, "{message}");
    assert!(message.contains("half of a surrogate pair"), "{message}");
    // Or it is replaced, and counted.
    let source = database.source(&json!({"table": "halves", "badText": "replace"}));
    let plan = plan(&store, &drivers, &secrets, source).await.unwrap();
    export(&store, &drivers, &secrets, &plan, Settings::default(), LONG)
        .await
        .unwrap();
    let items = items(&store, &plan).await;
    assert_eq!(items[0]["note"], json!({"S": "a\u{fffd}"}));
    let manifest = &crate::export::manifests(&store, &plan).await[0];
    assert_eq!(manifest.snapshots[0].bad_texts, 1);
}

#[tokio::test]
async fn what_has_no_form_is_refused_with_the_way_out() {
    let columns = [("id", "int NOT NULL"), ("any", "sql_variant")];
    let rows = [vec![1.into(), Cell::from("int:5")]];
    let database = Database::with("variants", &columns, &["id"], &rows);
    let (store, drivers, secrets) = (MemoryStore::new(), Drivers::AT_ONCE, database.secrets());
    let source = database.source(&json!({"table": "variants"}));
    let error = plan(&store, &drivers, &secrets, source).await.unwrap_err();
    assert_eq!(error.name(), ErrorName::SourceTypeUnsupported);
    let message = contract::chain(&error);
    assert!(
        message.contains("any") && message.contains("`columns`"),
        "{message}"
    );
    // Without the column, the table is read; and so is a query that casts it.
    let query = "SELECT id, CAST([any] AS nvarchar(20)) AS text FROM dbo.variants";
    for (change, expected) in [
        (
            json!({"table": "variants", "columns": ["id"]}),
            json!({"id": {"N": "1"}}),
        ),
        (
            json!({ "query": query }),
            json!({"id": {"N": "1"}, "text": {"S": "5"}}),
        ),
    ] {
        let (store, source) = (MemoryStore::new(), database.source(&change));
        let plan = plan(&store, &drivers, &secrets, source).await.unwrap();
        export(&store, &drivers, &secrets, &plan, Settings::default(), LONG)
            .await
            .unwrap();
        assert_eq!(items(&store, &plan).await, [expected]);
    }
}
