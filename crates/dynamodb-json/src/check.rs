//! The grammar, checked once and for all, so that walking what was checked cannot fail. It is RFC
//! 8259's with DynamoDB's types.

use crate::scan::Scan;
use crate::simd::find_special;
use crate::text::{is_cut_short, simple, unicode_escape};
use crate::{Found, ItemError, Kind, Map, Text, Value};

/// The deepest nesting of maps and lists that is read, the item's own map included. DynamoDB allows
/// 32; the bound keeps a hostile line from exhausting the stack.
pub const MAX_DEPTH: usize = 64;

/// Reads a raw line, `{"Item":{…}}`, with or without its line break, and checks all of it.
///
/// # Errors
/// Names the byte at which the line stops being DynamoDB JSON, and what was expected there.
pub fn parse_line(line: &[u8]) -> Result<Map<'_>, ItemError> {
    let text = utf8(line)?;
    let (start, end) = line_envelope(line, |check| check.map(1))?;
    Ok(Map::new(&text[start..end]))
}

/// Reads an attribute map, `{"name":{"S":"…"},…}`, and checks all of it.
///
/// # Errors
/// Names the byte at which the text stops being DynamoDB JSON, and what was expected there.
pub fn parse_item(map: &[u8]) -> Result<Map<'_>, ItemError> {
    let text = utf8(map)?;
    let mut check = Check::new(map);
    check.peek();
    let start = check.at;
    check.map(1)?;
    let end = check.at;
    check.end()?;
    Ok(Map::new(&text[start..end]))
}

/// Reads a line whose members are attribute maps, `{"Keys":{…},"NewImage":{…}}`, as an incremental
/// export has them, and checks all of it. The members keep the order of the line.
///
/// # Errors
/// Names the byte at which the line stops being such an object, and what was expected there.
pub fn parse_maps(line: &[u8]) -> Result<Vec<(Text<'_>, Map<'_>)>, ItemError> {
    let text = utf8(line)?;
    let mut check = Check::new(line);
    let mut maps = Vec::new();
    if !check.opens_empty(b'{', b'}', "`{` of a line")? {
        loop {
            check.token(b'"', "a member's name")?;
            let start = check.at;
            let escaped = check.string_rest()?;
            let name = Text::new(&text[start..check.at - 1], escaped);
            check.token(b':', "`:`")?;
            check.peek();
            let start = check.at;
            check.map(1)?;
            maps.push((name, Map::new(&text[start..check.at])));
            if !check.further(b'}', "`,` or `}` of a line")? {
                break;
            }
        }
    }
    check.end()?;
    Ok(maps)
}

/// Reads a typed value, `{"S":"…"}`, and checks all of it.
///
/// # Errors
/// Names the byte at which the text stops being a typed value, and what was expected there.
pub fn parse_value(value: &[u8]) -> Result<Value<'_>, ItemError> {
    let text = utf8(value)?;
    let mut check = Check::new(value);
    check.peek();
    check.value(1)?;
    check.end()?;
    let typed = Scan::at_start(text).value();
    Ok(typed.expect("it was checked"))
}

/// Reads a JSON string whose opening quote stands before `start`: it ends with the first quote that
/// is not escaped.
///
/// # Errors
/// Names the byte at which it stops being a string of JSON, and what was expected there.
#[inline]
pub fn json_string(text: &str, start: usize) -> Result<Text<'_>, ItemError> {
    let mut check = Check::new(text.as_bytes());
    check.at = start;
    let escaped = check.string_rest()?;
    Ok(Text::new(&text[start..check.at - 1], escaped))
}

/// The bytes as text.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, ItemError> {
    // The variant that says where is slower: it is asked only if there is something to say.
    simdutf8::basic::from_utf8(bytes).map_err(|_| ItemError::Utf8 {
        offset: simdutf8::compat::from_utf8(bytes)
            .err()
            .map_or(0, |error| error.valid_up_to()),
    })
}

/// Checks what a line has around its attribute map and lets `map` check that. Returns where the map
/// begins and ends.
pub(crate) fn line_envelope<'a>(
    line: &'a [u8],
    map: impl FnOnce(&mut Check<'a>) -> Result<(), ItemError>,
) -> Result<(usize, usize), ItemError> {
    let mut check = Check::new(line);
    check.token(b'{', "`{\"Item\":`")?;
    if check.string("`\"Item\"`")? != b"Item" {
        return Err(check.expected("`Item` as the only member of the line"));
    }
    check.token(b':', "`:`")?;
    check.peek();
    let start = check.at;
    map(&mut check)?;
    let end = check.at;
    check.token(b'}', "`}` at the end of the line")?;
    check.end()?;
    Ok((start, end))
}

