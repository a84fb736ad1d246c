//! A few of a shard's rows, for a request to the endpoint.

use dataset::{DenseRow, Encoder};
use definition::Format;
use dynamodb_json::Value;
use format::Layout;
use lake::records::Sample;

/// Rows of the sample.
const ROWS: usize = 5;

/// The first rows of each channel, without their labels.
pub struct Samples([Vec<DenseRow>; 3]);

impl Samples {
    pub const fn new() -> Self {
        Self([Vec::new(), Vec::new(), Vec::new()])
    }

    /// Adds the item's row, unless its channel has enough.
    #[inline]
    pub fn offer(&mut self, channel: usize, encoder: &Encoder, values: &[Option<Value<'_>>]) {
        if self.0[channel].len() < ROWS {
            let mut row = DenseRow::default();
            // An item that became a row has features.
            let is_made = encoder.features(values, &mut row).is_ok();
            // A CSV line with one empty cell is blank, and no endpoint counts it as a row.
            let is_blank = row.slots.len() == 1 && row.slots[0].is_nan();
            if is_made && !is_blank {
                self.0[channel].push(row);
            }
        }
    }

    /// The sample: rows that the model did not train on, if there are any.
    pub fn into_sample(self, format: &Format, layout: &Layout) -> Option<Sample> {
        let [train, validation, test] = self.0;
        let held_out = [validation, test, train];
        let rows = held_out.into_iter().find(|rows| !rows.is_empty())?;
        let request = format::Sample::of(format, &layout.slots, &rows)?;
        Some(Sample {
            rows: u32::try_from(rows.len()).expect("a few rows"),
            content_type: request.content_type.to_owned(),
            body: request.body,
        })
    }
}
