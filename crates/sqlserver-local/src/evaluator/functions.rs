//! Functions: those that are known before a query runs, and those that `SQLite` calls.

use super::compile::Context;
use crate::error::SqlError;
use crate::store::collation::Collation;
use crate::store::conversion;
use crate::store::encoding::{self, Stored};
use crate::store::types::{Length, Type};
use crate::store::value::Value;
use rusqlite::functions::{Aggregate, FunctionFlags};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Error};

const NAME: Type = Type::NVarChar(Length::Limited(128));
const TEXT: Type = Type::NVarChar(Length::Limited(4000));

/// The value of a function of constants; none if there is no such function.
pub fn constant(context: &Context<'_>, name: &str, arguments: &[Value]) -> Option<(Value, Type)> {
    let text = |at: usize| match arguments.get(at) {
        Some(Value::Text(text)) => String::from_utf16_lossy(text),
        _ => String::new(),
    };
    let database = context.catalogue.database();
    Some(match name {
        "DB_NAME" => (Value::text(database), NAME),
        "DB_ID" => (Value::Int(5), Type::SmallInt),
        "SUSER_SNAME" | "USER_NAME" | "SUSER_NAME" | "CURRENT_USER" => {
            (Value::text(context.user), NAME)
        }
        "SYSUTCDATETIME" => (Value::DateTime2(context.now), Type::DateTime2(7)),
        "OBJECT_ID" => {
            let name = text(0).replace(['[', ']'], "");
            let (schema, table) = name.rsplit_once('.').unwrap_or(("dbo", &name));
            let schema = schema.rsplit_once('.').map_or(schema, |(_, schema)| schema);
            let entry = context.catalogue.find(schema, table);
            let id = entry.map_or(Value::Null, |entry| Value::Int(entry.id));
            (id, Type::Int)
        }
        "COLUMNPROPERTY" => {
            let id = match arguments.first() {
                Some(Value::Int(id)) => *id,
                _ => 0,
            };
            let table = context.catalogue.by_id(id);
            let at = table.and_then(|entry| entry.table.position(&text(1)));
            let at = at.and_then(|at| i64::try_from(at).ok());
            (at.map_or(Value::Null, |at| Value::Int(at + 1)), Type::Int)
        }
        "SERVERPROPERTY" => {
            let value = match text(0).to_ascii_lowercase().as_str() {
                "productversion" => Value::text("16.0.4096.0"),
                "productmajorversion" => Value::text("16"),
                "edition" => Value::text("sqlserver-local"),
                "engineedition" => Value::Int(3),
                _ => Value::Null,
            };
            (value, TEXT)
        }
        "DATABASEPROPERTYEX" => (Value::text(Collation::default().name()), TEXT),
        "MIN_ACTIVE_ROWVERSION" => {
            let bytes = context.min_active_rowversion.to_be_bytes().to_vec();
            (Value::Bytes(bytes), Type::Binary(8))
        }
        "HAS_PERMS_BY_NAME" => {
            let may = context.may(&text(0), &text(2), &text(3));
            (
                may.map_or(Value::Null, |may| Value::Int(may.into())),
                Type::Int,
            )
        }
        _ => return None,
    })
}

/// The value of a variable of the server's; none if there is no such variable.
pub fn variable(context: &Context<'_>, name: &str) -> Option<(Value, Type)> {
    Some(match name.to_ascii_uppercase().as_str() {
        "@@VERSION" => (
            Value::text("Microsoft SQL Server 2022 as sqlserver-local answers for it"),
            TEXT,
        ),
        "@@TRANCOUNT" => (Value::Int(context.transactions.into()), Type::Int),
        "@@SPID" => (Value::Int(51), Type::SmallInt),
        "@@SERVERNAME" => (Value::text("sqlserver-local"), NAME),
        "@@MAX_PRECISION" => (Value::Int(38), Type::TinyInt),
        "@@DBTS" => {
            let last = context.min_active_rowversion - 1;
            (Value::Bytes(last.to_be_bytes().to_vec()), Type::Binary(8))
        }
        _ => return None,
    })
}

