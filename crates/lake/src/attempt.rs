//! The current attempt at a job, and the failure of the last one until the execution is redriven.
//!
//! SageMaker never frees a job's name, so a job that failed is followed by one with the next
//! attempt's name. A step cannot know whether its error has reached the state machine: it may be
//! killed in between, and the retry that follows must not start another job, which costs money. So
//! the failure is stored together with the next attempt's number and the execution's redrive count.
//! Every call with that count gets the same failure. A higher count proves that the execution has
//! ended and was redriven; only then the next attempt starts.

use crate::documents::{self, DocumentError};
use crate::store::ObjectStore;
use contract::{ErrorName, Named, chain};
use serde::{Deserialize, Serialize};

/// The state of the attempts at a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attempt {
    /// The number of the current attempt, from 1; with a failure, of the one after it.
    pub attempt: u32,
    /// Consecutive refusals for lack of capacity or quota.
    #[serde(default)]
    pub refusals: u32,
    /// Seconds spent waiting for them.
    #[serde(default)]
    pub waited_seconds: u32,
    /// How the previous attempt failed, until a redrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl Default for Attempt {
    fn default() -> Self {
        Self {
            attempt: 1,
            refusals: 0,
            waited_seconds: 0,
            failure: None,
        }
    }
}

/// How an attempt failed, as the state machine was told or was about to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failure {
    /// The error's name.
    pub name: ErrorName,
    /// The error and its causes, in one line.
    pub message: String,
    /// The execution's redrive count at that time.
    pub redrives: u32,
}

impl Named for Failure {
    fn name(&self) -> ErrorName {
        self.name
    }
}

/// The attempts at one job, as seen by an execution with a redrive count.
#[derive(Debug)]
pub struct Attempts<'a, S> {
    /// The lake.
    pub store: &'a S,
    /// The key of the stored [`Attempt`].
    pub key: String,
    /// The execution's redrive count.
    pub redrives: u32,
}

impl<S: ObjectStore> Attempts<'_, S> {
    /// The current attempt, or the failure to report (again).
    ///
    /// # Errors
    /// If the lake cannot be read.
    pub async fn current(&self) -> Result<Result<Attempt, Failure>, DocumentError> {
        const WHAT: &str = "the number of an attempt";
        let there: Option<Attempt> = documents::read_if_there(self.store, &self.key, WHAT).await?;
        let mut attempt = there.unwrap_or_default();
        // Equal: this execution failed, and may or may not have been told. Less: a call from before
        // the redrive that is still running.
        Ok(match attempt.failure.take() {
            Some(failure) if self.redrives <= failure.redrives => Err(failure),
            _ => Ok(attempt),
        })
    }

    /// Stores the state of the current attempt.
    ///
    /// # Errors
    /// If the lake cannot be written.
    pub async fn note(&self, attempt: &Attempt) -> Result<(), DocumentError> {
        documents::write(self.store, &self.key, attempt).await
    }

    /// Ends the current attempt with `error`, which is reported until a redrive. Then attempt
    /// `next` starts; it is the same one if its job was never created.
    ///
    /// # Errors
    /// If the lake cannot be written.
    pub async fn close(&self, next: u32, error: &impl Named) -> Result<(), DocumentError> {
        let failure = Failure {
            name: error.name(),
            message: chain(error),
            redrives: self.redrives,
        };
        self.note(&Attempt {
            attempt: next,
            failure: Some(failure),
            ..Attempt::default()
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;
    use contract::ServiceError;

    fn seen(store: &MemoryStore, redrives: u32) -> Attempts<'_, MemoryStore> {
        Attempts {
            store,
            key: "reports/default/attempt.json".to_owned(),
            redrives,
        }
    }

    fn quota() -> ServiceError {
        ServiceError {
            name: ErrorName::ResourceLimitExceeded,
            service: "SageMaker",
            operation: "CreateTrainingJob",
            subject: "job".to_owned(),
            code: "ResourceLimitExceeded".to_owned(),
            message: "the quota is 0".to_owned(),
            source: Some("no answer".into()),
        }
    }

    #[tokio::test]
    async fn a_failure_is_told_until_a_redrive() {
        let store = MemoryStore::new();
        let first = seen(&store, 0);
        assert_eq!(first.current().await.unwrap(), Ok(Attempt::default()));
        first.close(2, &quota()).await.unwrap();
        for _ in 0..2 {
            let told = seen(&store, 0).current().await.unwrap().unwrap_err();
            assert_eq!(told.name(), ErrorName::ResourceLimitExceeded);
            assert!(
                told.message.ends_with("the quota is 0: no answer"),
                "{told}"
            );
        }
        for redrives in [1, 2] {
            let on = seen(&store, redrives).current().await.unwrap().unwrap();
            assert_eq!((on.attempt, on.failure), (2, None), "it is not told again");
        }
    }

    #[tokio::test]
    async fn what_a_call_of_before_the_redrive_writes_late_opens_no_further_attempt() {
        let store = MemoryStore::new();
        seen(&store, 0).close(2, &quota()).await.unwrap();
        seen(&store, 1).close(3, &quota()).await.unwrap();
        seen(&store, 0).close(2, &quota()).await.unwrap();
        let on = seen(&store, 1).current().await.unwrap().unwrap();
        assert_eq!(on.attempt, 2, "whose job is there, and has failed");
        assert!(seen(&store, 0).current().await.unwrap().is_err());
    }

    #[tokio::test]
    async fn waits_are_noted_and_forgotten_with_the_next_attempt() {
        let store = MemoryStore::new();
        let waiting = Attempt {
            refusals: 3,
            waited_seconds: 80,
            ..Attempt::default()
        };
        seen(&store, 0).note(&waiting).await.unwrap();
        assert_eq!(seen(&store, 0).current().await.unwrap(), Ok(waiting));
        seen(&store, 0).close(1, &quota()).await.unwrap();
        let on = seen(&store, 1).current().await.unwrap();
        assert_eq!(on, Ok(Attempt::default()));
    }
}
