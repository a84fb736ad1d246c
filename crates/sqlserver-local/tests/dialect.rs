//! The queries that Millrace generates, word for word, and their answers.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use sqlserver_local::{Cell, Config, Permissions, Server, Table};
use support::{Connection, connect};
use tiberius::ColumnData;

fn server() -> Server {
    let server = Server::start(&Config::default()).unwrap();
    let table = Table::new("dbo", "Orders")
        .column("Id", "bigint NOT NULL")
        .and_then(|it| it.column("Name", "varchar(20) COLLATE Korean_Wansung_CI_AS"))
        .and_then(|it| it.column("Price", "decimal(9,2)"))
        .and_then(|it| it.column("At", "datetime2(3) NOT NULL"))
        .and_then(|it| it.column("Note", "nvarchar(max)"))
        .and_then(|it| it.column("Place", "geography"))
        .unwrap();
    let table = table.primary_key(&["Id"]).unique(&["At", "Id"]);
    server.create(table).unwrap();
    let rows: Vec<Vec<Cell>> = (0..1000_i64)
        .map(|i| {
            let at = format!("2024-01-01T00:{:02}:{:02}", i / 60 % 60, i % 60);
            let price = format!("{}.25", i - 500);
            vec![
                i.into(),
                "한".into(),
                price.into(),
                at.into(),
                Cell::Null,
                Cell::Null,
            ]
        })
        .collect();
    server.insert("dbo.Orders", &rows).unwrap();
    server
}

async fn texts(client: &mut Connection, query: &str) -> Vec<Vec<String>> {
    let rows = client.simple_query(query).await.unwrap();
    let rows = rows.into_first_result().await.unwrap();
    let text = |data: &ColumnData<'static>| match data {
        ColumnData::String(Some(text)) => text.to_string(),
        ColumnData::I32(Some(number)) => number.to_string(),
        ColumnData::I64(Some(number)) => number.to_string(),
        _ => "NULL".to_owned(),
    };
    let row = |row: &tiberius::Row| row.cells().map(|(_, data)| text(data)).collect();
    rows.iter().map(row).collect()
}

#[tokio::test]
async fn the_catalogue_is_read() {
    let server = server();
    server.set_permissions(Permissions {
        denied: vec![("dbo.Orders".to_owned(), Some("Note".to_owned()))],
        may_write: true,
    });
    let mut client = connect(&server).await;
    let name = "N'[dbo].[Orders]'";
    let columns = format!(
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
    );
    let expected = [
        ["Id", "bigint", "0", "1"],
        ["Name", "varchar(20) COLLATE Korean_Wansung_CI_AS", "1", "1"],
        ["Price", "decimal(9,2)", "1", "1"],
        ["At", "datetime2(3)", "0", "1"],
        [
            "Note",
            "nvarchar(max) COLLATE SQL_Latin1_General_CP1_CI_AS",
            "1",
            "0",
        ],
        ["Place", "geography", "1", "1"],
    ];
    assert_eq!(texts(&mut client, &columns).await, expected);

    let indexes = format!(
        "SELECT i.name, c.name, CONVERT(int, c.is_nullable) \
         FROM sys.indexes AS i \
         JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id \
         JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id \
         WHERE i.object_id = OBJECT_ID({name}) AND i.is_unique = 1 AND i.is_disabled = 0 \
         AND i.has_filter = 0 AND k.key_ordinal > 0 \
         ORDER BY CASE WHEN i.type = 1 THEN 0 ELSE 1 END, i.is_primary_key DESC, i.index_id, \
         k.key_ordinal"
    );
    let expected = [
        ["PK_Orders", "Id", "0"],
        ["UX_Orders_1", "At", "0"],
        ["UX_Orders_1", "Id", "0"],
    ];
    assert_eq!(texts(&mut client, &indexes).await, expected);

    let size = format!(
        "SELECT SUM(CASE WHEN a.type = 1 THEN p.rows ELSE 0 END), SUM(a.total_pages) * 8192 \
         FROM sys.partitions AS p JOIN sys.allocation_units AS a ON a.container_id = p.partition_id \
         WHERE p.object_id = OBJECT_ID({name}) AND p.index_id IN (0, 1)"
    );
    let size = &texts(&mut client, &size).await[0];
    assert_eq!(size[0], "1000");
    assert!(size[1].parse::<u64>().unwrap() > 10_000, "{size:?}");

    let may_write = format!(
        "SELECT CASE WHEN HAS_PERMS_BY_NAME({name}, 'OBJECT', 'INSERT') = 1 \
         OR HAS_PERMS_BY_NAME({name}, 'OBJECT', 'UPDATE') = 1 \
         OR HAS_PERMS_BY_NAME({name}, 'OBJECT', 'DELETE') = 1 THEN 1 ELSE 0 END"
    );
    assert_eq!(texts(&mut client, &may_write).await, [["1"]]);
    let snapshots =
        "SELECT CONVERT(int, snapshot_isolation_state) FROM sys.databases WHERE name = DB_NAME()";
    assert_eq!(texts(&mut client, snapshots).await, [["1"]]);
    let moment = "SELECT CONVERT(varchar(40), SYSUTCDATETIME(), 126) + 'Z'";
    let moment = &texts(&mut client, moment).await[0][0];
    assert!(
        moment.starts_with("20") && moment.ends_with('Z'),
        "{moment}"
    );
}

