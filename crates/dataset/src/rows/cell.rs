//! A number of a row: a float32, and the shortest text that parses to it. Each is computed on
//! request, unless it is known.

use crate::encode::reject::RejectReason;
use definition::Precision;
use profile::{Decimal, Digits};
use std::io::Write as _;

/// A finite float32 of a row.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a>(Form<'a>);

#[derive(Debug, Clone, Copy)]
enum Form<'a> {
    Value(f32),
    /// A whole number that float32 holds.
    Whole(u32),
    /// The item's own text, which is the shortest already.
    Written(&'a str, Digits),
}

/// Every whole number up to this is a float32.
const EXACT: u32 = 1 << 24;

/// The greatest number that XGBoost reads from CSV: it reads float32's greatest, 3.4028235e38, as
/// infinite.
pub(crate) const GREATEST: f32 = 3.402_823e38;

/// Decimals of at most this many digits survive a conversion to float32.
const KEPT: u64 = 999_999;

/// Decimal places of the least number that is written without an exponent.
const PLACES: u32 = 5;

impl<'a> Cell<'a> {
    /// The cell of a finite number. Zero has no sign.
    pub(crate) const fn value_of(value: f32) -> Self {
        Self(Form::Value(if value == 0.0 { 0.0 } else { value }))
    }

    /// The cell of a whole number, a code or a flag; beyond 2^24 it is rounded.
    pub(crate) const fn whole(value: u32) -> Self {
        if value <= EXACT {
            Self(Form::Whole(value))
        } else {
            Self(Form::Value(value as f32))
        }
    }

    /// The cell of a number as an item writes it.
    #[inline]
    pub(crate) fn read(raw: &'a str, precision: Precision) -> Result<Self, RejectReason> {
        match short(raw) {
            Some(digits) => Ok(Self(Form::Written(raw, digits))),
            None => Self::rounded(raw, precision),
        }
    }

    fn rounded(raw: &str, precision: Precision) -> Result<Self, RejectReason> {
        let value: f32 = raw.parse().map_err(|_| RejectReason::NotFinite)?;
        // XGBoost misreads numbers nearer to 0 than float32's least normal number.
        let value = if value.is_subnormal() { 0.0 } else { value };
        match precision {
            Precision::Clamp => Ok(Self::value_of(value.clamp(-GREATEST, GREATEST))),
            _ if value.abs() > GREATEST => Err(RejectReason::NotFinite),
            // 2^24 + 1 is 2^24 already.
            Precision::Refuse if value.abs() >= EXACT as f32 && is_rounded(raw) => {
                Err(RejectReason::Rounded)
            }
            Precision::Refuse | Precision::Round => Ok(Self::value_of(value)),
        }
    }

    /// The number.
    pub fn value(self) -> f32 {
        match self.0 {
            Form::Value(value) => value,
            Form::Whole(value) => value as f32,
            Form::Written(_, digits) => digits.value_f32(),
        }
    }

    /// Appends the shortest text that reads back as the same float32: ASCII, an exponent only below
    /// 1e-5 and from 1e15.
    pub fn write_text(self, out: &mut Vec<u8>) {
        match self.0 {
            Form::Value(value) => write_float(value, out),
            Form::Whole(value) => write_whole(value, out),
            Form::Written(text, _) => out.extend_from_slice(text.as_bytes()),
        }
    }
}

/// Whether a whole number is beyond those that float32 represents exactly.
fn is_rounded(raw: &str) -> bool {
    let decimal = Decimal::read(raw);
    decimal.integer && decimal.value.abs() > f64::from(EXACT)
}

/// A number whose text is the shortest of its float32: it has few enough digits.
/// and back.
#[inline]
fn short(raw: &str) -> Option<Digits> {
    let digits = Digits::parse(raw)?;
    let most = if digits.scale == 0 {
        u64::from(EXACT)
    } else {
        KEPT
    };
    (digits.surplus == 0 && digits.mantissa <= most && digits.scale <= PLACES).then_some(digits)
}

/// Writes a finite number as the shortest text that parses to the same float32.
fn write_float(value: f32, out: &mut Vec<u8>) {
    let size = value.abs();
    // Exponents only for many digits: XGBoost's reader overflows on long ones.
    let result = if value == 0.0 {
        write!(out, "0")
    } else if (1e-5..1e15).contains(&size) {
        write!(out, "{value}")
    } else {
        write!(out, "{value:e}")
    };
    result.expect("writing to memory does not fail");
}

fn write_whole(mut value: u32, out: &mut Vec<u8>) {
    let mut digits = [0; 10];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10).to_le_bytes()[0];
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact equality is what is claimed")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(cell: Cell<'_>) -> String {
        let mut out = Vec::new();
        cell.write_text(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn beyond_float32_is_no_cell() {
        for raw in ["1E39", "-1E39", "9E125", "3.4028235E+38"] {
            for precision in [Precision::Refuse, Precision::Round] {
                let error = Cell::read(raw, precision).unwrap_err();
                assert_eq!(error, RejectReason::NotFinite);
            }
            let clamped = Cell::read(raw, Precision::Clamp).unwrap().value();
            assert_eq!(clamped.abs(), GREATEST);
            assert_eq!(clamped < 0.0, raw.starts_with('-'));
        }
        assert_eq!(text(Cell::whole(EXACT + 1)), "16777216");
    }

    #[test]
    fn zero_has_no_sign() {
        for cell in [
            Cell::value_of(-0.0),
            Cell::read("-1E-60", Precision::Refuse).unwrap(),
            Cell::read("-0", Precision::Refuse).unwrap(),
        ] {
            assert_eq!((cell.value().to_bits(), text(cell)), (0, "0".to_owned()));
        }
    }

    #[test]
    fn a_whole_number_that_float32_rounds_is_refused_where_that_is_asked() {
        for (raw, fits) in [
            ("16777216", true),
            ("16777217", false),
            ("-16777217", false),
            ("16777217.0", false),
            ("16777217.5", true),
            ("33554432", false),
            ("1E20", false),
            ("12345678901234567890123456789012345678", false),
        ] {
            assert_eq!(Cell::read(raw, Precision::Refuse).is_ok(), fits, "{raw}");
            assert!(Cell::read(raw, Precision::Round).is_ok(), "{raw}");
        }
    }

    proptest! {
        #[test]
        fn a_cell_reads_back_as_the_same_float32(value in any::<f32>().prop_filter("finite", |v| v.is_finite())) {
            let cell = text(Cell::value_of(value));
            prop_assert_eq!(cell.parse::<f32>().unwrap(), value);
            prop_assert!(cell.len() <= 24, "{} is long", cell);
        }

        #[test]
        fn what_an_item_says_is_rounded_once_and_written_shortest(
            raw in "-?(0|[1-9][0-9]{0,8})(\\.[0-9]{1,7})?|-?0\\.0{0,6}[0-9]{1,7}|[0-9]{1,20}(E-?[0-9]{1,2})?",
        ) {
            let value: f32 = raw.parse().unwrap();
            if value.abs() <= GREATEST {
                let cell = Cell::read(&raw, Precision::Round).unwrap();
                let value = if value.is_subnormal() { 0.0 } else { value };
                prop_assert_eq!(cell.value(), value);
                prop_assert_eq!(text(cell), text(Cell::value_of(value)));
            }
        }

        #[test]
        fn a_whole_number_is_written_as_it_is(value in 0..=EXACT) {
            prop_assert_eq!(text(Cell::whole(value)), value.to_string());
            prop_assert_eq!(text(Cell::value_of(value as f32)), value.to_string());
        }
    }
}
