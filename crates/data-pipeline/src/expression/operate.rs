//! Values of expressions, and what operations and calls make of them.

use super::functions::{self, Known};
use super::parse::Expr;
use super::template::{Piece, Template};

/// The largest value, in bytes.
pub(super) const MAX_BYTES: usize = 1 << 20;
/// The most values of one field: lists multiply each other.
pub(super) const MAX_VALUES: usize = 1000;

/// Why an expression has no value.
pub(super) enum Fault {
    Expression { expression: String, why: String },
    Inconsistent(String),
}

impl Fault {
    pub(super) fn new(expr: &Expr, why: impl Into<String>) -> Self {
        Self::Expression {
            expression: crate::text::short(&expr.shown(), 60),
            why: why.into(),
        }
    }
}

/// A value of an expression.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Known(Known),
    /// Of which a part is open.
    Open(Template),
    Object(String),
}

impl Value {
    pub(super) fn of(template: Template) -> Self {
        match template.text() {
            Some(text) => Self::Known(Known::Text(text.to_owned())),
            None => Self::Open(template),
        }
    }

    pub(super) fn template(self) -> Template {
        match self {
            Self::Known(known) => Template::known(known.text()),
            Self::Open(template) => template,
            Self::Object(id) => Template::known(id),
        }
    }
}

/// Every combination of one value of each list.
pub(super) fn combined(lists: &[Vec<Value>]) -> Result<Vec<Vec<Value>>, String> {
    let mut all = vec![Vec::new()];
    for list in lists {
        let count = all.len().saturating_mul(list.len());
        if count > MAX_VALUES {
            return Err(format!("its lists make more than {MAX_VALUES} values"));
        }
        all = all
            .iter()
            .flat_map(|start| {
                list.iter()
                    .map(|value| [start.as_slice(), std::slice::from_ref(value)].concat())
            })
            .collect();
    }
    Ok(all)
}

/// The result if an operand is open: what is missing, or else the expression as it was written.
fn open_of(expr: &Expr, operands: &[Value]) -> Option<Value> {
    let templates = operands.iter().filter_map(|operand| match operand {
        Value::Open(template) => Some(template),
        _ => None,
    });
    let mut found = None;
    for template in templates {
        let missing = template.missing().next();
        let piece = match (missing, template.open()) {
            (Some(name), _) => {
                return Some(Value::Open(Template::of(Piece::Missing(name.to_owned()))));
            }
            (None, Some(Piece::Secret)) => Piece::Secret,
            _ => Piece::Runtime(expr.shown()),
        };
        found.get_or_insert(Value::Open(Template::of(piece)));
    }
    found
}

pub(super) fn call(expr: &Expr, name: &str, arguments: &[Value]) -> Result<Value, Fault> {
    if let Some(open) = open_of(expr, arguments) {
        return Ok(open);
    }
    let known: Vec<_> = arguments
        .iter()
        .map(|argument| match argument.clone() {
            Value::Known(known) => known,
            other => Known::Text(other.template().text().unwrap_or_default().to_owned()),
        })
        .collect();
    functions::call(name, &known)
        .map(Value::Known)
        .map_err(|why| Fault::new(expr, why))
}

pub(super) fn operate(
    expr: &Expr,
    sign: char,
    is_text: bool,
    operands: &[Value],
) -> Result<Value, Fault> {
    let [left, right] = operands else {
        return Err(Fault::new(expr, "it has not two operands"));
    };
    let number = |value: &Value| match value {
        Value::Known(known) => known.number(),
        _ => None,
    };
    let is_sum = sign == '+';
    if !(is_sum && is_text) {
        if let (Some(left), Some(right)) = (number(left), number(right)) {
            let result = match sign {
                '+' => left + right,
                '-' => left - right,
                '*' => left * right,
                '/' => left / right,
                _ => left.powf(right),
            };
            if !result.is_finite() {
                return Err(Fault::new(expr, "its result is no number"));
            }
            return Ok(Value::Known(Known::Number(result)));
        }
        if let Some(open) = open_of(expr, operands) {
            return Ok(open);
        }
        if !is_sum {
            return Err(Fault::new(
                expr,
                format!("an operand of `{sign}` is no number"),
            ));
        }
    }
    let mut joined = left.clone().template();
    joined.extend(right.clone().template());
    if joined.len() > MAX_BYTES {
        return Err(Fault::new(expr, "its result is too long"));
    }
    Ok(Value::of(joined))
}
