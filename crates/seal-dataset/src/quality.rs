//! The bounds of the gate that are known only when all rows are written. What they came to joins the
//! report on the data, also if the run ends here.

use crate::SealDatasetError;
use contract::states::RowCounts;
use dataset::{GateFailed, Quality, judge_left, judge_rejected};
use definition::Gate;
use lake::records::RowContent;
use lake::{ObjectStore, RunKeys, documents};

/// Compares the rejected items and the rows that are left with the gate's bounds. `notes` join the
/// report.
pub async fn check_rows(
    store: &impl ObjectStore,
    keys: &RunKeys,
    gate: &Gate,
    (rows, content): (RowCounts, &RowContent),
    notes: Vec<String>,
) -> Result<(), SealDatasetError> {
    let mostly = content.rejected.first();
    let mostly = mostly.map(|reason| reason.example.as_str());
    let verdicts = [judge_rejected(gate, rows, mostly), judge_left(gate, rows)];
    let quality: Option<Quality> =
        documents::read_if_there(store, &keys.quality(), "the report on the data").await?;
    // It is not there if somebody removed it; the bounds count all the same.
    if let Some(mut quality) = quality {
        for verdict in verdicts.clone() {
            quality.add(verdict);
        }
        for note in notes {
            if !quality.notes.contains(&note) {
                quality.notes.push(note);
            }
        }
        documents::write(store, &keys.quality(), &quality).await?;
    }
    Ok(GateFailed::check(&verdicts)?)
}
