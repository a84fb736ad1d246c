//! One item becomes one row, by the dataset's columns alone: training and serving run the same
//! code. It must not know where rows go.

use crate::columns::{Columns, FeatureColumn};
use crate::error::ColumnsError;
use crate::number::{Decimal, write_cell};
use crate::reject::{Reject, RejectReason};
use crate::split::Splitter;
use contract::definition::{Encoding, Missing};
use item::{Map, Path, Paths, Value};
use std::collections::HashMap;
use std::io::Write as _;

/// Where an item went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It became a row, on that side of the split.
    Row(Side),
    /// It cannot become a row.
    Rejected(Reject),
}

/// A side of the split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// Rows to train on.
    Train,
    /// Rows to validate on.
    Validation,
}

/// Turns items into rows.
///
/// A row is its cells joined by commas and a `\n`: no header, no quotes, every cell a number or
/// empty, the same count of cells in every row and at least two.
#[derive(Debug, Clone)]
pub struct Encoder {
    /// The label, the columns and what the split is by, in this order: one walk finds them all.
    paths: Paths,
    label: String,
    columns: Vec<Feature>,
    splitter: Splitter,
}

#[derive(Debug, Clone)]
struct Feature {
    path: String,
    encoding: Encoding,
    missing: Missing,
    codes: HashMap<String, u32>,
}

type Values<'a> = [Option<Value<'a>>];

impl Encoder {
    /// An encoder for these columns.
    ///
    /// # Errors
    /// Where the columns cannot have been written by [`crate::plan_columns`].
    pub fn new(columns: &Columns) -> Result<Self, ColumnsError> {
        if columns.columns.is_empty() {
            return Err(ColumnsError::NoColumns);
        }
        let features = columns.columns.iter().map(|column| column.path.as_str());
        let by = columns.split.by.iter().map(String::as_str);
        let paths: Vec<_> = std::iter::once(columns.label.as_str())
            .chain(features)
            .chain(by)
            .map(Path::parse)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            paths: Paths::new(&paths),
            label: columns.label.clone(),
            columns: columns
                .columns
                .iter()
                .map(Feature::new)
                .collect::<Result<_, _>>()?,
            splitter: Splitter::new(&columns.split),
        })
    }

    /// Appends the item's row to `row`: the label, then the features. A rejected item leaves `row`
    /// as it was.
    pub fn encode(&self, item: &Map<'_>, row: &mut Vec<u8>) -> Fate {
        let start = row.len();
        let values = self.paths.values(item);
        let result = self.write_label(values[0], row).and_then(|()| {
            row.push(b',');
            self.write_features(&values, row)
        });
        match result {
            Ok(()) => Fate::Row(self.splitter.side(&values[1 + self.columns.len()..])),
            Err(reject) => {
                row.truncate(start);
                Fate::Rejected(reject)
            }
        }
    }

    /// Appends the item's features without the label, which is what an endpoint is asked with: byte
    /// by byte what follows the label in the training row, its `\n` included.
    ///
    /// # Errors
    /// The item cannot become a row; `row` is left as it was.
    pub fn features(&self, item: &Map<'_>, row: &mut Vec<u8>) -> Result<(), Reject> {
        let start = row.len();
        let result = self.write_features(&self.paths.values(item), row);
        if result.is_err() {
            row.truncate(start);
        }
        result
    }

    fn write_label(&self, value: Option<Value<'_>>, row: &mut Vec<u8>) -> Result<(), Reject> {
        let result = match value {
            None | Some(Value::Null) => Err(RejectReason::LabelMissing),
            Some(Value::N(raw)) => write_number(raw, row),
            Some(Value::Bool(value)) => {
                row.push(if value { b'1' } else { b'0' });
                Ok(())
            }
            Some(other) => Err(RejectReason::LabelNotNumeric {
                found: other.kind(),
            }),
        };
        result.map_err(|reason| Reject {
            path: self.label.clone(),
            reason,
        })
    }

    fn write_features(&self, values: &Values<'_>, row: &mut Vec<u8>) -> Result<(), Reject> {
        for (position, (column, value)) in self.columns.iter().zip(&values[1..]).enumerate() {
            if position > 0 {
                row.push(b',');
            }
            column.write(*value, row).map_err(|reason| Reject {
                path: column.path.clone(),
                reason,
            })?;
        }
        row.push(b'\n');
        Ok(())
    }
}

impl Feature {
    fn new(column: &FeatureColumn) -> Result<Self, ColumnsError> {
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
            }),
            _ => Err(ColumnsError::Vocabulary {
                path: column.path.clone(),
            }),
        }
    }

    fn write(&self, value: Option<Value<'_>>, row: &mut Vec<u8>) -> Result<(), RejectReason> {
        match (self.encoding, value) {
            (_, None | Some(Value::Null)) => match (self.missing, self.encoding) {
                (Missing::Reject, _) => return Err(RejectReason::Missing),
                (Missing::Empty, Encoding::Ordinal) => row.push(b'0'),
                (Missing::Empty, _) => {}
            },
            (Encoding::Number, Some(Value::N(raw))) => return write_number(raw, row),
            (Encoding::Boolean, Some(Value::Bool(value))) => {
                row.push(if value { b'1' } else { b'0' });
            }
            (Encoding::Ordinal, Some(Value::S(text))) => self.write_code(&text.decode(), row),
            (Encoding::Ordinal, Some(Value::N(raw))) => {
                self.write_code(&Decimal::read(raw).text(), row);
            }
            (encoding, Some(other)) => {
                return Err(RejectReason::unencodable(encoding, other.kind()));
            }
        }
        Ok(())
    }

    fn write_code(&self, category: &str, row: &mut Vec<u8>) {
        let code = self.codes.get(category).copied().unwrap_or(0);
        write!(row, "{code}").expect("writing to memory does not fail");
    }
}

fn write_number(raw: &str, row: &mut Vec<u8>) -> Result<(), RejectReason> {
    match raw.parse::<f32>() {
        Ok(value) if value.is_finite() => {
            write_cell(value, row);
            Ok(())
        }
        _ => Err(RejectReason::NotFinite),
    }
}
