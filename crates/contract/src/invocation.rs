//! What a handler is told of its invocation. It must not know the Lambda runtime.

use std::time::{Duration, SystemTime};

/// One call of a step.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Unlike every other attempt's, also one of the same input at the same time: parts carry it.
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
