//! Checks a line once and for all, so that walking it cannot fail. The grammar is RFC 8259's with
//! DynamoDB's types; it must not decode or keep anything.

use crate::text::{simple, unicode_escape};
use crate::{Found, ItemError, Map};

/// The deepest nesting of maps and lists that is read, the item's own map included. DynamoDB allows
/// 32; the bound keeps a hostile line from exhausting the stack.
pub const MAX_DEPTH: usize = 64;

/// Reads a raw line, `{"Item":{…}}`, with or without its line break, and checks all of it.
///
/// # Errors
/// Names the byte at which the line stops being DynamoDB JSON, and what was expected there.
pub fn parse_line(line: &[u8]) -> Result<Map<'_>, ItemError> {
    let mut check = Check::new(line)?;
    check.token(b'{', "`{\"Item\":`")?;
    if check.string("`\"Item\"`")? != "Item" {
        return Err(check.expected("`Item` as the only member of the line"));
    }
    check.token(b':', "`:`")?;
    let map = check.map(1)?;
    check.token(b'}', "`}` at the end of the line")?;
    check.end()?;
    Ok(Map::new(map))
}

/// Reads an attribute map, `{"name":{"S":"…"},…}`, and checks all of it.
///
/// # Errors
/// Names the byte at which the text stops being DynamoDB JSON, and what was expected there.
pub fn parse_item(map: &[u8]) -> Result<Map<'_>, ItemError> {
    let mut check = Check::new(map)?;
    let map = check.map(1)?;
    check.end()?;
    Ok(Map::new(map))
}

struct Check<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Check<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, ItemError> {
        let text = std::str::from_utf8(bytes).map_err(|error| ItemError::Utf8 {
            offset: error.valid_up_to(),
        })?;
        Ok(Self { text, at: 0 })
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    fn expected(&self, expected: &'static str) -> ItemError {
        self.expected_at(self.at, expected)
    }

    fn expected_at(&self, offset: usize, expected: &'static str) -> ItemError {
        let character = self.text.get(offset..).and_then(|rest| rest.chars().next());
        ItemError::Syntax {
            offset,
            expected,
            found: character.map_or(Found::End, Found::Character),
        }
    }

    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes().get(self.at) {
            self.at += 1;
        }
        self.bytes().get(self.at).copied()
    }

    fn token(&mut self, token: u8, expected: &'static str) -> Result<(), ItemError> {
        if self.peek() == Some(token) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.expected(expected))
        }
    }

    fn end(&mut self) -> Result<(), ItemError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.expected("the end of the line")),
        }
    }

    /// What follows an element: `true` for a comma and so a further element.
    fn further(&mut self, close: u8, expected: &'static str) -> Result<bool, ItemError> {
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

    fn map(&mut self, depth: usize) -> Result<&'a str, ItemError> {
        self.token(b'{', "`{` of an attribute map")?;
        let start = self.at - 1;
        if self.peek() == Some(b'}') {
            self.at += 1;
        } else {
            loop {
                self.string("an attribute's name")?;
                self.token(b':', "`:`")?;
                self.value(depth)?;
                if !self.further(b'}', "`,` or `}` of an attribute map")? {
                    break;
                }
            }
        }
        Ok(&self.text[start..self.at])
    }

    fn list(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), ItemError>,
    ) -> Result<(), ItemError> {
        self.token(b'[', "`[`")?;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            element(self)?;
            if !self.further(b']', "`,` or `]`")? {
                return Ok(());
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<(), ItemError> {
        self.token(b'{', "`{` of a typed value")?;
        self.peek();
        let tag_at = self.at;
        let tag = self.string("a type tag")?;
        self.token(b':', "`:`")?;
        match tag {
            "S" | "B" => {
                self.string("a string")?;
            }
            "N" => self.number()?,
            "BOOL" => self.word(&["true", "false"], "`true` or `false`")?,
            "NULL" => self.word(&["true"], "`true`")?,
            "M" => {
                self.map(self.deeper(depth)?)?;
            }
            "L" => {
                let depth = self.deeper(depth)?;
                self.list(|check| check.value(depth))?;
            }
            "SS" | "BS" => self.list(|check| check.string("a string").map(drop))?,
            "NS" => self.list(Self::number)?,
            _ => {
                return Err(self.expected_at(
                    tag_at,
                    "a type tag (S, N, B, BOOL, NULL, M, L, SS, NS or BS)",
                ));
            }
        }
        self.token(b'}', "`}` of a typed value")
    }

    fn deeper(&self, depth: usize) -> Result<usize, ItemError> {
        if depth >= MAX_DEPTH {
            return Err(ItemError::TooDeep {
                offset: self.at,
                limit: MAX_DEPTH,
            });
        }
        Ok(depth + 1)
    }

    fn word(&mut self, words: &[&str], expected: &'static str) -> Result<(), ItemError> {
        self.peek();
        let rest = &self.text[self.at..];
        match words.iter().find(|word| rest.starts_with(**word)) {
            Some(word) => {
                self.at += word.len();
                Ok(())
            }
            None => Err(self.expected(expected)),
        }
    }

    /// A string; what stands between its quotes is returned as written.
    fn string(&mut self, expected: &'static str) -> Result<&'a str, ItemError> {
        self.token(b'"', expected)?;
        let start = self.at;
        loop {
            let rest = &self.bytes()[self.at..];
            let Some(found) = memchr::memchr2(b'"', b'\\', rest) else {
                self.no_control(rest)?;
                return Err(self.expected_at(self.text.len(), "`\"` at the end of a string"));
            };
            self.no_control(&rest[..found])?;
            self.at += found;
            if rest[found] == b'"' {
                self.at += 1;
                return Ok(&self.text[start..self.at - 1]);
            }
            self.at += self.escape()?;
        }
    }

    /// Refuses raw control characters, which JSON wants escaped.
    fn no_control(&self, plain: &[u8]) -> Result<(), ItemError> {
        // Without an early exit the loop is vectorised; the place is sought only if there is one.
        if plain.iter().fold(u8::MAX, |least, &byte| least.min(byte)) >= 0x20 {
            return Ok(());
        }
        let within = plain.iter().position(|&byte| byte < 0x20).unwrap_or(0);
        Err(self.expected_at(
            self.at + within,
            "an escape in place of a control character",
        ))
    }

    /// The length of the escape at this place.
    fn escape(&self) -> Result<usize, ItemError> {
        let escape = &self.bytes()[self.at..];
        match escape.get(1) {
            Some(b'u') => unicode_escape(escape)
                .map(|(_, length)| length)
                .ok_or_else(|| self.expected("`\\uXXXX`, surrogates in pairs")),
            Some(&byte) if simple(byte).is_some() => Ok(2),
            _ => Err(self.expected_at(self.at + 1, "one of `\"\\/bfnrtu` behind `\\`")),
        }
    }

    fn number(&mut self) -> Result<(), ItemError> {
        self.peek();
        let start = self.at + 1;
        let raw = self.string("a number in quotes")?;
        match number_end(raw.as_bytes()) {
            Ok(()) => Ok(()),
            Err(at) => Err(self.expected_at(start + at, "a decimal number")),
        }
    }
}

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
