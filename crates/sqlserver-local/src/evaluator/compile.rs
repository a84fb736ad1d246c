//! Translates a query to `SQLite`: names become columns, values their stored form, and each expression
//! has the type that T-SQL gives it.

use super::ast::{Expression, Item, Order, Select};
use super::expressions::comparable;
use super::names::{Bound, SourceColumn};
use crate::error::SqlError;
use crate::protocol::requests::Parameter;
use crate::protocol::tokens::ResultColumn;
use crate::protocol::wire_types::Shape;
use crate::store::catalogue::Catalogue;
use crate::store::collation::Collation;
use crate::store::encoding::{self, Stored};
use crate::store::types::Type;
use crate::store::value::Value;

/// What a login may not do.
#[derive(Debug, Clone, Default)]
pub struct Permissions {
    /// Tables, or single columns of them, that it may not read.
    pub denied: Vec<(String, Option<String>)>,
    /// Whether it may write.
    pub may_write: bool,
}

/// What a query is answered from.
#[derive(Debug)]
pub struct Context<'a> {
    pub catalogue: &'a Catalogue,
    pub permissions: &'a Permissions,
    pub parameters: &'a [Parameter],
    pub user: &'a str,
    /// Open transactions.
    pub transactions: u8,
    pub min_active_rowversion: u64,
    /// The time, as a `datetime2`.
    pub now: i64,
}

impl Context<'_> {
    /// Whether a permission is there; none if the object is not.
    pub fn may(&self, object: &str, permission: &str, column: &str) -> Option<bool> {
        let name = object.replace(['[', ']'], "");
        let (schema, table) = name.rsplit_once('.').unwrap_or(("dbo", &name));
        self.catalogue.find(schema, table)?;
        if !permission.eq_ignore_ascii_case("SELECT") {
            return Some(self.permissions.may_write);
        }
        let column = column.replace(['[', ']'], "");
        let full = format!("{schema}.{table}");
        let is_denied = self.permissions.denied.iter().any(|(of, denied)| {
            of.eq_ignore_ascii_case(&full)
                && denied
                    .as_ref()
                    .is_none_or(|denied| denied.eq_ignore_ascii_case(&column))
        });
        Some(!is_denied)
    }
}

/// A query for `SQLite`.
#[derive(Debug, Clone)]
pub struct Query {
    pub sql: String,
    pub bindings: Vec<Stored>,
    pub columns: Vec<ResultColumn>,
    /// Whether it reads a table of the user's.
    pub reads_tables: bool,
}

/// An expression for `SQLite`.
#[derive(Debug, Clone)]
pub(super) struct Compiled {
    pub sql: String,
    pub shape: Shape,
    /// Its value, if that is known already.
    pub constant: Option<Value>,
}

pub(super) type Result<T> = std::result::Result<T, SqlError>;

/// Translates a query.
pub fn compile(context: &Context<'_>, select: &Select) -> Result<Query> {
    let mut compiler = Compiler {
        context,
        bindings: Vec::new(),
        sources: 0,
        reads_tables: false,
    };
    let (sql, columns) = compiler.select(select)?;
    if let Some(column) = columns.iter().find(|it| it.shape.of == Type::SqlVariant) {
        return Err(SqlError::new(
            50_000,
            format!(
                "sqlserver-local sends no sql_variant: CAST {:?}",
                column.name
            ),
        ));
    }
    Ok(Query {
        sql,
        bindings: compiler.bindings,
        columns,
        reads_tables: compiler.reads_tables,
    })
}

pub(super) struct Compiler<'a> {
    pub context: &'a Context<'a>,
    bindings: Vec<Stored>,
    pub sources: usize,
    pub reads_tables: bool,
}

pub(super) fn shape(of: Type, is_nullable: bool) -> Shape {
    Shape {
        of,
        is_nullable,
        collation: Collation::default(),
    }
}

