//! JSON as a value, with the place of what is wrong: faults of syntax, fields that are there twice,
//! nesting that is too deep.

use crate::ConvertError;
use crate::text::Excerpt;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// The deepest nesting. A CloudFormation template has some ten levels, and intrinsic functions more.
pub(crate) const MAX_DEPTH: usize = 100;

/// Reads a text.
///
/// # Errors
/// Names line and column.
pub(crate) fn read(file: &str, text: &str) -> Result<Value, ConvertError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Node { depth: 1 }.deserialize(&mut reader);
    value
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| {
            let (line, bytes) = (error.line(), error.column());
            let found = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
            let column = characters(found, bytes);
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            ConvertError::Syntax {
                file: file.to_owned(),
                line,
                column,
                message: crate::text::visible(message),
                excerpt: Excerpt::of(text, line, column),
            }
        })
}

/// The column in characters of a byte of a line, both from 1.
fn characters(line: &str, byte: usize) -> usize {
    line.char_indices()
        .take_while(|(at, _)| *at < byte)
        .count()
        .max(1)
}

#[derive(Clone, Copy)]
struct Node {
    depth: usize,
}

impl Node {
    fn below<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format!(
                "nested more than {MAX_DEPTH} levels deep"
            )));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Node {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut all = Vec::new();
        while let Some(element) = elements.next_element_seed(below)? {
            all.push(element);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut all = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            if all.contains_key(&key) {
                let message = format!("the field `{key}` is there twice: remove one");
                return Err(A::Error::custom(message));
            }
            all.insert(key, fields.next_value_seed(below)?);
        }
        Ok(Value::Object(all))
    }
}
