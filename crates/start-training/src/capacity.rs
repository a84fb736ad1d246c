//! Back-off while SageMaker has no instances, or a quota is used up: try again, later each time, up
//! to a limit.
//!
//! The waits are counted in the record of the attempt, so the limit holds over any number of
//! invocations without a clock. A redrive restarts the count.

use crate::StartTrainingError;
use lake::ObjectStore;
use lake::attempt::{Attempt, Attempts};
use sagemaker_ports::retry_seconds;

/// The back-off of one run.
pub struct CapacityBackoff<'a, S> {
    pub attempts: Attempts<'a, S>,
    /// How long a run may wait in total.
    pub limit_seconds: u32,
    /// Distinguishes this call from those of other runs.
    pub seed: &'a str,
}

impl<S: ObjectStore> CapacityBackoff<'_, S> {
    /// Seconds until the attempt `next`, if waiting may help against `error` and the limit is not
    /// reached; otherwise the error, which is reported until a redrive begins the attempt `next`.
    pub async fn wait_or_fail(
        &self,
        attempt: &Attempt,
        next: u32,
        error: StartTrainingError,
    ) -> Result<u32, StartTrainingError> {
        let left = self.limit_seconds.saturating_sub(attempt.waited_seconds);
        if left == 0 || !error.is_capacity_limit() {
            self.attempts.close(next, &error).await?;
            return Err(error);
        }
        let refusals = attempt.refusals.saturating_add(1);
        let wait = retry_seconds(refusals, self.seed).min(left);
        let waiting = Attempt {
            attempt: next,
            refusals,
            waited_seconds: attempt.waited_seconds + wait,
            failure: None,
        };
        self.attempts.note(&waiting).await?;
        tracing::warn!(%error, wait, refusals, "retries after a back-off");
        Ok(wait)
    }
}
