//! How long the state machine waits before a step is called again.
//!
//! Each turn of a polling loop adds some ten events to the execution's history, which holds 25,000. So a
//! wait grows with the age of what is polled, and keeps growing after a minute: two days of work cost
//! some 450 turns.

const FIRST: u32 = 2;
const YOUNG_SECONDS: u64 = 10;
/// The wait that a fifth of the age reaches after five minutes, and a sixtieth after an hour.
const MINUTE: u64 = 60;
const LONGEST: u32 = 600;

/// Seconds to wait before the next poll of something that began `age` seconds ago: 2 at first, then a
/// fifth of its age up to a minute, and from an hour on a sixtieth of its age, ten minutes at most. So
/// the wait adds no more than a fifth to what the work takes by itself.
pub fn wait_seconds(age: u64) -> u32 {
    if age < YOUNG_SECONDS {
        return FIRST;
    }
    let wait = (age / 5).min(MINUTE).max(age / MINUTE);
    u32::try_from(wait).unwrap_or(LONGEST).clamp(FIRST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::wait_seconds;

    #[test]
    fn the_wait_grows_with_the_age_and_stays_within_ten_minutes() {
        let ages = [0, 9, 10, 50, 300, 301, 3600, 7200, 36_000, u64::MAX];
        let waits = ages.map(wait_seconds);
        assert_eq!(waits, [2, 2, 2, 10, 60, 60, 60, 120, 600, 600]);
    }
}
