//! An item as a client of an endpoint writes it: DynamoDB JSON, or plain JSON, which is converted.
//!
//! In plain JSON a text is `S`, a number is `N` with all its digits, a boolean is `BOOL`, `null` is
//! `NULL`, an object is `M` and an array is `L`. Plain JSON has no sets and no binary: encodings of
//! those also take lists with the same members.
//! take them take lists of the same members alike.

use dynamodb_json::{ItemError, Kind, Map};
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// The form of an item's text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ItemForm {
    /// Detected: DynamoDB JSON if valid, plain JSON if nothing in it looks like DynamoDB JSON.
    #[default]
    Either,
    /// DynamoDB JSON, `{"user_id":{"S":"u1"}}` or `{"Item":{"user_id":{"S":"u1"}}}`.
    DynamoDb,
    /// Plain JSON, `{"user_id":"u1"}`.
    Plain,
}

/// Why a text is not an item.
#[derive(Debug, thiserror::Error)]
pub enum ItemTextError {
    /// It is not DynamoDB JSON.
    #[error("the item is not DynamoDB JSON, such as {{\"user_id\":{{\"S\":\"u1\"}}}}")]
    DynamoDb(#[source] ItemError),
    /// It is not JSON.
    #[error("the item is not a JSON object")]
    Json(#[source] serde_json::Error),
    /// It is JSON that DynamoDB cannot hold.
    #[error("the item's JSON has a value that no item can hold")]
    Plain(#[source] ItemError),
}

/// An item, parsed from text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemText {
    /// Validated DynamoDB JSON.
    text: Vec<u8>,
    is_line: bool,
}

impl ItemText {
    /// Parses an item.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn read(text: &[u8], form: ItemForm) -> Result<Self, ItemTextError> {
        let text = text.trim_ascii();
        match form {
            ItemForm::DynamoDb => Self::typed(text).map_err(ItemTextError::DynamoDb),
            ItemForm::Plain => Self::plain(text),
            ItemForm::Either => Self::typed(text).or_else(|error| {
                if looks_typed(text) {
                    Err(ItemTextError::DynamoDb(error))
                } else {
                    Self::plain(text)
                }
            }),
        }
    }

    fn typed(text: &[u8]) -> Result<Self, ItemError> {
        let is_line = dynamodb_json::parse_line(text).is_ok();
        if !is_line {
            dynamodb_json::parse_item(text)?;
        }
        let text = text.to_vec();
        Ok(Self { text, is_line })
    }

    fn plain(text: &[u8]) -> Result<Self, ItemTextError> {
        #[expect(
            clippy::zero_sized_map_values,
            reason = "it asks whether there is a map"
        )]
        serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(text)
            .map_err(ItemTextError::Json)?;
        let mut typed = Vec::with_capacity(text.len() * 2);
        let mut plain = Plain {
            text,
            at: 0,
            typed: &mut typed,
        };
        plain.members();
        dynamodb_json::parse_item(&typed).map_err(ItemTextError::Plain)?;
        Ok(Self {
            text: typed,
            is_line: false,
        })
    }

    /// The item.
    pub fn item(&self) -> Map<'_> {
        let item = if self.is_line {
            dynamodb_json::parse_line(&self.text)
        } else {
            dynamodb_json::parse_item(&self.text)
        };
        item.expect("it was checked when it was read")
    }
}

/// Whether something in the text looks like DynamoDB JSON, so that the text is DynamoDB JSON with a
/// mistake.
fn looks_typed(text: &[u8]) -> bool {
    let is_typed = |value: &serde_json::Value| {
        let mut members = value.as_object().into_iter().flatten();
        match (members.next(), members.next()) {
            (Some((name, _)), None) => Kind::ALL.iter().any(|kind| kind.as_str() == name),
            _ => false,
        }
    };
    match serde_json::from_slice::<serde_json::Value>(text) {
        Ok(serde_json::Value::Object(item)) => match item.get("Item") {
            Some(serde_json::Value::Object(inner)) if item.len() == 1 => {
                inner.values().any(is_typed)
            }
            _ => item.values().any(is_typed),
        },
        _ => false,
    }
}

/// Plain JSON that was validated, converted to DynamoDB JSON. Texts and numbers are copied as they
/// are written, so no digit and no character is lost.
struct Plain<'t, 'o> {
    text: &'t [u8],
    at: usize,
    typed: &'o mut Vec<u8>,
}

impl Plain<'_, '_> {
    fn peek(&mut self) -> u8 {
        while self.byte().is_ascii_whitespace() {
            self.at += 1;
        }
        self.byte()
    }

    fn byte(&self) -> u8 {
        // Valid JSON does not end inside a value.
        self.text.get(self.at).copied().unwrap_or(0)
    }

