//! Moments in time as items write them, and the parts that a row takes. All is UTC: a text's offset
//! is applied, and a text without offset is UTC already.

use crate::encode::numeric_text;
use crate::rows::cell::Cell;
use definition::{TimePart, TimeUnit};
use dynamodb_json::Value;
use jiff::SignedDuration;
use jiff::civil::{DateTime, Time, date};
use jiff::fmt::temporal::Pieces;

/// Milliseconds of a day.
const DAY: f64 = 86_400_000.0;

/// 2020-01-01, in milliseconds since 1970. Days since then are few enough that float32 keeps a
/// fraction of them.
const START: i64 = 1_577_836_800_000;

/// From this number on, seconds would be after the year 5000, so the number is milliseconds.
pub(crate) const MILLISECONDS: f64 = 1e11;

/// A moment in UTC, to the nanosecond. The calendar ends with the last nanosecond of 9999, so the
/// common notation of "for ever" is a moment too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(DateTime);

impl Moment {
    /// The moment that a value denotes, if it is one.
    pub(crate) fn of(value: &Value<'_>, unit: TimeUnit) -> Option<Self> {
        match value {
            Value::S(text) => Self::parse(&text.decode()),
            Value::N(raw) => Self::count(raw.parse().ok()?, unit),
            _ => None,
        }
    }

    /// The same, also for numbers that are written as text.
    pub(crate) fn of_text_too(value: &Value<'_>, unit: TimeUnit) -> Option<Self> {
        match value {
            Value::S(text) => Self::parse_text(&text.decode(), unit),
            _ => Self::of(value, unit),
        }
    }

    /// Parses ISO 8601, or a number.
    pub(crate) fn parse_text(text: &str, unit: TimeUnit) -> Option<Self> {
        Self::parse(text).or_else(|| Self::count(numeric_text::number(text)?.parse().ok()?, unit))
    }

    /// Parses ISO 8601.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        // A date begins with a digit, or with the sign of a six-digit year.
        if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-')) {
            return None;
        }
        let pieces = Pieces::parse(text).ok()?;
        let offset = pieces.to_numeric_offset();
        // An offset needs a time.
        if pieces.time().is_none() && offset.is_some() {
            return None;
        }
        let local = pieces
            .date()
            .to_datetime(pieces.time().unwrap_or(Time::midnight()));
        let seconds = offset.map_or(0, jiff::tz::Offset::seconds);
        let utc = local
            .checked_sub(SignedDuration::from_secs(seconds.into()))
            .ok()?;
        Some(Self(utc))
    }

    /// The moment of a number in this unit, if it is within the calendar.
    pub(crate) fn count(number: f64, unit: TimeUnit) -> Option<Self> {
        let milliseconds = match unit {
            TimeUnit::Seconds => number * 1e3,
            TimeUnit::Milliseconds => number,
        };
        // Far beyond any timestamp, and far within the range of the conversion.
        if milliseconds.abs() > 1e15 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
        Self::at(milliseconds.floor() as i64)
    }

    /// The moment this many milliseconds after 1970, if it is within the calendar.
    pub(crate) fn at(milliseconds: i64) -> Option<Self> {
        let after = SignedDuration::from_millis(milliseconds);
        EPOCH.checked_add(after).ok().map(Self)
    }

    /// Nanoseconds since 1970.
    pub(crate) fn nanoseconds(self) -> i128 {
        self.0.duration_since(EPOCH).as_nanos()
    }

    /// Whole milliseconds since 1970.
    pub(crate) fn milliseconds(self) -> i64 {
        let milliseconds = self.nanoseconds().div_euclid(1_000_000);
        i64::try_from(milliseconds).expect("the calendar's milliseconds are few")
    }

    /// The parts of the moment, in order.
    pub(crate) fn parts(self, parts: &[TimePart]) -> impl Iterator<Item = Cell<'static>> {
        let civil = self.0;
        parts.iter().map(move |part| {
            let whole = |value: i16| Cell::value_of(f32::from(value));
            match part {
                TimePart::Days => Cell::value_of(self.days()),
                TimePart::Year => whole(civil.year()),
                TimePart::Month => whole(civil.month().into()),
                TimePart::Day => whole(civil.day().into()),
                TimePart::DayOfYear => whole(civil.day_of_year()),
                TimePart::Weekday => whole(civil.weekday().to_monday_one_offset().into()),
                TimePart::Hour => whole(civil.hour().into()),
                TimePart::Minute => whole(civil.minute().into()),
            }
        })
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounding to float32 is meant"
    )]
    fn days(self) -> f32 {
        ((self.milliseconds() - START) as f64 / DAY) as f32
    }
}

