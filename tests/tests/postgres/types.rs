//! Every type at its edges, and that nothing of a value is lost.

use crate::export::{export, items, plan};
use crate::server::Database;
use database::Drivers;
use export_sql_range::Settings;
use lake::MemoryStore;
use serde_json::{Value, json};
use std::time::Duration;

/// A type, a literal of it, and the attribute that it becomes.
fn cases() -> Vec<(&'static str, &'static str, Value)> {
    let n = |text: &str| json!({ "N": text });
    let s = |text: &str| json!({ "S": text });
    vec![
        ("smallint", "-32768", n("-32768")),
        ("integer", "2147483647", n("2147483647")),
        ("bigint", "-9223372036854775808", n("-9223372036854775808")),
        (
            "numeric(38,10)",
            "9999999999999999999999999999.9999999999",
            n("9999999999999999999999999999.9999999999"),
        ),
        ("numeric(12,2)", "0.10", n("0.10")),
        ("numeric", "'NaN'", s("NaN")),
        (
            "numeric",
            "1234567890123456789012345678901234567890.5",
            s("1234567890123456789012345678901234567890.5"),
        ),
        ("real", "0.1", n("0.1")),
        (
            "double precision",
            "0.1::float8 + 0.2::float8",
            n("0.30000000000000004"),
        ),
        ("double precision", "5e-324", s("5e-324")),
        ("double precision", "'-Infinity'", s("-Infinity")),
        ("double precision", "1e100", n("1e+100")),
        ("money", "'12.34'", n("12.34")),
        ("boolean", "true", json!({"BOOL": true})),
        ("boolean", "false", json!({"BOOL": false})),
        (
            "text",
            "E'a\\tb\\\\N\\n\"c\" 한글 😀'",
            s("a\tb\\N\n\"c\" 한글 😀"),
        ),
        ("text", "'\\N'", s("\\N")),
        ("text", "''", s("")),
        ("character(5)", "'ab'", s("ab   ")),
        ("bytea", "'\\x00ff10'", json!({"B": "AP8Q"})),
        ("bytea", "''", json!({"B": ""})),
        ("date", "'0001-01-01'", s("0001-01-01")),
        ("date", "'9999-12-31'", s("9999-12-31")),
        (
            "timestamp",
            "'2024-02-29 23:59:59.999999'",
            s("2024-02-29T23:59:59.999999"),
        ),
        ("timestamp", "'infinity'", s("infinity")),
        (
            "timestamptz",
            "'2024-07-01 12:00:00+09'",
            s("2024-07-01T03:00:00Z"),
        ),
        (
            "timestamptz",
            "'9999-12-31 23:59:59.5-08'",
            s("10000-01-01 07:59:59.5+00"),
        ),
        ("time", "'24:00:00'", s("24:00:00")),
        ("interval", "'1 day 2 hours'", s("P1DT2H")),
        (
            "uuid",
            "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
            s("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ),
        ("jsonb", "'{\"b\": [1, \"x\"]}'", s("{\"b\": [1, \"x\"]}")),
        ("integer[]", "'{1,NULL,3}'", s("{1,NULL,3}")),
        ("inet", "'10.0.0.1/8'", s("10.0.0.1/8")),
        ("mood", "'so so'", s("so so")),
        (
            "mood[]",
            "'{sad,NULL,\"so so\"}'",
            s("{sad,NULL,\"so so\"}"),
        ),
        ("money[]", "'{12.34}'", s("{12.34}")),
        // A domain is the type that it is made of.
        ("price", "1.5", n("1.50")),
        ("smallest", "2.5", n("2.50")),
        ("price[]", "'{1.5}'", s("{1.50}")),
        ("cash", "'12.34'", n("12.34")),
        ("flag", "true", json!({"BOOL": true})),
        ("raw", "'\\x00ff'", json!({"B": "AP8="})),
        (
            "moment",
            "'2024-07-01 12:00:00+09'",
            s("2024-07-01T03:00:00Z"),
        ),
        ("feeling", "'sad'", s("sad")),
        ("feelings", "'{sad}'", s("{sad}")),
    ]
}

/// The types of the cases that a server does not have itself.
const TYPES: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'so so');
    CREATE DOMAIN price AS numeric(9,2); CREATE DOMAIN smallest AS price CHECK (VALUE > 0);
    CREATE DOMAIN cash AS money; CREATE DOMAIN flag AS boolean; CREATE DOMAIN raw AS bytea;
    CREATE DOMAIN moment AS timestamptz; CREATE DOMAIN feeling AS mood;
    CREATE DOMAIN feelings AS mood[];";

#[tokio::test]
async fn every_type_keeps_every_digit_and_character() {
    let cases = cases();
    let columns: Vec<_> = cases
        .iter()
        .enumerate()
        .map(|(n, (of, ..))| format!("\"c {n}\" {of}"))
        .collect();
    let values: Vec<_> = cases.iter().map(|(_, value, _)| *value).collect();
    let sql = format!(
        "SET lc_monetary = 'C'; {TYPES} CREATE TABLE all_types (id int PRIMARY KEY, {}); \
         INSERT INTO all_types VALUES (1, {}); INSERT INTO all_types (id) VALUES (2);",
        columns.join(", "),
        values.join(", ")
    );
    let database = Database::with("every_type", &sql).await;
    let (store, drivers, secrets) = (MemoryStore::new(), Drivers::AT_ONCE, database.secrets());
    let source = database.source(&json!({"table": "all_types"}));
    let plan = plan(&store, &drivers, &secrets, source).await.unwrap();
    export(
        &store,
        &drivers,
        &secrets,
        &plan,
        Settings::default(),
        Duration::from_mins(10),
    )
    .await
    .unwrap();
    let items = items(&store, &plan).await;
    assert_eq!(items.len(), 2);
    for (n, (of, value, expected)) in cases.iter().enumerate() {
        assert_eq!(items[0][format!("c {n}")], *expected, "{of} {value}");
        assert_eq!(
            items[1][format!("c {n}")],
            json!({"NULL": true}),
            "{of} NULL"
        );
    }
    // The schema is in the plan, so that the way back is exact.
    let of_table = plan.sql().unwrap().1;
    assert_eq!(of_table.columns[4].sql_type, "numeric(38,10)");
    assert_eq!(of_table.columns[4].scale, Some(10));
    let domain = cases.iter().position(|(of, ..)| *of == "smallest").unwrap();
    let domain = &of_table.columns[domain + 1];
    assert_eq!(domain.sql_type, "numeric(9,2)");
    assert_eq!(domain.scale, Some(2), "its sum is compared");
}
