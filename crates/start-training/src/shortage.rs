//! What to do while SageMaker has no machines, or a quota is used up: ask again, later each time, up
//! to a limit. It must not know what was asked for.
//!
//! The waits are counted as they are asked for, in the record of the attempt, so that the limit holds
//! over any number of invocations without a clock. After a redrive, which means another try, the counting
//! starts again.

use crate::StartTrainingError;
use lake::ObjectStore;
use lake::attempt::{Attempt, Attempts};
use sagemaker_ports::retry_seconds;

/// The waiting of one run.
pub struct Shortage<'a, S> {
    pub attempts: Attempts<'a, S>,
    /// How long a run may wait in all.
    pub limit_seconds: u32,
    /// What tells this call from those of other runs.
    pub seed: &'a str,
}

impl<S: ObjectStore> Shortage<'_, S> {
    /// Seconds until the attempt `next`, if waiting may help against `error` and the limit is not
    /// reached; otherwise the error, which is told until a redrive puts the attempt `next` on.
    pub async fn wait_or_fail(
        &self,
        attempt: &Attempt,
        next: u32,
        error: StartTrainingError,
    ) -> Result<u32, StartTrainingError> {
        let left = self.limit_seconds.saturating_sub(attempt.waited_seconds);
        if left == 0 || !error.may_pass() {
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
        tracing::warn!(%error, wait, refusals, "will ask again");
        Ok(wait)
    }
}