    /// Copies anything other than text or bracket, up to its end.
    fn word(&mut self) -> &[u8] {
        let rest = &self.text[self.at..];
        let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace();
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// Copies a text with its quotes.
    fn text(&mut self) {
        let start = self.at;
        self.at += 1;
        while self.byte() != b'"' && self.at < self.text.len() {
            self.at += if self.byte() == b'\\' { 2 } else { 1 };
        }
        self.at = (self.at + 1).min(self.text.len());
        self.typed.extend_from_slice(&self.text[start..self.at]);
    }

    fn value(&mut self) {
        match self.peek() {
            b'"' => self.wrapped("{\"S\":", Self::text),
            b'{' => self.wrapped("{\"M\":", Self::members),
            b'[' => self.wrapped("{\"L\":", Self::elements),
            b't' | b'f' => self.wrapped("{\"BOOL\":", |plain| {
                let word = plain.word().to_vec();
                plain.typed.extend_from_slice(&word);
            }),
            b'n' => self.wrapped("{\"NULL\":", |plain| {
                plain.word();
                plain.typed.extend_from_slice(b"true");
            }),
            _ => self.wrapped("{\"N\":", |plain| {
                let word = plain.word().to_vec();
                plain.typed.push(b'"');
                plain.typed.extend_from_slice(&word);
                plain.typed.push(b'"');
            }),
        }
    }

    fn wrapped(&mut self, tag: &str, content: impl FnOnce(&mut Self)) {
        self.typed.extend_from_slice(tag.as_bytes());
        content(self);
        self.typed.push(b'}');
    }

    fn members(&mut self) {
        self.all(b'{', b'}', |plain| {
            plain.text();
            plain.peek();
            plain.at += 1;
            plain.typed.push(b':');
            plain.value();
        });
    }

    fn elements(&mut self) {
        self.all(b'[', b']', Self::value);
    }

    fn all(&mut self, open: u8, close: u8, each: impl Fn(&mut Self)) {
        self.typed.push(open);
        self.peek();
        self.at += 1;
        while self.peek() != close && self.at < self.text.len() {
            if self.byte() == b',' {
                self.at += 1;
                self.peek();
                self.typed.push(b',');
            }
            each(self);
        }
        self.at += 1;
        self.typed.push(close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn typed(text: &str, form: ItemForm) -> Result<String, ItemTextError> {
        let item = ItemText::read(text.as_bytes(), form)?;
        Ok(String::from_utf8(item.item().raw().to_vec()).unwrap())
    }

    #[test]
    fn plain_json_keeps_every_digit_and_character() {
        let plain = r#" { "a" : "x\"\\\u00e9\n" , "n":-1.50e+3,"big":12345678901234567890123456789012345678,
            "list":[ 1 , "b", [], {} , null ], "map":{"t":true,"f":false} , "é":null } "#;
        let expected = r#"{"a":{"S":"x\"\\\u00e9\n"},"n":{"N":"-1.50e+3"},"big":{"N":"12345678901234567890123456789012345678"},"list":{"L":[{"N":"1"},{"S":"b"},{"L":[]},{"M":{}},{"NULL":true}]},"map":{"M":{"t":{"BOOL":true},"f":{"BOOL":false}}},"é":{"NULL":true}}"#;
        assert_eq!(typed(plain, ItemForm::Either).unwrap(), expected);
        assert_eq!(typed("{}", ItemForm::Plain).unwrap(), "{}");
    }

    #[test]
    fn dynamodb_json_is_taken_as_it_is() {
        let item = r#"{"a":{"N":"1"}}"#;
        assert_eq!(typed(item, ItemForm::Either).unwrap(), item);
        let line = format!("{{\"Item\":{item}}}\n");
        assert_eq!(typed(&line, ItemForm::Either).unwrap(), item);
        assert_eq!(
            typed(item, ItemForm::Plain).unwrap(),
            r#"{"a":{"M":{"N":{"S":"1"}}}}"#
        );
    }

    #[test]
    fn dynamodb_json_with_a_mistake_is_not_read_as_something_else() {
        for text in [
            r#"{"a":{"N":1}}"#,
            r#"{"a":"x","b":{"S":"y"}}"#,
            r#"{"Item":{"a":{"N":1}}}"#,
        ] {
            let error = typed(text, ItemForm::Either).unwrap_err();
            assert!(matches!(error, ItemTextError::DynamoDb(_)), "{text}");
        }
        for text in ["", "1", "[]", "{\"a\":}", "{\"a\":1} {}", "{\"a\":1"] {
            let error = typed(text, ItemForm::Either).unwrap_err();
            assert!(matches!(error, ItemTextError::Json(_)), "{text}");
        }
    }

    fn arbitrary_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e9..1e9).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|map| json!(map)),
            ]
        })
    }

    fn as_typed(value: &Value) -> Value {
        match value {
            Value::Null => json!({ "NULL": true }),
            Value::Bool(value) => json!({ "BOOL": value }),
            Value::Number(number) => json!({ "N": number.to_string() }),
            Value::String(text) => json!({ "S": text }),
            Value::Array(list) => json!({ "L": list.iter().map(as_typed).collect::<Vec<_>>() }),
            Value::Object(map) => json!({ "M": members(map) }),
        }
    }

    fn members(map: &serde_json::Map<String, Value>) -> Value {
        map.iter()
            .map(|(name, value)| (name.clone(), as_typed(value)))
            .collect()
    }

    proptest! {
        #[test]
        fn any_plain_json_becomes_what_its_values_are(
            map in proptest::collection::btree_map(any::<String>(), arbitrary_json(), 0..6),
            pretty in any::<bool>(),
        ) {
            let value = json!(map);
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let read = typed(&text.unwrap(), ItemForm::Plain).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&read).unwrap(), members(value.as_object().unwrap()));
        }
    }
}
