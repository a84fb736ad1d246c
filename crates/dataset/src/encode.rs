//! One item becomes one row, by the dataset's columns alone: training and serving run the same
//! code. It must not know where rows go, nor their format.

use crate::cell::Cell;
use crate::columns::Columns;
use crate::error::ColumnsError;
use crate::fate::Fate;
use crate::feature::Feature;
use crate::reject::{Reject, RejectReason};
use crate::row_sink::RowSink;
use crate::split::Splitter;
use item::{Map, Path, Paths, Value};

/// Turns items into rows: a label, and as many slots in every row.
#[derive(Debug, Clone)]
pub struct Encoder {
    /// The label, the columns and what the split is by, in this order: one walk finds them all.
    paths: Paths,
    label: String,
    features: Vec<Feature>,
    slot_names: Vec<String>,
    splitter: Splitter,
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
        let names = columns.columns.iter().map(|column| column.path.as_str());
        let by = columns.split.by.iter().map(String::as_str);
        let paths: Vec<_> = std::iter::once(columns.label.as_str())
            .chain(names)
            .chain(by)
            .map(Path::parse)
            .collect::<Result<_, _>>()?;
        let mut width = 0;
        let mut features = Vec::with_capacity(columns.columns.len());
        for column in &columns.columns {
            let feature = Feature::new(column, width)?;
            width += feature.width();
            features.push(feature);
        }
        Ok(Self {
            paths: Paths::new(&paths),
            label: columns.label.clone(),
            slot_names: features.iter().map(|f| f.path.clone()).collect(),
            features,
            splitter: Splitter::new(&columns.split),
        })
    }

    /// Slots of a row: its features; the label and the weight not counted.
    pub const fn width(&self) -> usize {
        self.slot_names.len()
    }

    /// What each slot holds: a column's path, with what tells its slots apart if it has several.
    pub fn slot_names(&self) -> &[String] {
        &self.slot_names
    }

    /// Gives the item's row to `row`: the label, then the features. Unless the fate is
    /// [`Fate::Row`], the row is rolled back.
    pub fn encode(&mut self, item: &Map<'_>, row: &mut impl RowSink) -> Fate {
        let values = self.paths.values(item);
        row.begin();
        let written = self.write_label(values[0], row);
        match written.and_then(|()| self.write_features(&values[1..], row)) {
            Ok(()) => {
                row.commit();
                Fate::Row(self.splitter.side(&values[1 + self.features.len()..]))
            }
            Err(reject) => {
                row.roll_back();
                Fate::Rejected(reject)
            }
        }
    }

    /// Gives the item's features without the label, which is what an endpoint is asked with: slot by
    /// slot what the training row has.
    ///
    /// # Errors
    /// The item cannot become a row; it is rolled back.
    pub fn features(&self, item: &Map<'_>, row: &mut impl RowSink) -> Result<(), Reject> {
        row.begin();
        let result = self.write_features(&self.paths.values(item)[1..], row);
        match result {
            Ok(()) => row.commit(),
            Err(_) => row.roll_back(),
        }
        result
    }

    fn write_label(&self, value: Option<Value<'_>>, row: &mut impl RowSink) -> Result<(), Reject> {
        let cell = match value {
            None | Some(Value::Null) => Err(RejectReason::LabelMissing),
            Some(Value::N(raw)) => Cell::read(raw),
            Some(Value::Bool(value)) => Ok(Cell::whole(u32::from(value))),
            Some(other) => Err(RejectReason::LabelNotNumeric {
                found: other.kind(),
            }),
        };
        let cell = cell.map_err(|reason| Reject {
            path: self.label.clone(),
            reason,
        })?;
        row.label(cell);
        Ok(())
    }

    fn write_features(&self, values: &Values<'_>, row: &mut impl RowSink) -> Result<(), Reject> {
        for (feature, value) in self.features.iter().zip(values) {
            feature.write(*value, row).map_err(|reason| Reject {
                path: feature.path.clone(),
                reason,
            })?;
        }
        Ok(())
    }
}
