//! Expressions, `#{…}`, in texts of a pipeline: parsed, and evaluated as far as everything is known
//! before a run.

mod evaluate;
mod functions;
mod operate;
mod parse;
mod pattern;
mod template;

pub(crate) use evaluate::Evaluator;
pub(crate) use template::{Piece, Template};
