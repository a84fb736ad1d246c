//! The read units of a task, counted while it reads, against what it may consume.

use std::sync::{Mutex, PoisonError};

/// Counts the read units of all segments of a task.
pub struct Units {
    most: Option<f64>,
    consumed: Mutex<f64>,
}

impl Units {
    pub const fn new(most: Option<f64>) -> Self {
        Self {
            most,
            consumed: Mutex::new(0.0),
        }
    }

    /// Counts what was consumed, in this invocation or in an earlier one.
    pub fn add(&self, units: f64) {
        *self.consumed.lock().unwrap_or_else(PoisonError::into_inner) += units;
    }

    /// What was consumed and what may be, once it is all consumed.
    pub fn exceeded(&self) -> Option<(f64, f64)> {
        let consumed = *self.consumed.lock().unwrap_or_else(PoisonError::into_inner);
        let most = self.most?;
        (consumed >= most).then_some((consumed, most))
    }
}
