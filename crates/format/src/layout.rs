//! The columns of a file, in order.

use crate::{FormatError, JsonRow};
use dataset::{Columns, Encoder};
use definition::Format;

/// Most features of a row where each is written, zeros too.
pub const MAX_DENSE: usize = 20_000;

/// The columns of a file: the label, the weight if there is one, and the slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The label's path.
    pub label: String,
    /// The weight's path, where rows have weights.
    pub weight: Option<String>,
    /// What each slot holds.
    pub slots: Vec<String>,
}

impl Layout {
    /// The layout of the rows that an encoder of these columns makes.
    pub fn of(columns: &Columns, encoder: &Encoder) -> Self {
        Self {
            label: columns.label.clone(),
            weight: columns.weight.clone(),
            slots: encoder.slot_names().to_vec(),
        }
    }

    /// Whether rows of this layout can be written in the format.
    ///
    /// # Errors
    /// If they would be too wide, or the format names what is no column.
    pub fn check(&self, format: &Format) -> Result<(), FormatError> {
        match format {
            Format::RecordIoSparse
            | Format::ImageRecordIo(_)
            | Format::WebDataset(_)
            | Format::AugmentedManifest
            | Format::ImageFolders(_)
            | Format::ImageList(_) => Ok(()),
            Format::JsonLines(lists) => JsonRow::new(lists, self).map(drop),
            Format::Csv | Format::CsvWithHeader | Format::RecordIo | Format::Parquet => {
                let slots = self.slots.len();
                if slots > MAX_DENSE {
                    return Err(FormatError::TooWide { slots });
                }
                Ok(())
            }
        }
    }

    /// The names in the order of the columns, no two of them the same: the label, then the weight,
    /// then the slots.
    pub fn names(&self) -> Vec<String> {
        let all = std::iter::once(&self.label)
            .chain(&self.weight)
            .chain(&self.slots);
        let mut names: Vec<String> = Vec::with_capacity(self.slots.len() + 2);
        let mut taken = std::collections::HashSet::new();
        for name in all {
            let mut unique = name.clone();
            let mut times = 1;
            while !taken.insert(unique.clone()) {
                times += 1;
                unique = format!("{name} ({times})");
            }
            names.push(unique);
        }
        names
    }
}
