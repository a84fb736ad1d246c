//! SQL Server's errors by their names.
//!
//! Source: SQL Server documentation, "Database Engine events and errors"; Azure SQL documentation,
//! "Transient fault error codes".

use crate::connect;
use crate::error::{connecting, of_statement};
use contract::{ErrorName, ServiceError};
use definition::Engine;
use sql_source::Login;
use tiberius::error::{Error, IoErrorKind};

const ENGINE: Engine = Engine::SqlServer;
/// From this severity on, the server closes the connection.
const FATAL: u8 = 20;

/// What an error of the server means.
fn name(number: u32, class: u8) -> ErrorName {
    match number {
        // Login failed; from an untrusted domain; disabled; database not there; password expired.
        18_456 | 18_452 | 18_470 | 4060 | 4064 | 18_487 | 18_488 => ErrorName::SourceLoginFailed,
        // Permission denied: on an object, a column, a view of the server.
        229 | 230 | 297 | 300 | 371 => ErrorName::SourcePermissionDenied,
        208 => ErrorName::SourceObjectMissing,
        // Invalid column name: the columns were read before. 3961: changed since the snapshot.
        207 | 3961 => ErrorName::SourceSchemaChanged,
        3952 => ErrorName::SnapshotNotAllowed,
        // Deadlock; lock timeout; too many connections or requests.
        1205 | 1222 | 17_809 | 10_928 | 10_929 | 10_936 | 40_501 => ErrorName::Throttled,
        // Failovers, an ended session, a version store that is full.
        233 | 596 | 3958 | 3966 | 4221 | 10_053 | 10_054 | 40_197 | 40_613 => {
            ErrorName::ServiceUnavailable
        }
        // Syntax, unknown names, values that do not convert: of what the definition says.
        102 | 105 | 137 | 156 | 170 | 195 | 241..=245 | 402 | 4104 | 8114..=8117 | 8134 => {
            ErrorName::InvalidDefinition
        }
        _ if class >= FATAL => ErrorName::ServiceUnavailable,
        _ => ErrorName::ServiceRejected,
    }
}

/// An error of a statement.
pub fn of(subject: &str, sql: &str, error: Error) -> ServiceError {
    let (name, code, message) = match &error {
        Error::Server(server) => (
            name(server.code(), server.class()),
            server.code().to_string(),
            server.message().to_owned(),
        ),
        // The driver reads strictly: half a surrogate pair in a text ends the stream.
        Error::Protocol(text) if text.contains("UTF-16") => (
            ErrorName::ServiceRejected,
            "TextInvalid".to_owned(),
            "a text has half of a surrogate pair, which is no character: correct the row, leave its \
             column out of `columns`, or set `badText` to replace"
                .to_owned(),
        ),
        Error::Io {
            kind: IoErrorKind::TimedOut,
            ..
        } => (
            ErrorName::ServiceUnavailable,
            "Timeout".to_owned(),
            contract::chain(&error),
        ),
        Error::Conversion(_) | Error::Encoding(_) => (
            ErrorName::ServiceRejected,
            "Unreadable".to_owned(),
            contract::chain(&error),
        ),
        _ => (
            ErrorName::ServiceUnavailable,
            "ConnectionLost".to_owned(),
            contract::chain(&error),
        ),
    };
    let source = Some(error.into());
    of_statement(ENGINE, name, (subject, sql), (&code, message), source)
}

/// A row that has no text without loss.
pub fn unreadable(subject: &str, sql: &str, problem: String) -> ServiceError {
    let name = ErrorName::ServiceRejected;
    of_statement(ENGINE, name, (subject, sql), ("Unreadable", problem), None)
}

/// A connection whose task has ended.
pub fn lost(subject: &str, sql: &str) -> ServiceError {
    let said = ("ConnectionLost", "the connection has ended".to_owned());
    of_statement(
        ENGINE,
        ErrorName::ServiceUnavailable,
        (subject, sql),
        said,
        None,
    )
}

/// A query that the server cannot describe.
pub fn refused(subject: &str, number: &str, message: String) -> ServiceError {
    let name = number
        .parse()
        .map_or(ErrorName::InvalidDefinition, |number| name(number, 16));
    let name = match name {
        // Nothing was read before that could have changed.
        ErrorName::ServiceRejected | ErrorName::SourceSchemaChanged => ErrorName::InvalidDefinition,
        other => other,
    };
    of_statement(ENGINE, name, (subject, "SELECT"), (number, message), None)
}

/// An error of connecting.
pub fn of_connect(login: &Login, error: Error) -> ServiceError {
    let message = contract::chain(&error);
    match &error {
        Error::Server(server) => {
            let code = server.code().to_string();
            let message = server.message().to_owned();
            let name = connect::name(name(server.code(), server.class()));
            connecting(login, name, &code, message, Some(error.into()))
        }
        Error::Tls(text) if text.contains("certificate") => {
            // The driver's own text names ways to trust any server: none of them is offered here.
            let why = text.split(" To connect anyway").next().unwrap_or(text);
            connect::certificate_refused(login, why.trim_end_matches('.'), None)
        }
        _ => connect::unreachable(login, "Connection", message, Some(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_a_name_by_its_number() {
        for (number, class, expected) in [
            (18_456, 14, ErrorName::SourceLoginFailed),
            (4060, 11, ErrorName::SourceLoginFailed),
            (229, 14, ErrorName::SourcePermissionDenied),
            (208, 16, ErrorName::SourceObjectMissing),
            (207, 16, ErrorName::SourceSchemaChanged),
            (3952, 16, ErrorName::SnapshotNotAllowed),
            (1205, 13, ErrorName::Throttled),
            (1222, 16, ErrorName::Throttled),
            (40_613, 20, ErrorName::ServiceUnavailable),
            (102, 15, ErrorName::InvalidDefinition),
            (1, 20, ErrorName::ServiceUnavailable),
            (1, 16, ErrorName::ServiceRejected),
        ] {
            assert_eq!(name(number, class), expected, "{number}");
        }
    }
}
