//! Trials of random seeds, as many as a variable of the environment says.

use std::time::Instant;

/// A number of the environment.
///
/// # Panics
/// If the variable is no number.
pub fn setting(name: &str, default: u64) -> u64 {
    let value = std::env::var(name).ok();
    value.map_or(default, |value| value.parse().expect("a number"))
}

/// Runs the trials of a suite one after the other: `seeds` of them, or as many as `<prefix>_SEEDS`
/// says, from `<prefix>_FIRST_SEED` on. Returns how many there were, and the sum of what they return.
///
/// # Panics
/// If a trial fails, with all seeds that did.
#[expect(clippy::print_stdout, reason = "a test shows it with --nocapture")]
pub async fn one_by_one(
    prefix: &str,
    seeds: u64,
    what: &str,
    mut trial: impl AsyncFnMut(u64) -> Result<usize, String>,
) -> (u64, usize) {
    let first = setting(&format!("{prefix}_FIRST_SEED"), 0);
    let seeds = setting(&format!("{prefix}_SEEDS"), seeds);
    let begun = Instant::now();
    let (mut all, mut failed) = (0, Vec::new());
    for seed in first..first + seeds {
        match trial(seed).await {
            Ok(more) => all += more,
            Err(error) => {
                println!("seed {seed} FAILED: {error}");
                failed.push(seed);
            }
        }
    }
    println!("{seeds} seeds, {all} {what}, in {:.1?}", begun.elapsed());
    assert!(failed.is_empty(), "seeds {failed:?} failed");
    (seeds, all)
}
