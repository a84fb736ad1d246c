//! The key of a raw line that [`LineWriter`](crate::LineWriter) wrote, as a hash.

use lake::records::SqlColumn;
use twox_hash::XxHash3_128;

/// Finds the key in raw lines of the same columns.
#[derive(Debug, Clone)]
pub struct LineKeys {
    /// What stands before each value: `"name":{`, and whether the value is one of the key's. The
    /// columns behind the key's last are left out.
    columns: Vec<(String, bool)>,
}

impl LineKeys {
    /// The keys of lines of these columns.
    pub fn new(columns: &[SqlColumn], key: &[String]) -> Self {
        let is_key = |column: &SqlColumn| key.contains(&column.name);
        let last = columns.iter().rposition(is_key).map_or(0, |at| at + 1);
        let prefix = |column: &SqlColumn| {
            let name = serde_json::Value::from(column.name.as_str());
            (format!("{name}:{{"), is_key(column))
        };
        Self {
            columns: columns[..last].iter().map(prefix).collect(),
        }
    }

    /// The hash of a line's key, with or without the line's break; `None` if the line has other
    /// columns.
    ///
    /// Two keys are the same if the database writes them alike: in a case-insensitive collation, a
    /// key that is written anew in capital letters is another one.
    pub fn hash(&self, line: &[u8]) -> Option<u128> {
        let mut rest = line.strip_prefix(b"{\"Item\":{")?;
        let mut key = Vec::new();
        for (at, (prefix, is_key)) in self.columns.iter().enumerate() {
            if at > 0 {
                rest = rest.strip_prefix(b",")?;
            }
            rest = rest.strip_prefix(prefix.as_bytes())?;
            let value = value(rest)?;
            if *is_key {
                key.extend_from_slice(value);
                // No value has it: texts are escaped.
                key.push(b'\n');
            }
            rest = rest[value.len()..].strip_prefix(b"}")?;
        }
        Some(XxHash3_128::oneshot(&key))
    }
}

/// The value at the beginning of a text, without the bracket behind it: `"N":"12"`.
fn value(text: &[u8]) -> Option<&[u8]> {
    let kind_end = 1 + text.get(1..)?.iter().position(|byte| *byte == b'"')?;
    let start = kind_end + 2;
    if text.get(start) != Some(&b'"') {
        // `true` or `false`.
        let end = text.iter().position(|byte| *byte == b'}')?;
        return Some(&text[..end]);
    }
    let mut at = start + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(&text[..=at]);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LineWriter;
    use lake::records::SqlKind;
    use proptest::prelude::*;

    fn columns() -> Vec<SqlColumn> {
        let kinds = [
            ("n\"ote", SqlKind::Text),
            ("a", SqlKind::Number),
            ("flag", SqlKind::Boolean),
            ("b", SqlKind::Text),
            ("rest", SqlKind::Bytes),
        ];
        let column = |(name, kind): (&str, SqlKind)| SqlColumn {
            name: name.to_owned(),
            sql_type: String::new(),
            kind,
            scale: None,
            nullable: true,
        };
        kinds.into_iter().map(column).collect()
    }

    fn hash(row: &[Option<&str>; 5]) -> u128 {
        let (columns, mut line) = (columns(), Vec::new());
        LineWriter::new(&columns).write(row, &mut line);
        let keys = LineKeys::new(&columns, &["a".to_owned(), "b".to_owned()]);
        let hash = keys.hash(&line).unwrap();
        assert_eq!(keys.hash(&line[..line.len() - 1]), Some(hash));
        hash
    }

    proptest! {
        #[test]
        fn two_rows_have_the_same_hash_if_their_keys_are_the_same(
            a in "[0-9]{1,3}", b in ".{0,4}", c in "[0-9]{1,3}", d in ".{0,4}",
            one in prop::option::of(".{0,6}"), two in prop::option::of(".{0,6}"),
        ) {
            let first = hash(&[one.as_deref(), Some(&a), Some("t"), Some(&b), Some("0x00FF")]);
            let same = hash(&[two.as_deref(), Some(&a), None, Some(&b), None]);
            let other = hash(&[one.as_deref(), Some(&c), Some("f"), Some(&d), None]);
            prop_assert_eq!(first, same);
            prop_assert_eq!(first == other, (a, b) == (c, d));
        }
    }

    #[test]
    fn a_line_of_other_columns_has_none() {
        let keys = LineKeys::new(&columns(), &["b".to_owned()]);
        for line in [
            "",
            "{\"Item\":{}}",
            "{\"Item\":{\"n\\\"ote\":{\"S\":\"x\"},\"b\":{\"S\":\"y\"}}}",
            "{\"Item\":{\"n\\\"ote\":{\"S\":\"x",
            "{\"Item\":{\"n\\\"ote\":{",
        ] {
            assert_eq!(keys.hash(line.as_bytes()), None, "{line}");
        }
    }
}
