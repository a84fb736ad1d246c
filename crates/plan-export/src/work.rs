//! What estimates of every kind of source are made of.

use contract::states::Estimate;

/// An estimate, and how many functions it is of.
#[derive(Debug)]
pub struct Work {
    /// Items, minutes, money.
    pub estimate: Estimate,
    /// Tasks.
    pub tasks: u32,
    /// Those that run at once.
    pub at_once: u32,
}

/// US dollars, to the millionth.
pub fn micro_dollars(dollars: f64) -> f64 {
    (dollars * 1e6).round() / 1e6
}

/// The nearest whole number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are not negative, and a larger one is the largest"
)]
pub fn whole(count: f64) -> u64 {
    count.round() as u64
}
