//! A line of an export by AWS Data Pipeline, which is one by the DynamoDB connector of Amazon EMR.
//!
//! Each line is a JSON object of attributes whose types have a small first letter: `{"s":"a"}`,
//! `{"sS":["a"]}`, `{"nULL":true}`. Until the SDK's second version null was `{"nULLValue":true}`. Hive
//! queries wrote no object but `name ETX value STX name ETX value`, where only the values are JSON.
//! Case does not matter, as to the connector.
//!
//! Source: awslabs/emr-dynamodb-connector, `AttributeValueSerializer`, `AttributeValueDeserializer`
//! and `DynamoDBItemWritable`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dynamodb_json::LineWriter;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;

/// Ends an attribute that another one follows.
const STX: u8 = 0x02;
/// Stands between an attribute's name and its value.
const ETX: u8 = 0x03;

/// Writes the item of a line, as a raw line.
pub fn write(line: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let mut writer = LineWriter::new(out);
    writer.begin_item();
    // JSON escapes control characters, so a line with one is of the other form, even if the first
    // attribute's name begins with a brace.
    if memchr::memchr(ETX, line).is_none() && line.trim_ascii_start().starts_with(b"{") {
        read(line, Members(&mut writer))?;
    } else {
        separated(line, &mut writer)?;
    }
    writer.end_item();
    Ok(())
}

/// Attributes between control characters. JSON escapes these, so they occur nowhere else.
fn separated(line: &[u8], writer: &mut LineWriter<'_>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for attribute in line.split(|byte| *byte == STX) {
        let Some(end) = memchr::memchr(ETX, attribute) else {
            return Err(
                "is neither a JSON object nor attributes separated by STX and ETX".to_owned(),
            );
        };
        let name = str::from_utf8(&attribute[..end])
            .map_err(|error| format!("an attribute's name is no UTF-8: {error}"))?;
        if !seen.insert(name) {
            return Err(twice(name));
        }
        writer.name(name);
        read(&attribute[end + 1..], AnyValue(writer))
            .map_err(|error| format!("attribute {}: {error}", contract::short_name(name)))?;
    }
    Ok(())
}

fn twice(name: &str) -> String {
    format!("has attribute {} twice", contract::short_name(name))
}

fn read<'de>(text: &'de [u8], seed: impl DeserializeSeed<'de, Value = ()>) -> Result<(), String> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let read = seed
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end());
    read.map_err(|error| error.to_string())
}

/// Attributes by their names.
struct Members<'w, 'o>(&'w mut LineWriter<'o>);

impl<'de> DeserializeSeed<'de> for Members<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of attributes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            self.0.name(&name);
            map.next_value_seed(AnyValue(self.0))?;
            if seen.contains(&name) {
                return Err(A::Error::custom(twice(&name)));
            }
            seen.insert(name);
        }
        Ok(())
    }
}

/// The elements of a list.
struct Elements<'w, 'o>(&'w mut LineWriter<'o>);

impl<'de> DeserializeSeed<'de> for Elements<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(AnyValue(self.0))?.is_some() {}
        Ok(())
    }
}

/// A value under its type.
struct AnyValue<'w, 'o>(&'w mut LineWriter<'o>);

impl<'de> DeserializeSeed<'de> for AnyValue<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

/// A string that is text.
#[derive(Deserialize)]
struct Base64(String);

impl Base64 {
    fn bytes<E: Error>(&self) -> Result<Vec<u8>, E> {
        let read = STANDARD.decode(&self.0);
        read.map_err(|error| E::custom(format!("a binary value is no base64: {error}")))
    }
}

