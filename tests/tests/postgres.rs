//! A real PostgreSQL table, from its plan to raw lines, by the real driver over TLS.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

#[path = "postgres/bad_input.rs"]
mod bad_input;
#[path = "postgres/boundaries.rs"]
mod boundaries;
#[path = "postgres/connecting.rs"]
mod connecting;
#[path = "sql/export.rs"]
mod export;
#[path = "sql/failover.rs"]
mod failover;
#[path = "postgres/faults.rs"]
mod faults;
#[path = "postgres/incremental.rs"]
mod incremental;
#[path = "sql/lossy.rs"]
mod lossy;
#[path = "sql/moved.rs"]
mod moved;
#[path = "postgres/partitions.rs"]
mod partitions;
#[path = "postgres/policies.rs"]
mod policies;
#[path = "postgres/rows.rs"]
mod rows;
#[path = "sql/runs.rs"]
mod runs;
#[path = "postgres/server.rs"]
mod server;
#[path = "postgres/types.rs"]
mod types;
