//! Where rows come from: tables, views, functions, queries in parentheses.

use super::ast::{Expression, From, JoinKind, Sample, Source, Statement};
use super::compile::{Compiler, Result, compile, shape};
use super::names::{Bound, SourceColumn};
use super::parser;
use crate::error::SqlError;
use crate::store::types::{Length, Type};
use crate::store::value::Value;

impl Compiler<'_> {
    pub(super) fn source(
        &mut self,
        from: &From,
        sources: &mut Vec<Bound>,
        filters: &mut Vec<String>,
    ) -> Result<String> {
        let number = self.sources;
        self.sources += 1;
        let is_outer = from.kind == JoinKind::Left;
        let mut filter = None;
        let text = match &from.source {
            Source::Table(parts) => {
                let bound = self.table(parts, from, number, is_outer)?;
                if let Some(sample) = &from.sample {
                    filters.push(self.sample(sample, &bound.0, number)?);
                }
                sources.push(bound.1);
                format!("{} AS t{number}", bound.0)
            }
            Source::Function(parts, arguments) => {
                let is_description = parts.last().is_some_and(|name| {
                    name.eq_ignore_ascii_case("dm_exec_describe_first_result_set")
                });
                if is_description {
                    let (text, bound) = self.description(from, arguments, number)?;
                    sources.push(bound);
                    text
                } else {
                    // The only other one is a table whose first columns are its arguments.
                    let bound = self.table(parts, from, number, is_outer)?;
                    let mut conditions = Vec::new();
                    for (i, argument) in arguments.iter().enumerate() {
                        let argument = self.expression(sources, argument)?;
                        conditions.push(format!("t{number}.c{i} = {}", argument.sql));
                    }
                    filter = Some(conditions.join(" AND "));
                    sources.push(bound.1);
                    format!("{} AS t{number}", bound.0)
                }
            }
            Source::Query(query) => {
                let (sql, columns) = self.select(query)?;
                let columns = columns
                    .into_iter()
                    .enumerate()
                    .map(|(i, column)| SourceColumn {
                        name: column.name,
                        shape: column.shape,
                        sql: format!("t{number}.c{i}"),
                    });
                sources.push(Bound {
                    alias: from.alias.clone().unwrap_or_default(),
                    origin: None,
                    columns: columns.collect(),
                });
                format!("({sql}) AS t{number}")
            }
        };
        if let Some(on) = &from.on {
            filter = Some(self.condition(sources, on)?);
        }
        // The first source has no ON: its condition, if any, is of a function's arguments.
        if sources.len() == 1 {
            filters.extend(filter);
            return Ok(text);
        }
        let join = match from.kind {
            JoinKind::Left => "LEFT JOIN",
            JoinKind::Inner | JoinKind::Cross => "JOIN",
        };
        let on = filter.map(|filter| format!(" ON {filter}"));
        Ok(format!(" {join} {text}{}", on.unwrap_or_default()))
    }

    pub(super) fn table(
        &mut self,
        parts: &[String],
        from: &From,
        number: usize,
        is_outer: bool,
    ) -> Result<(String, Bound)> {
        let (schema, name) = match parts {
            [name] => ("dbo", name.as_str()),
            [.., schema, name] => (schema.as_str(), name.as_str()),
            [] => ("", ""),
        };
        let entry = self.context.catalogue.find(schema, name).ok_or_else(|| {
            SqlError::new(208, format!("Invalid object name '{}'.", parts.join(".")))
        })?;
        self.reads_tables |= entry.id > 0;
        let alias = from.alias.as_deref().unwrap_or(name);
        let bound = Bound::table(&entry.table, alias, number, is_outer);
        // COUNT_BIG(*) names no column and asks for the table's permission all the same.
        let is_denied = self.context.may(&format!("{schema}.{name}"), "SELECT", "");
        if entry.id > 0 && is_denied == Some(false) {
            self.check(&bound, &bound.columns[0])?;
        }
        Ok((entry.table.stored_name(), bound))
    }

    /// The columns of a query's result, as rows.
    pub(super) fn description(
        &mut self,
        from: &From,
        arguments: &[Expression],
        number: usize,
    ) -> Result<(String, Bound)> {
        let text = match arguments.first() {
            Some(argument) => self.expression(&[], argument)?.constant,
            None => None,
        };
        let Some(Value::Text(text)) = text else {
            return Err(SqlError::syntax("dm_exec_describe_first_result_set"));
        };
        let text = String::from_utf16_lossy(&text);
        let described = parser::batch(&text).and_then(|statements| match statements.as_slice() {
            [Statement::Select(select)] => compile(self.context, select),
            _ => Err(SqlError::syntax(&text)),
        });
        let mut rows = Vec::new();
        // A query that is refused is described by its error.
        let columns = match described {
            Ok(described) => described.columns,
            Err(error) => {
                let place = [
                    Value::Int(i64::from(error.number)),
                    Value::text(&error.message),
                ]
                .map(|value| self.bind(&value));
                rows.push(format!(
                    "SELECT 0 AS c0, NULL AS c1, NULL AS c2, NULL AS c3, NULL AS c4, {} AS c5, {} AS c6",
                    place[0], place[1]
                ));
                Vec::new()
            }
        };
        for (column, ordinal) in columns.iter().zip(1..) {
            let collation = if column.shape.of.is_text() {
                Value::text(column.shape.collation.name())
            } else {
                Value::Null
            };
            let values = [
                Value::Int(ordinal),
                Value::text(&column.name),
                Value::Bit(column.shape.is_nullable),
                Value::text(&column.shape.of.to_string()),
                collation,
                Value::Null,
                Value::Null,
            ];
            let values = values.iter().enumerate().map(|(i, value)| {
                let place = self.bind(value);
                format!("{place} AS c{i}")
            });
            let values: Vec<_> = values.collect();
            rows.push(format!("SELECT {}", values.join(", ")));
        }
        let name = Type::NVarChar(Length::Limited(256));
        let columns = [
            ("column_ordinal", Type::Int),
            ("name", name),
            ("is_nullable", Type::Bit),
            ("system_type_name", name),
            ("collation_name", name),
            ("error_number", Type::Int),
            ("error_message", Type::NVarChar(Length::Max)),
        ];
        let columns = columns.into_iter().enumerate();
        let columns = columns.map(|(i, (name, of))| SourceColumn {
            name: name.to_owned(),
            shape: shape(of, true),
            sql: format!("t{number}.c{i}"),
        });
        let bound = Bound {
            alias: from.alias.clone().unwrap_or_default(),
            origin: None,
            columns: columns.collect(),
        };
        Ok((
            format!("({}) AS t{number}", rows.join(" UNION ALL ")),
            bound,
        ))
    }

    /// The condition of TABLESAMPLE: a pseudo-random part of the rows, always the same one.
    pub(super) fn sample(
        &mut self,
        sample: &Sample,
        stored: &str,
        number: usize,
    ) -> Result<String> {
        let hash = format!("(t{number}.rowid * 7919 % 100003)");
        let (Sample::Percent(share) | Sample::Rows(share)) = sample;
        let share = self.expression(&[], share)?;
        let share = self.coerced(share, Type::Float)?.sql;
        Ok(match sample {
            Sample::Percent(_) => format!("{hash} < {share} * 1000.03"),
            Sample::Rows(_) => {
                format!("{hash} * (SELECT count(*) FROM {stored}) < {share} * 100003.0")
            }
        })
    }
}