impl<'de> Visitor<'de> for AnyValue<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value under its type, such as {\"s\":\"a\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(writer) = self;
        let Some(kind) = map.next_key::<String>()? else {
            return Err(A::Error::custom("a value has no type, such as `s`"));
        };
        match kind.to_ascii_lowercase().as_str() {
            "s" => writer.string(&map.next_value::<String>()?),
            "n" => writer.number(&map.next_value::<String>()?),
            "b" => writer.binary(&map.next_value::<Base64>()?.bytes()?),
            "bool" => writer.boolean(map.next_value()?),
            "null" | "nullvalue" => {
                if !map.next_value::<bool>()? {
                    return Err(A::Error::custom(format!("`{kind}` is false")));
                }
                writer.null();
            }
            "ss" => writer.string_set(map.next_value::<Vec<String>>()?),
            "ns" => writer.number_set(map.next_value::<Vec<String>>()?),
            "bs" => {
                let texts: Vec<Base64> = map.next_value()?;
                let members: Result<Vec<_>, _> = texts.iter().map(Base64::bytes).collect();
                writer.binary_set(members?);
            }
            "m" => {
                writer.begin_map();
                map.next_value_seed(Members(writer))?;
                writer.end_map();
            }
            "l" => {
                writer.begin_list();
                map.next_value_seed(Elements(writer))?;
                writer.end_list();
            }
            _ => {
                return Err(A::Error::custom(format!(
                    "{} is no type of DynamoDB",
                    contract::short_name(&kind)
                )));
            }
        }
        if map.next_key::<IgnoredAny>()?.is_some() {
            return Err(A::Error::custom("a value has two types"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(line: &str) -> Result<String, String> {
        let mut out = Vec::new();
        write(line.as_bytes(), &mut out)?;
        dynamodb_json::parse_line(&out).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn every_type_of_both_forms_becomes_dynamodb_json() {
        let expected = concat!(
            r#"{"Item":{"id":{"S":"Seat\"tle"},"n":{"N":"12345678901234567890.50"},"b":{"B":"AP8="},"#,
            r#""t":{"BOOL":true},"z":{"NULL":true},"ss":{"SS":["a","b"]},"ns":{"NS":["1","2.0"]},"#,
            r#""bs":{"BS":["AQ=="]},"m":{"M":{"x":{"L":[{"S":""},{"NULL":true}]},"e":{"M":{}}}},"l":{"L":[]}}}"#,
            "\n"
        );
        let values = [
            ("id", r#"{"s":"Seat\"tle"}"#),
            ("n", r#"{"n":"12345678901234567890.50"}"#),
            ("b", r#"{"b":"AP8="}"#),
            ("t", r#"{"bOOL":true}"#),
            ("z", r#"{"nULLValue":true}"#),
            ("ss", r#"{"sS":["a","b"]}"#),
            ("ns", r#"{"nS":["1","2.0"]}"#),
            ("bs", r#"{"bS":["AQ=="]}"#),
            (
                "m",
                r#"{"m":{"x":{"l":[{"s":""},{"nULL":true}]},"e":{"m":{}}}}"#,
            ),
            ("l", r#"{"l":[]}"#),
        ];
        let object: Vec<_> = values
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .into();
        assert_eq!(
            item(&format!("{{{}}}", object.join(","))).unwrap(),
            expected
        );
        let separated: Vec<_> = values
            .map(|(name, value)| format!("{name}\x03{value}"))
            .into();
        assert_eq!(item(&separated.join("\x02")).unwrap(), expected);
        assert_eq!(
            item("a \"b\"\x03{\"S\":\"control \\u0002\"}").unwrap(),
            "{\"Item\":{\"a \\\"b\\\"\":{\"S\":\"control \\u0002\"}}}\n"
        );
    }

    #[test]
    fn blanks_and_braces_belong_to_a_name_outside_of_json() {
        for (line, name) in [
            (" a\x03{\"s\":\"x\"}", " a"),
            ("\t\x03{\"s\":\"x\"}", "\\t"),
            ("{a\x03 {\"s\":\"x\"} ", "{a"),
        ] {
            let expected = format!("{{\"Item\":{{\"{name}\":{{\"S\":\"x\"}}}}}}\n");
            assert_eq!(item(line).unwrap(), expected);
        }
        let json = item("  {\"a\":{\"s\":\"x\"}} ").unwrap();
        assert_eq!(json, "{\"Item\":{\"a\":{\"S\":\"x\"}}}\n");
    }

    #[test]
    fn what_is_no_item_is_refused_with_the_reason() {
        for (line, reason) in [
            ("id;1", "STX"),
            (r#"{"id":{"s":"a"}"#, "EOF"),
            (r#"{"id":{"s":"a"}} {}"#, "trailing"),
            (r#"{"id":{"s":5}}"#, "expected a string"),
            (r#"{"id":{"n":5}}"#, "expected a string"),
            (r#"{"id":{"n":"five"}}"#, "expected"),
            (r#"{"id":{"x":"a"}}"#, "no type"),
            (r#"{"id":{}}"#, "no type"),
            (r#"{"id":{"s":"a","n":"1"}}"#, "two types"),
            (r#"{"id":{"b":"%"}}"#, "base64"),
            (r#"{"id":{"nULL":false}}"#, "false"),
            (r#"{"id":{"s":"a"},"id":{"s":"b"}}"#, "twice"),
            (r#"{"m":{"m":{"a":{"s":"a"},"a":{"s":"b"}}}}"#, "twice"),
            ("id\x03{\"s\":\"a\"}\x02id\x03{\"s\":\"b\"}", "twice"),
            (r#"{"id":"a"}"#, "type"),
            ("id\x03\\N", "attribute `id`"),
        ] {
            let error = item(line).unwrap_err();
            assert!(error.contains(reason), "{line}: {error}");
        }
    }
}
