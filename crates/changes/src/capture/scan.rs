//! Walks through JSON that is known to be valid, and finds where its values begin and end without
//! looking into those that are only copied.

use memchr::{memchr2, memchr2_iter};

/// A place in JSON text. Everything returns `None` where the text is not of the shape asked for.
#[derive(Debug)]
pub struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    /// The beginning of a text.
    pub const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next byte that is no white space.
    pub fn peek(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let spaces = rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
        self.at += spaces;
        rest.get(spaces).copied()
    }

    fn take(&mut self, expected: u8) -> Option<()> {
        let is_next = self.peek()? == expected;
        self.at += usize::from(is_next);
        is_next.then_some(())
    }

    /// Calls `member` at the value of each member of the object that comes next, with the name as it
    /// is written. `member` has to pass over the value.
    pub fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &'a str) -> Option<()>,
    ) -> Option<()> {
        self.take(b'{')?;
        if self.peek()? == b'}' {
            return self.take(b'}');
        }
        loop {
            let name = self.value()?;
            self.take(b':')?;
            member(self, name.strip_prefix('"')?.strip_suffix('"')?)?;
            match self.peek()? {
                b',' => self.at += 1,
                _ => return self.take(b'}'),
            }
        }
    }

    /// Calls `element` at each element of the array that comes next, which it has to pass over.
    pub fn array(&mut self, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(b'[')?;
        if self.peek()? == b']' {
            return self.take(b']');
        }
        loop {
            element(self)?;
            match self.peek()? {
                b',' => self.at += 1,
                _ => return self.take(b']'),
            }
        }
    }

    /// Passes over the next value, and returns it as it is written.
    pub fn value(&mut self) -> Option<&'a str> {
        let first = self.peek()?;
        let (start, bytes) = (self.at, self.text.as_bytes());
        self.at = match first {
            b'"' => string_end(bytes, start + 1)?,
            b'{' | b'[' => nested_end(bytes, start)?,
            _ => {
                let ends =
                    |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
                let rest = &bytes[start..];
                start + rest.iter().position(ends).unwrap_or(rest.len())
            }
        };
        self.text.get(start..self.at)
    }

    /// What was passed over since `start`, a place that [`Scan::place`] returned.
    pub fn since(&self, start: usize) -> Option<&'a str> {
        self.text.get(start..self.at)
    }

    /// Where the next value begins.
    pub fn place(&mut self) -> Option<usize> {
        self.peek()?;
        Some(self.at)
    }
}

/// Where a string ends whose content begins at `at`.
fn string_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Where an object or array ends that begins at `at`.
fn nested_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match *bytes.get(at)? {
            b'"' => {
                at = string_end(bytes, at + 1)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// Appends a value as it is written, without the line breaks that it may have between its tokens.
pub fn push_value(value: &str, line: &mut Vec<u8>) {
    let bytes = value.as_bytes();
    let mut from = 0;
    // Strings of valid JSON have no line break that is not escaped.
    for at in memchr2_iter(b'\n', b'\r', bytes) {
        line.extend_from_slice(&bytes[from..at]);
        from = at + 1;
    }
    line.extend_from_slice(&bytes[from..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Option<Vec<&str>> {
        let (mut scan, mut found) = (Scan::new(text), Vec::new());
        scan.array(|scan| {
            found.push(scan.value()?);
            Some(())
        })?;
        Some(found)
    }

    #[test]
    fn values_are_found_whole() {
        let text = r#" [ 1 ,-2.5e3,"a\"]b\\" , {"x":[{"]":"}"}]} ,[], null,{}]"#;
        let expected = [
            "1",
            "-2.5e3",
            r#""a\"]b\\""#,
            r#"{"x":[{"]":"}"}]}"#,
            "[]",
            "null",
            "{}",
        ];
        assert_eq!(values(text).unwrap(), expected);
        assert_eq!(values("[]").unwrap(), [""; 0]);
        for other in ["{}", "", "[1", "[\"a", "[{]", "7"] {
            assert_eq!(values(other), None, "{other}");
        }
    }

    #[test]
    fn members_are_found_by_their_names() {
        let text = "{ \"a\" : 1 , \"b\\\"\" : {\"c\":2} }";
        let mut found = Vec::new();
        let mut scan = Scan::new(text);
        scan.object(|scan, name| {
            found.push((name, scan.value()?));
            Some(())
        })
        .unwrap();
        assert_eq!(found, [("a", "1"), ("b\\\"", "{\"c\":2}")]);
        assert!(Scan::new("[]").object(|_, _| Some(())).is_none());
    }

    #[test]
    fn a_line_has_no_line_breaks_and_keeps_everything_else() {
        let mut line = Vec::new();
        push_value("{\r\n  \"a b\": \"x\\ny\"\n}", &mut line);
        assert_eq!(line, br#"{  "a b": "x\ny"}"#);
    }
}