#[tokio::test]
async fn boundaries_ascend() {
    let server = server();
    let mut client = connect(&server).await;
    let name = "N'[dbo].[Orders]'";
    let histogram = format!(
        "SELECT CONVERT(varchar(40), CAST(h.range_high_key AS datetime2(3)), 126) FROM (SELECT TOP (1) \
         s.object_id, s.stats_id FROM sys.stats AS s \
         JOIN sys.stats_columns AS k ON k.object_id = s.object_id AND k.stats_id = s.stats_id \
         WHERE s.object_id = OBJECT_ID({name}) AND s.has_filter = 0 AND k.stats_column_id = 1 \
         AND k.column_id = COLUMNPROPERTY(OBJECT_ID({name}), N'At', 'ColumnId') \
         ORDER BY s.stats_id) AS s \
         CROSS APPLY sys.dm_db_stats_histogram(s.object_id, s.stats_id) AS h \
         WHERE h.range_high_key IS NOT NULL ORDER BY h.step_number"
    );
    let found = texts(&mut client, &histogram).await;
    assert!((100..=201).contains(&found.len()), "{}", found.len());
    assert!(found.is_sorted() && found[0][0].starts_with("2024-01-01T00:00"));

    let sampled = "SELECT CONVERT(nvarchar(max), MIN(s.v)) FROM (SELECT t.v, NTILE(4) OVER (ORDER BY t.v) AS \
                   part FROM (SELECT [Id] AS v FROM [dbo].[Orders] TABLESAMPLE (50 PERCENT) WHERE [Id] IS NOT \
                   NULL) AS t) AS s WHERE s.part > 1 GROUP BY s.part ORDER BY s.part";
    let found = texts(&mut client, sampled).await;
    let found: Vec<i64> = found.iter().map(|row| row[0].parse().unwrap()).collect();
    assert!(found.len() == 3 && found.is_sorted(), "{found:?}");
    assert!((200..300).contains(&found[0]), "{found:?}");
}

/// A table of days in partitions: `right` says on which side a boundary is.
fn partitioned(name: &str, is_right: bool, boundaries: &[Cell]) -> Table {
    let table = Table::new("dbo", name)
        .column("Id", "int NOT NULL")
        .and_then(|it| it.column("Day", "date"))
        .unwrap();
    table
        .unique(&["Id"])
        .partitioned("Day", is_right, boundaries)
}

