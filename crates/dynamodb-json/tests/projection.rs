//! What is picked out of lines together is what each line says alone, whatever else the lines hold.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

mod support;

use dynamodb_json::{Path, Paths, Projection, parse_line};
use proptest::prelude::*;
use std::fmt::Write as _;
use support::{Attributes, Model, attributes, line};

/// Compares a projection, filled twice, with walks over each line.
fn agree(paths: &[Path], lines: &[Vec<u8>]) {
    let mut projection = Projection::new(paths);
    for _ in 0..2 {
        projection.clear();
        for line in lines {
            projection.push_line(line).unwrap();
        }
        let mut items = projection.rows();
        for line in lines {
            let (text, values) = items.next().unwrap();
            let alone = Paths::new(paths).values(&parse_line(line).unwrap());
            assert_eq!(format!("{values:?}"), format!("{alone:?}"), "{text}");
            assert_eq!(text.as_bytes(), line.trim_ascii_end());
        }
        assert!(items.next().is_none());
    }
}

/// All paths of an item, and beside each one that leads nowhere.
fn paths_of(item: &Attributes, paths: &mut Vec<Path>) {
    fn below(value: &Model, text: &str, paths: &mut Vec<Path>) {
        paths.extend(Path::parse(text));
        paths.extend(Path::parse(&format!("{text}.nowhere")));
        match value {
            Model::M(map) => {
                for (name, value) in map {
                    let mut text = text.to_owned();
                    Path::push_name(&mut text, name);
                    below(value, &text, paths);
                }
            }
            Model::L(list) => {
                for (index, value) in list.iter().enumerate() {
                    below(value, &format!("{text}[{index}]"), paths);
                }
            }
            _ => {}
        }
    }
    for (name, value) in item {
        let mut text = String::new();
        Path::push_name(&mut text, name);
        below(value, &text, paths);
    }
}

proptest! {
    #[test]
    fn values_are_those_of_each_line(
        items in prop::collection::vec(attributes(), 1..5),
        order in prop::collection::vec(any::<prop::sample::Index>(), 1..12),
        wanted in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut all = Vec::new();
        for item in &items {
            paths_of(item, &mut all);
        }
        let paths: Vec<_> = wanted
            .iter()
            .filter(|_| !all.is_empty())
            .map(|index| index.get(&all).clone())
            .collect();
        let lines: Vec<_> = order.iter().map(|index| line(index.get(&items))).collect();
        agree(&paths, &lines);
    }
}

/// More paths, and more kinds of nesting, than are learned from items.
#[test]
fn what_is_wanted_is_found_however_much_else_there_is() {
    let path = |text| Path::parse(text).unwrap();
    let paths = [path("z.y.x"), path("z.l[1]"), path("n0"), path("q5000")];
    let mut lines = Vec::new();
    for turn in 0..300 {
        let mut line = "{\"Item\":{".to_owned();
        for name in 0..20 {
            let number = turn * 20 + name;
            write!(line, "\"q{number}\":{{\"N\":\"{number}\"}},").unwrap();
        }
        // Lists in lists in a map of another name each time: frames of their own.
        let lists = [r#"{"L":["#.repeat(12), "]}".repeat(12)].concat();
        for name in 0..30 {
            write!(line, "\"m{turn}-{name}\":{{\"M\":{{\"a\":{lists}}}}},").unwrap();
        }
        // What is wanted comes when nothing more is learned.
        if turn < 280 {
            line.pop();
        } else {
            line.push_str(
                r#""z":{"M":{"y":{"M":{"x":{"N":"1"}}},"l":{"L":[{"S":"a"},{"S":"b"}]}}}"#,
            );
        }
        line.push_str("}}\n");
        lines.push(line.into_bytes());
    }
    agree(&paths, &lines);
}

#[test]
fn of_a_name_that_occurs_twice_the_first_counts() {
    let line = br#"{"Item":{"a":{"N":"1"},"b":{"M":{"c":{"S":"x"}}},"a":{"N":"2"},"b":{"M":{"c":{"S":"y"},"d":{"S":"z"}}}}}"#;
    let paths = ["a", "b.c", "b.d"].map(|text| Path::parse(text).unwrap());
    agree(&paths, &[line.to_vec(), line.to_vec()]);
}

#[test]
fn a_line_that_is_refused_leaves_nothing_behind() {
    let path = Path::parse("a").unwrap();
    let mut projection = Projection::new([&path]);
    projection
        .push_line(br#"{"Item":{"a":{"N":"1"}}}"#)
        .unwrap();
    assert!(
        projection
            .push_line(br#"{"Item":{"a":{"N":"2"},"b":{"N":"x"}}}"#)
            .is_err()
    );
    projection
        .push_line(br#"{"Item":{"c":{"N":"3"}}}"#)
        .unwrap();
    let mut items = projection.rows();
    assert!(matches!(
        items.next().unwrap().1,
        [Some(dynamodb_json::Value::N("1"))]
    ));
    assert!(matches!(items.next().unwrap().1, [None]));
    assert!(items.next().is_none());
}
