//! The server for tests, as clients see it that share no code with Millrace's driver: pymssql, which
//! is `FreeTDS` with its older interface, python-tds, and `FreeTDS`' own `tsql`, which verifies the
//! certificate. They prove its bytes.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use end_to_end::{python, workspace};
use serde_json::{Value, json};
use sqlserver_local::{Cell, Config, Server, Table};
use std::io::Write as _;
use std::process::{Command, Stdio};

/// A type, the text of a value, and the value as Python's `str` or JSON has it. Both clients cut
/// moments to microseconds, and python-tds drops zeros at a decimal's end.
fn cases() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("bit", "1", json!(true)),
        ("tinyint", "255", json!(255)),
        ("smallint", "-32768", json!(-32_768)),
        ("int NOT NULL", "2147483647", json!(2_147_483_647)),
        ("bigint NOT NULL", "-9223372036854775808", json!(i64::MIN)),
        (
            "decimal(38,10)",
            "-9999999999999999999999999999.9999999999",
            json!("-9999999999999999999999999999.9999999999"),
        ),
        ("decimal(9,2)", "0.12", json!("0.12")),
        ("smallmoney", "-214748.3648", json!("-214748.3648")),
        ("money NOT NULL", "1.2345", json!("1.2345")),
        ("real", "0.5", json!(0.5)),
        (
            "float",
            "0.30000000000000004",
            json!(0.300_000_000_000_000_04),
        ),
        ("varchar(10)", "é€", json!("é€")),
        (
            "varchar(9) COLLATE Korean_Wansung_CI_AS",
            "한글",
            json!("한글"),
        ),
        ("varchar(max)", "v", json!("v")),
        ("nchar(4)", "한글", json!("한글  ")),
        ("nvarchar(40)", "한글 😀 'd'", json!("한글 😀 'd'")),
        ("nvarchar(max)", "", json!("")),
        ("ntext", "오래", json!("오래")),
        ("date", "0001-01-01", json!("0001-01-01")),
        ("time(7)", "23:59:59.9999999", json!("23:59:59.999999")),
        (
            "datetime NOT NULL",
            "1753-01-01T00:00:00.003",
            json!("1753-01-01 00:00:00.003000"),
        ),
        (
            "smalldatetime",
            "2079-06-06T23:59",
            json!("2079-06-06 23:59:00"),
        ),
        (
            "datetime2(7)",
            "9999-12-31T23:59:59.1234567",
            json!("9999-12-31 23:59:59.123456"),
        ),
        (
            "datetimeoffset(7)",
            "2024-07-01T12:00:00.1234567+09:00",
            json!("2024-07-01 12:00:00.123456+09:00"),
        ),
        (
            "uniqueidentifier",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            json!("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ),
        ("binary(4)", "0x00FF", json!("00ff0000")),
        ("varbinary(8)", "0x", json!("")),
        ("varbinary(max)", "0x00FF10", json!("00ff10")),
        ("image", "0x01", json!("01")),
    ]
}

