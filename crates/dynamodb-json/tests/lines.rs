//! Lines that are read together say what each says alone, whatever was learned from those before,
//! and their spans say what a walk says.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

mod support;

use dynamodb_json::{ItemError, Kind, Lines, MAX_DEPTH, Map, PathId, Value, ValueSpan, parse_line};
use proptest::prelude::*;
use support::{Attributes, attributes, json_line, line};

/// Every value of the map and of maps inside it, by path: type, and the text as it is written.
fn walked(map: &Map<'_>, path: &str, out: &mut Vec<(String, Kind, String)>) {
    for (name, value) in map.attributes() {
        let mut path = path.to_owned();
        dynamodb_json::Path::push_name(&mut path, &name.decode());
        let text = match &value {
            Value::S(text) | Value::B(text) => text.decode().into_owned(),
            Value::N(number) => (*number).to_owned(),
            _ => String::new(),
        };
        out.push((path.clone(), value.kind(), text));
        if let Value::M(map) = value {
            walked(&map, &path, out);
        }
    }
}

/// The same of lines by their spans: the values of each path together.
fn spanned(lines: &Lines) -> Vec<(String, Kind, String)> {
    let mut values = Vec::new();
    for (path, spans) in lines.values() {
        let path = lines.paths().get(path).unwrap().text();
        for span in spans {
            let text = match span.kind() {
                Kind::S | Kind::B => span.decoded(lines.text()).into_owned(),
                Kind::N => span.raw(lines.text()).to_owned(),
                _ => String::new(),
            };
            values.push((path.to_owned(), span.kind(), text));
        }
    }
    sorted(values)
}

/// All spans, which are the same however they are found.
fn spans(lines: &Lines) -> Vec<(PathId, Vec<ValueSpan>)> {
    let spans = lines.values();
    spans.map(|(path, spans)| (path, spans.to_vec())).collect()
}

/// Two paths may read the same, where names are empty: what is equal are the values.
fn sorted(mut values: Vec<(String, Kind, String)>) -> Vec<(String, Kind, String)> {
    values.sort_by_cached_key(|(path, kind, text)| (path.clone(), kind.as_str(), text.clone()));
    values
}

fn check(lines: &Lines, items: &[Attributes]) {
    assert_eq!(lines.len(), items.len());
    let mut values = Vec::new();
    for (text, wanted) in lines.lines().zip(items) {
        let read: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(read, json_line(wanted));
        walked(&parse_line(text.as_bytes()).unwrap(), "", &mut values);
    }
    assert_eq!(spanned(lines), sorted(values));
    assert_eq!(lines.text().matches('\n').count(), items.len());
}

proptest! {
    #[test]
    fn what_was_learned_changes_nothing(
        items in prop::collection::vec(attributes(), 1..5),
        order in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
    ) {
        // Items come again, so that their openings are guessed, next to others that differ.
        let items: Vec<_> = order.iter().map(|index| index.get(&items).clone()).collect();
        let (mut lines, mut plain) = (Lines::new(), Lines::new());
        plain.speculate(false);
        for turn in 0..2 {
            lines.clear();
            plain.clear();
            for item in &items {
                let pretty = format!("{:#}\r\n", json_line(item)).into_bytes();
                let line = if turn == 0 { pretty } else { line(item) };
                lines.push_line(&line).unwrap();
                plain.push_line(&line).unwrap();
            }
            check(&lines, &items);
            prop_assert_eq!(lines.text(), plain.text());
            prop_assert_eq!(spans(&lines), spans(&plain));
        }
        for item in &items {
            lines.push_line(&line(item)).unwrap();
        }
        check(&lines, &[items.clone(), items].concat());
    }

    #[test]
    fn a_line_is_refused_exactly_if_it_is_refused_alone(
        item in attributes(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..3, prop::sample::select(b"\"\\{}[]:,.eu0+-SNMLBtf \n\x01\xc3".as_slice())), 1..3),
    ) {
        let whole = line(&item);
        let mut edited = whole.clone();
        for (at, edit, byte) in edits {
            let at = at.index(edited.len());
            match edit {
                0 => edited[at] = byte,
                1 => edited.insert(at, byte),
                _ => drop(edited.remove(at)),
            }
        }
        let mut lines = Lines::new();
        // Learned from the whole line, the edited one meets guesses that are nearly right.
        lines.push_line(&whole).unwrap();
        let alone = parse_line(&edited);
        match (lines.push_line(&edited), &alone) {
            (Ok(()), Ok(map)) => {
                let mut values = Vec::new();
                walked(&parse_line(&whole).unwrap(), "", &mut values);
                walked(map, "", &mut values);
                prop_assert_eq!(spanned(&lines), sorted(values));
            }
            (Err(error), Err(alone)) => {
                // A line alone is looked at for UTF-8 first.
                if !matches!(alone, ItemError::Utf8 { .. }) {
                    prop_assert_eq!(&error, alone);
                }
                check(&lines, &[item]);
            }
            (read, alone) => prop_assert!(false, "{:?} together, {:?} alone", read, alone.as_ref().err()),
        }
    }
}

