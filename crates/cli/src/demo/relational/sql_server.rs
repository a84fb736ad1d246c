//! The demo's table in the SQL Server for tests.

use super::{COLUMNS, Interactions, Local, LocalError, Progress, SqlServer, TABLE, cells};
use serde_json::{Value, json};

/// The type of each column.
const TYPES: [&str; COLUMNS.len()] = [
    "nvarchar(20) NOT NULL",
    "nvarchar(60) NOT NULL",
    "nvarchar(20) NOT NULL",
    "nvarchar(200)",
    "nvarchar(40)",
    "nvarchar(20)",
    "datetimeoffset(0) NOT NULL",
    "decimal(2,1)",
    "nvarchar(20)",
    "bit",
    "nvarchar(max)",
];

/// Starts a server with a table of the interactions.
pub async fn fill(
    local: &Local,
    interactions: &Interactions,
    progress: &Progress,
) -> Result<SqlServer, LocalError> {
    let columns: Vec<_> = COLUMNS.iter().zip(TYPES).collect();
    let columns: Vec<_> = columns.iter().map(|((name, _), of)| (name, of)).collect();
    let rows: Vec<Vec<_>> = interactions
        .items()
        .map(|item| cells(item).map(cell).collect())
        .collect();
    let table = json!({
        "table": format!("dbo.{TABLE}"),
        "columns": columns,
        "indexes": [{
            "name": format!("PK_{TABLE}"),
            "columns": ["user_id", "event_id"],
            "unique": true,
            "primary": true,
            "clustered": true,
        }],
        "rows": rows,
    });
    SqlServer::start(local, &table, progress).await
}

/// A cell as the server's tables have it: text, or NULL.
fn cell(value: &Value) -> Value {
    match value {
        Value::Bool(bit) => Value::from(u8::from(*bit).to_string()),
        Value::Null | Value::String(_) => value.clone(),
        other => Value::from(other.to_string()),
    }
}