/// A place in text that is being checked.
pub(crate) struct Check<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
    /// Whether a line break was passed over outside a string.
    pub(crate) broke_line: bool,
}

impl<'a> Check<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            broke_line: false,
        }
    }

    #[cold]
    pub(crate) fn expected(&self, expected: &'static str) -> ItemError {
        self.expected_at(self.at, expected)
    }

    #[cold]
    fn expected_at(&self, offset: usize, expected: &'static str) -> ItemError {
        let rest = self.bytes.get(offset..).unwrap_or_default();
        let character = String::from_utf8_lossy(&rest[..rest.len().min(4)]);
        ItemError::Syntax {
            offset,
            expected,
            found: character
                .chars()
                .next()
                .map_or(Found::End, Found::Character),
        }
    }

    /// The next byte that is no white space, and stays before it.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        match self.bytes.get(self.at) {
            Some(&byte) if byte > b' ' => Some(byte),
            _ => self.peek_behind_space(),
        }
    }

    fn peek_behind_space(&mut self) -> Option<u8> {
        while let Some(byte @ (b' ' | b'\t' | b'\n' | b'\r')) = self.bytes.get(self.at) {
            self.broke_line |= matches!(byte, b'\n' | b'\r');
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    #[inline]
    pub(crate) fn token(&mut self, token: u8, expected: &'static str) -> Result<(), ItemError> {
        if self.peek() == Some(token) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.expected(expected))
        }
    }

    pub(crate) fn end(&mut self) -> Result<(), ItemError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.expected("the end of the line")),
        }
    }

    /// What follows an element: `true` for a comma and so a further element.
    #[inline]
    pub(crate) fn further(&mut self, close: u8, expected: &'static str) -> Result<bool, ItemError> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(self.expected(expected)),
        }
    }

    /// Whether the container that begins here ends at once; passes its opening bracket, and its
    /// closing one if so.
    #[inline]
    pub(crate) fn opens_empty(
        &mut self,
        open: u8,
        close: u8,
        expected: &'static str,
    ) -> Result<bool, ItemError> {
        self.token(open, expected)?;
        let empty = self.peek() == Some(close);
        self.at += usize::from(empty);
        Ok(empty)
    }

    fn map(&mut self, depth: usize) -> Result<(), ItemError> {
        if self.opens_empty(b'{', b'}', MAP)? {
            return Ok(());
        }
        loop {
            self.string(NAME)?;
            self.token(b':', "`:`")?;
            self.value(depth)?;
            if !self.further(b'}', MAP_GOES_ON)? {
                return Ok(());
            }
        }
    }

    fn list(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), ItemError>,
    ) -> Result<(), ItemError> {
        if self.opens_empty(b'[', b']', LIST)? {
            return Ok(());
        }
        loop {
            element(self)?;
            if !self.further(b']', LIST_GOES_ON)? {
                return Ok(());
            }
        }
    }

    /// A typed value, `{"S":"…"}`.
    fn value(&mut self, depth: usize) -> Result<(), ItemError> {
        let kind = self.tag()?;
        self.untyped(kind, depth)?;
        self.token(b'}', VALUE_END)
    }

    /// What opens a typed value, `{"S":`.
    pub(crate) fn tag(&mut self) -> Result<Kind, ItemError> {
        // What is nearly always there, without looking for it.
        if let Some([b'{', b'"', tag @ (b'S' | b'N'), b'"', b':']) =
            self.bytes.get(self.at..self.at + 5)
        {
            self.at += 5;
            return Ok(if *tag == b'S' { Kind::S } else { Kind::N });
        }
        self.token(b'{', "`{` of a typed value")?;
        self.peek();
        let tag_at = self.at;
        let tag = self.string("a type tag")?;
        self.token(b':', "`:`")?;
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| kind.as_str().as_bytes() == tag);
        kind.ok_or_else(|| {
            self.expected_at(
                tag_at,
                "a type tag (S, N, B, BOOL, NULL, M, L, SS, NS or BS)",
            )
        })
    }

    /// The value behind a tag.
    #[inline]
    pub(crate) fn untyped(&mut self, kind: Kind, depth: usize) -> Result<(), ItemError> {
        match kind {
            Kind::S | Kind::B => self.string("a string").map(drop),
            Kind::N => self.number(),
            Kind::Bool => self.word(&["true", "false"], "`true` or `false`"),
            Kind::Null => self.word(&["true"], "`true`"),
            Kind::M => self.map(self.deeper(depth)?),
            Kind::L => {
                let depth = self.deeper(depth)?;
                self.list(|check| check.value(depth))
            }
            Kind::Ss | Kind::Bs => self.list(|check| check.string("a string").map(drop)),
            Kind::Ns => self.list(Self::number),
        }
    }

    pub(crate) fn deeper(&self, depth: usize) -> Result<usize, ItemError> {
        if depth >= MAX_DEPTH {
            return Err(ItemError::TooDeep {
                offset: self.at,
                limit: MAX_DEPTH,
            });
        }
        Ok(depth + 1)
    }

    pub(crate) fn word(&mut self, words: &[&str], expected: &'static str) -> Result<(), ItemError> {
        self.peek();
        let rest = &self.bytes[self.at..];
        if let Some(word) = words.iter().find(|word| rest.starts_with(word.as_bytes())) {
            self.at += word.len();
            return Ok(());
        }
        if words.iter().any(|word| word.as_bytes().starts_with(rest)) {
            return Err(self.expected_at(self.bytes.len(), expected));
        }
        Err(self.expected(expected))
    }

    /// A string; what stands between its quotes is returned as written.
    #[inline]
    pub(crate) fn string(&mut self, expected: &'static str) -> Result<&'a [u8], ItemError> {
        self.token(b'"', expected)?;
        let start = self.at;
        self.string_rest()?;
        Ok(&self.bytes[start..self.at - 1])
    }

    /// What follows a string's opening quote. Says whether the string has escapes.
    #[inline]
    pub(crate) fn string_rest(&mut self) -> Result<bool, ItemError> {
        let mut escaped = false;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(place) = find_special(rest) else {
                self.at = self.bytes.len();
                return Err(self.expected("`\"` at the end of a string"));
            };
            self.at += place;
            match rest[place] {
                b'"' => {
                    self.at += 1;
                    return Ok(escaped);
                }
                b'\\' => {
                    escaped = true;
                    self.at += self.escape(self.at)?;
                }
                _ => return Err(self.expected("an escape in place of a control character")),
            }
        }
    }

    /// The length of the escape at `at`.
    fn escape(&self, at: usize) -> Result<usize, ItemError> {
        let escape = &self.bytes[at..];
        match escape.get(1) {
            Some(b'u') => match unicode_escape(escape) {
                Some((_, length)) => Ok(length),
                None if is_cut_short(escape) => {
                    Err(self.expected_at(self.bytes.len(), "the rest of an escape"))
                }
                None => Err(self.expected_at(at, "`\\uXXXX`, surrogates in pairs")),
            },
            Some(&byte) if simple(byte).is_some() => Ok(2),
            _ => Err(self.expected_at(at + 1, "one of `\"\\/bfnrtu` behind `\\`")),
        }
    }

    fn number(&mut self) -> Result<(), ItemError> {
        self.token(b'"', "a number in quotes")?;
        self.number_rest()
    }

    /// What follows a number's opening quote.
    #[inline]
    pub(crate) fn number_rest(&mut self) -> Result<(), ItemError> {
        let start = self.at;
        self.string_rest()?;
        number_end(&self.bytes[start..self.at - 1])
            .map_err(|at| self.expected_at(start + at, "a decimal number"))
    }
}

