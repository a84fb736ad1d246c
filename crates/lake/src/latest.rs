//! Updates the record of a pipeline's newest good data. Runs may end in another order than they
//! started in, and a redriven run long after its successors, so the record only moves to later runs.

use crate::documents::{self, DocumentError};
use crate::keys;
use crate::records::Latest;
use crate::store::{ConditionalStore, PutOutcome, Swap};
use contract::ServiceError;
use std::future::Future;

/// Announces new data to other systems.
pub trait Announcements: Send + Sync {
    /// Announces the data, and the address of its record. The same data may be announced twice, with
    /// the same content.
    fn announce(
        &self,
        latest: &Latest,
        address: &str,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;
}

/// Whose data the record describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newest {
    /// This run's, by this call or an earlier one.
    Ours,
    /// The data of a run that started later.
    Later,
}

/// Replaces the record by this one, unless it is a later run's. Idempotent.
///
/// # Errors
/// If the store fails, or the object under the key is not such a record.
pub async fn advance(
    store: &impl ConditionalStore,
    latest: &Latest,
) -> Result<Newest, DocumentError> {
    let key = keys::latest(&latest.pipeline);
    let body = documents::to_json(latest);
    // A refused write means that another run wrote first. Each run writes once, so the loop ends.
    loop {
        let Some((text, version)) = store.get_versioned(&key).await? else {
            match store.put_if_absent(&key, body.clone()).await? {
                PutOutcome::Created => return Ok(Newest::Ours),
                PutOutcome::AlreadyThere => continue,
            }
        };
        let stored: Latest =
            documents::parse(store.bucket(), &key, "the record of the newest data", &text)?;
        if stored.run == latest.run {
            return Ok(Newest::Ours);
        }
        if stored.run > latest.run {
            return Ok(Newest::Later);
        }
        if store.put_if_unchanged(&key, body.clone(), &version).await? == Swap::Replaced {
            return Ok(Newest::Ours);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::poll_at_most;
    use crate::records::LatestExport;
    use crate::{MemoryStore, ObjectStore};
    use contract::RunId;
    use contract::states::Outcome;

    fn data(second: u32) -> Latest {
        let start = format!("2026-11-20T17:30:{second:02}Z");
        Latest {
            pipeline: "p".to_owned(),
            run: RunId::of_execution("arn", &start).unwrap(),
            outcome: Outcome::Exported,
            started: start.clone(),
            finished: start,
            report: "s3://memory/report.json".to_owned(),
            export: LatestExport {
                table: "t".to_owned(),
                items: second.into(),
                raw_bytes: 0,
                prefix: "s3://memory/raw/".to_owned(),
                manifest: "s3://memory/export.json".to_owned(),
            },
            dataset: None,
            model: None,
        }
    }

    async fn stored(store: &MemoryStore) -> Option<Latest> {
        documents::read_if_there(store, "latest/p.json", "the record")
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn an_older_run_that_ends_later_changes_nothing() {
        let store = MemoryStore::new();
        for (second, newest) in [
            (2, Newest::Ours),
            (1, Newest::Later),
            (2, Newest::Ours),
            (3, Newest::Ours),
            (2, Newest::Later),
        ] {
            assert_eq!(advance(&store, &data(second)).await.unwrap(), newest);
        }
        assert_eq!(stored(&store).await, Some(data(3)));
    }

    #[tokio::test]
    async fn of_writers_at_once_the_latest_run_wins() {
        let store = MemoryStore::new();
        let runs: Vec<_> = (1..=9).map(data).collect();
        let all = runs.iter().map(|latest| advance(&store, latest));
        for newest in futures::future::join_all(all).await {
            newest.unwrap();
        }
        assert_eq!(stored(&store).await, Some(data(9)));
    }

    #[tokio::test]
    async fn a_call_that_dies_is_completed_by_the_next() {
        for polls in 0..12 {
            let store = MemoryStore::new();
            advance(&store, &data(1)).await.unwrap();
            let _ = poll_at_most(polls, advance(&store, &data(2)));
            assert!(stored(&store).await.is_some(), "after {polls} polls");
            let newest = advance(&store, &data(2)).await.unwrap();
            assert_eq!(newest, Newest::Ours, "after {polls} polls");
            assert_eq!(stored(&store).await, Some(data(2)));
        }
    }

    #[tokio::test]
    async fn a_record_that_cannot_be_read_is_left_alone() {
        let store = MemoryStore::new();
        store.put("latest/p.json", "{}".into()).await.unwrap();
        let error = advance(&store, &data(1)).await.unwrap_err();
        assert!(error.to_string().contains("latest/p.json"), "{error}");
    }
}
