//! A line of a file as a raw line, for the formats that have an item in each line.

use crate::connector;
use dataset::{ItemForm, ItemText};
use definition::FileFormat;
use dynamodb_json::{Map, Value};
use std::collections::BTreeSet;

/// Appends the item of a line, as a raw line with its line break. The item's own syntax is checked by
/// who takes the raw line. The line comes without its line break; blanks around JSON mean nothing, and
/// are part of an attribute's name where names stand outside of JSON.
///
/// # Errors
/// Says what is wrong with the line.
///
/// # Panics
/// With CSV, whose records are no lines ([`crate::csv`]).
pub fn write(format: FileFormat, line: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    match format {
        FileFormat::DynamodbExport => {
            out.extend_from_slice(line.trim_ascii());
            out.push(b'\n');
            Ok(())
        }
        FileFormat::DataPipeline => connector::write(line, out),
        FileFormat::JsonLines => {
            let text = ItemText::read(line.trim_ascii(), ItemForm::Plain)
                .map_err(|error| contract::chain(&error))?;
            let item = text.item();
            if let Some(name) = repeated(&item) {
                return Err(format!(
                    "has the name {} twice in one object",
                    contract::short_name(&name)
                ));
            }
            out.extend_from_slice(b"{\"Item\":");
            out.extend_from_slice(item.raw());
            out.extend_from_slice(b"}\n");
            Ok(())
        }
        FileFormat::Csv => unreachable!("records of CSV are no lines"),
    }
}

/// A name that occurs twice in a map of the item.
fn repeated(map: &Map<'_>) -> Option<String> {
    let mut seen = BTreeSet::new();
    map.attributes().find_map(|(name, value)| {
        let name = name.decode();
        if seen.contains(&name) {
            return Some(name.into_owned());
        }
        seen.insert(name);
        repeated_within(value)
    })
}

fn repeated_within(value: Value<'_>) -> Option<String> {
    match value {
        Value::M(map) => repeated(&map),
        Value::L(list) => list.elements().find_map(repeated_within),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_digits_and_repeats_no_name() {
        let read = |line: &str| {
            let mut out = Vec::new();
            write(FileFormat::JsonLines, line.as_bytes(), &mut out)?;
            Ok(String::from_utf8(out).unwrap())
        };
        assert_eq!(
            read(r#"{"id": "a", "n": 1.50, "l": [true, null], "m": {}}"#),
            Ok(concat!(
                r#"{"Item":{"id":{"S":"a"},"n":{"N":"1.50"},"l":{"L":[{"BOOL":true},{"NULL":true}]},"m":{"M":{}}}}"#,
                "\n"
            )
            .to_owned())
        );
        for (line, reason) in [
            (r#"{"a": 1, "a": 2}"#, "`a` twice"),
            (r#"{"l": [{"\u0061": 1, "a": 2}]}"#, "`a` twice"),
            ("[1]", "no JSON object"),
            (r#"{"a": 1"#, "JSON"),
        ] {
            let error: String = read(line).unwrap_err();
            let reason = reason.replace("no JSON object", "not a JSON object");
            assert!(error.contains(&reason), "{line}: {error}");
        }
    }
}
