//! A task's share of the table's read budget.
//!
//! The share is the budget divided by the tasks that can run at once: no more than the state
//! machine starts at once, and no more than are unfinished. A task counts as unfinished until a
//! record in the lake says otherwise, which it writes after its last read. What a task knows of the
//! others is old, but tasks only ever become fewer: each divides by at least as many as are running
//! now, so that the shares together never exceed the budget.

use crate::budget::ReadBudget;
use contract::states::ExportTask;
use lake::records::ReadPlan;
use lake::{DocumentError, ObjectStore, RunKeys, documents};
use std::convert::Infallible;
use std::time::Duration;

/// How often a task looks how many others are left. A listing costs about as much as a fifth of a
/// second of the function.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// The share of one task of a plan.
pub struct Share<'a, S> {
    store: &'a S,
    keys: &'a RunKeys,
    read: Option<&'a ReadPlan>,
    tasks: usize,
}

impl<'a, S: ObjectStore> Share<'a, S> {
    /// `read` is how fast the table may be read by so many tasks.
    pub const fn new(
        store: &'a S,
        keys: &'a RunKeys,
        read: Option<&'a ReadPlan>,
        tasks: usize,
    ) -> Self {
        Self {
            store,
            keys,
            read,
            tasks,
        }
    }

    /// Read capacity units per second as of now; `None` if unlimited.
    pub async fn now(&self) -> Result<Option<f64>, DocumentError> {
        let Some((read, budget)) = self.read.and_then(|read| Some((read, read.rcu?))) else {
            return Ok(None);
        };
        let finished = if self.is_divided() {
            self.store.list(&self.keys.finished_tasks()).await?.len()
        } else {
            0
        };
        Ok(Some(share(budget, read.concurrency, self.tasks, finished)))
    }

    /// Gives the budget its new share from time to time, for ever.
    pub async fn follow(&self, budget: &ReadBudget) -> Infallible {
        if !self.is_divided() {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            match self.now().await {
                Ok(share) => budget.set_share(share),
                // The old share is never too large.
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the unfinished tasks cannot be counted: the share stays"
                ),
            }
        }
    }

    /// Says that the task reads no more.
    pub async fn give_up(&self, task: &ExportTask) -> Result<(), DocumentError> {
        if self.is_divided() {
            documents::commit(self.store, &self.keys.finished_task(task.index), task).await?;
        }
        Ok(())
    }

    fn is_divided(&self) -> bool {
        let is_limited = self.read.is_some_and(|read| read.rcu.is_some());
        is_limited && self.tasks > 1
    }
}

fn share(budget: f64, concurrency: u32, tasks: usize, finished: usize) -> f64 {
    // The caller is a running task, so there is at least one.
    let unfinished = tasks.saturating_sub(finished).max(1);
    let at_work = u32::try_from(unfinished).map_or(concurrency, |n| n.min(concurrency));
    budget / f64::from(at_work.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_never_exceed_the_budget_however_old_they_are() {
        // Every task may have looked at any time before now, when at most so many were finished.
        for (concurrency, tasks) in [(40, 7), (40, 100), (3, 3), (1, 5)] {
            for finished in 0..tasks {
                let at_work = (tasks - finished).min(concurrency);
                let largest = (0..=finished)
                    .map(|seen| share(700.0, concurrency, tasks as usize, seen as usize))
                    .fold(0.0, f64::max);
                let together = largest * f64::from(at_work);
                assert!(together <= 700.0 + 1e-6, "{together}");
            }
        }
        assert!((share(700.0, 40, 7, 6) - 700.0).abs() < 1e-9);
        assert!((share(700.0, 40, 100, 0) - 17.5).abs() < 1e-9);
    }
}
