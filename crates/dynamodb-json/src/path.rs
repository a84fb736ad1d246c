//! The path of an attribute inside an item.

use crate::{Map, Value};
use contract::{ErrorName, Named};
use std::fmt::{self, Write as _};
use std::str::FromStr;

/// A path such as `rating`, `context.device` or `tags[0]`: names joined by `.` descend into maps,
/// `[n]` takes a list's element. A `.`, `[`, `]` or `\` that belongs to a name is written behind a
/// `\`. Displaying a path gives the text that parses to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path {
    first: String,
    rest: Vec<Step>,
}

/// One step of a [`Path`] below its first name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// The attribute of that name, of a map.
    Name(String),
    /// The element at that position, of a list; from 0.
    Index(usize),
}

/// Text that is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: {reason}; a path is like `rating`, `context.device` or `tags[0]`")]
pub struct PathError {
    /// The text.
    pub path: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Named for PathError {
    fn name(&self) -> ErrorName {
        ErrorName::InvalidDefinition
    }
}

impl Path {
    /// The path of a top-level attribute, whatever characters its name has.
    pub fn attribute(name: impl Into<String>) -> Self {
        Self {
            first: name.into(),
            rest: Vec::new(),
        }
    }

    /// Reads a path.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        steps(text).map_err(|reason| PathError {
            path: text.to_owned(),
            reason,
        })
    }

    /// The top-level attribute's name.
    pub fn first(&self) -> &str {
        &self.first
    }

    /// The steps below the top-level attribute.
    pub fn rest(&self) -> &[Step] {
        &self.rest
    }

    /// Whether `self` is `other` or leads to something inside it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.first == other.first && self.rest.starts_with(&other.rest)
    }

    /// Whether a step takes a list's element.
    pub fn enters_list(&self) -> bool {
        self.rest.iter().any(|step| matches!(step, Step::Index(_)))
    }

    /// The path as far as no step takes a list's element: that of the list, if there is one.
    #[must_use]
    pub fn before_list(&self) -> Self {
        let names = self
            .rest
            .iter()
            .take_while(|step| matches!(step, Step::Name(_)));
        Self {
            first: self.first.clone(),
            rest: names.cloned().collect(),
        }
    }

    /// Appends a name to the text of a path, as parsing reads it.
    pub fn push_name(text: &mut String, name: &str) {
        if !text.is_empty() {
            text.push('.');
        }
        for character in name.chars() {
            if matches!(character, '.' | '[' | ']' | '\\') {
                text.push('\\');
            }
            text.push(character);
        }
    }

    pub(crate) fn walk<'a>(&self, map: Map<'a>) -> Option<Value<'a>> {
        Self::follow(&self.rest, map.get(&self.first)?)
    }

    /// The value that the path leads to, given the value of its first attribute.
    pub fn within<'a>(&self, attribute: Value<'a>) -> Option<Value<'a>> {
        Self::follow(&self.rest, attribute)
    }

    /// Where the steps lead from a value, if they lead anywhere.
    pub(crate) fn follow<'a>(steps: &[Step], mut value: Value<'a>) -> Option<Value<'a>> {
        for step in steps {
            value = match (step, value) {
                (Step::Name(name), Value::M(map)) => map.get(name)?,
                (Step::Index(index), Value::L(list)) => list.get(*index)?,
                _ => return None,
            };
        }
        Some(value)
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        Self::push_name(&mut text, &self.first);
        for step in &self.rest {
            match step {
                Step::Name(name) => Self::push_name(&mut text, name),
                Step::Index(index) => write!(text, "[{index}]")?,
            }
        }
        f.write_str(&text)
    }
}

fn steps(text: &str) -> Result<Path, &'static str> {
    let (first, mut left) = name(text)?;
    let mut rest = Vec::new();
    while !left.is_empty() {
        if let Some(after) = left.strip_prefix('.') {
            let (step, after) = name(after)?;
            rest.push(Step::Name(step));
            left = after;
        } else if let Some(after) = left.strip_prefix('[') {
            let (digits, after) = after.split_once(']').ok_or("`[` without `]`")?;
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err("between `[` and `]` stands a position, from 0");
            }
            let index = digits.parse().map_err(|_| "the position is too large")?;
            rest.push(Step::Index(index));
            left = after;
        } else {
            return Err("behind `]` follows `.`, `[` or nothing");
        }
    }
    Ok(Path { first, rest })
}

/// Takes a name off the front of `text`.
fn name(text: &str) -> Result<(String, &str), &'static str> {
    let mut name = String::new();
    let mut characters = text.char_indices();
    let end = loop {
        match characters.next() {
            None => break text.len(),
            Some((at, '.' | '[')) => break at,
            Some((_, ']')) => return Err("`]` without `[`"),
            Some((_, '\\')) => match characters.next() {
                Some((_, escaped @ ('.' | '[' | ']' | '\\'))) => name.push(escaped),
                _ => return Err("`\\` stands only before `.`, `[`, `]` or `\\`"),
            },
            Some((_, character)) => name.push(character),
        }
    };
    if name.is_empty() {
        return Err("a name is empty");
    }
    Ok((name, &text[end..]))
}
