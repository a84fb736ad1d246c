//! Schedules of Data Pipeline as expressions of EventBridge Scheduler.

use crate::period::{Period, Unit};
use crate::report::Outcome;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan, Zoned};

/// Where times are shown, and when now is.
#[derive(Debug, Clone)]
pub struct Clock {
    /// The moment of the conversion.
    pub now: Timestamp,
    /// The time zone of the schedule, with its name.
    pub timezone: String,
    /// Its rules.
    pub rules: TimeZone,
}

impl Default for Clock {
    /// UTC, now.
    fn default() -> Self {
        Self {
            now: Timestamp::now(),
            timezone: "UTC".to_owned(),
            rules: TimeZone::UTC,
        }
    }
}

/// When the first run of a schedule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// At a time, in UTC.
    At(DateTime),
    /// When the pipeline is activated: at a time of day that only its owner knows.
    Activation,
}

/// A schedule for EventBridge Scheduler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Translation {
    /// `cron(…)` or `rate(…)`.
    pub expression: String,
    /// In words.
    pub words: String,
    /// How well the period is kept.
    pub period: (Outcome, String),
    /// How well the start is kept.
    pub start: (Outcome, String),
    /// The first run, if it is still to come: a time of UTC, as a schedule's start is written.
    pub first: Option<String>,
}

/// A moment of UTC.
fn utc(moment: DateTime) -> Option<Zoned> {
    moment.to_zoned(TimeZone::UTC).ok()
}