pub(crate) const MAP: &str = "`{` of an attribute map";
pub(crate) const MAP_GOES_ON: &str = "`,` or `}` of an attribute map";
pub(crate) const LIST: &str = "`[`";
pub(crate) const LIST_GOES_ON: &str = "`,` or `]`";
pub(crate) const NAME: &str = "an attribute's name";
pub(crate) const VALUE_END: &str = "`}` of a typed value";

/// Whether all of `raw` is a number as DynamoDB takes it: a sign, digits with at most one point,
/// an exponent. If not, the offset at which it stops being one.
fn number_end(raw: &[u8]) -> Result<(), usize> {
    let digits = |from: usize| {
        raw[from..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let sign = |at: usize| usize::from(matches!(raw.get(at), Some(b'+' | b'-')));
    let mut at = sign(0);
    let whole = digits(at);
    at += whole;
    let mut fraction = 0;
    if raw.get(at) == Some(&b'.') {
        fraction = digits(at + 1);
        at += 1 + fraction;
    }
    if whole + fraction == 0 {
        return Err(at);
    }
    if let Some(b'e' | b'E') = raw.get(at) {
        at += 1 + sign(at + 1);
        let exponent = digits(at);
        if exponent == 0 {
            return Err(at);
        }
        at += exponent;
    }
    if at == raw.len() { Ok(()) } else { Err(at) }
}
