//! A request of a few rows for an endpoint.
//!
//! Source: SageMaker's "Common data formats for inference", and Object2Vec's.

use dataset::DenseRow;
use definition::{Format, TokenLists};
use serde_json::{Value, json};

/// A request of a few rows, without their labels, in the media type that algorithms of the format
/// take requests in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The media type of the body.
    pub content_type: &'static str,
    /// The request's body.
    pub body: String,
}

impl Sample {
    /// The request about these rows: CSV where the algorithm was trained on CSV or Parquet, JSON
    /// where it was trained on RecordIO or JSON Lines. `slots` are the slots' names.
    ///
    /// `None` if the rows are images, of which a request has one.
    pub fn of(format: &Format, slots: &[String], rows: &[DenseRow]) -> Option<Self> {
        let instances = |instance: &dyn Fn(&[f32]) -> Value| {
            let all: Vec<Value> = rows.iter().map(|row| instance(&row.slots)).collect();
            Self {
                content_type: "application/json",
                body: json!({ "instances": all }).to_string(),
            }
        };
        Some(match format {
            Format::ImageRecordIo(_)
            | Format::WebDataset(_)
            | Format::AugmentedManifest
            | Format::ImageFolders(_)
            | Format::ImageList(_) => {
                return None;
            }
            Format::Csv | Format::CsvWithHeader | Format::Parquet => Self {
                content_type: "text/csv",
                body: rows.iter().map(|row| csv_line(&row.slots)).collect(),
            },
            Format::RecordIo => instances(&|slots| json!({ "features": slots })),
            Format::RecordIoSparse => instances(&sparse),
            Format::JsonLines(TokenLists { in0, in1 }) => instances(
                &|row| json!({"in0": tokens(in0, slots, row), "in1": tokens(in1, slots, row)}),
            ),
        })
    }
}

fn csv_line(slots: &[f32]) -> String {
    let cells: Vec<String> = slots
        .iter()
        .map(|slot| {
            if slot.is_nan() {
                String::new()
            } else {
                slot.to_string()
            }
        })
        .collect();
    cells.join(",") + "\n"
}

fn sparse(slots: &[f32]) -> Value {
    let filled = slots.iter().enumerate().filter(|(_, value)| **value != 0.0);
    let (keys, values): (Vec<usize>, Vec<f32>) = filled.unzip();
    json!({"data": {"features": {"keys": keys, "shape": [slots.len()], "values": values}}})
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a row that has other numbers was rejected"
)]
fn tokens(list: &[String], slots: &[String], row: &[f32]) -> Vec<u32> {
    let places = list
        .iter()
        .filter_map(|path| slots.iter().position(|slot| slot == path));
    places
        .filter_map(|at| row.get(at))
        .map(|value| *value as u32)
        .collect()
}
