//! Connections to relational databases: the only crate that knows their drivers.
//!
//! A connection is always encrypted, and the server's certificate and host name are always verified.

mod connect;
mod error;
mod postgres;
mod resolve;
mod sql_server;
mod tls;

pub use postgres::PostgresConnection;
pub use resolve::{Resolve, SystemResolver};
pub use sql_server::SqlServerConnection;

use contract::ServiceError;
use definition::Engine;
use sql_source::{Connection, Databases, Login, TakeRow};
use std::time::Duration;

/// Connects to databases of every engine.
#[derive(Debug, Clone, Copy)]
pub struct Drivers<R = SystemResolver> {
    /// How long a server that refuses connections is asked again, as during a failover.
    pub patience: Duration,
    /// Finds the addresses of a host, for each attempt anew.
    pub resolver: R,
}

/// A connection to a database of any engine.
#[derive(Debug)]
pub enum DatabaseConnection {
    /// To PostgreSQL.
    Postgres(PostgresConnection),
    /// To SQL Server.
    SqlServer(SqlServerConnection),
}

impl Drivers {
    /// Drivers that ask a server once.
    pub const AT_ONCE: Self = Self::patient(Duration::ZERO);

    /// Drivers that ask a server for so long that refuses connections.
    pub const fn patient(patience: Duration) -> Self {
        Self {
            patience,
            resolver: SystemResolver,
        }
    }
}

impl<R: Resolve> Databases for Drivers<R> {
    type Connection = DatabaseConnection;

    fn authorities(&self) -> String {
        format!("the bundle of Amazon RDS of {}", tls::RDS_ROOTS_DATE)
    }

    async fn connect(&self, login: &Login) -> Result<DatabaseConnection, ServiceError> {
        match login.engine {
            Engine::Postgres => {
                let connection = postgres::connect(login, self.patience, &self.resolver).await?;
                Ok(DatabaseConnection::Postgres(connection))
            }
            Engine::SqlServer => {
                let connection = sql_server::connect(login, self.patience, &self.resolver).await?;
                Ok(DatabaseConnection::SqlServer(connection))
            }
        }
    }
}

impl Connection for DatabaseConnection {
    async fn execute(&mut self, sql: &str) -> Result<(), ServiceError> {
        match self {
            Self::Postgres(connection) => connection.execute(sql).await,
            Self::SqlServer(connection) => connection.execute(sql).await,
        }
    }

    async fn rows(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, ServiceError> {
        match self {
            Self::Postgres(connection) => connection.rows(sql).await,
            Self::SqlServer(connection) => connection.rows(sql).await,
        }
    }

    async fn describe(&mut self, query: &str) -> Result<Vec<(String, String)>, ServiceError> {
        match self {
            Self::Postgres(connection) => connection.describe(query).await,
            Self::SqlServer(connection) => connection.describe(query).await,
        }
    }

    async fn open(&mut self, select: &str) -> Result<(), ServiceError> {
        match self {
            Self::Postgres(connection) => connection.open(select).await,
            Self::SqlServer(connection) => connection.open(select).await,
        }
    }

    async fn fetch(&mut self, most: u32, take: &mut TakeRow<'_>) -> Result<u32, ServiceError> {
        match self {
            Self::Postgres(connection) => connection.fetch(most, take).await,
            Self::SqlServer(connection) => connection.fetch(most, take).await,
        }
    }
}
