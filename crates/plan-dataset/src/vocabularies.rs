//! Reads the export once more for the vocabularies that its profile does not have.

use crate::PlanDatasetError;
use dataset::{Columns, Gatherer};
use lake::records::Part;
use lake::{ObjectStore, part};
use std::time::{Duration, SystemTime};

/// Time to write the gathered values before the function times out.
const RESERVE: Duration = Duration::from_mins(1);

/// Time after which the rate so far tells how long all of it will take.
const MEASURED: Duration = Duration::from_mins(1);

/// Whether the time is over, or will clearly be: at the rate so far, all of it would take twice as long as
/// there is. A retry would only be paid for as well.
fn is_hopeless(
    begun: SystemTime,
    until: SystemTime,
    now: SystemTime,
    read: u64,
    bytes: u64,
) -> bool {
    if now >= until {
        return true;
    }
    let taken = now.duration_since(begun).unwrap_or_default();
    let has = until.duration_since(begun).unwrap_or_default();
    taken >= MEASURED && taken.as_secs_f64() * bytes as f64 > 2.0 * has.as_secs_f64() * read as f64
}

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
    let begun = SystemTime::now();
    let until = deadline.checked_sub(RESERVE).unwrap_or(deadline);
    let mut projection = gatherer.projection();
    let mut read = 0;
    for part in parts {
        let mut reader = part::open(store, part).await?;
        while let Some(batch) = reader.next().await? {
            if is_hopeless(begun, until, SystemTime::now(), read, bytes) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_take_twice_the_time_is_given_up_after_a_minute() {
        let begun = SystemTime::UNIX_EPOCH;
        let at = |seconds| begun + Duration::from_secs(seconds);
        for (now, read, hopeless) in [
            // 10 of 1,000 bytes a second fit into 840 s.
            (60, 600, false),
            (59, 1, false),
            (60, 35, true),
            (60, 36, false),
            (840, 999, true),
        ] {
            let found = is_hopeless(begun, at(840), at(now), read, 1000);
            assert_eq!(found, hopeless, "{read} bytes after {now} s");
        }
    }
}
