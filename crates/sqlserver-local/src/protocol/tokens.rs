//! The tokens of an answer (MS-TDS 2.2.7).

use super::wire_types::{self, Shape, short_text};
use crate::error::SqlError;
use crate::store::collation::Collation;
use crate::store::value::Value;

const COLUMNS: u8 = 0x81;
const ROW: u8 = 0xD1;
const ROW_WITH_NULLS: u8 = 0xD2;
const ERROR: u8 = 0xAA;
const INFO: u8 = 0xAB;
const LOGIN_ACK: u8 = 0xAD;
const FEATURES: u8 = 0xAE;
const CHANGE: u8 = 0xE3;
const RETURN_STATUS: u8 = 0x79;
const SERVER: &str = "sqlserver-local";

/// Which of the three tokens ends a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// One of a batch.
    Statement = 0xFD,
    /// A procedure.
    Procedure = 0xFE,
    /// One in a procedure.
    InProcedure = 0xFF,
}

/// How a statement ended.
#[derive(Debug, Clone, Copy, Default)]
pub struct Status {
    /// Whether another result follows.
    pub has_more: bool,
    /// Whether it failed.
    pub is_error: bool,
    /// The rows that it counted, if it did.
    pub rows: Option<u64>,
    /// Whether it answers an ATTENTION.
    pub is_attention: bool,
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultColumn {
    /// Its name.
    pub name: String,
    /// How its values travel.
    pub shape: Shape,
}

/// What changed in the session.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// Another database.
    Database(&'a str),
    /// Another packet size.
    PacketSize(usize, usize),
    /// Another collation.
    Collation(Collation),
    /// A transaction began.
    Began([u8; 8]),
    /// It was committed.
    Committed([u8; 8]),
    /// It was rolled back.
    RolledBack([u8; 8]),
}

fn with_length(token: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a short token");
    let mut bytes = vec![token];
    bytes.extend(length.to_le_bytes());
    bytes.extend(content);
    bytes
}

/// The columns of a result.
pub fn columns(columns: &[ResultColumn]) -> Vec<u8> {
    let mut out = vec![COLUMNS];
    let count = u16::try_from(columns.len()).expect("a table has at most 1,024 columns");
    out.extend(count.to_le_bytes());
    for column in columns {
        out.extend([0; 4]);
        out.extend([u8::from(column.shape.is_nullable), 0]);
        wire_types::write_type(&mut out, column.shape);
        short_text(&mut out, &column.name);
    }
    out
}

/// A row: with a bit for each NULL where there are several.
pub fn row(columns: &[ResultColumn], values: &[Value]) -> Vec<u8> {
    let nulls = values.iter().filter(|value| **value == Value::Null).count();
    let is_short = nulls > 1;
    let mut out = vec![if is_short { ROW_WITH_NULLS } else { ROW }];
    if is_short {
        let mut bits = vec![0_u8; columns.len().div_ceil(8)];
        for (at, _) in values
            .iter()
            .enumerate()
            .filter(|(_, it)| **it == Value::Null)
        {
            bits[at / 8] |= 1 << (at % 8);
        }
        out.extend(bits);
    }
    for (column, value) in columns.iter().zip(values) {
        if !(is_short && *value == Value::Null) {
            wire_types::write_value(&mut out, column.shape, value);
        }
    }
    out
}

/// An error.
pub fn error(error: &SqlError) -> Vec<u8> {
    message(ERROR, error)
}

/// A message that is no error.
pub fn info(number: u32, text: &str) -> Vec<u8> {
    message(INFO, &SqlError::of_class(number, 0, text))
}

fn message(token: u8, error: &SqlError) -> Vec<u8> {
    let mut content = Vec::new();
    content.extend(error.number.to_le_bytes());
    content.extend([1, error.class]);
    wire_types::text(&mut content, &error.message);
    short_text(&mut content, SERVER);
    short_text(&mut content, "");
    content.extend(1_u32.to_le_bytes());
    with_length(token, &content)
}

/// The login is accepted, in a TDS version as the client wrote it.
pub fn login_ack(version: u32) -> Vec<u8> {
    let mut content = vec![1];
    content.extend(version.to_be_bytes());
    short_text(&mut content, "Microsoft SQL Server");
    content.extend([16, 0, 0x10, 0x00]);
    with_length(LOGIN_ACK, &content)
}

/// No extension of the login is served.
pub fn no_features() -> Vec<u8> {
    vec![FEATURES, 0xFF]
}

/// Something changed.
pub fn change(change: Change<'_>) -> Vec<u8> {
    let mut content = Vec::new();
    let id = |content: &mut Vec<u8>, kind: u8, new: &[u8], old: &[u8]| {
        content.push(kind);
        for bytes in [new, old] {
            content.push(u8::try_from(bytes.len()).expect("a short value"));
            content.extend(bytes);
        }
    };
    match change {
        Change::Database(name) => {
            content.push(1);
            short_text(&mut content, name);
            short_text(&mut content, "master");
        }
        Change::PacketSize(new, old) => {
            content.push(4);
            short_text(&mut content, &new.to_string());
            short_text(&mut content, &old.to_string());
        }
        Change::Collation(collation) => id(&mut content, 7, &collation.bytes(), &[]),
        Change::Began(descriptor) => id(&mut content, 8, &descriptor, &[]),
        Change::Committed(descriptor) => id(&mut content, 9, &[], &descriptor),
        Change::RolledBack(descriptor) => id(&mut content, 10, &[], &descriptor),
    }
    with_length(CHANGE, &content)
}

/// What a procedure returned.
pub fn return_status(status: i32) -> Vec<u8> {
    let mut out = vec![RETURN_STATUS];
    out.extend(status.to_le_bytes());
    out
}

/// The end of a statement or a procedure.
pub fn done(done: Done, status: Status) -> Vec<u8> {
    let mut bits = 0_u16;
    for (is, bit) in [
        (status.has_more, 0x01),
        (status.is_error, 0x02),
        (status.rows.is_some(), 0x10),
        (status.is_attention, 0x20),
    ] {
        bits |= if is { bit } else { 0 };
    }
    let mut out = vec![done as u8];
    out.extend(bits.to_le_bytes());
    // The kind of the statement: SELECT.
    out.extend(0xC1_u16.to_le_bytes());
    out.extend(status.rows.unwrap_or(0).to_le_bytes());
    out
}
