//! How often to look at something that takes seconds on a laptop and minutes or hours in the cloud.

use std::hash::{DefaultHasher, Hash, Hasher};

const FIRST: u32 = 2;
const LONGEST: u32 = 60;
const YOUNG: u64 = 10;
/// Of the waits for machines or quota, in seconds, before jitter.
const FIRST_RETRY: u32 = 20;
const LONGEST_RETRY: u32 = 900;

/// Seconds to wait before the next look at something that began `age` seconds ago: 2 at first,
/// then a fifth of its age, a minute at most. So the wait adds no more than a fifth to what the
/// work takes by itself, and an hour of training costs some 80 looks.
pub fn wait_seconds(age: u64) -> u32 {
    if age < YOUNG {
        return FIRST;
    }
    u32::try_from(age / 5)
        .unwrap_or(LONGEST)
        .clamp(FIRST, LONGEST)
}

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
    use super::{retry_seconds, wait_seconds};

    #[test]
    fn the_wait_grows_with_the_age_and_stays_within_a_minute() {
        let waits = [0, 9, 10, 50, 300, 301, u64::MAX].map(wait_seconds);
        assert_eq!(waits, [2, 2, 2, 10, 60, 60, 60]);
    }

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
