//! Periods, such as `1 day`, and times, such as `2013-08-26T00:00:00`.

use jiff::civil::DateTime;

/// The days of the longest period, three years.
const LONGEST: i64 = 3 * 372;

/// A unit of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Minutes,
    Hours,
    Days,
    Weeks,
    Months,
    Years,
}

/// A period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    pub count: i64,
    pub unit: Unit,
}

impl Period {
    /// Reads `1 day`, `15 Minutes`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let (count, unit) = (words.next()?, words.next()?);
        if words.next().is_some() {
            return None;
        }
        let unit = match unit.to_ascii_lowercase().trim_end_matches('s') {
            "minute" => Unit::Minutes,
            "hour" => Unit::Hours,
            "day" => Unit::Days,
            "week" => Unit::Weeks,
            "month" => Unit::Months,
            "year" => Unit::Years,
            _ => return None,
        };
        let count = count
            .parse()
            .ok()
            .filter(|count| (1..=LONGEST * 24 * 60).contains(count))?;
        let period = Self { count, unit }.in_largest_unit();
        (period.days() <= LONGEST).then_some(period)
    }

    /// 60 minutes are an hour, 24 hours a day, 7 days a week.
    fn in_largest_unit(self) -> Self {
        let larger = match self.unit {
            Unit::Minutes => Some((60, Unit::Hours)),
            Unit::Hours => Some((24, Unit::Days)),
            Unit::Days => Some((7, Unit::Weeks)),
            Unit::Months => Some((12, Unit::Years)),
            Unit::Weeks | Unit::Years => None,
        };
        match larger {
            Some((size, unit)) if self.count % size == 0 => Self {
                count: self.count / size,
                unit,
            }
            .in_largest_unit(),
            _ => self,
        }
    }

    /// Its minutes, if they are always as many.
    pub(crate) fn minutes(self) -> Option<i64> {
        let minutes = match self.unit {
            Unit::Minutes => 1,
            Unit::Hours => 60,
            Unit::Days => 24 * 60,
            Unit::Weeks => 7 * 24 * 60,
            Unit::Months | Unit::Years => return None,
        };
        Some(self.count * minutes)
    }

    /// Its months, if it is of months.
    pub(crate) fn months(self) -> Option<i64> {
        match self.unit {
            Unit::Months => Some(self.count),
            Unit::Years => Some(self.count * 12),
            _ => None,
        }
    }

    /// Days of it, rounded up.
    pub(crate) fn days(self) -> i64 {
        match (self.minutes(), self.months()) {
            (Some(minutes), _) => (minutes + 24 * 60 - 1) / (24 * 60),
            (None, months) => months.unwrap_or(0) * 31,
        }
    }
}

/// A time of a definition, which is in UTC.
pub(crate) fn moment(text: &str) -> Option<DateTime> {
    let text = text.trim().trim_end_matches(['Z', 'z']);
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_in_any_case_and_in_their_largest_unit() {
        for (text, count, unit) in [
            ("1 day", 1, Unit::Days),
            ("15 Minutes", 15, Unit::Minutes),
            ("60 minutes", 1, Unit::Hours),
            ("168 HOURS", 1, Unit::Weeks),
            ("24 months", 2, Unit::Years),
            ("36 hours", 36, Unit::Hours),
        ] {
            assert_eq!(Period::read(text), Some(Period { count, unit }), "{text}");
        }
        for text in [
            "15 Period",
            "1",
            "day",
            "0 days",
            "-1 days",
            "1 day 2",
            "4 years",
            "99999999999 days",
            "",
        ] {
            assert_eq!(Period::read(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_utc() {
        for text in ["2013-08-26T00:00:00", "2013-08-26T00:00:00Z", "2013-08-26"] {
            assert!(moment(text).is_some(), "{text}");
        }
        assert!(moment("FIRST_ACTIVATION_DATE_TIME").is_none());
    }
}
