//! Statistics of a shard's rows that training depends on: labels, columns that are constant in all
//! training rows, reasons of rejection. Once a column has two values it is not checked again, so
//! nearly all rows cost nothing here.

use crate::TRAIN;
use dataset::{DenseRow, Encoder, Reject, RejectReason};
use dynamodb_json::Value;
use lake::records::{LabelRange, Rejection, RowContent};
use std::collections::BTreeMap;
use std::hash::Hasher;
use twox_hash::XxHash3_64;

/// The statistics of the rows so far.
pub struct Content {
    labels: BTreeMap<&'static str, LabelRange>,
    /// Columns that may be constant, with their value in the rows so far.
    constant: Vec<(usize, Option<u32>)>,
    has_rows: bool,
    rejected: BTreeMap<(String, RejectReason), (u64, String)>,
    row: DenseRow,
}

impl Content {
    pub fn new(encoder: &Encoder) -> Self {
        Self {
            labels: BTreeMap::new(),
            constant: (0..encoder.columns()).map(|at| (at, None)).collect(),
            has_rows: false,
            rejected: BTreeMap::new(),
            row: DenseRow::default(),
        }
    }

    /// Adds a row of a channel.
    #[inline]
    pub fn row(
        &mut self,
        channel: &'static str,
        label: f32,
        encoder: &Encoder,
        values: &[Option<Value<'_>>],
    ) {
        let range = self
            .labels
            .entry(channel)
            .or_insert_with(|| LabelRange::of(label));
        *range = range.with(label);
        if channel == TRAIN && !self.constant.is_empty() {
            self.compare(encoder, values);
        }
    }

    fn compare(&mut self, encoder: &Encoder, values: &[Option<Value<'_>>]) {
        let (row, is_first) = (&mut self.row, !self.has_rows);
        self.constant.retain_mut(|(at, known)| {
            // An item that became a row has this column.
            let hash = encoder
                .column(*at, values, row)
                .is_ok()
                .then(|| hash(&row.slots));
            let hash = hash.flatten();
            if is_first {
                *known = hash;
            }
            *known == hash
        });
        self.has_rows = true;
    }

    /// Counts a rejected item.
    pub fn reject(&mut self, reject: &Reject) {
        let reason = (reject.path.clone(), reject.reason);
        let example = || (0, reject.to_string());
        self.rejected.entry(reason).or_insert_with(example).0 += 1;
    }

    pub fn finish(self, encoder: &Encoder) -> RowContent {
        let constant = if self.has_rows {
            self.constant
        } else {
            Vec::new()
        };
        let labels = self.labels.into_iter();
        let mut content = RowContent {
            labels: labels
                .map(|(channel, range)| (channel.to_owned(), range))
                .collect(),
            constant: constant.into_iter().collect(),
            left_out: encoder.left_out().to_vec(),
            rejected: self
                .rejected
                .into_values()
                .map(|(items, example)| Rejection { example, items })
                .collect(),
        };
        content.settle();
        content
    }
}

/// A hash of a column's slots; `None` if all are missing.
fn hash(slots: &[f32]) -> Option<u32> {
    if slots.iter().all(|slot| slot.is_nan()) {
        return None;
    }
    let mut hasher = XxHash3_64::new();
    for slot in slots {
        hasher.write_u32(slot.to_bits());
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "JSON readers may round more bits"
    )]
    Some(hasher.finish() as u32)
}
