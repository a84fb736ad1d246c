//! What a client asks for: a batch, a call, a transaction (MS-TDS 2.2.6.6, 2.2.6.7, 2.2.6.9).

use super::reader::{Reader, units_of};
use super::wire_types;
use crate::store::types::Type;
use crate::store::value::Value;
use std::io;

const EXECUTE_SQL: u16 = 10;

/// A parameter of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name, with `@`; empty if it is known by its place.
    pub name: String,
    /// Its type.
    pub of: Type,
    /// Its value.
    pub value: Value,
}

/// A call of a procedure.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// `sp_executesql`: SQL text and its parameters.
    ExecuteSql {
        /// The text.
        text: String,
        /// The parameters.
        parameters: Vec<Parameter>,
    },
    /// Another, by its name or number.
    Other(String),
}

/// A request about transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transaction {
    /// Begin one, at an isolation level if that is not 0.
    Begin(u8),
    /// Commit.
    Commit,
    /// Roll back.
    Rollback,
    /// Another, by its number.
    Other(u16),
}

/// What stands behind the headers of a request.
fn behind_headers(body: &[u8]) -> io::Result<Reader<'_>> {
    let mut reader = Reader::new(body);
    let length = reader.u32()? as usize;
    let length = length.checked_sub(4).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, "a request without its headers")
    })?;
    reader.take(length)?;
    Ok(reader)
}

/// The text of a batch.
pub fn batch(body: &[u8]) -> io::Result<String> {
    let text = behind_headers(body)?.rest();
    Ok(String::from_utf16_lossy(&units_of(text)))
}

/// A call.
pub fn call(body: &[u8]) -> io::Result<Call> {
    let mut reader = behind_headers(body)?;
    let units = reader.u16()?;
    let (name, number) = match units {
        0xFFFF => (String::new(), reader.u16()?),
        units => (String::from_utf16_lossy(&reader.utf16(units.into())?), 0),
    };
    reader.u16()?;
    if number != EXECUTE_SQL && !name.eq_ignore_ascii_case("sp_executesql") {
        return Ok(Call::Other(match number {
            0 => name,
            number => format!("#{number}"),
        }));
    }
    let mut parameters = Vec::new();
    while !reader.is_empty() {
        let name = reader.short_text()?;
        reader.u8()?;
        let (of, value) = wire_types::read(&mut reader)?;
        parameters.push(Parameter { name, of, value });
    }
    let mut parameters = parameters.into_iter();
    let text = match parameters.next().map(|text| text.value) {
        Some(Value::Text(text)) => String::from_utf16_lossy(&text),
        _ => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "sp_executesql without a text",
            ));
        }
    };
    // The parameters' declarations: each value has its type too.
    parameters.next();
    Ok(Call::ExecuteSql {
        text,
        parameters: parameters.collect(),
    })
}

/// A request about transactions.
pub fn transaction(body: &[u8]) -> io::Result<Transaction> {
    let mut reader = behind_headers(body)?;
    Ok(match reader.u16()? {
        5 => Transaction::Begin(reader.u8()?),
        7 => Transaction::Commit,
        8 => Transaction::Rollback,
        other => Transaction::Other(other),
    })
}
