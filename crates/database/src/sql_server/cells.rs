//! The cells of rows as text: with every digit that the server sends, so that nothing is rounded.

use std::fmt::Write;
use std::ops::Range;
use tiberius::numeric::Numeric;
use tiberius::{ColumnData, Row};

/// Rows with the text of their cells in one buffer.
#[derive(Debug, Default)]
pub struct Cells {
    text: String,
    /// The place of each cell in the text; none for NULL.
    places: Vec<Option<Range<usize>>>,
    columns: usize,
}

impl Cells {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        match self.columns {
            0 => 0,
            columns => self.places.len() / columns,
        }
    }

    /// Bytes of text.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The cells of a row.
    pub fn row(&self, at: usize) -> Vec<Option<&str>> {
        let places = &self.places[at * self.columns..(at + 1) * self.columns];
        let cell = |place: &Option<Range<usize>>| place.clone().map(|range| &self.text[range]);
        places.iter().map(cell).collect()
    }

    /// Appends a row.
    ///
    /// # Errors
    /// A cell of a type that is only read through CAST or CONVERT.
    pub fn push(&mut self, row: &Row) -> Result<(), String> {
        self.columns = row.len();
        for (column, data) in row.cells() {
            let start = self.text.len();
            let is_there = write(&mut self.text, data)
                .map_err(|kind| format!("column {:?} is sent as {kind}", column.name()))?;
            self.places.push(is_there.then_some(start..self.text.len()));
        }
        Ok(())
    }
}

/// Appends a value's text; none of it for NULL. Fails with the name of the type.
fn write(out: &mut String, data: &ColumnData<'_>) -> Result<bool, &'static str> {
    let mut put = |arguments: std::fmt::Arguments<'_>| {
        out.write_fmt(arguments)
            .expect("a String takes whatever is written");
        true
    };
    Ok(match data {
        ColumnData::U8(value) => value.is_some_and(|it| put(format_args!("{it}"))),
        ColumnData::I16(value) => value.is_some_and(|it| put(format_args!("{it}"))),
        ColumnData::I32(value) => value.is_some_and(|it| put(format_args!("{it}"))),
        ColumnData::I64(value) => value.is_some_and(|it| put(format_args!("{it}"))),
        ColumnData::Bit(value) => value.is_some_and(|it| put(format_args!("{}", u8::from(it)))),
        ColumnData::F32(value) => value.is_some_and(|it| {
            if is_plain(f64::from(it)) {
                put(format_args!("{it}"))
            } else {
                put(format_args!("{it:e}"))
            }
        }),
        ColumnData::F64(value) => value.is_some_and(|it| {
            if is_plain(it) {
                put(format_args!("{it}"))
            } else {
                put(format_args!("{it:e}"))
            }
        }),
        // The server's own text of it has capital letters.
        ColumnData::Guid(value) => value.is_some_and(|it| put(format_args!("{it:X}"))),
        ColumnData::Numeric(value) => value.is_some_and(|it| decimal(out, it)),
        ColumnData::String(value) => value.as_deref().is_some_and(|it| {
            out.push_str(it);
            true
        }),
        ColumnData::Binary(value) => value.as_deref().is_some_and(|it| {
            hex(out, it);
            true
        }),
        ColumnData::Xml(_) => return Err("xml"),
        ColumnData::DateTime(_) | ColumnData::SmallDateTime(_) => return Err("datetime"),
        _ => return Err("a type that is read as text"),
    })
}

/// Whether a number is written without an exponent, in few digits.
fn is_plain(number: f64) -> bool {
    number == 0.0 || (1e-5..1e16).contains(&number.abs())
}

/// `-12.50`: with all digits behind the point that the type has.
fn decimal(out: &mut String, number: Numeric) -> bool {
    let (units, scale) = (number.value(), usize::from(number.scale()));
    if units < 0 {
        out.push('-');
    }
    let start = out.len();
    write!(out, "{:0>width$}", units.unsigned_abs(), width = scale + 1)
        .expect("a String takes whatever is written");
    if scale > 0 {
        let point = out.len() - scale;
        debug_assert!(point > start);
        out.insert(point, '.');
    }
    true
}

fn hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.reserve(2 + bytes.len() * 2);
    out.push_str("0x");
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    fn text(data: &ColumnData<'_>) -> Option<String> {
        let mut out = "before".to_owned();
        let is_there = write(&mut out, data).unwrap();
        let text = out.strip_prefix("before").unwrap().to_owned();
        is_there.then_some(text)
    }

    #[test]
    fn a_value_keeps_its_digits() {
        let numeric =
            |units, scale| ColumnData::Numeric(Some(Numeric::new_with_scale(units, scale)));
        let most = 10_i128.pow(37) * 9;
        for (data, expected) in [
            (ColumnData::U8(Some(255)), "255"),
            (ColumnData::I64(Some(i64::MIN)), "-9223372036854775808"),
            (ColumnData::Bit(Some(true)), "1"),
            (ColumnData::F32(Some(0.1)), "0.1"),
            (ColumnData::F64(Some(0.1)), "0.1"),
            (ColumnData::F64(Some(1e300)), "1e300"),
            (ColumnData::F64(Some(-5e-324)), "-5e-324"),
            (ColumnData::F64(Some(100.0)), "100"),
            (numeric(0, 0), "0"),
            (numeric(-5, 2), "-0.05"),
            (numeric(most, 37), "9.0000000000000000000000000000000000000"),
            (ColumnData::String(Some(Cow::Borrowed(""))), ""),
            (ColumnData::Binary(Some(Cow::Borrowed(&[0, 255]))), "0x00FF"),
        ] {
            assert_eq!(text(&data).as_deref(), Some(expected));
        }
        assert_eq!(text(&ColumnData::I32(None)), None);
        assert_eq!(text(&ColumnData::Numeric(None)), None);
        assert!(write(&mut String::new(), &ColumnData::DateTime(None)).is_err());
    }
}
