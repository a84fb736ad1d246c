//! Conversion to dates and times, and their text.

use super::plain;
use crate::store::moments::{self, DAY, DAY_OF_DATETIME, DAYS_TO_1900, Moment};
use crate::store::types::Type;
use crate::store::value::Value;

pub(super) fn moment(value: &Value) -> Option<Moment> {
    let of = |day: i64, time: i64| Moment {
        day: Some(day),
        time: Some(time),
        offset: None,
    };
    Some(match value {
        Value::Date(day) => Moment {
            day: Some(*day),
            time: None,
            offset: None,
        },
        Value::Time(time) => Moment {
            day: None,
            time: Some(*time),
            offset: None,
        },
        Value::DateTime(ticks) => of(
            ticks.div_euclid(DAY_OF_DATETIME) + DAYS_TO_1900,
            (ticks.rem_euclid(DAY_OF_DATETIME) * 100_000 + 1) / 3,
        ),
        Value::SmallDateTime(minutes) => of(
            minutes.div_euclid(1440) + DAYS_TO_1900,
            minutes.rem_euclid(1440) * 60 * moments::SECOND,
        ),
        Value::DateTime2(time) => of(time.div_euclid(DAY), time.rem_euclid(DAY)),
        Value::DateTimeOffset(time, offset) => {
            let local = time + i64::from(*offset) * 60 * moments::SECOND;
            Moment {
                offset: Some(*offset),
                ..of(local.div_euclid(DAY), local.rem_euclid(DAY))
            }
        }
        Value::Text(text) => moments::parse(&plain(text))?,
        _ => return None,
    })
}

pub(super) fn of_moment(moment: Moment, to: Type) -> Option<Value> {
    // A time alone is of the first day that the older types have.
    let day = moment.day.unwrap_or(DAYS_TO_1900);
    let time = moment.time.unwrap_or(0);
    let all = day * DAY + time;
    let is_within = |all: i64| (0..(moments::LAST_DAY + 1) * DAY).contains(&all);
    Some(match to {
        Type::Date => Value::Date(day),
        Type::Time(scale) => Value::Time(moments::round(time, scale) % DAY),
        Type::DateTime => {
            let ticks = (time * 3 + 50_000) / 100_000;
            let ticks = (day - DAYS_TO_1900) * DAY_OF_DATETIME + ticks;
            let first = (moments::days(1753, 1, 1)? - DAYS_TO_1900) * DAY_OF_DATETIME;
            let last = (moments::LAST_DAY + 1 - DAYS_TO_1900) * DAY_OF_DATETIME;
            Value::DateTime(Some(ticks).filter(|ticks| (first..last).contains(ticks))?)
        }
        Type::SmallDateTime => {
            // 29.998 seconds are rounded down, 29.999 up: the value is one of `datetime` first.
            let seconds = (time * 3 + 50_000) / 100_000 / 300;
            let minutes = (day - DAYS_TO_1900) * 1440 + (seconds + 30) / 60;
            let fits = (0..=65_535 * 1440 + 1439).contains(&minutes);
            Value::SmallDateTime(Some(minutes).filter(|_| fits)?)
        }
        Type::DateTime2(scale) => {
            let rounded = moments::round(all, scale);
            Value::DateTime2(Some(rounded).filter(|all| is_within(*all))?)
        }
        Type::DateTimeOffset(scale) => {
            let offset = moment.offset.unwrap_or(0);
            let rounded = moments::round(all, scale);
            let utc = rounded - i64::from(offset) * 60 * moments::SECOND;
            Value::DateTimeOffset(
                Some(utc).filter(|utc| is_within(*utc) && is_within(rounded))?,
                offset,
            )
        }
        _ => return None,
    })
}

/// Styles 126 (ISO 8601), 121 (with a blank), 127 (in UTC) and 0, where it is 121 for a type.
pub(super) fn moment_text(value: &Value, from: Type, style: i64) -> Option<String> {
    let is_new = !matches!(from, Type::DateTime | Type::SmallDateTime);
    let separator = match style {
        126 | 127 => 'T',
        21 | 25 | 121 => ' ',
        0 if is_new => ' ',
        _ => return None,
    };
    let scale = match from {
        Type::DateTime => 3,
        _ => from.precision_and_scale().1,
    };
    let mut moment = moment(value)?;
    if let Value::DateTimeOffset(utc, _) = value
        && style == 127
    {
        moment.day = Some(utc.div_euclid(DAY));
        moment.time = Some(utc.rem_euclid(DAY));
    }
    let day = moment.day.map(moments::date_text);
    let time = moment.time.map(|time| {
        let time = match from {
            Type::DateTime => moments::round(time, 3),
            _ => time,
        };
        // ISO 8601 as SQL Server writes it has no fraction that is zero.
        let digits = if separator == 'T' && time % moments::SECOND == 0 {
            0
        } else {
            scale
        };
        moments::time_text(time, digits)
    });
    let offset = moment.offset.map(|offset| match style {
        126 => moments::offset_text(offset),
        127 => "Z".to_owned(),
        _ => format!(" {}", moments::offset_text(offset)),
    });
    let mut text = match (day, time) {
        (Some(day), Some(time)) => format!("{day}{separator}{time}"),
        (Some(text), None) | (None, Some(text)) => text,
        (None, None) => return None,
    };
    text.push_str(&offset.unwrap_or_default());
    Some(text)
}
