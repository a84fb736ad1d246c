//! The invocation of a handler, independent of the Lambda runtime.

use std::time::{Duration, SystemTime};

/// One call of a step.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Unique among all attempts, also for the same input at the same time: it is part of the
    /// parts' keys.
    pub attempt: String,
    /// When the process will be stopped.
    pub deadline: SystemTime,
}

impl Invocation {
    /// Time left until the deadline, zero after it.
    pub fn remaining(&self) -> Duration {
        self.deadline
            .duration_since(SystemTime::now())
            .unwrap_or(Duration::ZERO)
    }
}
