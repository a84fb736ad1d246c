//! The T-SQL that Millrace generates, and a little more for `where` conditions: parsed, named and
//! typed, and translated to `SQLite`. Any other text is error 102, which names the text near it.

pub mod ast;
pub mod compile;
mod expressions;
pub mod functions;
pub mod lexer;
pub mod names;
pub mod parser;
mod precedence;
mod sources;
