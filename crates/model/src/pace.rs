//! How often to look at something that takes seconds on a laptop and minutes or hours in the cloud.

const FIRST: u32 = 2;
const LONGEST: u32 = 60;
const YOUNG: u64 = 10;

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

#[cfg(test)]
mod tests {
    use super::wait_seconds;

    #[test]
    fn the_wait_grows_with_the_age_and_stays_within_a_minute() {
        let waits = [0, 9, 10, 50, 300, 301, u64::MAX].map(wait_seconds);
        assert_eq!(waits, [2, 2, 2, 10, 60, 60, 60]);
    }
}
