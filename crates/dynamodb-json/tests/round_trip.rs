//! A line gives back the item that was written to it, by this crate or by another writer.

mod support;

use dynamodb_json::{Path, Paths, parse_item, parse_line};
use proptest::prelude::*;
use std::fmt::Write as _;
use support::{Model, attributes, json_line, line, model_of, read};

/// Writes JSON with every character of every string as `\uXXXX`, and white space where it may be.
fn escaped(value: &serde_json::Value) -> String {
    let quoted = |text: &str| {
        let mut units = String::new();
        for unit in text.encode_utf16() {
            write!(units, "\\u{unit:04X}").expect("writing to a string does not fail");
        }
        format!("\"{units}\"")
    };
    // A number's text and the type tags are ASCII that no writer escapes.
    let member = |(name, value): (&String, &serde_json::Value)| match (name.as_str(), value) {
        ("N" | "NS", value) => format!("\"{name}\" : {value}"),
        ("Item" | "S" | "B" | "BOOL" | "NULL" | "M" | "L" | "SS" | "BS", value) => {
            format!("\"{name}\"\t:\n{}", escaped(value))
        }
        (name, value) => format!("{} :{}", quoted(name), escaped(value)),
    };
    match value {
        serde_json::Value::Object(map) => {
            let members: Vec<_> = map.iter().map(member).collect();
            format!("{{ {} }}", members.join(" , "))
        }
        serde_json::Value::Array(list) => {
            let elements: Vec<_> = list.iter().map(escaped).collect();
            format!("[ {} ]", elements.join("\r\n,"))
        }
        serde_json::Value::String(text) => quoted(text),
        other => other.to_string(),
    }
}

proptest! {
    #[test]
    fn our_lines_say_what_was_written(item in attributes()) {
        let line = line(&item);
        prop_assert_eq!(line.split(|&byte| byte == b'\n').count(), 2);
        let oracle: serde_json::Value = serde_json::from_slice(&line).unwrap();
        prop_assert_eq!(&oracle, &json_line(&item));
        let map = parse_line(&line).unwrap();
        prop_assert_eq!(read(&map), item.clone().into_iter().collect::<Vec<_>>());
        prop_assert_eq!(read(&parse_item(map.raw()).unwrap()), item.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn lines_of_other_writers_say_the_same(item in attributes()) {
        let json = json_line(&item);
        for line in [json.to_string(), format!("{json:#}\r\n"), escaped(&json)] {
            let map = parse_line(line.as_bytes()).unwrap();
            prop_assert_eq!(read(&map), item.clone().into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn every_value_is_found_by_its_path(item in attributes()) {
        let line = line(&item);
        let map = parse_line(&line).unwrap();
        let mut paths = vec![Path::parse("no.such[0].path").unwrap()];
        for (name, value) in &item {
            prop_assert_eq!(&model_of(&map.get(name).unwrap()), value);
            if name.is_empty() {
                continue;
            }
            let mut path = String::new();
            Path::push_name(&mut path, name);
            paths.push(path.parse().unwrap());
            if let Model::M(inner) = value {
                for (name, value) in inner.iter().filter(|(name, _)| !name.is_empty()) {
                    let mut path = path.clone();
                    Path::push_name(&mut path, name);
                    let path: Path = path.parse().unwrap();
                    prop_assert_eq!(&model_of(&map.path(&path).unwrap()), value);
                    paths.extend([path.clone(), path]);
                }
            }
            if let Model::L(inner) = value {
                for (at, value) in inner.iter().enumerate() {
                    let path = Path::parse(&format!("{path}[{at}]")).unwrap();
                    prop_assert_eq!(&model_of(&map.path(&path).unwrap()), value);
                    paths.push(path);
                }
                let beyond = Path::parse(&format!("{path}[{}]", inner.len())).unwrap();
                prop_assert!(map.path(&beyond).is_none());
                paths.push(beyond);
            }
        }
        let together = Paths::new(&paths).values(&map);
        let together: Vec<_> = together.iter().map(|value| value.as_ref().map(model_of)).collect();
        let alone: Vec<_> = paths.iter().map(|path| map.path(path).as_ref().map(model_of)).collect();
        prop_assert_eq!(together, alone);
    }
}

#[test]
fn thirty_eight_digits_stay_as_they_are() {
    let digits = "-9999999999999999999999999999999999.9999";
    let line = format!("{{\"Item\":{{\"n\":{{\"N\":\"{digits}\"}}}}}}");
    let map = parse_line(line.as_bytes()).unwrap();
    assert_eq!(
        model_of(&map.get("n").unwrap()),
        Model::N(digits.to_owned())
    );
}

#[test]
fn a_name_is_found_however_it_is_escaped() {
    let map = parse_item(br#"{"caf\u00e9 \ud83d\ude00":{"S":"a\/b"}}"#).unwrap();
    assert_eq!(
        model_of(&map.get("café 😀").unwrap()),
        Model::S("a/b".to_owned())
    );
    assert!(map.get(r"caf\u00e9 \ud83d\ude00").is_none());
}
