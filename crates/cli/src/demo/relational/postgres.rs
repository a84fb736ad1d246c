//! The demo's table in a PostgreSQL database.

use super::{Interactions, Local, LocalError, PostgresServer, Progress, TABLE, cells};
use crate::progress::{Step, count};
use contract::ServiceError;
use database::Drivers;
use definition::Engine;
use serde_json::Value;
use sql_source::{Connection, Databases, Login};
use std::fmt::Write;

const READER: &str = "millrace_reader";
const DATABASE: &str = "postgres";
const ROWS_PER_STATEMENT: usize = 1000;
const CREATE: &str = "CREATE TABLE interactions (
    user_id text, event_id text, item_id text NOT NULL, item_title text, genre text,
    event_type text, at timestamptz NOT NULL, rating numeric(2,1), device text,
    favourite boolean, review text, PRIMARY KEY (user_id, event_id))";

/// Starts a server, and fills a table with the interactions.
pub async fn fill(
    local: &Local,
    interactions: &Interactions,
    progress: &Progress,
) -> Result<PostgresServer, LocalError> {
    let workspace = Some(local.workspace());
    let server = PostgresServer::start(workspace, local.folder(), progress).await?;
    let step = progress.step(format!("Table {TABLE}"));
    fill_table(&server, interactions, &step).await?;
    let rows = count(interactions.rows.len() as u64);
    step.done(&format!("{rows} rows"));
    Ok(server)
}

/// The secret of the login that may only read.
pub fn secret(server: &PostgresServer) -> String {
    server.secret(READER, &server.password, DATABASE)
}

async fn fill_table(
    server: &PostgresServer,
    interactions: &Interactions,
    step: &Step,
) -> Result<(), ServiceError> {
    let login = Login {
        engine: Engine::Postgres,
        host: PostgresServer::HOST.to_owned(),
        port: server.port,
        database: DATABASE.to_owned(),
        user: "postgres".to_owned(),
        password: server.password.clone(),
        replaces_bad_text: false,
        authorities: Some(server.authority.clone()),
    };
    let mut connection = Drivers::AT_ONCE.connect(&login).await?;
    connection.execute(CREATE).await?;
    let total = interactions.rows.len() as u64;
    let mut done = 0;
    for rows in interactions.rows.chunks(ROWS_PER_STATEMENT) {
        let values: Vec<_> = rows.iter().map(|row| values(row.item())).collect();
        let insert = format!("INSERT INTO {TABLE} VALUES {}", values.join(", "));
        connection.execute(&insert).await?;
        done += rows.len() as u64;
        step.count(done, total, "rows");
    }
    let password = &server.password;
    connection
        .execute(&format!(
            "ANALYZE {TABLE}; CREATE ROLE {READER} LOGIN PASSWORD '{password}'; GRANT SELECT ON {TABLE} TO {READER}"
        ))
        .await
}

/// `('u-00000', …)`.
fn values(item: &Value) -> String {
    let mut row = String::from("(");
    for (at, value) in cells(item).enumerate() {
        if at > 0 {
            row.push_str(", ");
        }
        match value {
            Value::Null => row.push_str("NULL"),
            Value::String(text) => {
                let _ = write!(row, "'{}'", text.replace('\'', "''"));
            }
            other => {
                let _ = write!(row, "{other}");
            }
        }
    }
    row.push(')');
    row
}
