//! Who comes first: a signal to stop, or the writing of the model.

use std::sync::atomic::{AtomicU8, Ordering};

const TRAINING: u8 = 0;
const WRITING: u8 = 1;
const STOPPED: u8 = 2;

/// Decides between a signal to stop and the writing of the model: the first to claim wins.
#[derive(Debug, Default)]
pub struct Claim(AtomicU8);

impl Claim {
    /// Claims the stop, so that no model is written. `false` if the model is already being
    /// written; the run then ends by itself soon.
    pub fn stop(&self) -> bool {
        self.take(STOPPED)
    }

    /// Claims the writing of the model. `false` if a signal came first.
    pub fn write(&self) -> bool {
        self.take(WRITING)
    }

    fn take(&self, by: u8) -> bool {
        self.0
            .compare_exchange(TRAINING, by, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_claim_succeeds() {
        let claim = Claim::default();
        assert!(claim.stop() && !claim.write());
        let claim = Claim::default();
        assert!(claim.write() && !claim.stop());
    }
}
