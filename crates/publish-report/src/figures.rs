//! Figures as people write them.

/// A count: `20,000`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number that counts something, rounded; none is below zero.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are positive and far below 2^64"
)]
pub fn whole(number: f64) -> u64 {
    number.max(0.0).round() as u64
}

/// A count of things: `1 item`, `2 items`.
pub fn of(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", count(number))
}

/// A share of one: `0.4 %`. A share that is not 0 is not shown as 0, and one below 1 not as 100.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.05 {
        return "under 0.1 %".to_owned();
    }
    if percent > 99.95 && percent < 100.0 {
        return "over 99.9 %".to_owned();
    }
    let text = format!("{percent:.1}");
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

/// A number in few digits: `0.6222`, `12.5`, `3.2e-7`.
pub fn short(number: f64) -> String {
    let size = number.abs();
    if number.fract() == 0.0 && size < 1e15 {
        return grouped(&format!("{number:.0}"));
    }
    if (1e-3..1e7).contains(&size) {
        let text = if size >= 1000.0 {
            format!("{number:.1}")
        } else {
            format!("{number:.4}")
        };
        let text = if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.')
        } else {
            &text
        };
        return grouped(text);
    }
    format!("{number:.2e}")
}

/// A number with its thousands apart.
fn grouped(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |it| ("-", it));
    let (whole, fraction) = rest.split_once('.').map_or((rest, ""), |it| it);
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), count);
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

/// US dollars: `$1.20`, or `under $0.01`.
pub fn dollars(amount: f64) -> String {
    if amount == 0.0 {
        "$0".to_owned()
    } else if amount < 0.005 {
        "under $0.01".to_owned()
    } else {
        format!("${}", grouped(&format!("{amount:.2}")))
    }
}

/// Seconds: `0.3 s`, `12 s`, `5 min 40 s`, `2 h 5 min`.
pub fn duration(seconds: f64) -> String {
    if seconds < 9.95 {
        return format!("{:.1} s", seconds.max(0.0));
    }
    let whole = whole(seconds);
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest} s"),
        (0, _) => format!("{minutes} min {rest} s"),
        _ => format!("{hours} h {minutes} min"),
    }
}

/// Bytes: `13.2 MB`.
pub fn bytes(number: u64) -> String {
    let mut size = number as f64;
    for unit in ["bytes", "kB", "MB", "GB", "TB"] {
        if size < 999.5 || unit == "TB" {
            return if unit == "bytes" {
                format!("{number} bytes")
            } else {
                format!("{size:.1} {unit}")
            };
        }
        size /= 1000.0;
    }
    format!("{number} bytes")
}

/// A time to the minute: `2026-11-20 17:30 UTC`.
pub fn minute(time: &str) -> String {
    match (time.get(..10), time.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute} UTC"),
        _ => time.to_owned(),
    }
}

/// Text from a table, cut to so many characters.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_rounded_for_people() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [0.0, 0.0001, 0.003_750_000_000_000_031, 0.05, 0.9999, 1.0].map(percent),
            ["0 %", "under 0.1 %", "0.4 %", "5 %", "over 99.9 %", "100 %"]
        );
        assert_eq!(
            [0.0, 0.622_214, -12.5, 20_000.0, 3.2e-7, 1e9, 1e20].map(short),
            [
                "0",
                "0.6222",
                "-12.5",
                "20,000",
                "3.20e-7",
                "1,000,000,000",
                "1.00e20"
            ]
        );
        assert_eq!(
            [0.0, 0.001, 0.32, 1234.5].map(dollars),
            ["$0", "under $0.01", "$0.32", "$1,234.50"]
        );
        assert_eq!(
            [0.31, 12.0, 59.7, 340.0, 7500.0].map(duration),
            ["0.3 s", "12 s", "1 min 0 s", "5 min 40 s", "2 h 5 min"]
        );
        assert_eq!([12, 1_300_000].map(bytes), ["12 bytes", "1.3 MB"]);
        assert_eq!(minute("2026-11-20T17:30:00.123Z"), "2026-11-20 17:30 UTC");
        assert_eq!(cut("äöü", 2), "äö…");
        assert_eq!(of(1, "row"), "1 row");
    }
}
