//! What to do while SageMaker has no machines, or a quota is used up: ask again, later each time, up
//! to a limit. It must not know what was asked for.
//!
//! The waits are counted as they are asked for, in the record of the attempt, so that the limit holds
//! over any number of invocations without a clock. Once it is reached the counting starts again: a
//! redrive means another try.

use crate::StartTrainingError;
use lake::records::TrainingAttempt;
use lake::{ObjectStore, RunKeys, documents};
use model::retry_seconds;

/// The waiting of one run.
pub struct Shortage<'a, S> {
    pub store: &'a S,
    pub keys: &'a RunKeys,
    /// How long a run may wait in all.
    pub limit_seconds: u32,
    /// What tells this call from those of other runs.
    pub seed: &'a str,
}

impl<S: ObjectStore> Shortage<'_, S> {
    /// Seconds until the attempt `next`, if waiting may help against `error` and the limit is not
    /// reached; otherwise the error, after which the attempt `next` is on.
    pub async fn wait_or_fail(
        &self,
        attempt: TrainingAttempt,
        next: u32,
        error: StartTrainingError,
    ) -> Result<u32, StartTrainingError> {
        let left = self.limit_seconds.saturating_sub(attempt.waited_seconds);
        if left == 0 || !error.may_pass() {
            let next = TrainingAttempt {
                attempt: next,
                refusals: 0,
                waited_seconds: 0,
            };
            // A refused creation changes nothing that has to be remembered.
            if next != attempt {
                self.write(&next).await?;
            }
            return Err(error);
        }
        let refusals = attempt.refusals.saturating_add(1);
        let wait = retry_seconds(refusals, self.seed).min(left);
        let waiting = TrainingAttempt {
            attempt: next,
            refusals,
            waited_seconds: attempt.waited_seconds + wait,
        };
        self.write(&waiting).await?;
        tracing::warn!(%error, wait, refusals, "will ask again");
        Ok(wait)
    }

    async fn write(&self, attempt: &TrainingAttempt) -> Result<(), StartTrainingError> {
        documents::write(self.store, &self.keys.training_attempt(), attempt).await?;
        Ok(())
    }
}