/// A line with that value between others: looked at as most values are, not as a line's last ones.
fn between(value: &str) -> String {
    let text = r#"{"S":"as long as what is looked at in one go, and longer than that"}"#;
    format!(r#"{{"Item":{{"a":{text},"b":{value},"c":{text}}}}}"#)
}

#[test]
fn a_null_that_is_false_is_refused_where_another_was_learned() {
    let (null, no_null) = (between(r#"{"NULL":true}"#), between(r#"{"NULL":false}"#));
    let mut lines = Lines::new();
    for _ in 0..2 {
        lines.push_line(null.as_bytes()).unwrap();
    }
    let alone = parse_line(no_null.as_bytes()).unwrap_err();
    let refused = lines.push_line(no_null.as_bytes()).unwrap_err();
    assert_eq!(refused, alone);
    assert_eq!(lines.len(), 2);
}

#[test]
fn what_is_nested_too_deep_is_refused() {
    let nested = |levels: usize| {
        let (open, close) = ("{\"M\":{\"a\":".repeat(levels), "}}".repeat(levels));
        format!("{{\"Item\":{{\"a\":{open}{{\"NULL\":true}}{close}}}}}")
    };
    let mut lines = Lines::new();
    lines.push_line(nested(MAX_DEPTH - 1).as_bytes()).unwrap();
    lines.push_line(nested(MAX_DEPTH).as_bytes()).unwrap_err();
    assert_eq!(lines.len(), 1);
}

#[test]
fn what_is_learned_is_bounded_and_what_is_not_learned_is_read_all_the_same() {
    let mut lines = Lines::new();
    for number in 0..10_000 {
        let line = format!(
            "{{\"Item\":{{\"m\":{{\"M\":{{\"key{number}\":{{\"M\":{{\"n\":{{\"N\":\"1\"}}}}}}}}}}}}}}"
        );
        lines.push_line(line.as_bytes()).unwrap();
    }
    assert!(lines.paths().len() < 5_000);
    let (_, untracked) = lines
        .values()
        .find(|(path, _)| *path == PathId::UNTRACKED)
        .unwrap();
    let last = &untracked[untracked.len() - 2..];
    let raw: Vec<_> = last.iter().map(|span| span.raw(lines.text())).collect();
    assert_eq!(raw, ["1", "{\"n\":{\"N\":\"1\"}}"]);
    let values: usize = lines.values().map(|(_, spans)| spans.len()).sum();
    assert_eq!(values, 30_000);
}

#[test]
fn an_item_of_many_megabytes_has_its_spans() {
    let text = "x".repeat(1 << 24);
    let mut lines = Lines::new();
    let line = format!(r#"{{"Item":{{"a":{{"S":"{text}"}}}}}}"#);
    lines.push_line(line.as_bytes()).unwrap();
    let (_, spans) = lines.values().next().unwrap();
    assert_eq!(spans[0].raw(lines.text()), text);
}

proptest! {
    #[test]
    fn a_line_that_is_removed_was_never_there(
        items in prop::collection::vec(attributes(), 1..8),
        removed in prop::collection::vec(any::<bool>(), 8),
    ) {
        let (mut lines, mut kept) = (Lines::new(), Lines::new());
        let mut left = Vec::new();
        for (item, removed) in items.iter().zip(removed) {
            lines.push_line(&line(item)).unwrap();
            prop_assert_eq!(lines.last_line(), lines.lines().last());
            if removed {
                lines.pop_line();
            } else {
                kept.push_line(&line(item)).unwrap();
                left.push(item.clone());
            }
            prop_assert_eq!(lines.text(), kept.text());
        }
        check(&lines, &left);
    }

    #[test]
    fn the_last_line_has_the_values_that_it_has_alone(items in prop::collection::vec(attributes(), 1..6)) {
        let names: Vec<_> = items.iter().flat_map(|item| item.keys().cloned()).collect();
        let mut lines = Lines::new();
        let paths: Vec<_> = names.iter().map(|name| lines.track_attribute(name)).collect();
        for item in &items {
            let text = line(item);
            lines.push_line(&text).unwrap();
            let alone = parse_line(&text).unwrap();
            for (name, path) in names.iter().zip(&paths) {
                let value = lines.last_value(*path).map(|value| format!("{value:?}"));
                prop_assert_eq!(value, alone.get(name).map(|value| format!("{value:?}")), "{}", name);
            }
        }
    }
}