impl Compiler<'_> {
    pub(super) fn bind(&mut self, value: &Value) -> String {
        self.bindings.push(encoding::encode(value));
        format!("?{}", self.bindings.len())
    }

    pub(super) fn constant(&mut self, value: Value, of: Type) -> Compiled {
        let sql = self.bind(&value);
        Compiled {
            sql,
            shape: shape(of, value == Value::Null),
            constant: Some(value),
        }
    }

    pub(super) fn select(&mut self, select: &Select) -> Result<(String, Vec<ResultColumn>)> {
        let mut sources = Vec::new();
        let mut from = String::new();
        let mut filters = Vec::new();
        for source in &select.from {
            from.push_str(&self.source(source, &mut sources, &mut filters)?);
        }
        let sources = sources.as_slice();
        let mut columns = Vec::new();
        let mut items = Vec::new();
        for item in &select.items {
            match item {
                Item::All(alias) => {
                    for (column, sql) in self.all(sources, alias.as_deref())? {
                        columns.push(column);
                        items.push(sql);
                    }
                }
                Item::Expression(expression, name) => {
                    let compiled = self.expression(sources, expression)?;
                    let name = match (name, expression) {
                        (Some(name), _) | (None, Expression::Column(_, name)) => name.clone(),
                        _ => String::new(),
                    };
                    columns.push(ResultColumn {
                        name,
                        shape: compiled.shape,
                    });
                    items.push(compiled.sql);
                }
            }
        }
        let named = items.iter().enumerate();
        let named: Vec<_> = named.map(|(i, sql)| format!("{sql} AS c{i}")).collect();
        let mut sql = format!("SELECT {}", named.join(", "));
        if !from.is_empty() {
            sql.push_str(" FROM ");
            sql.push_str(&from);
        }
        if let Some(filter) = &select.filter {
            filters.push(self.condition(sources, filter)?);
        }
        if !filters.is_empty() {
            sql.push_str(" WHERE ");
            sql.push_str(&filters.join(" AND "));
        }
        let mut groups = Vec::new();
        for group in &select.group {
            groups.push(self.expression(sources, group)?.sql);
        }
        if !groups.is_empty() {
            sql.push_str(" GROUP BY ");
            sql.push_str(&groups.join(", "));
        }
        if !select.order.is_empty() {
            let order = self.order(sources, &select.order, &columns)?;
            sql.push_str(" ORDER BY ");
            sql.push_str(&order);
        }
        if let Some(top) = &select.top {
            let top = self.expression(&[], top)?;
            let count = self.coerced(top, Type::BigInt)?;
            sql.push_str(" LIMIT ");
            sql.push_str(&count.sql);
        }
        Ok((sql, columns))
    }

    pub(super) fn all(
        &self,
        sources: &[Bound],
        alias: Option<&str>,
    ) -> Result<Vec<(ResultColumn, String)>> {
        let mut all = Vec::new();
        for source in sources {
            if alias.is_some_and(|alias| !source.alias.eq_ignore_ascii_case(alias)) {
                continue;
            }
            for column in &source.columns {
                self.check(source, column)?;
                let result = ResultColumn {
                    name: column.name.clone(),
                    shape: column.shape,
                };
                all.push((result, column.sql.clone()));
            }
        }
        match (all.is_empty(), alias) {
            (false, _) => Ok(all),
            (true, alias) => Err(SqlError::new(
                107,
                format!(
                    "The column prefix '{}' does not match with a table name or alias name used in the query.",
                    alias.unwrap_or("*")
                ),
            )),
        }
    }

    /// Refuses a column that the login may not read.
    pub(super) fn check(&self, source: &Bound, column: &SourceColumn) -> Result<()> {
        let Some(origin) = &source.origin else {
            return Ok(());
        };
        let full = format!("{}.{}", origin.schema, origin.table);
        let denied = self.context.permissions.denied.iter();
        let mut denied = denied.filter(|(of, _)| of.eq_ignore_ascii_case(&full));
        let place = format!(
            "object '{}', database '{}', schema '{}'.",
            origin.table,
            self.context.catalogue.database(),
            origin.schema
        );
        match denied.find(|(_, it)| {
            it.as_ref()
                .is_none_or(|it| it.eq_ignore_ascii_case(&column.name))
        }) {
            None => Ok(()),
            Some((_, None)) => Err(SqlError::of_class(
                229,
                14,
                format!("The SELECT permission was denied on the {place}"),
            )),
            Some((_, Some(name))) => Err(SqlError::of_class(
                230,
                14,
                format!("The SELECT permission was denied on the column '{name}' of the {place}"),
            )),
        }
    }

    pub(super) fn order(
        &mut self,
        sources: &[Bound],
        order: &[Order],
        columns: &[ResultColumn],
    ) -> Result<String> {
        let mut texts = Vec::new();
        for Order { by, is_descending } in order {
            let alias = match by {
                Expression::Column(None, name) => columns
                    .iter()
                    .position(|column| column.name.eq_ignore_ascii_case(name)),
                _ => None,
            };
            // A result's name comes before a column's, of which it is usually the conversion: only
            // where no column has the name is it meant.
            let compiled = match (self.expression(sources, by), alias) {
                (Err(error), Some(at)) if error.number == 207 => Compiled {
                    sql: format!("c{at}"),
                    shape: columns[at].shape,
                    constant: None,
                },
                (compiled, _) => compiled?,
            };
            let direction = if *is_descending { " DESC" } else { "" };
            texts.push(format!("{}{direction}", comparable(&compiled)?));
        }
        Ok(texts.join(", "))
    }
}
