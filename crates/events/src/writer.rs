//! The one pass: reads JSON as RFC 8259 has it and writes the same values as DynamoDB's types.

use crate::names::Names;
use crate::rules::Rules;
use crate::{MAX_DEPTH, MAX_EVENT_BYTES, Reason, Refusal, number};
use dynamodb_json::{Found, ItemError, Text, json_string};

const VALUE: &str = "a JSON value";
const EVENT: &str = "`{` of an event, a JSON object";
const NAME: &str = "a name in quotes";
const OBJECT_GOES_ON: &str = "`,` or `}` of an object";
const LIST_GOES_ON: &str = "`,` or `]` of an array";

/// A place in a record, of which the events up to there were written.
pub(crate) struct Writer<'e> {
    text: &'e str,
    bytes: &'e [u8],
    at: usize,
}

/// What one event is written to.
struct Sink<'s> {
    line: &'s mut Vec<u8>,
    names: &'s mut Names,
    rules: &'s mut Rules,
}

impl<'e> Writer<'e> {
    pub(crate) const fn new(text: &'e str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
        }
    }

    /// Where the next event begins, if anything follows.
    #[inline]
    pub(crate) fn begins(&mut self) -> Option<usize> {
        self.peek().map(|_| self.at)
    }

    /// Whether nothing follows.
    pub(crate) fn end(&mut self) -> Result<(), Refusal> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.expected("the end of the event")),
        }
    }

    /// Writes the event that begins here as a line.
    #[inline]
    pub(crate) fn write(
        &mut self,
        line: &mut Vec<u8>,
        names: &mut Names,
        rules: &mut Rules,
    ) -> Result<(), Refusal> {
        let start = self.at;
        names.clear();
        rules.begin();
        if self.peek() != Some(b'{') {
            return Err(self.expected(EVENT));
        }
        line.extend_from_slice(b"{\"Item\":");
        let mut sink = Sink { line, names, rules };
        self.object(&mut sink, 1)?;
        if self.at - start > MAX_EVENT_BYTES {
            return Err(refused(start, Reason::TooLong));
        }
        line.extend_from_slice(b"}\n");
        Ok(())
    }

    /// An object, as an attribute map.
    fn object(&mut self, sink: &mut Sink<'_>, depth: usize) -> Result<(), Refusal> {
        self.at += 1;
        sink.line.push(b'{');
        let object = sink.names.open();
        if self.peek() == Some(b'}') {
            self.at += 1;
            sink.line.push(b'}');
            return Ok(());
        }
        loop {
            self.member(sink, object, depth)?;
            match self.peek() {
                Some(b',') => sink.line.push(b','),
                Some(b'}') => break,
                _ => return Err(self.expected(OBJECT_GOES_ON)),
            }
            self.at += 1;
        }
        self.at += 1;
        sink.line.push(b'}');
        match sink.names.close(object, self.text) {
            None => Ok(()),
            Some(start) => Err(self.repeated(start)),
        }
    }

    #[inline]
    fn member(&mut self, sink: &mut Sink<'_>, object: usize, depth: usize) -> Result<(), Refusal> {
        if self.peek() != Some(b'"') {
            return Err(self.expected(NAME));
        }
        let quote = self.at;
        let name = self.string()?;
        if name.raw().is_empty() {
            return Err(refused(quote, Reason::EmptyName));
        }
        if sink.names.repeats(object, self.text, quote + 1, &name) {
            return Err(self.repeated(quote + 1));
        }
        sink.line.extend_from_slice(&self.bytes[quote..self.at]);
        if self.peek() != Some(b':') {
            return Err(self.expected("`:`"));
        }
        self.at += 1;
        sink.line.push(b':');
        let value = sink.line.len();
        self.value(sink, depth)?;
        if depth == 1 {
            sink.rules.note(&name, value..sink.line.len());
        }
        Ok(())
    }

    /// A value of any type, typed.
    #[inline]
    fn value(&mut self, sink: &mut Sink<'_>, depth: usize) -> Result<(), Refusal> {
        match self.peek() {
            Some(b'"') => {
                let start = self.at;
                self.string()?;
                sink.line.extend_from_slice(b"{\"S\":");
                sink.line.extend_from_slice(&self.bytes[start..self.at]);
                sink.line.push(b'}');
            }
            Some(b'-' | b'0'..=b'9') => self.number(sink)?,
            Some(b'{') => {
                self.deeper(depth)?;
                sink.line.extend_from_slice(b"{\"M\":");
                self.object(sink, depth + 1)?;
                sink.line.push(b'}');
            }
            Some(b'[') => {
                self.deeper(depth)?;
                self.list(sink, depth + 1)?;
            }
            Some(b't') => self.word(sink, "true", b"{\"BOOL\":true}")?,
            Some(b'f') => self.word(sink, "false", b"{\"BOOL\":false}")?,
            Some(b'n') => self.word(sink, "null", b"{\"NULL\":true}")?,
            _ => return Err(self.expected(VALUE)),
        }
        Ok(())
    }

    #[inline]
    fn number(&mut self, sink: &mut Sink<'_>) -> Result<(), Refusal> {
        let start = self.at;
        self.at = number::end(self.bytes, start)
            .map_err(|at| self.expected_at(at, "a digit of a JSON number"))?;
        let number = &self.bytes[start..self.at];
        number::check(number).map_err(|reason| refused(start, reason))?;
        sink.line.extend_from_slice(b"{\"N\":\"");
        sink.line.extend_from_slice(number);
        sink.line.extend_from_slice(b"\"}");
        Ok(())
    }

    fn list(&mut self, sink: &mut Sink<'_>, depth: usize) -> Result<(), Refusal> {
        self.at += 1;
        sink.line.extend_from_slice(b"{\"L\":[");
        if self.peek() == Some(b']') {
            self.at += 1;
            sink.line.extend_from_slice(b"]}");
            return Ok(());
        }
        loop {
            self.value(sink, depth)?;
            match self.peek() {
                Some(b',') => sink.line.push(b','),
                Some(b']') => break,
                _ => return Err(self.expected(LIST_GOES_ON)),
            }
            self.at += 1;
        }
        self.at += 1;
        sink.line.extend_from_slice(b"]}");
        Ok(())
    }

    fn word(
        &mut self,
        sink: &mut Sink<'_>,
        word: &'static str,
        typed: &'static [u8],
    ) -> Result<(), Refusal> {
        let rest = &self.bytes[self.at..];
        if !rest.starts_with(word.as_bytes()) {
            let right = rest.iter().zip(word.bytes());
            let right = right.take_while(|(found, letter)| **found == *letter);
            return Err(self.expected_at(self.at + right.count(), VALUE));
        }
        self.at += word.len();
        sink.line.extend_from_slice(typed);
        Ok(())
    }

    /// A string with its quotes: its escapes are checked and stay as they are.
    #[inline]
    fn string(&mut self) -> Result<Text<'e>, Refusal> {
        let start = self.at + 1;
        let string = json_string(self.text, start).map_err(|error| self.of_string(&error))?;
        self.at = start + string.raw().len() + 1;
        Ok(string)
    }

    fn deeper(&self, depth: usize) -> Result<(), Refusal> {
        if depth >= MAX_DEPTH {
            return Err(refused(self.at, Reason::TooDeep));
        }
        Ok(())
    }

    /// The next byte that is no white space, and stays before it.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        match self.bytes.get(self.at) {
            Some(&byte) if byte > b' ' => Some(byte),
            _ => self.peek_behind_space(),
        }
    }

    fn peek_behind_space(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    #[cold]
    fn expected(&self, expected: &'static str) -> Refusal {
        self.expected_at(self.at, expected)
    }

    #[cold]
    fn expected_at(&self, offset: usize, expected: &'static str) -> Refusal {
        let rest = self.text.get(offset..).unwrap_or_default();
        let found = rest.chars().next();
        let found = found.map_or(Found::End, Found::Character);
        refused(offset, Reason::Syntax { expected, found })
    }

    #[cold]
    fn of_string(&self, error: &ItemError) -> Refusal {
        match *error {
            ItemError::Syntax {
                offset,
                expected,
                found,
            } => refused(offset, Reason::Syntax { expected, found }),
            _ => self.expected_at(error.offset(), "a string"),
        }
    }

    /// The name that begins at `start` occurs a second time.
    #[cold]
    fn repeated(&self, start: usize) -> Refusal {
        let name = json_string(self.text, start);
        let name = name.map_or_else(|_| String::new(), |name| name.decode().into_owned());
        refused(start - 1, Reason::Repeated { name })
    }
}

const fn refused(offset: usize, reason: Reason) -> Refusal {
    Refusal { offset, reason }
}
