//! Errors, whatever the engine.

use contract::{ErrorName, ServiceError};
use definition::Engine;
use sql_source::Login;
use std::error::Error;

/// `host:port/database`.
pub fn subject(login: &Login) -> String {
    format!("{}:{}/{}", login.host, login.port, login.database)
}

/// An error of connecting to a server.
pub fn connecting(
    login: &Login,
    name: ErrorName,
    code: &str,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
) -> ServiceError {
    ServiceError {
        name,
        service: login.engine.name(),
        operation: "connect",
        subject: subject(login),
        code: code.to_owned(),
        message,
        source,
    }
}

/// An error of a statement.
pub fn of_statement(
    engine: Engine,
    name: ErrorName,
    (subject, sql): (&str, &str),
    (code, message): (&str, String),
    source: Option<Box<dyn Error + Send + Sync>>,
) -> ServiceError {
    ServiceError {
        name,
        service: engine.name(),
        operation: operation(sql),
        subject: subject.to_owned(),
        code: code.to_owned(),
        message,
        source,
    }
}

/// The kind of a statement.
fn operation(sql: &str) -> &'static str {
    match sql.split_whitespace().next() {
        Some("SET") => "SET",
        Some("BEGIN") => "BEGIN",
        Some("COMMIT") => "COMMIT",
        _ => "SELECT",
    }
}
