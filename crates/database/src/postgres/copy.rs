//! The text format of COPY.
//!
//! Source: the PostgreSQL documentation, COPY, "Text Format".

use memchr::{memchr, memchr_iter};
use sql_source::TakeRow;
use std::ops::Range;

/// Reads rows from the messages of a COPY. The server sends a row in a message.
#[derive(Debug, Default)]
pub struct CopyText {
    /// The beginning of a row whose end has not come.
    rest: Vec<u8>,
    /// Values without their escapes.
    plain: Vec<u8>,
    values: Vec<Value>,
}

/// Where a value stands.
#[derive(Debug, Clone)]
enum Value {
    Null,
    InRow(Range<usize>),
    InPlain(Range<usize>),
}

impl CopyText {
    /// Forgets a row that is not whole.
    pub fn clear(&mut self) {
        self.rest.clear();
    }

    /// Takes the rows that end in a message, and returns how many.
    ///
    /// # Errors
    /// If a row is not UTF-8.
    pub fn take(&mut self, message: &[u8], take: &mut TakeRow<'_>) -> Result<u32, String> {
        let mut rows = 0;
        let mut start = 0;
        for end in memchr_iter(b'\n', message) {
            if self.rest.is_empty() {
                self.row(&message[start..end], take)?;
            } else {
                let mut whole = std::mem::take(&mut self.rest);
                whole.extend_from_slice(&message[start..end]);
                self.row(&whole, take)?;
            }
            start = end + 1;
            rows += 1;
        }
        self.rest.extend_from_slice(&message[start..]);
        Ok(rows)
    }

    fn row(&mut self, row: &[u8], take: &mut TakeRow<'_>) -> Result<(), String> {
        self.plain.clear();
        self.values.clear();
        let has_escapes = memchr(b'\\', row).is_some();
        let mut start = 0;
        for end in memchr_iter(b'\t', row).chain([row.len()]) {
            let field = &row[start..end];
            self.values
                .push(if !has_escapes || !field.contains(&b'\\') {
                    Value::InRow(start..end)
                } else if field == b"\\N" {
                    Value::Null
                } else {
                    let from = self.plain.len();
                    unescape(field, &mut self.plain);
                    Value::InPlain(from..self.plain.len())
                });
            start = end + 1;
        }
        let utf_8 = |text| {
            std::str::from_utf8(text).map_err(|error| format!("a row is not UTF-8: {error}"))
        };
        // Cut at bytes of ASCII, the values of valid texts are valid texts.
        let (row, plain) = (utf_8(row)?, utf_8(&self.plain)?);
        let values = self.values.iter().map(|value| match value {
            Value::Null => None,
            Value::InRow(range) => Some(&row[range.clone()]),
            Value::InPlain(range) => Some(&plain[range.clone()]),
        });
        take(&values.collect::<Vec<_>>());
        Ok(())
    }
}

fn unescape(field: &[u8], plain: &mut Vec<u8>) {
    let mut bytes = field.iter();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'\\' => match bytes.next() {
                Some(b'b') => 0x08,
                Some(b'f') => 0x0c,
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'v') => 0x0b,
                Some(other) => *other,
                None => b'\\',
            },
            other => *other,
        };
        plain.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(messages: &[&[u8]]) -> Vec<Vec<Option<String>>> {
        let mut copy = CopyText::default();
        let mut all = Vec::new();
        let mut count = 0;
        for message in messages {
            let mut take = |row: &[Option<&str>]| {
                all.push(row.iter().map(|cell| cell.map(str::to_owned)).collect());
            };
            count += copy.take(message, &mut take).unwrap();
        }
        assert_eq!(count as usize, all.len());
        all
    }

    #[test]
    fn rows_are_cut_and_unescaped() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            rows(&[
                b"1\t\\N\ta\\tb\\\\N\\n\\b\\f\\r\\v\n",
                "한\t\t\\\\x00\n".as_bytes()
            ]),
            [
                vec![some("1"), None, some("a\tb\\N\n\u{8}\u{c}\r\u{b}")],
                vec![some("한"), some(""), some("\\x00")],
            ]
        );
        assert_eq!(rows(&[b"\n"]), [vec![some("")]]);
    }

    #[test]
    fn a_row_may_come_in_pieces_and_rows_together() {
        let whole = "a\t1\n\\N\t2\n\u{e9}\t3\n".as_bytes();
        let expected = rows(&[whole]);
        assert_eq!(expected.len(), 3);
        for at in 0..=whole.len() {
            assert_eq!(rows(&[&whole[..at], &whole[at..]]), expected, "cut at {at}");
        }
    }

    #[test]
    fn what_is_not_utf_8_is_refused() {
        let message = CopyText::default()
            .take(b"a\xff\n", &mut |_| ())
            .unwrap_err();
        assert!(message.contains("UTF-8"), "{message}");
    }
}
