//! The lease of a pipeline, held by the run in progress. A run that failed leaves its record; the
//! next one asks whether that execution is still running.

use crate::documents::{self, DocumentError};
use crate::keys;
use crate::records::CurrentRun;
use crate::store::ObjectStore;
use contract::{RunId, ServiceError};
use std::future::Future;
use std::time::Duration;

/// Looks up executions of the state machine.
pub trait Executions: Send + Sync {
    /// Whether it is running; an unknown execution is not.
    fn is_running(&self, arn: &str) -> impl Future<Output = Result<bool, ServiceError>> + Send;
}

/// Result of acquiring the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lease {
    /// This run holds it.
    Held,
    /// Another run holds it.
    HeldByOther(CurrentRun),
}

/// Why the lease could not be acquired.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// The record could not be read or written.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The holder's execution could not be looked up.
    #[error(transparent)]
    Executions(#[from] Box<ServiceError>),
}

const LOOKS: u32 = 6;
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Acquires the lease for `wanted`, unless another run holds it. Idempotent for the same run.
///
/// Every run first writes its record and then looks for others, so of two that start at the same
/// moment at least one sees the other. The later one gives up at once; the earlier one waits a few
/// seconds for that before it treats the later one as the holder.
///
/// # Errors
/// If the store or the state machine's service fails.
pub async fn acquire(
    store: &impl ObjectStore,
    executions: &impl Executions,
    pipeline: &str,
    wanted: &CurrentRun,
) -> Result<Lease, LeaseError> {
    documents::write(store, &keys::current_run(pipeline, &wanted.run), wanted).await?;
    let mut look = 1;
    loop {
        let Some(other) = other_at_work(store, executions, pipeline, wanted).await? else {
            return Ok(Lease::Held);
        };
        if other.run < wanted.run || look == LOOKS {
            release(store, pipeline, &wanted.run).await?;
            return Ok(Lease::HeldByOther(other));
        }
        look += 1;
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

/// The earliest other run whose execution still runs; records of those that ended are removed.
async fn other_at_work(
    store: &impl ObjectStore,
    executions: &impl Executions,
    pipeline: &str,
    wanted: &CurrentRun,
) -> Result<Option<CurrentRun>, LeaseError> {
    let records = store
        .list(&keys::current_runs(pipeline))
        .await
        .map_err(DocumentError::from)?;
    for object in records {
        let record: Option<CurrentRun> =
            documents::read_if_there(store, &object.key, "the record of a running run").await?;
        let Some(other) = record.filter(|record| record.execution != wanted.execution) else {
            continue;
        };
        if executions
            .is_running(&other.execution)
            .await
            .map_err(Box::new)?
        {
            return Ok(Some(other));
        }
        store
            .delete(&object.key)
            .await
            .map_err(DocumentError::from)?;
    }
    Ok(None)
}

/// Releases the lease of a run.
///
/// # Errors
/// If the store fails.
pub async fn release(
    store: &impl ObjectStore,
    pipeline: &str,
    run: &RunId,
) -> Result<(), DocumentError> {
    Ok(store.delete(&keys::current_run(pipeline, run)).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;

    struct Running(&'static [&'static str]);

    impl Executions for Running {
        async fn is_running(&self, arn: &str) -> Result<bool, ServiceError> {
            Ok(self.0.contains(&arn))
        }
    }

    fn run(execution: &str, second: u32) -> CurrentRun {
        let start = format!("2026-11-20T17:30:{second:02}Z");
        let run = RunId::of_execution(execution, &start).unwrap();
        CurrentRun {
            run,
            execution: execution.to_owned(),
        }
    }

    #[tokio::test]
    async fn one_run_at_a_time() {
        let store = MemoryStore::new();
        let (first, second) = (run("first", 1), run("second", 2));
        let executions = Running(&["first", "second"]);
        let acquire = async |run| acquire(&store, &executions, "p", run).await.unwrap();
        assert_eq!(acquire(&first).await, Lease::Held);
        assert_eq!(
            acquire(&first).await,
            Lease::Held,
            "asking again changes nothing"
        );
        assert_eq!(acquire(&second).await, Lease::HeldByOther(first.clone()));
        release(&store, "p", &first.run).await.unwrap();
        assert_eq!(acquire(&second).await, Lease::Held);
    }

    #[tokio::test]
    async fn a_dead_run_is_followed() {
        let store = MemoryStore::new();
        let executions = Running(&["second"]);
        let acquire = async |run| acquire(&store, &executions, "p", run).await.unwrap();
        let (dead, second) = (run("dead", 1), run("second", 2));
        assert_eq!(acquire(&dead).await, Lease::Held);
        assert_eq!(acquire(&second).await, Lease::Held);
        assert_eq!(
            store.list("current/").await.unwrap().len(),
            1,
            "its record is gone"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_that_begin_together_the_earlier_one_stays() {
        let store = MemoryStore::new();
        let (first, second) = (run("first", 1), run("second", 2));
        let executions = Running(&["first", "second"]);
        documents::write(&store, &keys::current_run("p", &second.run), &second)
            .await
            .unwrap();
        let (one, two) = tokio::join!(
            acquire(&store, &executions, "p", &first),
            acquire(&store, &executions, "p", &second),
        );
        assert_eq!(one.unwrap(), Lease::Held);
        assert_eq!(two.unwrap(), Lease::HeldByOther(first));
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_run_that_is_at_work_already_is_left_alone() {
        let store = MemoryStore::new();
        let (slow, holder) = (run("first", 1), run("second", 2));
        let executions = Running(&["first", "second"]);
        documents::write(&store, &keys::current_run("p", &holder.run), &holder)
            .await
            .unwrap();
        let slow = acquire(&store, &executions, "p", &slow).await.unwrap();
        assert_eq!(slow, Lease::HeldByOther(holder));
    }
}
