//! Waits of a capacity back-off.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Seconds, before jitter.
const FIRST_RETRY: u32 = 20;
const LONGEST_RETRY: u32 = 900;

/// Seconds to wait before asking again for what the service does not have at the moment, after so
/// many `refusals`: twice as long each time, a quarter of an hour at most, of which `seed` decides
/// the second half. So the runs that one shortage hit do not come back all at once.
pub fn retry_seconds(refusals: u32, seed: &str) -> u32 {
    let doubled = FIRST_RETRY.saturating_mul(1 << refusals.saturating_sub(1).min(16));
    let whole = doubled.min(LONGEST_RETRY);
    let mut hasher = DefaultHasher::new();
    (refusals, seed).hash(&mut hasher);
    let jitter = hasher.finish() % u64::from(whole / 2 + 1);
    whole / 2 + u32::try_from(jitter).expect("less than a half")
}

#[cfg(test)]
mod tests {
    use super::retry_seconds;

    #[test]
    fn waits_for_machines_double_and_spread_over_their_second_half() {
        for (refusals, whole) in [(1, 20), (2, 40), (6, 640), (7, 900), (u32::MAX, 900)] {
            let waits: Vec<u32> = (0..200)
                .map(|seed| retry_seconds(refusals, &seed.to_string()))
                .collect();
            assert!(waits.iter().all(|wait| (whole / 2..=whole).contains(wait)));
            let spread = waits.iter().max().unwrap() - waits.iter().min().unwrap();
            assert!(spread > whole / 4, "{refusals}: {spread}");
        }
    }
}
