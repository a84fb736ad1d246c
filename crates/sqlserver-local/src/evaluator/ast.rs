//! Statements and expressions, as they are written.

use crate::store::types::Type;
use crate::store::value::Value;

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// `SET TRANSACTION ISOLATION LEVEL`: whether it is SNAPSHOT.
    Isolation { is_snapshot: bool },
    /// Another SET, which changes nothing here.
    Set,
    /// `USE`.
    Use(String),
    /// `BEGIN TRANSACTION`.
    Begin,
    /// `COMMIT`; with `IF @@TRANCOUNT > 0`, only if there is a transaction.
    Commit { only_if_open: bool },
    /// `ROLLBACK`.
    Rollback { only_if_open: bool },
    /// A query.
    Select(Box<Select>),
}

/// A query.
#[derive(Debug, Clone, PartialEq)]
pub struct Select {
    pub top: Option<Expression>,
    pub items: Vec<Item>,
    pub from: Vec<From>,
    pub filter: Option<Expression>,
    pub group: Vec<Expression>,
    pub order: Vec<Order>,
}

/// What a query selects.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// `*`, or `alias.*`.
    All(Option<String>),
    /// An expression, with its name if it has one.
    Expression(Expression, Option<String>),
}

/// How a source is joined to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    Left,
    Cross,
}

/// A source of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct From {
    pub kind: JoinKind,
    pub source: Source,
    pub alias: Option<String>,
    pub on: Option<Expression>,
    /// The share that is sampled.
    pub sample: Option<Sample>,
}

/// How much is sampled.
#[derive(Debug, Clone, PartialEq)]
pub enum Sample {
    Rows(Expression),
    Percent(Expression),
}

/// Where rows come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A table by its name's parts.
    Table(Vec<String>),
    /// A function that answers with rows.
    Function(Vec<String>, Vec<Expression>),
    /// A query in parentheses.
    Query(Box<Select>),
}

/// By what rows are sorted.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub by: Expression,
    pub is_descending: bool,
}

/// An expression, of a value or of a condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    Column(Option<String>, String),
    Literal(Value, Type),
    Variable(String),
    /// A function by its name in upper case; `*` is no argument.
    Call(String, Vec<Expression>),
    /// A function over a window, sorted.
    Window(String, Vec<Expression>, Vec<Order>),
    /// CAST and CONVERT, with the style.
    Convert(Box<Expression>, Type, Option<Box<Expression>>),
    Collate(Box<Expression>, String),
    Negative(Box<Expression>),
    Arithmetic(&'static str, Box<Expression>, Box<Expression>),
    /// CASE: conditions with values, and the value of ELSE.
    Case(Vec<(Expression, Expression)>, Option<Box<Expression>>),
    Compare(&'static str, Box<Expression>, Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    IsNull(Box<Expression>),
    In(Box<Expression>, Vec<Expression>),
    Like(Box<Expression>, Box<Expression>),
}
