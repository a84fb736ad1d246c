//! Which attempt at a job is on, and the failure that its caller has to be told. It must not know what the
//! job does, nor which errors are failures of it.
//!
//! SageMaker never frees a job's name, so a job that ended badly is followed by one of another name, that
//! of the next attempt. Nothing tells a step whether its error has reached the state machine: it may be
//! killed in between, and the retry that follows must not begin another job, which somebody pays for.
//! So the failure is written down together with the next attempt's number and the execution's count of
//! redrives. Every call of the same count is told the same failure. A higher count shows that the
//! execution has ended since, and that somebody wants another try: only then the next attempt is on.

use crate::documents::{self, DocumentError};
use crate::store::ObjectStore;
use contract::{ErrorName, Named, chain};
use serde::{Deserialize, Serialize};

/// How far the attempts at a job have come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attempt {
    /// The number of the attempt that is on, from 1; or, with a failure, of the one after it.
    pub attempt: u32,
    /// How often in a row there were no machines, or a quota was used up.
    #[serde(default)]
    pub refusals: u32,
    /// Seconds that were waited for them.
    #[serde(default)]
    pub waited_seconds: u32,
    /// How the attempt before it ended, if this is to be told.
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

/// How an attempt ended, as it was told or was about to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failure {
    /// The error's name.
    pub name: ErrorName,
    /// The error and its causes, in one line.
    pub message: String,
    /// How often the execution had been redriven.
    pub redrives: u32,
}

impl Named for Failure {
    fn name(&self) -> ErrorName {
        self.name
    }
}

/// The attempts at one job, seen by an execution that was redriven so many times.
#[derive(Debug)]
pub struct Attempts<'a, S> {
    /// The lake.
    pub store: &'a S,
    /// Where it is written how far they have come.
    pub key: String,
    /// How often the execution has been redriven.
    pub redrives: u32,
}

impl<S: ObjectStore> Attempts<'_, S> {
    /// The attempt that is on, or the failure that is to be told (again).
    ///
    /// # Errors
    /// If the lake cannot be read.
    pub async fn current(&self) -> Result<Result<Attempt, Failure>, DocumentError> {
        const WHAT: &str = "the number of an attempt";
        let there: Option<Attempt> = documents::read_if_there(self.store, &self.key, WHAT).await?;
        let mut attempt = there.unwrap_or_default();
        // Equal while the execution is the one that was, or may not have been, told. Less from a call
        // that a redrive has overtaken.
        Ok(match attempt.failure.take() {
            Some(failure) if self.redrives <= failure.redrives => Err(failure),
            _ => Ok(attempt),
        })
    }

    /// Notes how far the attempt that is on has come.
    ///
    /// # Errors
    /// If the lake cannot be written.
    pub async fn note(&self, attempt: &Attempt) -> Result<(), DocumentError> {
        documents::write(self.store, &self.key, attempt).await
    }

    /// Ends the attempt that is on by `error`, which is told until a redrive; then the attempt `next` is
    /// on, which is the same one if its job was never begun.
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
