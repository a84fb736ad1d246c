//! Data Pipeline's functions of dates.

use super::pattern;
use jiff::civil::{DateTime, Time};
use jiff::{Span, ToSpan};

const NAMES: [&str; 26] = [
    "day",
    "dayOfYear",
    "firstOfMonth",
    "format",
    "hour",
    "inTimeZone",
    "makeDate",
    "makeDateTime",
    "midnight",
    "minusDays",
    "minusHours",
    "minusMinutes",
    "minusMonths",
    "minusWeeks",
    "minusYears",
    "minute",
    "month",
    "plusDays",
    "plusHours",
    "plusMinutes",
    "plusMonths",
    "plusWeeks",
    "plusYears",
    "sunday",
    "year",
    "yesterday",
];

/// An argument or a result.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Known {
    Number(f64),
    Text(String),
    Moment(DateTime),
}

impl Known {
    pub(super) fn text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
            Self::Moment(moment) => moment.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Moment(_) => None,
        }
    }

    fn moment(&self) -> Option<DateTime> {
        match self {
            Self::Moment(moment) => Some(*moment),
            Self::Text(text) => crate::period::moment(text),
            Self::Number(_) => None,
        }
    }
}

/// Whether there is a function of this name.
pub(super) fn check(name: &str) -> Result<(), String> {
    if NAMES.contains(&name) {
        return Ok(());
    }
    let names = NAMES.join(", ");
    Err(format!(
        "Data Pipeline has no function `{name}`; it has {names}"
    ))
}

/// Calls a function.
pub(super) fn call(name: &str, arguments: &[Known]) -> Result<Known, String> {
    check(name)?;
    let moment = || {
        let first = arguments.first().and_then(Known::moment);
        first.ok_or_else(|| format!("the first argument of `{name}` is no time"))
    };
    let whole = |at: usize| {
        let number = arguments.get(at).and_then(Known::number);
        let whole = number.filter(|number| number.fract() == 0.0 && number.abs() < 1e6);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is whole and below a million"
        )]
        whole
            .map(|number| number as i32)
            .ok_or_else(|| format!("argument {} of `{name}` is no whole number", at + 1))
    };
    let expected = match name {
        "makeDate" => 3,
        "makeDateTime" => 5,
        "format" | "inTimeZone" => 2,
        _ if name.starts_with("minus") || name.starts_with("plus") => 2,
        _ => 1,
    };
    if arguments.len() != expected {
        let given = arguments.len();
        return Err(format!("`{name}` takes {expected} arguments, not {given}"));
    }
    let out_of_range = |_: jiff::Error| format!("the result of `{name}` is no date");
    let small = |value: i32| i8::try_from(value).map_err(|_| format!("`{name}` of no date"));
    let result = match name {
        "day" => Known::Number(f64::from(moment()?.day())),
        "dayOfYear" => Known::Number(f64::from(moment()?.day_of_year())),
        "hour" => Known::Number(f64::from(moment()?.hour())),
        "minute" => Known::Number(f64::from(moment()?.minute())),
        "month" => Known::Number(f64::from(moment()?.month())),
        "year" => Known::Number(f64::from(moment()?.year())),
        "firstOfMonth" => Known::Moment(moment()?.first_of_month()),
        "midnight" => Known::Moment(moment()?.date().to_datetime(Time::midnight())),
        "sunday" => {
            let moment = moment()?;
            let days = i32::from(moment.weekday().to_sunday_zero_offset());
            Known::Moment(moment.checked_sub(days.days()).map_err(out_of_range)?)
        }
        "yesterday" => Known::Moment(moment()?.checked_sub(1.day()).map_err(out_of_range)?),
        "format" => match &arguments[1] {
            Known::Text(pattern) => Known::Text(pattern::format(moment()?, pattern)?),
            _ => return Err("the pattern of `format` is no text".to_owned()),
        },
        "inTimeZone" => {
            return Err("`inTimeZone` is not evaluated: write the time in UTC".to_owned());
        }
        "makeDate" | "makeDateTime" => {
            let year = i16::try_from(whole(0)?).map_err(|_| format!("`{name}` of no year"))?;
            let (month, day) = (small(whole(1)?)?, small(whole(2)?)?);
            let (hour, minute) = match name {
                "makeDate" => (0, 0),
                _ => (small(whole(3)?)?, small(whole(4)?)?),
            };
            let made = DateTime::new(year, month, day, hour, minute, 0, 0);
            Known::Moment(made.map_err(out_of_range)?)
        }
        _ => {
            let (sign, unit) = match name.strip_prefix("minus") {
                Some(unit) => (-1, unit),
                None => (1, name.trim_start_matches("plus")),
            };
            let span = span(unit, i64::from(sign * whole(1)?)).map_err(out_of_range)?;
            Known::Moment(moment()?.checked_add(span).map_err(out_of_range)?)
        }
    };
    Ok(result)
}

