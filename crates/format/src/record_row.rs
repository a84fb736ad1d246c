//! A row as a record of RecordIO-protobuf, in float32.
//!
//! Source: SageMaker's "Common data formats for training", with the schema `aialgs.data.Record`.

use crate::row::{Row, Unfit};
use dataset::{Cell, RowSink};
use prost::Message;
use std::collections::BTreeMap;

/// The key of the only feature and of the only label.
const VALUES: &str = "values";

#[derive(Clone, PartialEq, Message)]
struct Record {
    #[prost(btree_map = "string, message", tag = "1")]
    features: BTreeMap<String, Value>,
    #[prost(btree_map = "string, message", tag = "2")]
    label: BTreeMap<String, Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    /// Of the schema's kinds of values the only one that is written.
    #[prost(message, optional, tag = "2")]
    float32_tensor: Option<Float32Tensor>,
}

#[derive(Clone, PartialEq, Message)]
struct Float32Tensor {
    #[prost(float, repeated, packed = "true", tag = "1")]
    values: Vec<f32>,
    /// Places of the values, in ascending order, where not every place has one.
    #[prost(uint64, repeated, packed = "true", tag = "2")]
    keys: Vec<u64>,
    /// How many places there are, where they are not as many as values.
    #[prost(uint64, repeated, packed = "true", tag = "3")]
    shape: Vec<u64>,
}

/// A row as a framed record.
#[derive(Debug, Clone)]
pub struct RecordRow {
    sparse: bool,
    record: Record,
    /// The message, and the message in its frame.
    message: Vec<u8>,
    bytes: Vec<u8>,
    unfit: Option<Unfit>,
    width: u64,
}

impl RecordRow {
    /// Records of every slot's number.
    pub fn dense() -> Self {
        Self::new(false, 0)
    }

    /// Records of the numbers that are not 0, of `width` slots.
    pub fn sparse(width: usize) -> Self {
        Self::new(true, width as u64)
    }

    fn new(sparse: bool, width: u64) -> Self {
        let value = || {
            let tensor = Float32Tensor::default();
            let float32_tensor = Some(tensor);
            BTreeMap::from([(VALUES.to_owned(), Value { float32_tensor })])
        };
        Self {
            sparse,
            record: Record {
                features: value(),
                label: value(),
            },
            message: Vec::new(),
            bytes: Vec::new(),
            unfit: None,
            width,
        }
    }

    fn features(&mut self) -> &mut Float32Tensor {
        tensor(&mut self.record.features)
    }
}

fn tensor(values: &mut BTreeMap<String, Value>) -> &mut Float32Tensor {
    let value = values.entry(VALUES.to_owned()).or_default();
    value.float32_tensor.get_or_insert_default()
}

impl RowSink for RecordRow {
    fn begin(&mut self) {
        self.unfit = None;
        let width = self.width;
        let sparse = self.sparse;
        let features = self.features();
        features.values.clear();
        features.keys.clear();
        features.shape.clear();
        if sparse {
            features.shape.push(width);
        }
        tensor(&mut self.record.label).values.clear();
    }

    fn label(&mut self, label: Cell<'_>) {
        tensor(&mut self.record.label).values.push(label.value());
    }

    fn weight(&mut self, _weight: Cell<'_>) {
        self.unfit.get_or_insert(Unfit::Weight);
    }

    fn number(&mut self, slot: u32, number: Cell<'_>) {
        let (sparse, value) = (self.sparse, number.value());
        if sparse && value == 0.0 {
            return;
        }
        let features = self.features();
        features.values.push(value);
        if sparse {
            features.keys.push(u64::from(slot));
        }
    }

    fn missing(&mut self, slot: u32) {
        self.unfit.get_or_insert(Unfit::Missing { slot });
    }

    fn zeros(&mut self, _first: u32, count: u32) {
        if !self.sparse {
            let features = self.features();
            let length = features.values.len() + count as usize;
            features.values.resize(length, 0.0);
        }
    }

    fn commit(&mut self) {
        self.bytes.clear();
        self.message.clear();
        self.record
            .encode(&mut self.message)
            .expect("a vector has room");
        // A row of 2^27 numbers has no place in a raw line's 400 KB, nor in an algorithm.
        record_io::write(&self.message, &mut self.bytes).expect("a row is shorter than a frame");
    }

    fn roll_back(&mut self) {
        self.bytes.clear();
    }
}

impl Row for RecordRow {
    fn bytes(&self) -> Result<&[u8], Unfit> {
        match self.unfit {
            Some(unfit) => Err(unfit),
            None => Ok(&self.bytes),
        }
    }

    fn clear(&mut self) {
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dataset::{Columns, Encoder, RowOutcome};
    use serde_json::json;

    /// The number whose float32 is RecordIO's magic number.
    const MAGIC: f32 = -1_804_698_880.0;

    #[test]
    fn a_number_like_the_magic_number_comes_back() -> Result<(), Box<dyn std::error::Error>> {
        let mut split = 0;
        for count in 1..40 {
            let names: Vec<_> = (0..count).map(|at| format!("c{at}")).collect();
            let all = names.iter();
            let columns =
                all.map(|name| json!({"path": name, "encoding": "number", "missing": "empty"}));
            let columns: Columns = serde_json::from_value(json!({
                "label": "y",
                "columns": columns.collect::<Vec<_>>(),
                "split": {"by": ["y"], "validation": 0.1, "seed": 0},
                "inferred": false,
                "leftOut": [],
            }))?;
            let cells = names.iter();
            let cells = cells.map(|name| format!(r#","{name}":{{"N":"{MAGIC:.0}.5"}}"#));
            let cells = cells.collect::<Vec<_>>().concat();
            let line = format!(r#"{{"Item":{{"y":{{"N":"1"}}{cells}}}}}"#);
            let item = dynamodb_json::parse_line(line.as_bytes())?;
            let mut encoder = Encoder::new(&columns)?;
            let mut row = RecordRow::dense();
            let outcome = encoder.encode(&encoder.values(&item), &mut row);
            assert!(matches!(outcome, RowOutcome::Row(_)));
            let bytes = row.bytes().expect("every slot has a number");
            let records: Vec<_> = record_io::Records::new(bytes).collect::<Result<_, _>>()?;
            assert_eq!(records.len(), 1);
            let mut record = Record::decode(records[0].as_slice())?;
            assert_eq!(tensor(&mut record.features).values, vec![MAGIC; count]);
            split += usize::from(bytes.len() > records[0].len() + 8 + 3);
        }
        assert!(
            split > 0,
            "no number came to lie at a multiple of four bytes"
        );
        Ok(())
    }
}
