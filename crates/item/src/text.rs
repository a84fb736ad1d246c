//! A JSON string inside a line: kept as it is written, decoded when asked. It must not be made from
//! a string whose escapes have not been checked.

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
    pub(crate) const fn new(raw: &'a str, escaped: bool) -> Self {
        Self { raw, escaped }
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

    /// The same; where it has escapes, `buffer` holds it, and its memory serves again.
    #[inline]
    pub(crate) fn decode_in<'b>(&self, buffer: &'b mut String) -> &'b str
    where
        'a: 'b,
    {
        if !self.escaped {
            return self.raw;
        }
        buffer.clear();
        unescape_into(self.raw, buffer);
        buffer
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
    unescape_into(raw, &mut out);
    out
}

/// The same, behind what `out` has already.
fn unescape_into(raw: &str, out: &mut String) {
    let mut rest = raw;
    while let Some(found) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..found]);
        let escape = &rest[found..];
        let length = match escape.as_bytes().get(1) {
            Some(b'u') => unicode(escape, out),
            Some(&byte) => {
                out.push(simple(byte).unwrap_or(char::REPLACEMENT_CHARACTER));
                2
            }
            None => 1,
        };
        rest = escape.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
}

/// What a two-character escape stands for.
pub(crate) const fn simple(byte: u8) -> Option<char> {
    Some(match byte {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        _ => return None,
    })
}

/// Decodes the `\uXXXX`, or the pair of them, that `escape` starts with, and says how long it is.
fn unicode(escape: &str, out: &mut String) -> usize {
    let (character, length) =
        unicode_escape(escape.as_bytes()).unwrap_or((char::REPLACEMENT_CHARACTER, 6));
    out.push(character);
    length
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
