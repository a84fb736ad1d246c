//! Moves over text that has been checked: white space, strings, balanced brackets, values. It must
//! not decide what is valid; that is `check`'s. Should the text be malformed all the same, every
//! function answers `None` and nothing panics.

use crate::{List, Map, NumberSet, Text, TextSet, Value};

/// A place in checked text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    /// Starts inside a container: behind its opening bracket.
    pub(crate) fn inside(container: &'a str) -> Self {
        Self {
            text: container,
            at: 1,
        }
    }

    /// Starts before a value.
    pub(crate) fn at_start(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is no white space, and stays before it.
    fn next_token(&mut self) -> Option<u8> {
        loop {
            match self.peek()? {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    fn take(&mut self, token: u8) -> Option<()> {
        (self.next_token()? == token).then(|| self.at += 1)
    }

    /// Whether a further element follows; moves to it.
    pub(crate) fn element(&mut self) -> Option<()> {
        match self.next_token()? {
            b'}' | b']' => None,
            b',' => {
                self.at += 1;
                Some(())
            }
            _ => Some(()),
        }
    }

    /// A string.
    pub(crate) fn string(&mut self) -> Option<Text<'a>> {
        self.take(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            let rest = self.text.as_bytes().get(self.at..)?;
            let found = memchr::memchr2(b'"', b'\\', rest)?;
            self.at += found + 1;
            if rest[found] == b'"' {
                let raw = self.text.get(start..self.at - 1)?;
                return Some(Text::new(raw, escaped));
            }
            escaped = true;
            self.at += 1;
        }
    }

    /// A name and the colon behind it.
    pub(crate) fn name(&mut self) -> Option<Text<'a>> {
        let name = self.string()?;
        self.take(b':')?;
        Some(name)
    }

    /// A typed value, `{"S":"…"}`.
    pub(crate) fn value(&mut self) -> Option<Value<'a>> {
        self.take(b'{')?;
        let tag = self.name()?;
        let value = match tag.raw() {
            "S" => Value::S(self.string()?),
            "N" => Value::N(self.string()?.raw()),
            "B" => Value::B(self.string()?),
            "BOOL" => Value::Bool(self.word()? == "true"),
            "NULL" => {
                self.word()?;
                Value::Null
            }
            "M" => Value::M(Map::new(self.container()?)),
            "L" => Value::L(List::new(self.container()?)),
            "SS" => Value::Ss(TextSet::new(self.container()?)),
            "NS" => Value::Ns(NumberSet::new(self.container()?)),
            "BS" => Value::Bs(TextSet::new(self.container()?)),
            _ => return None,
        };
        self.take(b'}')?;
        Some(value)
    }

    /// `true` or `false`.
    fn word(&mut self) -> Option<&'a str> {
        let length = if self.next_token()? == b't' { 4 } else { 5 };
        let word = self.text.get(self.at..self.at + length)?;
        self.at += length;
        Some(word)
    }

    /// A map or list with its brackets, passed over by counting them outside strings.
    fn container(&mut self) -> Option<&'a str> {
        self.next_token()?;
        let start = self.at;
        let mut depth = 0usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        self.at += 1;
                        return self.text.get(start..self.at);
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
    }
}
