//! Words, numbers, strings and signs of T-SQL.

use crate::error::SqlError;

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A name or a keyword, as it is written.
    Word(String),
    /// A name in brackets or double quotes, which is no keyword.
    Quoted(String),
    /// A number.
    Number(String),
    /// A text; with `N` before it, it is Unicode.
    Text(String),
    /// Bytes in hexadecimal digits.
    Bytes(String),
    /// A variable, with its `@` or `@@`.
    Variable(String),
    /// A sign: one character, or two for a comparison.
    Sign(&'static str),
}

const SIGNS: [&str; 18] = [
    "<=", ">=", "<>", "!=", "<", ">", "=", "(", ")", ",", ".", "*", "-", "+", ";", "/", "%", "|",
];

impl Token {
    /// The text for error 102.
    pub fn text(&self) -> String {
        match self {
            Self::Word(text)
            | Self::Quoted(text)
            | Self::Number(text)
            | Self::Text(text)
            | Self::Variable(text) => text.clone(),
            Self::Bytes(digits) => format!("0x{digits}"),
            Self::Sign(sign) => (*sign).to_owned(),
        }
    }
}

/// Cuts a text into its tokens.
pub fn tokens(text: &str) -> Result<Vec<Token>, SqlError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '\'' => {
                let (text, length) = quoted(rest, '\'', '\'')?;
                (Token::Text(text), length)
            }
            'N' | 'n' if rest[1..].starts_with('\'') => {
                let (text, length) = quoted(&rest[1..], '\'', '\'')?;
                (Token::Text(text), length + 1)
            }
            '[' => {
                let (name, length) = quoted(rest, '[', ']')?;
                (Token::Quoted(name), length)
            }
            '"' => {
                let (name, length) = quoted(rest, '"', '"')?;
                (Token::Quoted(name), length)
            }
            '@' => {
                let length = 1 + run(&rest[1..], |c| is_name(c) || c == '@');
                (Token::Variable(rest[..length].to_owned()), length)
            }
            '0' if rest[1..].starts_with(['x', 'X']) => {
                let length = 2 + run(&rest[2..], |c| c.is_ascii_hexdigit());
                (Token::Bytes(rest[2..length].to_owned()), length)
            }
            c if c.is_ascii_digit() => {
                let length = number(rest);
                (Token::Number(rest[..length].to_owned()), length)
            }
            c if is_name(c) => {
                let length = run(rest, is_name);
                (Token::Word(rest[..length].to_owned()), length)
            }
            _ => {
                let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
                let sign = sign.ok_or_else(|| SqlError::syntax(&first.to_string()))?;
                (Token::Sign(sign), sign.len())
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '#' | '$')
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// The length of a number: digits, a point, an exponent.
fn number(text: &str) -> usize {
    let mut length = run(text, |c| c.is_ascii_digit() || c == '.');
    if text[length..].starts_with(['e', 'E']) {
        let sign = usize::from(text[length + 1..].starts_with(['-', '+']));
        let digits = run(&text[length + 1 + sign..], |c| c.is_ascii_digit());
        if digits > 0 {
            length += 1 + sign + digits;
        }
    }
    length
}

/// What stands between quotes, of which two stand for one, and the length with the quotes.
fn quoted(text: &str, open: char, close: char) -> Result<(String, usize), SqlError> {
    let mut inner = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character != close {
            inner.push(character);
        } else if characters.next_if(|(_, next)| *next == close).is_some() {
            inner.push(close);
        } else {
            return Ok((inner, at + 1));
        }
    }
    Err(SqlError::of_class(
        105,
        15,
        format!("Unclosed quotation mark after the character string '{inner}{open}'."),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_into_tokens() {
        let found =
            tokens("SELECT TOP (5) [a]]b], N'it''s' FROM t WHERE x>=-1.5e3 AND y=0xFf@p @@v");
        let found: Vec<_> = found.unwrap().iter().map(Token::text).collect();
        let expected = [
            "SELECT", "TOP", "(", "5", ")", "a]b", ",", "it's", "FROM", "t", "WHERE", "x", ">=",
            "-", "1.5e3", "AND", "y", "=", "0xFf", "@p", "@@v",
        ];
        assert_eq!(found, expected);
        assert_eq!(tokens("'a").unwrap_err().number, 105);
        assert_eq!(tokens("a ~ b").unwrap_err().number, 102);
    }
}
