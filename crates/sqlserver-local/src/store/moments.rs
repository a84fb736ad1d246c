//! Dates and times: their texts, and the numbers that SQL Server stores.

use jiff::civil::Date;
use jiff::{ToSpan, Unit};

/// 100 ns in a second, and in a day.
pub const SECOND: i64 = 10_000_000;
/// 100 ns in a day.
pub const DAY: i64 = 86_400 * SECOND;
/// 1/300 seconds in a day: the unit of `datetime`.
pub const DAY_OF_DATETIME: i64 = 86_400 * 300;
/// Days from year 1 to 1900-01-01, where `datetime` counts from.
pub const DAYS_TO_1900: i64 = 693_595;

const FIRST: Date = jiff::civil::date(1, 1, 1);
/// The last day that any type holds: 9999-12-31.
pub const LAST_DAY: i64 = 3_652_058;

/// Days from 0001-01-01.
pub fn days(year: i16, month: i8, day: i8) -> Option<i64> {
    let date = Date::new(year, month, day).ok()?;
    let span = date.since((Unit::Day, FIRST)).ok()?;
    Some(i64::from(span.get_days())).filter(|days| *days >= 0)
}

/// `yyyy-mm-dd`.
pub fn date_text(days: i64) -> String {
    let date = FIRST.checked_add(days.days());
    let date = date.expect("no stored date is outside of the years 1 to 9999");
    format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
}

/// `hh:mm:ss` with so many digits behind the seconds, of 100 ns since midnight.
pub fn time_text(time: i64, digits: u8) -> String {
    let seconds = time / SECOND;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let mut text = format!("{hours:02}:{minutes:02}:{:02}", seconds % 60);
    if digits > 0 {
        let fraction = format!("{:07}", time % SECOND);
        text.push('.');
        text.push_str(&fraction[..usize::from(digits)]);
    }
    text
}

/// `+hh:mm`, of minutes.
pub fn offset_text(minutes: i16) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.abs();
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A date, a time of day in 100 ns, an offset in minutes: each if the text has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub day: Option<i64>,
    pub time: Option<i64>,
    pub offset: Option<i16>,
}

/// Reads ISO 8601 as T-SQL does: a date, a time, or both with `T` or a space between, and an offset.
pub fn parse(text: &str) -> Option<Moment> {
    let text = text.trim();
    let (day, rest) = match text.get(..10).and_then(parse_date) {
        Some(day) => (Some(day), &text[10..]),
        None => (None, text),
    };
    let rest = rest.strip_prefix(['T', ' ']).unwrap_or(rest);
    if rest.is_empty() {
        return day.map(|day| Moment {
            day: Some(day),
            time: None,
            offset: None,
        });
    }
    let (time, offset) = match rest.find(['Z', '+', '-']) {
        Some(at) => (rest[..at].trim_end(), Some(parse_offset(&rest[at..])?)),
        None => (rest, None),
    };
    Some(Moment {
        day,
        time: Some(parse_time(time)?),
        offset,
    })
}

fn digits(text: &str, count: usize) -> Option<i64> {
    let is_number = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

fn parse_date(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = digits(parts.next()?, 2)?;
    let day = digits(parts.next()?, 2)?;
    let part = |number: i64| i8::try_from(number).ok();
    match parts.next() {
        None => days(i16::try_from(year).ok()?, part(month)?, part(day)?),
        Some(_) => None,
    }
}

fn parse_time(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = whole.split(':');
    let hours = digits(parts.next()?, 2).filter(|hours| *hours < 24)?;
    let minutes = digits(parts.next()?, 2).filter(|minutes| *minutes < 60)?;
    let seconds = match parts.next() {
        Some(text) => digits(text, 2).filter(|seconds| *seconds < 60)?,
        None => 0,
    };
    if parts.next().is_some() || fraction.len() > 7 {
        return None;
    }
    let fraction = match fraction {
        "" => 0,
        text => digits(text, text.len())? * 10_i64.pow(7 - u32::try_from(text.len()).ok()?),
    };
    Some(((hours * 60 + minutes) * 60 + seconds) * SECOND + fraction)
}

fn parse_offset(text: &str) -> Option<i16> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, rest) = text.split_at(1);
    let (hours, minutes) = rest.split_once(':')?;
    let minutes = digits(hours, 2)? * 60 + digits(minutes, 2)?;
    let minutes = i16::try_from(minutes)
        .ok()
        .filter(|minutes| *minutes <= 14 * 60)?;
    Some(if sign == "-" { -minutes } else { minutes })
}

/// Rounds 100 ns to the digits of a scale, half up.
pub const fn round(time: i64, scale: u8) -> i64 {
    let unit = 10_i64.pow(7 - scale as u32);
    (time + unit / 2).div_euclid(unit) * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_of_the_specification() {
        assert_eq!(days(1, 1, 1), Some(0));
        assert_eq!(days(1900, 1, 1), Some(DAYS_TO_1900));
        assert_eq!(days(9999, 12, 31), Some(LAST_DAY));
        assert_eq!(days(2023, 2, 29), None);
        assert_eq!(date_text(LAST_DAY), "9999-12-31");
        assert_eq!(date_text(0), "0001-01-01");
    }

    #[test]
    fn texts_are_read_as_they_are_written() {
        let moment = parse("2024-02-29T23:59:59.9999999+09:30").unwrap();
        assert_eq!(date_text(moment.day.unwrap()), "2024-02-29");
        assert_eq!(time_text(moment.time.unwrap(), 7), "23:59:59.9999999");
        assert_eq!(offset_text(moment.offset.unwrap()), "+09:30");
        assert_eq!(parse("2024-02-29 01:02").unwrap().time, Some(3720 * SECOND));
        assert_eq!(parse("01:02:03.5").unwrap().day, None);
        for wrong in ["2024-13-01", "24:00:00", "2024-01-01T1:00", "x", ""] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
