//! A table of SQL Server, from its plan to raw lines, by the real driver over TLS. The server is
//! `sqlserver-local`.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

#[path = "sql_server/boundaries.rs"]
mod boundaries;
#[path = "sql_server/changes.rs"]
mod changes;
#[path = "sql_server/commands.rs"]
mod commands;
#[path = "sql_server/connecting.rs"]
mod connecting;
#[path = "sql/export.rs"]
mod export;
#[path = "sql/failover.rs"]
mod failover;
#[path = "sql_server/faults.rs"]
mod faults;
#[path = "sql/lossy.rs"]
mod lossy;
#[path = "sql/moved.rs"]
mod moved;
#[path = "sql_server/partitions.rs"]
mod partitions;
#[path = "sql_server/promises.rs"]
mod promises;
#[path = "sql_server/real.rs"]
mod real;
#[path = "sql/runs.rs"]
mod runs;
#[path = "sql_server/server.rs"]
mod server;
#[path = "sql_server/types.rs"]
mod types;
