//! Conversion to numbers.

use super::plain;
use crate::error::SqlError;
use crate::store::types::Type;
use crate::store::value::Value;

/// The largest decimal: 38 digits.
const LARGEST: i128 = 10_i128.pow(38) - 1;

pub(super) fn bit(value: &Value) -> Option<Value> {
    Some(Value::Bit(match value {
        Value::Bit(bit) => *bit,
        Value::Text(text) => match plain(text).trim().to_ascii_lowercase().as_str() {
            "true" => true,
            "false" => false,
            number => number.parse::<i64>().ok()? != 0,
        },
        other => exact(other, 4)? != 0,
    }))
}

pub(super) fn integer(
    value: &Value,
    from: Type,
    to: Type,
    low: i64,
    high: i64,
) -> Result<Value, SqlError> {
    let number = match value {
        Value::Int(number) => i128::from(*number),
        Value::Bit(bit) => i128::from(*bit),
        Value::Decimal(units, scale) => units / 10_i128.pow(u32::from(*scale)),
        Value::Money(units) => i128::from(*units) / 10_000,
        #[allow(
            clippy::cast_possible_truncation,
            reason = "the range is checked below"
        )]
        Value::Real(_) | Value::Float(_) => {
            float(value).map(f64::trunc).unwrap_or_default() as i128
        }
        // The last bytes count, as of a binary that is too long.
        Value::Bytes(bytes) => {
            let start = bytes.len().saturating_sub(8);
            let number = bytes[start..].iter();
            let number = number.fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
            i128::from(number.cast_signed())
        }
        Value::Text(text) => {
            let text = plain(text);
            let number = text.trim().parse::<i128>();
            number.map_err(|_| SqlError::conversion(from.name(), to.name()))?
        }
        _ => return Err(SqlError::conversion(from.name(), to.name())),
    };
    let number = i64::try_from(number).ok();
    let number = number.filter(|number| (low..=high).contains(number));
    number
        .map(Value::Int)
        .ok_or_else(|| SqlError::overflow(to.name()))
}

/// The number in units of its last digit, of so many behind the point; halves are rounded away from
/// zero.
pub(super) fn exact(value: &Value, scale: u8) -> Option<i128> {
    let (units, has) = match value {
        Value::Bit(bit) => (i128::from(*bit), 0),
        Value::Int(number) => (i128::from(*number), 0),
        Value::Decimal(units, scale) => (*units, *scale),
        Value::Money(units) => (i128::from(*units), 4),
        Value::Text(text) => return decimal(plain(text).trim(), scale),
        Value::Real(_) | Value::Float(_) => {
            return decimal(&format!("{}", float(value)?), scale);
        }
        _ => return None,
    };
    rescaled(units, has, scale)
}

pub(super) fn rescaled(units: i128, has: u8, scale: u8) -> Option<i128> {
    if scale >= has {
        return units.checked_mul(10_i128.checked_pow(u32::from(scale - has))?);
    }
    let unit = 10_i128.pow(u32::from(has - scale));
    let (whole, rest) = (units / unit, units % unit);
    let is_half = rest.unsigned_abs() * 2 >= unit.unsigned_abs();
    Some(whole + if is_half { rest.signum() } else { 0 })
}

/// Reads a number such as `-12.50`.
pub fn decimal(text: &str, scale: u8) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (if text.starts_with('-') { -1 } else { 1 }, rest),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = whole
        .bytes()
        .chain(fraction.bytes())
        .all(|byte| byte.is_ascii_digit());
    if !is_number || whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let kept = fraction.get(..usize::from(scale) + 1).unwrap_or(fraction);
    let units = format!("0{whole}{kept}").parse::<i128>().ok()?;
    rescaled(sign * units, u8::try_from(kept.len()).ok()?, scale)
}

#[allow(
    clippy::cast_precision_loss,
    reason = "an approximate number is the nearest one"
)]
pub(super) fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Real(number) => Some(f64::from(*number)),
        Value::Float(number) => Some(*number),
        Value::Int(number) => Some(*number as f64),
        Value::Text(text) => plain(text)
            .trim()
            .parse()
            .ok()
            .filter(|f: &f64| f.is_finite()),
        Value::Decimal(..) | Value::Money(_) | Value::Bit(_) => {
            decimal_text_of(value)?.parse().ok()
        }
        _ => None,
    }
}

fn decimal_text_of(value: &Value) -> Option<String> {
    Some(match value {
        Value::Bit(bit) => u8::from(*bit).to_string(),
        Value::Decimal(units, scale) => decimal_text(*units, *scale),
        Value::Money(units) => decimal_text(i128::from(*units), 4),
        _ => return None,
    })
}

/// `-12.50`.
pub(super) fn decimal_text(units: i128, scale: u8) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

/// The sum of decimals of one scale, if it has at most 38 digits.
pub fn add(a: i128, b: i128) -> Result<i128, SqlError> {
    let sum = a.checked_add(b);
    let sum = sum.filter(|sum| (-LARGEST..=LARGEST).contains(sum));
    sum.ok_or_else(|| SqlError::overflow("numeric"))
}
