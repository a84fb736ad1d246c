//! Reads the export once more for the vocabularies that its profile does not have. It must not know which
//! values make one.

use crate::PlanDatasetError;
use dataset::{Columns, Gatherer};
use lake::records::Part;
use lake::{ObjectStore, part};
use std::time::{Duration, SystemTime};

/// Time to write what was gathered, before the function is ended.
const RESERVE: Duration = Duration::from_mins(1);

/// Lists the vocabularies that columns still need.
pub async fn gather(
    store: &impl ObjectStore,
    parts: &[Part],
    columns: &mut Columns,
    deadline: SystemTime,
) -> Result<(), PlanDatasetError> {
    let Some(mut gatherer) = Gatherer::new(columns)? else {
        return Ok(());
    };
    let paths = gatherer.paths().collect::<Vec<_>>().join("`, `");
    let bytes: u64 = parts.iter().map(|part| part.raw_bytes).sum();
    tracing::info!(paths, bytes, "gathering vocabularies");
    let until = deadline.checked_sub(RESERVE).unwrap_or(deadline);
    let mut projection = gatherer.projection();
    let mut read = 0;
    for part in parts {
        let mut reader = part::open(store, part).await?;
        while let Some(batch) = reader.next().await? {
            if SystemTime::now() >= until {
                return Err(PlanDatasetError::NoTime { paths, read, bytes });
            }
            read += batch.len() as u64;
            projection.clear();
            for line in part::lines(batch) {
                let pushed = projection.push_line(line);
                pushed.map_err(|source| PlanDatasetError::Item {
                    key: part.key.clone(),
                    source,
                })?;
            }
            let mut items = projection.rows();
            while let Some((_, values)) = items.next() {
                gatherer.see(values).map_err(Box::new)?;
            }
        }
    }
    columns.set_vocabularies(gatherer.finish().map_err(Box::new)?);
    Ok(())
}