/// What each client read of a query.
fn read(server: &Server, query: &str) -> Value {
    let of = Config::default();
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("authority.pem");
    std::fs::write(&authority, server.authority()).unwrap();
    let mut command = Command::new(python::SQL_SERVER.program("python"));
    command
        .arg(workspace::root().join("tests/python/read_sql_server.py"))
        .arg(server.port().to_string())
        .arg(&authority)
        .args([&of.user, &of.password, &of.database, query]);
    let output = python::output(&mut command);
    assert!(output.status.success(), "{}", python::said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn both_clients_read_every_type() {
    let cases = cases();
    let server = Server::start(&Config::default()).unwrap();
    let mut table = Table::new("dbo", "types");
    table = table.column("id", "int NOT NULL").unwrap();
    for (n, (of, ..)) in cases.iter().enumerate() {
        table = table.column(&format!("c{n}"), of).unwrap();
    }
    server.create(table.primary_key(&["id"])).unwrap();
    let values = cases.iter().map(|(_, value, _)| Cell::from(*value));
    let first = [Cell::from(1)].into_iter().chain(values).collect();
    // NULL, where the column may hold it.
    let nulls = cases.iter().map(|(of, value, _)| {
        if of.contains("NOT NULL") {
            Cell::from(*value)
        } else {
            Cell::Null
        }
    });
    let second = [Cell::from(2)].into_iter().chain(nulls).collect();
    server.insert("types", &[first, second]).unwrap();

    let found = read(&server, "SELECT * FROM dbo.types ORDER BY id");
    for client in ["pymssql", "python-tds"] {
        for (n, (of, text, expected)) in cases.iter().enumerate() {
            let value = &found[client][0][n + 1];
            assert_eq!(value, expected, "{client}: {of} {text}");
            let null = &found[client][1][n + 1];
            if of.contains("NOT NULL") {
                assert_eq!(null, expected, "{client}: {of} {text}");
            } else {
                assert!(null.is_null(), "{client}: {of} {null}");
            }
        }
    }
}

#[test]
fn both_clients_read_many_packets() {
    let server = Server::start(&Config::default()).unwrap();
    let table = Table::new("dbo", "many")
        .column("id", "bigint NOT NULL")
        .and_then(|it| it.column("note", "nvarchar(max)"))
        .unwrap();
    server.create(table.primary_key(&["id"])).unwrap();
    let note = |n: i64| "한 ".repeat(usize::try_from(n % 7).unwrap() * 700);
    let rows: Vec<_> = (0..1500).map(|n| vec![n.into(), note(n).into()]).collect();
    server.insert("many", &rows).unwrap();
    let found = read(
        &server,
        "SELECT id, note FROM dbo.many WHERE id >= 500 ORDER BY id DESC",
    );
    let expected: Vec<_> = (500..1500).rev().map(|n| json!([n, note(n)])).collect();
    for client in ["pymssql", "python-tds"] {
        assert!(found[client] == json!(expected), "{client}");
    }
}

#[test]
fn both_clients_read_the_partitions_of_a_table_and_their_rows() {
    let server = Server::start(&Config::default()).unwrap();
    let boundaries = ["2026-02-01", "2026-03-01"].map(Cell::from);
    let table = Table::new("dbo", "days")
        .column("id", "int NOT NULL")
        .and_then(|it| it.column("day", "date NOT NULL"))
        .unwrap();
    let table = table
        .primary_key(&["id", "day"])
        .partitioned("day", false, &boundaries);
    server.create(table).unwrap();
    let days = [
        "2026-01-31",
        "2026-02-01",
        "2026-02-02",
        "2026-03-01",
        "2026-03-02",
    ];
    let rows = days
        .iter()
        .zip(0..)
        .map(|(day, n)| vec![Cell::from(n), Cell::from(*day)]);
    server.insert("days", &rows.collect::<Vec<_>>()).unwrap();
    // As a plan asks for them.
    let ranges = "SELECT CONVERT(varchar(40), CAST(b.value AS date), 126), z.items FROM (SELECT \
                  p.partition_number, SUM(CASE WHEN a.type = 1 THEN p.rows ELSE 0 END) AS items FROM \
                  sys.partitions AS p JOIN sys.allocation_units AS a ON a.container_id = p.partition_id WHERE \
                  p.object_id = OBJECT_ID(N'[dbo].[days]') AND p.index_id IN (0, 1) GROUP BY \
                  p.partition_number) AS z LEFT JOIN (SELECT v.boundary_id, v.value FROM sys.indexes AS i JOIN \
                  sys.partition_schemes AS s ON s.data_space_id = i.data_space_id JOIN \
                  sys.partition_range_values AS v ON v.function_id = s.function_id WHERE i.object_id = \
                  OBJECT_ID(N'[dbo].[days]') AND i.index_id IN (0, 1)) AS b ON b.boundary_id = \
                  z.partition_number ORDER BY z.partition_number";
    let found = read(&server, ranges);
    // As an export asks for the rows of the second.
    let page = "SELECT TOP (9) [id] FROM [dbo].[days] WHERE [day] > CONVERT(date, N'2026-02-01', 126) AND [day] \
                <= CONVERT(date, N'2026-03-01', 126) ORDER BY [id], [day]";
    let rows = read(&server, page);
    for client in ["pymssql", "python-tds"] {
        let expected = json!([["2026-02-01", 2], ["2026-03-01", 2], [null, 1]]);
        assert_eq!(found[client], expected, "{client}");
        assert_eq!(rows[client], json!([[2], [3]]), "{client}");
    }
}

/// What `tsql` prints of a query, or its complaint. It trusts `authority`, and checks the host name.
fn tsql(server: &Server, authority: &str, query: &str) -> Result<String, String> {
    let of = Config::default();
    let folder = tempfile::tempdir().unwrap();
    let (trusted, settings) = (folder.path().join("ca.pem"), folder.path().join("freetds"));
    std::fs::write(&trusted, authority).unwrap();
    let text = format!(
        "[shop]\nhost = localhost\nport = {}\ntds version = 7.4\nencryption = require\nca file = {}\n\
         check certificate hostname = yes\nclient charset = UTF-8\ntext size = 65536\n",
        server.port(),
        trusted.display()
    );
    std::fs::write(&settings, text).unwrap();
    let mut command = Command::new("tsql");
    command
        .args(["-S", "shop", "-U", &of.user, "-P", &of.password])
        .args(["-D", &of.database, "-o", "fhq", "-t", "|"])
        .env("FREETDSCONF", &settings)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut tsql = command.spawn().expect("tsql is installed");
    let mut input = tsql.stdin.take().unwrap();
    // One that has ended with its complaint reads nothing more.
    let _ = write!(input, "{query}\ngo\nexit\n");
    drop(input);
    let output = tsql.wait_with_output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(said(&output.stdout))
    } else {
        Err(said(&output.stdout) + &said(&output.stderr))
    }
}

#[test]
#[ignore = "needs tsql of FreeTDS (Debian and Ubuntu: freetds-bin)"]
fn tsql_reads_values_and_verifies_the_certificate() {
    // A type, the text of a value, and what tsql prints of it.
    let cases = [
        ("bigint", "-9223372036854775808", "-9223372036854775808"),
        ("tinyint", "255", "255"),
        ("bit", "1", "1"),
        (
            "decimal(38,10)",
            "-9999999999999999999999999999.9999999999",
            "-9999999999999999999999999999.9999999999",
        ),
        ("float", "0.5", "0.5"),
        ("varchar(9) COLLATE Korean_Wansung_CI_AS", "한글", "한글"),
        ("nvarchar(40)", "한글 😀 'd'", "한글 😀 'd'"),
        ("nvarchar(max)", "오래", "오래"),
        (
            "uniqueidentifier",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
        ),
        ("varbinary(max)", "0x00FF10", "00ff10"),
    ];
    let server = Server::start(&Config::default()).unwrap();
    let mut table = Table::new("dbo", "types");
    for (n, (of, ..)) in cases.iter().enumerate() {
        table = table.column(&format!("c{n}"), of).unwrap();
    }
    server.create(table).unwrap();
    let values = cases.iter().map(|(_, value, _)| Cell::from(*value));
    let nulls = vec![Cell::Null; cases.len()];
    server.insert("types", &[values.collect(), nulls]).unwrap();

    let query = "SELECT * FROM dbo.types";
    let printed = tsql(&server, server.authority(), query).unwrap();
    let mut lines = printed.lines();
    let expected = cases.map(|(_, _, printed)| printed).join("|");
    assert_eq!(lines.next(), Some(expected.as_str()));
    let nulls = vec!["NULL"; cases.len()].join("|");
    assert_eq!(lines.next(), Some(nulls.as_str()));
    // It trusts another server's authority alone.
    let other = Server::start(&Config::default()).unwrap();
    tsql(&server, other.authority(), query).unwrap_err();
}
