//! A row as a record of RecordIO-protobuf, in float32.
//!
//! Source: SageMaker's "Common data formats for training", with the schema `aialgs.data.Record`,
//! and MXNet's RecordIO: a magic number, the length, the message, zeros up to a multiple of four
//! bytes.

use crate::row::{Row, Unfit};
use dataset::{Cell, RowSink};
use prost::Message;
use std::collections::BTreeMap;

const MAGIC: u32 = 0xced7_230a;
/// The upper three bits of the length say whether a record continues in the next one.
const LONGEST: usize = (1 << 29) - 1;
const ALIGNMENT: usize = 4;
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
        let length = self.record.encoded_len();
        // A row of 2^27 numbers has no place in a raw line's 400 KB, nor in an algorithm.
        assert!(length <= LONGEST, "a record of {length} bytes is too long");
        let said = u32::try_from(length).expect("it is at most 2^29");
        self.bytes.extend_from_slice(&MAGIC.to_le_bytes());
        self.bytes.extend_from_slice(&said.to_le_bytes());
        self.record
            .encode(&mut self.bytes)
            .expect("a vector has room");
        let padded = self.bytes.len().next_multiple_of(ALIGNMENT);
        self.bytes.resize(padded, 0);
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
