//! Files as text, places in it, and text that is safe to show.

use crate::ConvertError;
use std::fmt;

/// The largest definition, in bytes. Data Pipeline has 100 objects a pipeline, of 10 KB each.
pub const MAX_BYTES: usize = 10 << 20;

/// The characters of a line that an excerpt shows.
const WINDOW: usize = 80;

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its name, for reports and errors.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The text of a file: UTF-8 or, as PowerShell writes it, UTF-16 with a byte order mark.
///
/// # Errors
/// If it is too large, or neither.
pub(crate) fn decode(input: &Input) -> Result<String, ConvertError> {
    let bytes = input.bytes.as_slice();
    if bytes.len() > MAX_BYTES {
        return Err(ConvertError::TooLarge {
            file: input.name.clone(),
            bytes: bytes.len(),
            limit: MAX_BYTES,
        });
    }
    let no = |why: &str| ConvertError::NotText {
        file: input.name.clone(),
        why: why.to_owned(),
    };
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        if !bytes.len().is_multiple_of(2) {
            return Err(no("its UTF-16 ends within a character"));
        }
        let units: Vec<_> = bytes
            .chunks_exact(2)
            .map(|pair| unit([pair[0], pair[1]]))
            .collect();
        String::from_utf16(&units).map_err(|_| no("its UTF-16 has half of a character"))
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => {
            let rest = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            let text = std::str::from_utf8(rest).map_err(|error| {
                let at = error.valid_up_to();
                no(&format!("byte {at} is not UTF-8; save the file as UTF-8"))
            })?;
            if text.contains('\0') {
                return Err(no(
                    "it has zero bytes, as UTF-16 without a byte order mark has; save it as UTF-8",
                ));
            }
            Ok(text.to_owned())
        }
    }
}

/// A line of a text with a caret below one of its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    line: usize,
    text: String,
    caret: usize,
}

impl Excerpt {
    /// Line and column count from 1. If the text may hold a secret, only its punctuation is shown:
    /// text that cannot be parsed does not say where the secret is.
    pub(crate) fn of(text: &str, line: usize, column: usize) -> Self {
        let found = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        let column = column.max(1) - 1;
        let first = column.saturating_sub(WINDOW / 2);
        let may_hold_secret = may_hold_secret(text);
        let shown = found.chars().skip(first).take(WINDOW).map(|letter| {
            let is_shape = letter == ' ' || "{}[]:,\"".contains(letter);
            match letter {
                _ if letter.is_control() => ' ',
                _ if may_hold_secret && !is_shape => '•',
                _ => letter,
            }
        });
        Self {
            line,
            text: shown.collect(),
            caret: column - first,
        }
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let space = " ".repeat(number.len());
        writeln!(f, " {number} | {}", self.text)?;
        write!(f, " {space} | {}^", " ".repeat(self.caret))
    }
}

fn may_hold_secret(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    // `user:password@host`; a port is of digits.
    let has_login = text.split("://").skip(1).any(|address| {
        let is_end = |c: char| c.is_whitespace() || matches!(c, '/' | '"');
        let authority = address.split(is_end).next().unwrap_or_default();
        let after = authority.split_once(':').map_or("", |(_, after)| after);
        after.contains(|c: char| !c.is_ascii_digit())
    });
    has_login
        || ["\"*", "'*"].iter().any(|mark| text.contains(mark))
        || lower.contains("noecho")
        || crate::secrets::WORDS
            .iter()
            .any(|word| lower.contains(word))
        || !crate::secrets::within(text).is_empty()
}

/// Text of a pipeline on one line, without characters that a terminal would obey.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            // Bidirectional marks reorder what is read.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                shown.extend(letter.escape_unicode());
            }
            _ if letter.is_control() => shown.extend(letter.escape_unicode()),
            _ => shown.push(letter),
        }
    }
    shown
}

/// The first characters of a text.
pub(crate) fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// The path of an attribute: signs that a path has a meaning for are escaped.
pub(crate) fn attribute_path(attribute: &str) -> String {
    let mut path = String::new();
    for letter in attribute.chars() {
        if matches!(letter, '.' | '[' | ']' | '\\') {
            path.push('\\');
        }
        path.push(letter);
    }
    path
}
