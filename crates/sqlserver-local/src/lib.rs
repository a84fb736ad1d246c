//! A SQL Server for tests on 127.0.0.1: it speaks TDS over TLS, and answers the T-SQL that Millrace
//! generates from tables in `SQLite`.
//!
//! ```
//! # fn example() -> Result<(), sqlserver_local::Error> {
//! use sqlserver_local::{Config, Server, Table};
//!
//! let server = Server::start(&Config::default())?;
//! let table = Table::new("dbo", "Orders").column("OrderId", "bigint NOT NULL")?;
//! server.create(table.primary_key(&["OrderId"]))?;
//! server.insert("dbo.Orders", &[vec![1.into()], vec![2.into()]])?;
//! println!("127.0.0.1:{}", server.port());
//! # Ok(())
//! # }
//! # example().unwrap();
//! ```

mod certificates;
mod error;
mod evaluator;
mod faults;
mod protocol;
mod server;
mod session;
mod state;
mod store;

pub use certificates::{CertificateKind, Certificates};
pub use error::{Error, SqlError};
pub use evaluator::compile::Permissions;
pub use faults::{At, Effect, Fault, Place};
pub use server::{Config, Server};
pub use store::collation::Collation;
pub use store::table::{Column, Index, Partitioning, Table, TableFile};
pub use store::types::{Length, Type};
pub use store::value::Cell;

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
