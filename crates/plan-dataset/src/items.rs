//! Reads the export's items once more.

use crate::PlanDatasetError;
use dynamodb_json::{Map, parse_line};
use lake::records::Part;
use lake::{ObjectStore, part};
use std::time::SystemTime;

/// Gives each line's number and item to `take`, until it says that this is enough or the time is
/// over. Whether all were given.
pub async fn each_item(
    store: &impl ObjectStore,
    parts: &[Part],
    until: SystemTime,
    mut take: impl FnMut(u32, &Map<'_>) -> bool,
) -> Result<bool, PlanDatasetError> {
    let mut number = 0;
    for part in parts {
        let mut reader = part::open(store, part).await?;
        while let Some(batch) = reader.next().await? {
            if SystemTime::now() >= until {
                return Ok(false);
            }
            for line in part::lines(batch) {
                let item = parse_line(line).map_err(|source| PlanDatasetError::Item {
                    key: part.key.clone(),
                    source,
                })?;
                if !take(number, &item) {
                    return Ok(false);
                }
                number += 1;
            }
        }
    }
    Ok(true)
}