/// A moment as the start or the end of a schedule is written.
pub(crate) fn written(moment: &Zoned) -> String {
    moment
        .with_time_zone(TimeZone::UTC)
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

pub(crate) fn after(period: Period, times: i64) -> Span {
    match (period.minutes(), period.months()) {
        (Some(minutes), _) => (minutes * times).minutes(),
        (None, months) => (months.unwrap_or(1) * times).months(),
    }
}

/// Instances from the start up to now, and the first one after it.
fn instances(first: &Zoned, period: Period, now: Timestamp) -> (i64, Zoned) {
    let elapsed = now.as_second() - first.timestamp().as_second();
    if elapsed < 0 {
        return (0, first.clone());
    }
    let shortest = period.minutes().unwrap_or(28 * 24 * 60) * 60;
    let shortest = shortest * period.months().unwrap_or(1);
    // Months are longer than 28 days, so their number is sought downwards.
    let mut times = elapsed / shortest + 1;
    let at = |times: i64| first.checked_add(after(period, times)).ok();
    while times > 1 && at(times - 1).is_some_and(|moment| moment.timestamp() > now) {
        times -= 1;
    }
    (times, at(times).unwrap_or_else(|| first.clone()))
}

/// The expression for a period from a start on, and the start of its first run, `delay` periods later,
/// if it is to come. The second part says what of the past is not run.
pub(crate) fn translate(
    period: Period,
    start: Start,
    delay: i64,
    clock: &Clock,
) -> (Translation, Option<String>) {
    let (first, start_is) = match start {
        Start::At(moment) => (
            utc(moment),
            (
                Outcome::Derived,
                "the schedule's time of day and day".to_owned(),
            ),
        ),
        Start::Activation => {
            let now = clock.now.to_zoned(TimeZone::UTC);
            let hour = now.datetime().date().at(now.hour(), 0, 0, 0);
            let why = "the time of day of the activation is not in the definition: set the time \
                       that you want in the schedule's file";
            (utc(hour), (Outcome::Approximated, why.to_owned()))
        }
    };
    let first = first.unwrap_or_else(|| clock.now.to_zoned(TimeZone::UTC));
    let is_to_come = first.timestamp() > clock.now;
    let start_is = if is_to_come {
        let why = "the schedule starts no run before; deploy it before then";
        (Outcome::Derived, why.to_owned())
    } else {
        start_is
    };
    let (past, next) = instances(&first, period, clock.now);
    let wall = next.timestamp().to_zoned(clock.rules.clone());
    let (expression, words, mut outcome) = expression(period, first.day(), &wall, &clock.timezone);
    let is_utc = clock.timezone == "UTC";
    if !is_utc && outcome.0 == Outcome::Derived {
        outcome = (
            Outcome::Approximated,
            format!(
                "in {}, so that it moves with summer time; in UTC it did not",
                clock.timezone
            ),
        );
    }
    let is_past = past > 0 && matches!(start, Start::At(_));
    let note = is_past.then(|| {
        format!(
            "Data Pipeline has run {past} instances since {first}, or would run them now; Millrace \
             exports the table as it is now, and runs none of them.",
            first = first.strftime("%Y-%m-%d %H:%M UTC")
        )
    });
    let translation = Translation {
        expression,
        words,
        period: outcome,
        start: start_is,
        first: is_to_come.then(|| {
            let run = first.checked_add(after(period, delay));
            written(run.as_ref().unwrap_or(&first))
        }),
    };
    (translation, note)
}

type Expression = (String, String, (Outcome, String));

fn expression(period: Period, day: i8, wall: &Zoned, timezone: &str) -> Expression {
    let (minute, hour) = (i64::from(wall.minute()), i64::from(wall.hour()));
    let time = format!("{hour:02}:{minute:02} {timezone}");
    let exact = |expression: String, words: String| {
        (
            expression,
            words,
            (Outcome::Derived, "the schedule".to_owned()),
        )
    };
    let count = period.count;
    match period.unit {
        Unit::Minutes if 60 % count == 0 => exact(
            format!("cron({}/{count} * * * ? *)", minute % count),
            format!("every {count} minutes"),
        ),
        Unit::Hours if count == 1 => exact(
            format!("cron({minute} * * * ? *)"),
            format!("every hour at minute {minute}"),
        ),
        Unit::Hours if 24 % count == 0 => exact(
            format!("cron({minute} {}/{count} * * ? *)", hour % count),
            format!("every {count} hours, also at {time}"),
        ),
        Unit::Days if count == 1 => exact(
            format!("cron({minute} {hour} * * ? *)"),
            format!("every day at {time}"),
        ),
        Unit::Weeks if count == 1 => {
            let name = wall.strftime("%a").to_string();
            exact(
                format!("cron({minute} {hour} ? * {} *)", name.to_ascii_uppercase()),
                format!("every {} at {time}", wall.strftime("%A")),
            )
        }
        Unit::Months if 12 % count == 0 => monthly(period, day, wall, &time),
        Unit::Years => monthly(period, day, wall, &time),
        Unit::Months => rate(count * 30, "days"),
        Unit::Minutes => rate(count, "minutes"),
        Unit::Hours => rate(count, "hours"),
        Unit::Days => rate(count, "days"),
        Unit::Weeks => rate(count * 7, "days"),
    }
}

fn rate(count: i64, unit: &str) -> Expression {
    let why = "a rate counts from when its schedule is enabled: enable it at the time of day that \
               you want";
    (
        format!("rate({count} {unit})"),
        format!("every {count} {unit}"),
        (Outcome::Approximated, why.to_owned()),
    )
}

fn monthly(period: Period, day: i8, wall: &Zoned, time: &str) -> Expression {
    let (minute, hour, month) = (wall.minute(), wall.hour(), i64::from(wall.month()));
    let step = period.months().unwrap_or(1);
    let runs = (12 / step).max(1);
    let mut months: Vec<_> = (0..runs)
        .map(|at| (month - 1 + at * step) % 12 + 1)
        .collect();
    months.sort_unstable();
    let days_of = |month: &i64| match month {
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let shortest = months.iter().map(days_of).min().unwrap_or(28);
    let months = if step == 1 {
        "*".to_owned()
    } else {
        let months: Vec<_> = months.iter().map(i64::to_string).collect();
        months.join(",")
    };
    let years = match step / 12 {
        0 | 1 => "*".to_owned(),
        count => format!("{}/{count}", wall.year()),
    };
    // In the zone the day may be another one: the last of a month instead of the first of the next.
    let is_late = day.max(wall.day()) > shortest || (day == 1 && wall.day() > 1);
    let day = if is_late {
        "L".to_owned()
    } else {
        wall.day().to_string()
    };
    let outcome = if is_late {
        let why = "on the last day of the month, because not each of its months has that day";
        (Outcome::Approximated, why.to_owned())
    } else {
        (Outcome::Derived, "the schedule".to_owned())
    };
    let every = match (step, step / 12) {
        (1, _) => "every month".to_owned(),
        (_, 0) => format!("every {step} months"),
        (_, 1) => "every year".to_owned(),
        (_, years) => format!("every {years} years"),
    };
    (
        format!("cron({minute} {hour} {day} {months} ? {years})"),
        format!("{every} at {time}"),
        outcome,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(now: &str) -> Clock {
        Clock {
            now: now.parse().unwrap(),
            ..Clock::default()
        }
    }

    fn of(period: &str, start: &str, clock: &Clock) -> (Translation, Option<String>) {
        let start = crate::period::moment(start).map_or(Start::Activation, Start::At);
        translate(Period::read(period).unwrap(), start, 0, clock)
    }

    #[test]
    fn periods_become_expressions_that_keep_the_time() {
        let clock = clock("2026-11-28T10:00:00Z");
        for (period, start, expression, outcome) in [
            (
                "15 minutes",
                "2026-01-01T00:07:00",
                "cron(7/15 * * * ? *)",
                Outcome::Derived,
            ),
            (
                "40 minutes",
                "2026-01-01T00:07:00",
                "rate(40 minutes)",
                Outcome::Approximated,
            ),
            (
                "1 hour",
                "2026-01-01T00:30:00",
                "cron(30 * * * ? *)",
                Outcome::Derived,
            ),
            (
                "6 hours",
                "2026-01-01T21:45:00",
                "cron(45 3/6 * * ? *)",
                Outcome::Derived,
            ),
            (
                "5 hours",
                "2026-01-01T21:45:00",
                "rate(5 hours)",
                Outcome::Approximated,
            ),
            (
                "1 day",
                "2013-08-26T21:45:00",
                "cron(45 21 * * ? *)",
                Outcome::Derived,
            ),
            (
                "3 days",
                "2013-08-26T21:45:00",
                "rate(3 days)",
                Outcome::Approximated,
            ),
            // A Monday.
            (
                "7 days",
                "2013-08-26T21:45:00",
                "cron(45 21 ? * MON *)",
                Outcome::Derived,
            ),
            (
                "2 weeks",
                "2013-08-26T21:45:00",
                "rate(14 days)",
                Outcome::Approximated,
            ),
            (
                "1 month",
                "2013-08-26T21:45:00",
                "cron(45 21 26 * ? *)",
                Outcome::Derived,
            ),
            (
                "1 month",
                "2013-08-31T21:45:00",
                "cron(45 21 L * ? *)",
                Outcome::Approximated,
            ),
            (
                "3 months",
                "2013-08-26T00:00:00",
                "cron(0 0 26 2,5,8,11 ? *)",
                Outcome::Derived,
            ),
            (
                "5 months",
                "2013-08-26T00:00:00",
                "rate(150 days)",
                Outcome::Approximated,
            ),
        ] {
            let (made, _) = of(period, start, &clock);
            assert_eq!(made.expression, expression, "{period}");
            assert_eq!(made.period.0, outcome, "{period}");
        }
    }

    #[test]
    fn a_year_keeps_its_day() {
        let clock = clock("2026-11-28T10:00:00Z");
        for (period, start, expression) in [
            ("1 year", "2013-08-26T00:00:00", "cron(0 0 26 8 ? *)"),
            ("1 year", "2013-03-29T00:00:00", "cron(0 0 29 3 ? *)"),
            ("2 years", "2013-08-26T00:00:00", "cron(0 0 26 8 ? 2027/2)"),
        ] {
            let (made, _) = of(period, start, &clock);
            assert_eq!(made.expression, expression, "{period}");
            assert_eq!(made.period.0, Outcome::Derived, "{period}");
        }
    }

    #[test]
    fn instances_of_the_past_are_counted_and_not_run() {
        let (_, note) = of(
            "1 day",
            "2026-11-26T21:45:00",
            &clock("2026-11-28T10:00:00Z"),
        );
        assert!(note.unwrap().contains("has run 2 instances"));
        let (_, note) = of(
            "1 month",
            "2026-01-31T00:00:00",
            &clock("2026-03-31T00:00:00Z"),
        );
        assert!(note.unwrap().contains("has run 3 instances"));
        let (made, note) = of(
            "1 day",
            "2026-11-29T21:45:00",
            &clock("2026-11-28T10:00:00Z"),
        );
        assert_eq!((made.start.0, note), (Outcome::Derived, None));
        assert_eq!(made.first.as_deref(), Some("2026-11-29T21:45:00Z"));
    }

    #[test]
    fn an_activation_has_no_time_of_day() {
        let (made, note) = of(
            "1 day",
            "FIRST_ACTIVATION_DATE_TIME",
            &clock("2026-11-28T10:23:00Z"),
        );
        assert_eq!(made.expression, "cron(0 10 * * ? *)");
        assert_eq!((made.start.0, note), (Outcome::Approximated, None));
    }

    #[test]
    fn a_time_zone_shows_the_wall_time() {
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let zone = |now: &str| Clock {
            timezone: "Europe/Berlin".to_owned(),
            rules: berlin.clone(),
            ..clock(now)
        };
        // A Monday evening in UTC is Tuesday in Berlin.
        let (made, _) = of(
            "1 week",
            "2013-08-26T23:30:00",
            &zone("2026-07-01T00:00:00Z"),
        );
        assert_eq!(made.expression, "cron(30 1 ? * TUE *)");
        assert_eq!(made.period.0, Outcome::Approximated);
        let (made, _) = of(
            "1 day",
            "2013-08-26T23:30:00",
            &zone("2026-12-01T00:00:00Z"),
        );
        assert_eq!(made.expression, "cron(30 0 * * ? *)");
        // The first of the month in UTC is the last in New York, in every month.
        let new_york = Clock {
            timezone: "America/New_York".to_owned(),
            rules: TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap(),
            ..clock("2026-11-28T10:00:00Z")
        };
        let (made, _) = of("1 month", "2026-01-01T02:00:00", &new_york);
        assert_eq!(made.expression, "cron(0 21 L * ? *)");
        let summer = Clock {
            now: "2026-05-01T00:00:00Z".parse().unwrap(),
            ..new_york
        };
        let (made, _) = of("3 months", "2026-01-01T02:00:00", &summer);
        assert_eq!(made.expression, "cron(0 22 L 3,6,9,12 ? *)");
        assert_eq!(made.period.0, Outcome::Approximated);
    }
}
