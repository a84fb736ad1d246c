//! How one column fills its slots. It must not know the other columns.

use crate::cell::Cell;
use crate::columns::FeatureColumn;
use crate::error::ColumnsError;
use crate::number::Decimal;
use crate::reject::RejectReason;
use crate::row_sink::RowSink;
use contract::definition::{Encoding, Missing};
use foldhash::fast::FixedState;
use item::Value;
use std::collections::HashMap;

/// A column, prepared for encoding.
#[derive(Debug, Clone)]
pub(crate) struct Feature {
    pub(crate) path: String,
    encoding: Encoding,
    missing: Missing,
    codes: HashMap<String, u32, FixedState>,
    slot: u32,
}

impl Feature {
    /// Prepares a column whose first slot is the one given.
    pub(crate) fn new(column: &FeatureColumn, slot: u32) -> Result<Self, ColumnsError> {
        let sorted = column.vocabulary.is_sorted_by(|left, right| left < right);
        let codes: Option<_> = column
            .vocabulary
            .iter()
            .enumerate()
            .map(|(at, value)| Some((value.clone(), u32::try_from(at + 1).ok()?)))
            .collect();
        match codes {
            Some(codes) if sorted => Ok(Self {
                path: column.path.clone(),
                encoding: column.encoding,
                missing: column.missing,
                codes,
                slot,
            }),
            _ => Err(ColumnsError::Vocabulary {
                path: column.path.clone(),
            }),
        }
    }

    /// How many slots the column fills.
    pub(crate) const fn width(&self) -> u32 {
        match self.encoding {
            Encoding::Number | Encoding::Boolean | Encoding::Ordinal => 1,
        }
    }

    /// Fills the column's slots.
    pub(crate) fn write(
        &self,
        value: Option<Value<'_>>,
        row: &mut impl RowSink,
    ) -> Result<(), RejectReason> {
        match (self.encoding, value) {
            (_, None | Some(Value::Null)) => match (self.missing, self.encoding) {
                (Missing::Reject, _) => return Err(RejectReason::Missing),
                (Missing::Empty, Encoding::Ordinal) => row.number(self.slot, Cell::whole(0)),
                (Missing::Empty, _) => row.missing(self.slot),
            },
            (Encoding::Number, Some(Value::N(raw))) => row.number(self.slot, Cell::read(raw)?),
            (Encoding::Boolean, Some(Value::Bool(value))) => {
                row.number(self.slot, Cell::whole(u32::from(value)));
            }
            (Encoding::Ordinal, Some(Value::S(text))) => {
                row.number(self.slot, self.code(&text.decode()));
            }
            (Encoding::Ordinal, Some(Value::N(raw))) => {
                row.number(self.slot, self.code(&Decimal::read(raw).text()));
            }
            (encoding, Some(other)) => {
                return Err(RejectReason::unencodable(encoding, other.kind()));
            }
        }
        Ok(())
    }

    fn code(&self, category: &str) -> Cell<'static> {
        Cell::whole(self.codes.get(category).copied().unwrap_or(0))
    }
}
