//! Values and conditions.

use super::ast::Expression;
use super::compile::{Compiled, Compiler, Result, shape};
use super::functions;
use super::names::{self, Bound};
use super::precedence::{common, is_stored_alike};
use crate::error::SqlError;
use crate::protocol::requests::Parameter;
use crate::protocol::wire_types::Shape;
use crate::store::catalogue::compared;
use crate::store::conversion;
use crate::store::types::{Length, Type};
use crate::store::value::Value;

impl Compiler<'_> {
    pub(super) fn condition(
        &mut self,
        sources: &[Bound],
        condition: &Expression,
    ) -> Result<String> {
        Ok(match condition {
            Expression::And(left, right) => {
                let left = self.condition(sources, left)?;
                format!("({left} AND {})", self.condition(sources, right)?)
            }
            Expression::Or(left, right) => {
                let left = self.condition(sources, left)?;
                format!("({left} OR {})", self.condition(sources, right)?)
            }
            Expression::Not(inner) => format!("(NOT {})", self.condition(sources, inner)?),
            Expression::IsNull(inner) => {
                let inner = self.expression(sources, inner)?;
                format!("({} IS NULL)", inner.sql)
            }
            Expression::Compare(sign, left, right) => {
                let left = self.expression(sources, left)?;
                let right = self.expression(sources, right)?;
                self.compare(sign, left, right)?
            }
            Expression::In(left, list) => {
                let mut all = Vec::new();
                for one in list {
                    let left = self.expression(sources, left)?;
                    let one = self.expression(sources, one)?;
                    all.push(self.compare("=", left, one)?);
                }
                format!("({})", all.join(" OR "))
            }
            Expression::Like(left, pattern) => {
                let left = self.expression(sources, left)?;
                let pattern = self.expression(sources, pattern)?;
                format!("({} LIKE {})", left.sql, pattern.sql)
            }
            _ => return Err(SqlError::syntax("WHERE")),
        })
    }

    pub(super) fn compare(
        &mut self,
        sign: &str,
        left: Compiled,
        right: Compiled,
    ) -> Result<String> {
        let of = common(left.shape.of, right.shape.of);
        let collated = if left.constant.is_some() {
            &right
        } else {
            &left
        };
        let collation = collated.shape.collation;
        let mut left = self.coerced(left, of)?;
        let mut right = self.coerced(right, of)?;
        left.shape.collation = collation;
        right.shape.collation = collation;
        Ok(format!(
            "({} {sign} {})",
            comparable(&left)?,
            comparable(&right)?
        ))
    }

    /// The expression as a value of another type.
    pub(super) fn coerced(&mut self, compiled: Compiled, to: Type) -> Result<Compiled> {
        if is_stored_alike(compiled.shape.of, to) {
            return Ok(compiled);
        }
        self.converted(compiled, to, 0)
    }

    pub(super) fn converted(
        &mut self,
        compiled: Compiled,
        to: Type,
        style: i64,
    ) -> Result<Compiled> {
        let from = compiled.shape.of;
        if let Some(value) = &compiled.constant {
            let value = conversion::convert(value, from, to, style)?;
            let mut converted = self.constant(value, to);
            converted.shape.collation = compiled.shape.collation;
            return Ok(converted);
        }
        // Every stored value is one of the longer type too.
        let is_longer = from.is_text()
            && matches!(to, Type::NVarChar(Length::Max) | Type::VarChar(Length::Max));
        let sql = if from == to || is_longer {
            compiled.sql
        } else {
            format!("tsql_convert({}, '{from}', '{to}', {style})", compiled.sql)
        };
        Ok(Compiled {
            sql,
            shape: Shape {
                of: to,
                ..compiled.shape
            },
            constant: None,
        })
    }

    pub(super) fn expression(
        &mut self,
        sources: &[Bound],
        expression: &Expression,
    ) -> Result<Compiled> {
        match expression {
            Expression::Column(alias, name) => {
                let (source, column) = names::find(sources, alias.as_deref(), name)?;
                self.check(source, column)?;
                Ok(Compiled {
                    sql: column.sql.clone(),
                    shape: column.shape,
                    constant: None,
                })
            }
            Expression::Literal(value, of) => Ok(self.constant(value.clone(), *of)),
            Expression::Variable(name) => self.variable(name),
            Expression::Negative(inner) => {
                let inner = self.expression(sources, inner)?;
                let value = match inner.constant {
                    Some(Value::Int(number)) => Value::Int(-number),
                    Some(Value::Decimal(units, scale)) => Value::Decimal(-units, scale),
                    Some(Value::Float(number)) => Value::Float(-number),
                    _ => return Err(SqlError::syntax("-")),
                };
                Ok(self.constant(value, inner.shape.of))
            }
            Expression::Arithmetic(sign, left, right) => {
                let left = self.expression(sources, left)?;
                let right = self.expression(sources, right)?;
                arithmetic(sign, &left, &right)
            }
            Expression::Case(cases, otherwise) => self.case(sources, cases, otherwise.as_deref()),
            Expression::Collate(inner, name) => {
                let mut inner = self.expression(sources, inner)?;
                inner.shape.collation = name
                    .parse()
                    .map_err(|_| SqlError::new(448, format!("Invalid collation '{name}'.")))?;
                Ok(inner)
            }
            Expression::Convert(inner, of, style) => {
                let inner = self.expression(sources, inner)?;
                let style = match style {
                    Some(style) => match self.expression(&[], style)?.constant {
                        Some(Value::Int(style)) => style,
                        _ => return Err(SqlError::syntax("CONVERT")),
                    },
                    None => 0,
                };
                self.converted(inner, *of, style)
            }
            Expression::Call(name, arguments) => self.call(sources, name, arguments),
            Expression::Window(name, arguments, order) => {
                let name = name.as_str();
                if !["NTILE", "ROW_NUMBER"].contains(&name) {
                    return Err(SqlError::syntax(name));
                }
                let mut compiled = Vec::new();
                for argument in arguments {
                    compiled.push(self.expression(&[], argument)?.sql);
                }
                let order = self.order(sources, order, &[])?;
                let arguments = compiled.join(", ");
                Ok(Compiled {
                    sql: format!("{name}({arguments}) OVER (ORDER BY {order})"),
                    shape: shape(Type::BigInt, true),
                    constant: None,
                })
            }
            _ => Err(SqlError::syntax("SELECT")),
        }
    }

    pub(super) fn case(
        &mut self,
        sources: &[Bound],
        cases: &[(Expression, Expression)],
        otherwise: Option<&Expression>,
    ) -> Result<Compiled> {
        let mut conditions = Vec::new();
        let mut values = Vec::new();
        for (condition, value) in cases {
            conditions.push(self.condition(sources, condition)?);
            values.push(self.expression(sources, value)?);
        }
        if let Some(otherwise) = otherwise {
            values.push(self.expression(sources, otherwise)?);
        }
        let of = values
            .iter()
            .map(|value| value.shape.of)
            .reduce(common)
            .unwrap_or(Type::Int);
        let mut texts = Vec::new();
        for value in values {
            texts.push(self.coerced(value, of)?.sql);
        }
        let otherwise = texts.get(conditions.len()).cloned();
        let cases = conditions.iter().zip(&texts);
        let cases: Vec<_> = cases
            .map(|(condition, value)| format!("WHEN {condition} THEN {value}"))
            .collect();
        let otherwise = otherwise.unwrap_or_else(|| "NULL".to_owned());
        Ok(Compiled {
            sql: format!("CASE {} ELSE {otherwise} END", cases.join(" ")),
            shape: shape(of, true),
            constant: None,
        })
    }

    pub(super) fn variable(&mut self, name: &str) -> Result<Compiled> {
        let mut parameters = self.context.parameters.iter();
        let parameter = parameters.find(|it| it.name.eq_ignore_ascii_case(name));
        if let Some(Parameter { of, value, .. }) = parameter {
            return Ok(self.constant(value.clone(), *of));
        }
        match functions::variable(self.context, name) {
            Some((value, of)) => Ok(self.constant(value, of)),
            None => Err(SqlError::of_class(
                137,
                15,
                format!("Must declare the scalar variable \"{name}\"."),
            )),
        }
    }

    /// Whether each of a table's columns may be read.
    pub(super) fn may_columns(&mut self, object: &str, permission: &str, column: &str) -> String {
        let Some(may) = self.context.may(object, permission, "") else {
            return "NULL".to_owned();
        };
        let name = object.replace(['[', ']'], "");
        let permissions = self.context.permissions;
        let denied = permissions.denied.iter();
        let denied = denied.filter(|(table, _)| table.eq_ignore_ascii_case(&name));
        let mut cases = String::new();
        for name in denied.filter_map(|(_, name)| name.as_ref()) {
            let place = self.bind(&Value::text(name));
            cases = format!("{cases} WHEN {column} = {place} THEN 0");
        }
        match (may, cases.is_empty()) {
            (true, false) => format!("CASE{cases} ELSE 1 END"),
            (may, _) => u8::from(may).to_string(),
        }
    }

    pub(super) fn call(
        &mut self,
        sources: &[Bound],
        name: &str,
        arguments: &[Expression],
    ) -> Result<Compiled> {
        let mut compiled = Vec::new();
        for argument in arguments {
            compiled.push(self.expression(sources, argument)?);
        }
        let answer = |sql: String, of: Type, is_nullable: bool| Compiled {
            sql,
            shape: shape(of, is_nullable),
            constant: None,
        };
        match (name, compiled.as_slice()) {
            ("COUNT_BIG", []) => return Ok(answer("count(*)".to_owned(), Type::BigInt, false)),
            ("COUNT", []) => return Ok(answer("count(*)".to_owned(), Type::Int, false)),
            ("COUNT_BIG", [of]) => {
                return Ok(answer(format!("count({})", of.sql), Type::BigInt, false));
            }
            ("MIN" | "MAX", [of]) => {
                let sql = format!("{name}({})", comparable(of)?);
                return Ok(Compiled {
                    sql,
                    shape: Shape {
                        is_nullable: true,
                        ..of.shape
                    },
                    constant: None,
                });
            }
            ("SUM", [of]) => return sum(of),
            ("TYPE_NAME", [of]) => {
                let sql = format!("(SELECT c0 FROM \"sys.types\" WHERE c2 = {})", of.sql);
                return Ok(answer(sql, Type::NVarChar(Length::Limited(128)), true));
            }
            ("HAS_PERMS_BY_NAME", [object, _, permission, column, _])
                if column.constant.is_none() =>
            {
                let text = |compiled: &Compiled| match &compiled.constant {
                    Some(Value::Text(text)) => String::from_utf16_lossy(text),
                    _ => String::new(),
                };
                let sql = self.may_columns(&text(object), &text(permission), &column.sql);
                return Ok(answer(sql, Type::Int, true));
            }
            ("COALESCE" | "ISNULL", [of, other]) => {
                let other = self.coerced(other.clone(), of.shape.of)?;
                let sql = format!("coalesce({}, {})", of.sql, other.sql);
                return Ok(answer(sql, of.shape.of, other.shape.is_nullable));
            }
            ("SQL_VARIANT_PROPERTY", [of, _]) if of.shape.of == Type::SqlVariant => {
                let sql = format!("tsql_base_type({})", of.sql);
                return Ok(answer(sql, Type::NVarChar(Length::Limited(128)), true));
            }
            _ => {}
        }
        let constants: Option<Vec<_>> = compiled.into_iter().map(|it| it.constant).collect();
        let known = constants.and_then(|it| functions::constant(self.context, name, &it));
        match known {
            Some((value, of)) => Ok(self.constant(value, of)),
            None => Err(SqlError::of_class(
                195,
                15,
                format!("'{name}' is not a recognized built-in function name."),
            )),
        }
    }
}

