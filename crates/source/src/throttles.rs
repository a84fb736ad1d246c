//! Counts throttled attempts while they happen.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Attempts that the service asked to slow down. An adapter that tries again by itself adds each of
/// them at once: the pacer must not learn of them only when the page has arrived.
///
/// Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Throttles {
    count: Arc<AtomicU64>,
    whole: Arc<AtomicU64>,
}

impl Throttles {
    /// None so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// None so far; what is added here counts in `whole` as well.
    pub fn part_of(whole: &Self) -> Self {
        Self {
            count: Arc::default(),
            whole: whole.count.clone(),
        }
    }

    /// Adds a throttled attempt.
    pub fn add(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.whole.fetch_add(1, Ordering::Relaxed);
    }

    /// Throttled attempts so far.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_counts_in_the_whole_and_not_in_another_part() {
        let whole = Throttles::new();
        let (one, two) = (Throttles::part_of(&whole), Throttles::part_of(&whole));
        one.add();
        one.clone().add();
        two.add();
        assert_eq!((one.count(), two.count(), whole.count()), (2, 1, 3));
    }
}
