//! A row as a line of JSON with two lists of tokens, as Object2Vec reads it.
//!
//! Source: SageMaker's "Data formats for Object2Vec training".

use crate::row::{Row, Unfit};
use crate::{FormatError, Layout};
use dataset::{Cell, RowSink};
use definition::TokenLists;
use std::io::Write as _;

/// Whole numbers up to it are float32 each.
const LARGEST: f32 = 16_777_216.0;

/// A row as `{"in0": [1], "in1": [7, 2], "label": 4.5}` and a `\n`.
#[derive(Debug, Clone)]
pub struct JsonRow {
    /// For each slot its list and its place there, if it is a token.
    places: Vec<Option<(usize, usize)>>,
    lists: [Vec<u32>; 2],
    label: Vec<u8>,
    bytes: Vec<u8>,
    unfit: Option<Unfit>,
}

impl JsonRow {
    /// Rows whose lists are these columns; other columns are left out.
    ///
    /// # Errors
    /// If a list names no column, or one of several slots.
    pub fn new(lists: &TokenLists, layout: &Layout) -> Result<Self, FormatError> {
        let mut places = vec![None; layout.slots.len()];
        let named = [("in0", &lists.in0), ("in1", &lists.in1)];
        for (list, (name, paths)) in named.into_iter().enumerate() {
            for (at, path) in paths.iter().enumerate() {
                let slot = layout.slots.iter().position(|slot| slot == path);
                let slot = slot.ok_or_else(|| FormatError::NoColumn {
                    list: name,
                    path: path.clone(),
                    columns: layout
                        .slots
                        .iter()
                        .take(10)
                        .cloned()
                        .collect::<Vec<_>>()
                        .join(", "),
                })?;
                places[slot] = Some((list, at));
            }
        }
        Ok(Self {
            places,
            lists: [vec![0; lists.in0.len()], vec![0; lists.in1.len()]],
            label: Vec::new(),
            bytes: Vec::new(),
            unfit: None,
        })
    }
}

impl RowSink for JsonRow {
    fn begin(&mut self) {
        self.unfit = None;
        self.label.clear();
    }

    fn label(&mut self, label: Cell<'_>) {
        label.write_text(&mut self.label);
    }

    fn weight(&mut self, _weight: Cell<'_>) {
        self.unfit.get_or_insert(Unfit::Weight);
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole and within bounds"
    )]
    fn number(&mut self, slot: u32, number: Cell<'_>) {
        let Some((list, at)) = self.places[slot as usize] else {
            return;
        };
        let value = number.value();
        if (0.0..=LARGEST).contains(&value) && value.fract() == 0.0 {
            self.lists[list][at] = value as u32;
        } else {
            self.unfit.get_or_insert(Unfit::NoToken { slot });
        }
    }

    fn missing(&mut self, slot: u32) {
        if self.places[slot as usize].is_some() {
            self.unfit.get_or_insert(Unfit::Missing { slot });
        }
    }

    fn zeros(&mut self, first: u32, count: u32) {
        for slot in first..first + count {
            if let Some((list, at)) = self.places[slot as usize] {
                self.lists[list][at] = 0;
            }
        }
    }

    fn commit(&mut self) {
        self.bytes.clear();
        let [in0, in1] = &self.lists;
        write!(self.bytes, "{{\"in0\": {in0:?}, \"in1\": {in1:?}")
            .expect("writing to memory does not fail");
        if !self.label.is_empty() {
            self.bytes.extend_from_slice(b", \"label\": ");
            self.bytes.extend_from_slice(&self.label);
        }
        self.bytes.extend_from_slice(b"}\n");
    }

    fn roll_back(&mut self) {
        self.bytes.clear();
    }
}

impl Row for JsonRow {
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
