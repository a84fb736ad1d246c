//! PostgreSQL's errors by their names.
//!
//! Source: the PostgreSQL documentation, appendix "PostgreSQL Error Codes".

use crate::connect;
use crate::error::{connecting, of_statement};
use crate::tls;
use contract::{ErrorName, ServiceError};
use definition::Engine;
use sql_source::Login;
use tokio_postgres::Error;

const ENGINE: Engine = Engine::Postgres;

/// What a code of the server means.
fn name(code: &str) -> ErrorName {
    match code {
        // invalid_authorization_specification, invalid_password, invalid_catalog_name
        "28000" | "28P01" | "3D000" => ErrorName::SourceLoginFailed,
        // insufficient_privilege
        "42501" => ErrorName::SourcePermissionDenied,
        // undefined_table, invalid_schema_name
        "42P01" | "3F000" => ErrorName::SourceObjectMissing,
        // undefined_column: the columns were read before.
        "42703" => ErrorName::SourceSchemaChanged,
        // lock_not_available, deadlock_detected, too_many_connections
        "55P03" | "40P01" | "53300" => ErrorName::Throttled,
        // serialization_failure (on a replica, a conflict with recovery), query_canceled, shutdowns,
        // cannot_connect_now, idle_in_transaction_session_timeout
        "40001" | "57014" | "57P01" | "57P02" | "57P03" | "25P03" => ErrorName::ServiceUnavailable,
        _ if code.starts_with("08") || code.starts_with("53") => ErrorName::ServiceUnavailable,
        // Of what the definition says: syntax, a type that does not match, a division by zero.
        _ if code.starts_with("42") || code.starts_with("22") => ErrorName::InvalidDefinition,
        _ => ErrorName::ServiceRejected,
    }
}

/// An error of a statement.
pub fn of(subject: &str, sql: &str, error: Error) -> ServiceError {
    let (name, code, message) = match error.as_db_error() {
        Some(db) => {
            let detail = db.detail().map(|detail| format!(" ({detail})"));
            let message = format!("{}{}", db.message(), detail.unwrap_or_default());
            (name(db.code().code()), db.code().code().to_owned(), message)
        }
        None => (
            ErrorName::ServiceUnavailable,
            "ConnectionLost".to_owned(),
            contract::chain(&error),
        ),
    };
    let source = Some(error.into());
    of_statement(ENGINE, name, (subject, sql), (&code, message), source)
}

/// A row that cannot be read.
pub fn unreadable(subject: &str, message: String) -> ServiceError {
    let name = ErrorName::ServiceRejected;
    of_statement(
        ENGINE,
        name,
        (subject, "SELECT"),
        ("Unreadable", message),
        None,
    )
}

/// An error of connecting.
pub fn of_connect(login: &Login, error: Error) -> ServiceError {
    if let Some(db) = error.as_db_error() {
        let (code, message) = (db.code().code().to_owned(), db.message().to_owned());
        let name = connect::name(name(&code));
        return connecting(login, name, &code, message, Some(error.into()));
    }
    let message = contract::chain(&error);
    if tls::is_certificate_refused(&error) {
        return connect::certificate_refused(login, &message, Some(error.into()));
    }
    connect::unreachable(login, "Connection", message, Some(error.into()))
}
