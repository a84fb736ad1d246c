//! The port to a database, which an adapter with a driver implements.

use contract::ServiceError;
use definition::Engine;
use std::fmt;
use std::future::Future;

/// Where to connect, and as whom.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The engine.
    pub engine: Engine,
    /// The server's host name, which its certificate must name.
    pub host: String,
    /// The server's port.
    pub port: u16,
    /// The database.
    pub database: String,
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
    /// Whether half of a surrogate pair in a text becomes U+FFFD; else it is an error.
    pub replaces_bad_text: bool,
    /// Certificate authorities to trust beside those of Amazon RDS, in PEM.
    pub authorities: Option<String>,
}

/// Never shows the password.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("engine", &self.engine)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("database", &self.database)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// The values of one row as the database's text; `None` is NULL.
pub type Row<'r> = [Option<&'r str>];

/// What takes the rows of a stream, one after the other.
pub type TakeRow<'s> = dyn FnMut(&Row<'_>) + Send + 's;

/// Connects to databases.
pub trait Databases: Send + Sync {
    /// A connection.
    type Connection: Connection;

    /// Which certificate authorities every connection trusts, for people, with the date of the
    /// bundle.
    fn authorities(&self) -> String;

    /// Connects by TLS and logs in. The host's address is resolved anew each time.
    ///
    /// Errors are named `SourceUnreachable`, `SourceCertificateRefused`, `SourceLoginFailed`, or
    /// `Throttled` where the server has no connection left.
    fn connect(
        &self,
        login: &Login,
    ) -> impl Future<Output = Result<Self::Connection, ServiceError>> + Send;
}

/// A connection to a database, in one session.
///
/// Errors are named by the server's code: `Throttled` for a lock that was not granted and for a
/// deadlock, `ServiceUnavailable` for a lost connection, a failover and a cancelled statement,
/// `SourcePermissionDenied`, `SourceObjectMissing`, `SnapshotNotAllowed`, `InvalidDefinition` for SQL
/// that the server cannot parse.
pub trait Connection: Send {
    /// Runs a statement that has no rows.
    fn execute(&mut self, sql: &str) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// All rows of a small result, as text.
    fn rows(
        &mut self,
        sql: &str,
    ) -> impl Future<Output = Result<Vec<Vec<Option<String>>>, ServiceError>> + Send;

    /// The names and types of a query's columns, without running it.
    fn describe(
        &mut self,
        query: &str,
    ) -> impl Future<Output = Result<Vec<(String, String)>, ServiceError>> + Send;

    /// Begins to read the rows of a query. What was left of an earlier stream is dropped.
    fn open(&mut self, select: &str) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// Reads up to `most` rows of the stream that is open. Returns how many there were: less than
    /// `most` only at its end.
    fn fetch(
        &mut self,
        most: u32,
        take: &mut TakeRow<'_>,
    ) -> impl Future<Output = Result<u32, ServiceError>> + Send;
}

/// Reads secrets.
pub trait Secrets: Send + Sync {
    /// The current text of a secret, by its name or ARN.
    fn secret(&self, id: &str) -> impl Future<Output = Result<String, ServiceError>> + Send;
}
