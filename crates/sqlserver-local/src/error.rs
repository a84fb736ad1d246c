//! Errors of starting the server and of preparing its tables.

use std::io;

/// Why the server cannot do what its user asks of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No certificate could be made.
    #[error("making a certificate")]
    Certificate(#[from] rcgen::Error),
    /// The certificate cannot be used.
    #[error("setting up TLS")]
    Tls(#[from] rustls::Error),
    /// The server cannot listen.
    #[error("listening on 127.0.0.1:{port}")]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The store cannot be made.
    #[error("making the store's folder")]
    Store(#[source] io::Error),
    /// `SQLite` refuses.
    #[error("storing rows")]
    Sqlite(#[from] rusqlite::Error),
    /// A text is no type of SQL Server's.
    #[error("{0:?} is no type that this server has")]
    UnknownType(String),
    /// A text is no collation that this server has.
    #[error("{0:?} is no collation that this server has")]
    UnknownCollation(String),
    /// A table is defined that is there already, or not there.
    #[error("table {0}: {1}")]
    Table(String, &'static str),
    /// A value does not fit its column.
    #[error("row {row} of {table}, column {column}: {message}")]
    Value {
        /// The table.
        table: String,
        /// The row, counted from 0.
        row: usize,
        /// The column.
        column: String,
        /// SQL Server's own words for it.
        message: String,
    },
    /// A file cannot be read.
    #[error("reading {path}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is not of the form that is expected.
    #[error("{path} is not of the form that is expected")]
    Form {
        /// The file.
        path: String,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
}

/// An error as SQL Server reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError {
    /// Its number, such as 208.
    pub number: u32,
    /// Its severity: above 16 it is not the user's mistake, from 20 on the connection ends.
    pub class: u8,
    /// Its text.
    pub message: String,
}

impl SqlError {
    /// An error of the usual severity.
    pub fn new(number: u32, message: impl Into<String>) -> Self {
        Self {
            number,
            class: 16,
            message: message.into(),
        }
    }

    /// With another severity.
    pub fn of_class(number: u32, class: u8, message: impl Into<String>) -> Self {
        Self {
            number,
            class,
            message: message.into(),
        }
    }

    /// 102: text that is no query of those that are answered here.
    pub fn syntax(near: &str) -> Self {
        Self::of_class(102, 15, format!("Incorrect syntax near '{near}'."))
    }

    /// 8114: a value that is not of the type.
    pub fn conversion(from: &str, to: &str) -> Self {
        Self::new(8114, format!("Error converting data type {from} to {to}."))
    }

    /// 8115: a value that is too large for the type.
    pub fn overflow(to: &str) -> Self {
        Self::new(
            8115,
            format!("Arithmetic overflow error converting expression to data type {to}."),
        )
    }

    /// An error with the text that SQL Server has for it, for faults.
    pub fn known(number: u32) -> Self {
        let (class, message) = match number {
            208 => (16, "Invalid object name."),
            229 => (14, "The SELECT permission was denied on the object."),
            1205 => (
                13,
                "Transaction (Process ID 51) was deadlocked on lock resources with another process and \
                 has been chosen as the deadlock victim. Rerun the transaction.",
            ),
            1222 => (16, "Lock request time out period exceeded."),
            3952 => (
                16,
                "Snapshot isolation transaction failed accessing database because snapshot isolation \
                 is not allowed in this database.",
            ),
            4060 => (
                11,
                "Cannot open database requested by the login. The login failed.",
            ),
            18456 => (14, "Login failed."),
            40501 => (
                20,
                "The service is currently busy. Retry the request after 10 seconds.",
            ),
            _ => (16, "An error that a fault asks for."),
        };
        Self::of_class(number, class, message)
    }
}