fn span(unit: &str, count: i64) -> Result<Span, jiff::Error> {
    let none = Span::new();
    match unit {
        "Minutes" => none.try_minutes(count),
        "Hours" => none.try_hours(count),
        "Days" => none.try_days(count),
        "Weeks" => none.try_weeks(count),
        "Months" => none.try_months(count),
        _ => none.try_years(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn of(name: &str, more: &[f64]) -> String {
        // The guide's example: a Tuesday.
        let moment = Known::Moment(date(2011, 5, 24).at(17, 10, 0, 0));
        let more = more.iter().map(|number| Known::Number(*number));
        let arguments: Vec<_> = [moment].into_iter().chain(more).collect();
        call(name, &arguments).map_or_else(|why| why, Known::text)
    }

    #[test]
    fn every_function_answers_as_the_guide_says() {
        for (name, says) in [
            ("day", "24"),
            ("dayOfYear", "144"),
            ("firstOfMonth", "2011-05-01T17:10:00"),
            ("hour", "17"),
            ("midnight", "2011-05-24T00:00:00"),
            ("minute", "10"),
            ("month", "5"),
            ("sunday", "2011-05-22T17:10:00"),
            ("year", "2011"),
            ("yesterday", "2011-05-23T17:10:00"),
        ] {
            assert_eq!(of(name, &[]), says, "{name}");
        }
        for (name, says) in [
            ("minusDays", "2011-05-23T17:10:00"),
            ("minusHours", "2011-05-24T16:10:00"),
            ("minusMinutes", "2011-05-24T17:09:00"),
            ("minusMonths", "2011-04-24T17:10:00"),
            ("minusWeeks", "2011-05-17T17:10:00"),
            ("minusYears", "2010-05-24T17:10:00"),
            ("plusDays", "2011-05-25T17:10:00"),
            ("plusHours", "2011-05-24T18:10:00"),
            ("plusMinutes", "2011-05-24T17:11:00"),
            ("plusMonths", "2011-06-24T17:10:00"),
            ("plusWeeks", "2011-05-31T17:10:00"),
            ("plusYears", "2012-05-24T17:10:00"),
        ] {
            assert_eq!(of(name, &[1.0]), says, "{name}");
        }
        let numbers = |all: &[f64]| -> Vec<_> { all.iter().map(|n| Known::Number(*n)).collect() };
        let made = call("makeDate", &numbers(&[2011.0, 5.0, 24.0])).unwrap();
        assert_eq!(made.text(), "2011-05-24T00:00:00");
        let made = call("makeDateTime", &numbers(&[2011.0, 5.0, 24.0, 14.0, 21.0])).unwrap();
        assert_eq!(made.text(), "2011-05-24T14:21:00");
        assert!(call("makeDate", &numbers(&[2011.0, 2.0, 30.0])).is_err());
        assert!(of("plusYears", &[99_999.0]).contains("is no date"));
        assert!(of("plusDays", &[0.5]).contains("no whole number"));
        assert!(of("tomorrow", &[]).contains("no function `tomorrow`"));
    }
}
