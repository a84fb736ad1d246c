//! Queries by tiberius, over TLS.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use sqlserver_local::{Cell, Config, Server, Table};
use support::{Connection, connect};

fn orders() -> Server {
    let server = Server::start(&Config::default()).unwrap();
    let table = Table::new("dbo", "Orders")
        .column("Id", "int NOT NULL")
        .and_then(|it| it.column("Name", "nvarchar(20)"))
        .unwrap();
    server.create(table.primary_key(&["Id"])).unwrap();
    let rows = [(3, Some("c")), (1, Some("a")), (2, None)];
    let rows = rows.map(|(id, name)| vec![Cell::from(id), name.into()]);
    server.insert("dbo.Orders", &rows).unwrap();
    server
}

async fn ids(client: &mut Connection, query: &str) -> Vec<i32> {
    let rows = client.simple_query(query).await.unwrap();
    let rows = rows.into_first_result().await.unwrap();
    rows.iter().map(|row| row.get(0).unwrap()).collect()
}

#[tokio::test]
async fn integers_are_read_over_tls() {
    let server = orders();
    let mut client = connect(&server).await;
    let found = ids(&mut client, "SELECT [Id] FROM [dbo].[Orders] ORDER BY [Id]").await;
    assert_eq!(found, [1, 2, 3]);
    assert_eq!(ids(&mut client, "SELECT 5").await, [5]);
}

#[tokio::test]
async fn a_call_has_its_parameters() {
    let server = orders();
    let mut client = connect(&server).await;
    let query = "SELECT TOP (@P1) Id, Name FROM dbo.Orders WHERE Id > @P2 ORDER BY Id DESC";
    let rows = client.query(query, &[&2_i64, &1_i32]).await.unwrap();
    let rows = rows.into_first_result().await.unwrap();
    let rows: Vec<(i32, Option<&str>)> = rows
        .iter()
        .map(|it| (it.get(0).unwrap(), it.get(1)))
        .collect();
    assert_eq!(rows, [(3, Some("c")), (2, None)]);
}
