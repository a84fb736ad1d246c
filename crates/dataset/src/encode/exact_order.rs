//! The exact order of numbers and moments, in 24 bytes: DynamoDB's numbers have 38 digits, of which
//! float64 keeps 16, and moments have nanoseconds.

use crate::columns::Latest;
use crate::encode::moment::Moment;
use crate::encode::numeric_text;
use dynamodb_json::Value;
use profile::Significand;

/// A value's rank among others of its type: the sign with the exponent, then the digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ExactOrder(i16, u64, u64);

/// Digits of DynamoDB's longest number.
const DIGITS: usize = 38;

/// Greater than the magnitude of every exponent: those of DynamoDB end at 126.
const EXPONENTS: i16 = 10_000;

impl ExactOrder {
    /// Below every value.
    pub(crate) const LEAST: Self = Self(i16::MIN, 0, 0);

    /// The rank of a number or moment, also if it is written as text; `None` for anything else.
    pub(crate) fn of(value: &Value<'_>, latest: Latest) -> Option<Self> {
        match (latest, value) {
            (Latest::Numbers, Value::N(raw)) => Self::of_number(raw),
            (Latest::Numbers, Value::S(text)) => {
                Self::of_number(numeric_text::number(&text.decode())?)
            }
            (Latest::Moments, Value::S(text)) => {
                let nanoseconds = Moment::parse(&text.decode())?.nanoseconds();
                Self::new(nanoseconds < 0, 1, nanoseconds.unsigned_abs())
            }
            _ => None,
        }
    }

    fn of_number(raw: &str) -> Option<Self> {
        let number = Significand::parse(raw)?;
        if number.digits.is_empty() {
            return Some(Self(0, 0, 0));
        }
        if number.digits.len() > DIGITS {
            return None;
        }
        let point = i16::try_from(number.point).ok()?;
        let digits: u128 = format!("{:0<DIGITS$}", number.digits).parse().ok()?;
        Self::new(number.negative, point, digits)
    }

    fn new(is_negative: bool, exponent: i16, digits: u128) -> Option<Self> {
        if exponent.abs() >= EXPONENTS {
            return None;
        }
        if digits == 0 {
            return Some(Self(0, 0, 0));
        }
        let place = exponent + EXPONENTS + 1;
        // Of negative numbers the greater has the lesser size.
        let (place, digits) = if is_negative {
            (-place, !digits)
        } else {
            (place, digits)
        };
        #[expect(clippy::cast_possible_truncation, reason = "the halves of the digits")]
        Some(Self(place, (digits >> 64) as u64, digits as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_order_to_their_last_digit() {
        let sorted = [
            "-1E125",
            "-12345678901234567890123456789012345678",
            "-12345678901234567890123456789012345677",
            "-2",
            "-1.5",
            "-1",
            "-1E-130",
            "0",
            "1E-130",
            "0.1",
            "0.10000000000000000001",
            "1",
            "9.99",
            "10",
            "9007199254740992",
            "9007199254740993",
            "12345678901234567890123456789012345677",
            "12345678901234567890123456789012345678",
            "1E125",
        ];
        let orders: Vec<_> = sorted
            .iter()
            .map(|raw| ExactOrder::of_number(raw).unwrap())
            .collect();
        assert!(
            orders.is_sorted_by(|left, right| left < right),
            "{orders:?}"
        );
        assert!(ExactOrder::LEAST < orders[0]);
        for same in ["1", "1.0", "+01", "10E-1", "0.1E1"] {
            assert_eq!(
                ExactOrder::of_number(same),
                ExactOrder::of_number("1"),
                "{same}"
            );
        }
    }

    #[test]
    fn moments_are_in_order_to_the_nanosecond() {
        let order = |text: &str| {
            let item = format!(r#"{{"at":{{"S":"{text}"}}}}"#);
            let item = dynamodb_json::parse_item(item.as_bytes()).unwrap();
            ExactOrder::of(&item.get("at").unwrap(), Latest::Moments)
        };
        let sorted = [
            "1969-12-31T23:59:59.999999998Z",
            "1969-12-31T23:59:59.999999999Z",
            "1970-01-01T00:00:00Z",
            "2026-01-01T00:00:00.000000001Z",
            "2026-01-01T00:00:00.000000002Z",
            "9999-12-31T23:59:59.999999999Z",
        ];
        assert!(
            sorted
                .map(order)
                .is_sorted_by(|left, right| left.is_some() && left < right)
        );
        assert_eq!(order("v12"), None);
    }
}