/// Of integers, and `+` of texts.
fn arithmetic(sign: &str, left: &Compiled, right: &Compiled) -> Result<Compiled> {
    let (a, b) = (left.shape.of, right.shape.of);
    let is_integer = |of| {
        matches!(
            of,
            Type::TinyInt | Type::SmallInt | Type::Int | Type::BigInt
        )
    };
    let (sign, of) = if a.is_text() && b.is_text() && sign == "+" {
        ("||", Type::NVarChar(Length::Max))
    } else if is_integer(a) && is_integer(b) {
        (sign, common(a, b))
    } else {
        return Err(SqlError::new(
            8117,
            format!(
                "sqlserver-local has no operator {sign} of {} and {}.",
                a.name(),
                b.name()
            ),
        ));
    };
    Ok(Compiled {
        sql: format!("({} {sign} {})", left.sql, right.sql),
        shape: Shape {
            of,
            is_nullable: true,
            collation: left.shape.collation,
        },
        constant: None,
    })
}

fn sum(of: &Compiled) -> Result<Compiled> {
    let (function, result) = match of.shape.of {
        Type::Decimal { scale, .. } => (
            "tsql_sum",
            Type::Decimal {
                precision: 38,
                scale,
            },
        ),
        Type::TinyInt | Type::SmallInt | Type::Int => ("sum", Type::Int),
        Type::BigInt => ("sum", Type::BigInt),
        Type::Money | Type::SmallMoney => ("sum", Type::Money),
        Type::Real | Type::Float => ("sum", Type::Float),
        other => {
            return Err(SqlError::new(
                8117,
                format!(
                    "Operand data type {} is invalid for sum operator.",
                    other.name()
                ),
            ));
        }
    };
    Ok(Compiled {
        sql: format!("{function}({})", of.sql),
        shape: shape(result, true),
        constant: None,
    })
}

/// What `SQLite` compares: of text with its collation, of a moment with an offset the moment.
pub(super) fn comparable(compiled: &Compiled) -> Result<String> {
    let of = compiled.shape.of;
    if !of.is_comparable() {
        return Err(SqlError::new(
            306,
            "The text, ntext, and image data types cannot be compared or sorted, except when using IS \
             NULL or LIKE operator.",
        ));
    }
    let sql = compared(&compiled.sql, of);
    Ok(if of.is_text() {
        format!("{sql} COLLATE \"{}\"", compiled.shape.collation.name())
    } else {
        sql
    })
}