/// An error of ours on its way through `SQLite`, which keeps its text alone.
fn through(error: &SqlError) -> Error {
    let SqlError {
        number,
        class,
        message,
    } = error;
    Error::UserFunctionError(format!("{PREFIX}{number}|{class}|{message}").into())
}

const PREFIX: &str = "tsql|";

/// The error that `SQLite` reports, as SQL Server would.
pub fn error_of(error: &Error) -> SqlError {
    let text = error.to_string();
    if let Some(at) = text.find(PREFIX) {
        let mut parts = text[at + PREFIX.len()..].splitn(3, '|');
        let number = parts.next().and_then(|it| it.parse().ok());
        let class = parts.next().and_then(|it| it.parse().ok());
        if let (Some(number), Some(class), Some(message)) = (number, class, parts.next()) {
            return SqlError::of_class(number, class, message);
        }
    }
    if text.contains("integer overflow") {
        return SqlError::overflow("bigint");
    }
    SqlError::new(50_000, format!("sqlserver-local: {text}"))
}

/// Gives a connection the collations and the functions that translated queries use.
pub fn register(connection: &Connection) -> rusqlite::Result<()> {
    for collation in Collation::ALL {
        connection.create_collation(collation.name(), move |a, b| collation.compare(a, b))?;
    }
    let flags = FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_UTF8;
    connection.create_scalar_function("tsql_convert", 4, flags, |call| {
        let of = |at: usize| -> rusqlite::Result<Type> {
            let name: String = call.get(at)?;
            name.parse().map_err(|_| through(&SqlError::syntax(&name)))
        };
        let (from, to, style) = (of(1)?, of(2)?, call.get(3)?);
        let value = encoding::decode(call.get_raw(0), from);
        let converted = conversion::convert(&value, from, to, style);
        Ok(owned(encoding::encode(
            &converted.map_err(|it| through(&it))?,
        )))
    })?;
    connection.create_scalar_function("tsql_base_type", 1, flags, |call| {
        let of = match encoding::decode(call.get_raw(0), Type::SqlVariant) {
            Value::Variant(of, _) => Stored::Text(of.name().as_bytes().to_vec()),
            _ => Stored::Null,
        };
        Ok(owned(of))
    })?;
    connection.create_aggregate_function("tsql_sum", 1, flags, DecimalSum)
}

/// The value that `SQLite` takes over.
fn owned(stored: Stored) -> ToSqlOutput<'static> {
    use rusqlite::types::Value as Owned;
    ToSqlOutput::Owned(match stored {
        Stored::Null => Owned::Null,
        Stored::Integer(number) => Owned::Integer(number),
        Stored::Real(number) => Owned::Real(number),
        Stored::Blob(bytes) => Owned::Blob(bytes),
        // A surrogate without its other half is lost in an expression, not in a column.
        Stored::Text(bytes) => Owned::Text(String::from_utf8_lossy(&bytes).into_owned()),
    })
}

/// SUM of decimals; their scale is the column's.
struct DecimalSum;

const ANY: Type = Type::Decimal {
    precision: 38,
    scale: 0,
};

impl Aggregate<Option<i128>, ToSqlOutput<'static>> for DecimalSum {
    fn init(&self, _: &mut rusqlite::functions::Context<'_>) -> rusqlite::Result<Option<i128>> {
        Ok(None)
    }

    fn step(
        &self,
        call: &mut rusqlite::functions::Context<'_>,
        sum: &mut Option<i128>,
    ) -> rusqlite::Result<()> {
        if let ValueRef::Blob(_) = call.get_raw(0)
            && let Value::Decimal(units, _) = encoding::decode(call.get_raw(0), ANY)
        {
            let total = conversion::add(sum.unwrap_or(0), units);
            *sum = Some(total.map_err(|it| through(&it))?);
        }
        Ok(())
    }

    fn finalize(
        &self,
        _: &mut rusqlite::functions::Context<'_>,
        sum: Option<Option<i128>>,
    ) -> rusqlite::Result<ToSqlOutput<'static>> {
        let value = sum
            .flatten()
            .map_or(Value::Null, |sum| Value::Decimal(sum, 0));
        Ok(owned(encoding::encode(&value)))
    }
}
