//! Joda's patterns of dates, those letters that a pipeline in UTC needs.

use jiff::civil::DateTime;

/// The most letters of one field.
const MAX_LETTERS: usize = 100;

/// A moment in UTC by a pattern.
pub(super) fn format(moment: DateTime, pattern: &str) -> Result<String, String> {
    let mut made = String::new();
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '\'' {
            if letters.next_if_eq(&'\'').is_some() {
                made.push('\'');
                continue;
            }
            loop {
                match letters.next() {
                    None => return Err("its pattern has a quote that does not end".to_owned()),
                    Some('\'') => break,
                    Some(letter) => made.push(letter),
                }
            }
            continue;
        }
        if !letter.is_ascii_alphabetic() {
            made.push(letter);
            continue;
        }
        let mut count = 1;
        while letters.next_if_eq(&letter).is_some() {
            count += 1;
        }
        // `format!` panics at a width that 16 bits do not hold.
        if count > MAX_LETTERS {
            return Err(format!(
                "its pattern repeats `{letter}` more than {MAX_LETTERS} times"
            ));
        }
        made.push_str(&field(moment, letter, count)?);
    }
    Ok(made)
}

fn field(moment: DateTime, letter: char, count: usize) -> Result<String, String> {
    let number = |value: i64| format!("{value:0count$}");
    let name = |format: &str| moment.strftime(format).to_string();
    let hour = i64::from(moment.hour());
    Ok(match letter {
        // Year of era, year, and week-year, which differs from the year within a week of its turn.
        'Y' | 'y' | 'x' => {
            let year = match letter {
                'x' => moment.date().iso_week_date().year(),
                _ => moment.year(),
            };
            match count {
                2 => format!("{:02}", year.rem_euclid(100)),
                _ => number(i64::from(year)),
            }
        }
        'M' => match count {
            1 | 2 => number(i64::from(moment.month())),
            3 => name("%b"),
            _ => name("%B"),
        },
        'd' => number(i64::from(moment.day())),
        'D' => number(i64::from(moment.day_of_year())),
        'w' => number(i64::from(moment.date().iso_week_date().week())),
        'e' => number(i64::from(moment.weekday().to_monday_one_offset())),
        'E' => name(if count < 4 { "%a" } else { "%A" }),
        'a' => (if hour < 12 { "AM" } else { "PM" }).to_owned(),
        'H' => number(hour),
        'k' => number(if hour == 0 { 24 } else { hour }),
        'K' => number(hour % 12),
        'h' => number(if hour % 12 == 0 { 12 } else { hour % 12 }),
        'm' => number(i64::from(moment.minute())),
        's' => number(i64::from(moment.second())),
        'S' => {
            let digits = format!("{:09}", moment.subsec_nanosecond());
            digits
                .chars()
                .chain(std::iter::repeat('0'))
                .take(count)
                .collect()
        }
        'z' | 'Z' => match (letter, count) {
            ('z', 1..=3) => "UTC".to_owned(),
            ('z', _) => "Coordinated Universal Time".to_owned(),
            (_, 1) => "+0000".to_owned(),
            (_, 2) => "+00:00".to_owned(),
            _ => "UTC".to_owned(),
        },
        'G' => "AD".to_owned(),
        'C' => number(i64::from(moment.year()) / 100),
        _ => {
            return Err(format!(
                "its pattern has the letter `{letter}`, which Joda does not know"
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn patterns_of_the_guide_are_jodas() {
        let moment = date(2011, 5, 4).at(17, 10, 9, 120_000_000);
        for (pattern, says) in [
            ("YYYY-MM-dd hh:mm:ss", "2011-05-04 05:10:09"),
            ("YYYY-MM-dd-HH-mm-ss", "2011-05-04-17-10-09"),
            ("yyyy-MM-dd'T'HH:mm:ss.SSS", "2011-05-04T17:10:09.120"),
            ("YYYY-MM-dd HH:mm:ss z", "2011-05-04 17:10:09 UTC"),
            (
                "d/M/yy D E EEEE MMM MMMM a",
                "4/5/11 124 Wed Wednesday May May PM",
            ),
            ("''yyyy''", "'2011'"),
        ] {
            assert_eq!(format(moment, pattern).unwrap(), says, "{pattern}");
        }
        assert!(format(moment, "q").unwrap_err().contains("`q`"));
        assert!(format(moment, "'a").is_err());
        assert!(format(moment, &"d".repeat(70_000)).is_err());
    }
}