const EPOCH: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);

/// The unit of numbers, by what most of them would be: a few outliers do not decide.
pub(crate) fn unit_of(numbers: &[(f64, u64)]) -> TimeUnit {
    let count = |numbers: &mut dyn Iterator<Item = &(f64, u64)>| -> u64 {
        numbers.map(|(_, copies)| copies).sum()
    };
    let all = count(&mut numbers.iter());
    let large = count(
        &mut numbers
            .iter()
            .filter(|(number, _)| number.abs() >= MILLISECONDS),
    );
    if large * 2 > all {
        TimeUnit::Milliseconds
    } else {
        TimeUnit::Seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(moment: Moment) -> Vec<f32> {
        use TimePart::{Day, DayOfYear, Days, Hour, Minute, Month, Weekday, Year};
        let all = [Days, Year, Month, Day, DayOfYear, Weekday, Hour, Minute];
        moment.parts(&all).map(Cell::value).collect()
    }

    #[test]
    fn a_moment_is_the_same_however_it_is_said() {
        let texts = [
            "2024-02-29T13:45:30.250Z",
            "2024-02-29 13:45:30.25",
            "2024-02-29T15:45:30.250999+02:00",
            "20240229T134530.250Z",
        ];
        for text in texts {
            let moment = Moment::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(moment.milliseconds(), 1_709_214_330_250, "{text}");
        }
        let counted = [
            ("1709214330.250", TimeUnit::Seconds),
            ("1709214330250", TimeUnit::Milliseconds),
            ("1.70921433025E12", TimeUnit::Milliseconds),
        ];
        for (raw, unit) in counted {
            let moment = Moment::of(&Value::N(raw), unit).unwrap();
            assert_eq!(moment.milliseconds(), 1_709_214_330_250, "{raw}");
        }
        let moment = Moment::parse("2024-02-29T13:45:30.25Z").unwrap();
        let days = 1_520.573_3;
        assert_eq!(
            parts(moment),
            [days, 2024.0, 2.0, 29.0, 60.0, 4.0, 13.0, 45.0]
        );
        let before = Moment::parse("1969-12-31").unwrap();
        assert_eq!(
            parts(before)[1..],
            [1969.0, 12.0, 31.0, 365.0, 3.0, 0.0, 0.0]
        );
    }

    #[test]
    fn the_last_second_of_the_calendar_is_a_moment() {
        let last = Moment::parse("9999-12-31T23:59:59Z").unwrap();
        assert_eq!(last.milliseconds(), 253_402_300_799_000);
        assert_eq!(parts(last)[..3], [2_914_635.0, 9999.0, 12.0]);
        assert_eq!(Moment::parse("9999-12-31T23:59:59-01:00"), None);
        assert!(
            Moment::parse("2026-01-02T00:00:00.000000002Z")
                > Moment::parse("2026-01-02T00:00:00.000000001Z")
        );
    }

    #[test]
    fn most_numbers_say_what_they_count() {
        let most = [(0.0, 3), (1.7e9, 90), (1.7e12, 5), (9e99, 1)];
        assert_eq!(unit_of(&most), TimeUnit::Seconds);
        assert_eq!(unit_of(&[(0.0, 5), (1.7e12, 6)]), TimeUnit::Milliseconds);
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in ["", "yesterday", "2024-02-30", "12:30", "1709214330"] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
        for raw in ["1E30", "-9E99", "1E125"] {
            assert_eq!(Moment::of(&Value::N(raw), TimeUnit::Seconds), None, "{raw}");
        }
    }
}
