//! The label and the weight of a training row.

use crate::columns::Columns;
use crate::encode::category;
use crate::encode::numeric_text;
use crate::encode::reject::{Reject, RejectReason};
use crate::error::ColumnsError;
use crate::rows::cell::Cell;
use definition::Precision;
use dynamodb_json::{Kind, Value};
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// How the label becomes a number.
#[derive(Debug, Clone)]
pub(crate) struct Label {
    path: String,
    precision: Precision,
    /// The number of each class, if the label has classes.
    classes: Option<HashMap<String, u32, FixedState>>,
}

impl Label {
    pub(crate) fn new(columns: &Columns) -> Result<Self, ColumnsError> {
        let classes: HashMap<_, _, _> = columns.label_classes.iter().cloned().zip(0..).collect();
        if classes.len() != columns.label_classes.len() {
            return Err(ColumnsError::Vocabulary {
                path: columns.label.clone(),
            });
        }
        Ok(Self {
            path: columns.label.clone(),
            precision: columns.label_precision,
            classes: (!classes.is_empty()).then_some(classes),
        })
    }

    /// The label's cell.
    pub(crate) fn cell<'a>(&self, value: Option<Value<'a>>) -> Result<Cell<'a>, Reject> {
        let cell = match (value, &self.classes) {
            (Some(Value::S(text)), None) => read_text(&text.decode(), self.precision)
                .unwrap_or(Err(RejectReason::LabelNotNumeric { found: Kind::S })),
            (None | Some(Value::Null), _) => Err(RejectReason::LabelMissing),
            (Some(value), Some(classes)) => category::text(&value)
                .filter(|_| !matches!(value, Value::B(_)))
                .and_then(|class| classes.get(&*class))
                .map(|class| Cell::whole(*class))
                .ok_or(RejectReason::ClassUnknown),
            (Some(Value::N(raw)), None) => Cell::read(raw, self.precision),
            (Some(Value::Bool(value)), None) => Ok(Cell::whole(u32::from(value))),
            (Some(other), None) => Err(RejectReason::LabelNotNumeric {
                found: other.kind(),
            }),
        };
        cell.map_err(|reason| Reject::new(&self.path, reason, value.as_ref()))
    }
}

/// The weight's cell: a number from 0.
pub(crate) fn weight(value: Option<Value<'_>>) -> Result<Cell<'_>, RejectReason> {
    match value {
        None | Some(Value::Null) => Err(RejectReason::WeightMissing),
        Some(Value::N(raw)) => match Cell::read(raw, Precision::Round)? {
            cell if cell.value() >= 0.0 => Ok(cell),
            _ => Err(RejectReason::WeightInvalid),
        },
        Some(Value::S(text)) => match read_text(&text.decode(), Precision::Round) {
            Some(Ok(cell)) if cell.value() >= 0.0 => Ok(cell),
            _ => Err(RejectReason::WeightInvalid),
        },
        Some(_) => Err(RejectReason::WeightInvalid),
    }
}

/// The cell of a number that is written as text, if it is one.
fn read_text(text: &str, precision: Precision) -> Option<Result<Cell<'static>, RejectReason>> {
    let cell = Cell::read(numeric_text::number(text)?, precision);
    Some(cell.map(|cell| Cell::value_of(cell.value())))
}