#[tokio::test]
async fn partitions_are_described_and_have_their_rows() {
    let server = server();
    let bounds: Vec<Cell> = ["2026-02-01", "2026-03-01"].map(Cell::from).to_vec();
    let with_null = [&[Cell::Null], bounds.as_slice()].concat();
    let days = [
        Cell::Null,
        "2026-01-31".into(),
        "2026-02-01".into(),
        "2026-02-02".into(),
        "2026-03-01".into(),
    ];
    let mut client = connect(&server).await;
    for (name, is_right, bounds, expected) in [
        (
            "R",
            true,
            &bounds,
            vec![["2026-02-01", "2"], ["2026-03-01", "2"], ["NULL", "1"]],
        ),
        (
            "L",
            false,
            &bounds,
            vec![["2026-02-01", "3"], ["2026-03-01", "2"], ["NULL", "0"]],
        ),
        (
            "NR",
            true,
            &with_null,
            vec![
                ["NULL", "0"],
                ["2026-02-01", "2"],
                ["2026-03-01", "2"],
                ["NULL", "1"],
            ],
        ),
        (
            "NL",
            false,
            &with_null,
            vec![
                ["NULL", "1"],
                ["2026-02-01", "2"],
                ["2026-03-01", "2"],
                ["NULL", "0"],
            ],
        ),
    ] {
        server.create(partitioned(name, is_right, bounds)).unwrap();
        let rows = days
            .iter()
            .zip(0..)
            .map(|(day, n)| vec![Cell::from(n), day.clone()]);
        server.insert(name, &rows.collect::<Vec<_>>()).unwrap();
        let object = format!("OBJECT_ID(N'[dbo].[{name}]')");
        let column = format!(
            "SELECT c.name, CONVERT(int, c.is_nullable), CONVERT(int, f.boundary_value_on_right) \
             FROM sys.indexes AS i JOIN sys.partition_schemes AS s ON s.data_space_id = i.data_space_id \
             JOIN sys.partition_functions AS f ON f.function_id = s.function_id \
             JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id \
             JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id \
             WHERE i.object_id = {object} AND i.index_id IN (0, 1) AND k.partition_ordinal = 1"
        );
        let side = if is_right { "1" } else { "0" };
        assert_eq!(texts(&mut client, &column).await, [["Day", "1", side]]);
        let ranges = format!(
            "SELECT CONVERT(varchar(40), CAST(b.value AS date), 126), z.bytes, z.items \
             FROM (SELECT p.partition_number, \
             SUM(a.total_pages) * 8192 AS bytes, SUM(CASE WHEN a.type = 1 THEN p.rows ELSE 0 END) AS items \
             FROM sys.partitions AS p JOIN sys.allocation_units AS a ON a.container_id = p.partition_id \
             WHERE p.object_id = {object} AND p.index_id IN (0, 1) \
             GROUP BY p.partition_number) AS z \
             LEFT JOIN (SELECT v.boundary_id, v.value FROM sys.indexes AS i \
             JOIN sys.partition_schemes AS s ON s.data_space_id = i.data_space_id \
             JOIN sys.partition_range_values AS v ON v.function_id = s.function_id \
             WHERE i.object_id = {object} AND i.index_id IN (0, 1)) AS b \
             ON b.boundary_id = z.partition_number ORDER BY z.partition_number"
        );
        let found = texts(&mut client, &ranges).await;
        let found: Vec<_> = found.iter().map(|row| [row[0].as_str(), &row[2]]).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[tokio::test]
async fn an_index_is_divided_as_its_table_is_or_not_at_all() {
    let server = server();
    let bounds = ["2026-02-01", "2026-03-01"].map(Cell::from);
    server.create(partitioned("R", true, &bounds)).unwrap();
    server.create(partitioned("L", false, &bounds)).unwrap();
    let mut client = connect(&server).await;
    // Of a table without partitions nothing is said.
    let none = "SELECT s.name FROM sys.indexes AS i JOIN sys.partition_schemes AS s \
                ON s.data_space_id = i.data_space_id WHERE i.object_id = OBJECT_ID(N'[dbo].[Orders]')";
    assert!(texts(&mut client, none).await.is_empty());
    // Its own unique index is not divided as the table is.
    let by_index = "SELECT CONVERT(varchar(9), p.index_id), CONVERT(varchar(9), COUNT_BIG(*)) \
                    FROM sys.partitions AS p WHERE p.object_id = OBJECT_ID(N'[dbo].[R]') \
                    GROUP BY p.index_id ORDER BY p.index_id";
    assert_eq!(texts(&mut client, by_index).await, [["0", "3"], ["2", "1"]]);
    server.drop_table("R").unwrap();
    let left = "SELECT CONVERT(varchar(9), COUNT_BIG(*)) FROM sys.partition_functions";
    assert_eq!(texts(&mut client, left).await, [["1"]]);
    let wrong = partitioned("W", true, &["no day".into()]);
    assert!(
        server
            .create(wrong)
            .unwrap_err()
            .to_string()
            .contains("Day")
    );
    let table = Table::new("dbo", "K").column("Id", "int NOT NULL").unwrap();
    let table = table.column("Day", "date").unwrap().primary_key(&["Id"]);
    let refused = server
        .create(table.partitioned("Day", true, &[]))
        .unwrap_err();
    assert!(
        refused.to_string().contains("clustered unique index"),
        "{refused}"
    );
}

#[tokio::test]
async fn pages_and_their_totals_agree() {
    let server = server();
    let mut client = connect(&server).await;
    for (begin, value) in [
        (
            "SET TRANSACTION ISOLATION LEVEL SNAPSHOT",
            "[Id] >= CAST(N'10' AS bigint)",
        ),
        (
            "BEGIN TRANSACTION",
            "[Name] = CAST(N'한' COLLATE Korean_Wansung_CI_AS AS varchar(20))",
        ),
    ] {
        client
            .simple_query(begin)
            .await
            .unwrap()
            .into_results()
            .await
            .unwrap();
        let page = format!(
            "SELECT TOP (3) [Id], CAST([Name] AS nvarchar(max)) AS [Name], [Price], \
             CONVERT(varchar(40), [At], 126) AS [At] FROM [dbo].[Orders] WHERE (Price > 0 OR 1 = 1) AND \
             {value} AND [Id] IS NOT NULL AND (([At] > CONVERT(datetime2(3), N'2024-01-01T00:00:10', 126)) OR \
             ([At] = CONVERT(datetime2(3), N'2024-01-01T00:00:10', 126) AND [Id] > CAST(N'10' AS bigint))) \
             ORDER BY [At], [Id]"
        );
        let ids: Vec<_> = texts(&mut client, &page)
            .await
            .into_iter()
            .map(|row| row[0].clone())
            .collect();
        assert_eq!(ids, ["11", "12", "13"]);
    }
    let totals = "SELECT COUNT_BIG(*), CONVERT(varchar(50), SUM(CAST([Id] AS decimal(38,0)))), \
                  CONVERT(varchar(50), SUM(CAST([Price] AS decimal(38,2)))) FROM [dbo].[Orders] WHERE \
                  (([Id] > CAST(N'10' AS bigint))) AND NOT (([Id] > CAST(N'13' AS bigint)))";
    let row = &texts(&mut client, totals).await[0];
    assert_eq!(row, &["3", "36", "-1464.75"]);
    client.simple_query("COMMIT TRANSACTION").await.unwrap();
}

#[tokio::test]
async fn a_query_is_described_without_being_run() {
    let server = server();
    let mut client = connect(&server).await;
    let describe = |query: &str| {
        format!(
            "SELECT name, system_type_name, error_message FROM \
             sys.dm_exec_describe_first_result_set(N'{query}', NULL, 0) ORDER BY column_ordinal"
        )
    };
    let good = describe("SELECT Id, Name AS n FROM dbo.Orders");
    let expected = [["Id", "bigint", "NULL"], ["n", "varchar(20)", "NULL"]];
    assert_eq!(texts(&mut client, &good).await, expected);
    let bad = texts(&mut client, &describe("SELECT x FROM dbo.Orders")).await;
    assert_eq!(bad, [["NULL", "NULL", "Invalid column name 'x'."]]);
}
