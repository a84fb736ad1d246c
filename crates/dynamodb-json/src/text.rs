//! A JSON string inside a line: kept as it is written, decoded when asked.

use std::borrow::Cow;

/// A string of the line.
///
/// Equality compares what two texts say, not how they are escaped.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// What stands between the quotes of a checked string, and whether it has escapes.
    pub const fn new(raw: &'a str, escaped: bool) -> Self {
        Self { raw, escaped }
    }

    /// Whether it has escapes.
    pub const fn is_escaped(&self) -> bool {
        self.escaped
    }

    /// What stands between the quotes, escapes as they are.
    pub const fn raw(&self) -> &'a str {
        self.raw
    }

    /// What the string says; borrowed where it has no escapes.
    pub fn decode(&self) -> Cow<'a, str> {
        if self.escaped {
            Cow::Owned(unescape(self.raw))
        } else {
            Cow::Borrowed(self.raw)
        }
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        if self.escaped {
            unescape(self.raw) == other
        } else {
            self.raw == other
        }
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.decode() == other.decode()
    }
}

impl Eq for Text<'_> {}

/// Decodes checked escapes; anything that `check` would have refused becomes U+FFFD.
pub(crate) fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(found) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (before, escape) = rest.split_at(found);
        let (character, length) = decode_escape(escape.as_bytes());
        out.push_str(before);
        out.push(character);
        rest = escape.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// What an escape stands for, and its length.
#[inline]
fn decode_escape(escape: &[u8]) -> (char, usize) {
    match escape.get(1) {
        Some(b'u') => unicode_escape(escape).unwrap_or((char::REPLACEMENT_CHARACTER, 6)),
        Some(&byte) => (
            simple(byte).map_or(char::REPLACEMENT_CHARACTER, char::from),
            2,
        ),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}

/// What a two-character escape stands for, a byte of ASCII.
#[inline]
pub(crate) const fn simple(byte: u8) -> Option<u8> {
    Some(match byte {
        b'"' | b'\\' | b'/' => byte,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        _ => return None,
    })
}

/// The character of the `\uXXXX`, or of the surrogate pair, that `escape` starts with, and the
/// length of the escape; `None` for anything else, a lone surrogate among it.
pub(crate) fn unicode_escape(escape: &[u8]) -> Option<(char, usize)> {
    let first = unit(escape)?;
    if !(0xd800..=0xdfff).contains(&first) {
        return Some((char::from_u32(first)?, 6));
    }
    let second = unit(escape.get(6..)?)?;
    if first > 0xdbff || !(0xdc00..=0xdfff).contains(&second) {
        return None;
    }
    let scalar = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    Some((char::from_u32(scalar)?, 12))
}

/// Whether `escape`, which is no `\uXXXX` and no surrogate pair, could become one if more bytes came.
pub(crate) fn is_cut_short(escape: &[u8]) -> bool {
    let is_beginning = |escape: &[u8]| {
        let (mark, digits) = escape.split_at(escape.len().min(2));
        escape.len() < 6 && b"\\u".starts_with(mark) && digits.iter().all(u8::is_ascii_hexdigit)
    };
    let is_high = |unit| (0xd800..=0xdbff).contains(&unit);
    match unit(escape) {
        None => is_beginning(escape),
        Some(first) => is_high(first) && is_beginning(&escape[6..]),
    }
}

/// The UTF-16 unit of a `\uXXXX`.
fn unit(escape: &[u8]) -> Option<u32> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, &digit| {
        Some(unit * 16 + char::from(digit).to_digit(16)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A character as it may stand in a string.
    fn character() -> impl Strategy<Value = String> {
        let plain = prop_oneof![4 => "[a-z ]", 1 => "[é最👍]"];
        let short = r#"\\["\\/bfnrt]"#;
        let unicode = any::<char>().prop_map(|character| {
            let mut units = [0; 2];
            let units = character.encode_utf16(&mut units).iter();
            units
                .map(|unit| format!("\\u{unit:04x}"))
                .collect::<Vec<_>>()
                .concat()
        });
        prop_oneof![20 => plain, 1 => short, 1 => unicode]
    }

    proptest! {
        #[test]
        fn a_string_is_decoded_as_serde_json_does(characters in prop::collection::vec(character(), 0..200)) {
            let raw = characters.concat();
            let decoded: String = serde_json::from_str(&format!("\"{raw}\"")).unwrap();
            prop_assert_eq!(&unescape(&raw), &decoded);
        }
    }
}
