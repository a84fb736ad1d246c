//! Random events against an oracle: a tree that writes itself as JSON and as DynamoDB JSON.

#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use events::{Outcome, Reason, Transform};
use proptest::prelude::*;
use proptest::sample::Index;
use std::fmt::Write as _;

#[derive(Debug, Clone)]
enum Json {
    Null,
    Boolean(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// The event's text and the line's, written side by side. `spaces` are taken one after another.
struct Writer<'s> {
    event: String,
    line: String,
    spaces: std::iter::Cycle<std::slice::Iter<'s, &'static str>>,
}

impl Writer<'_> {
    fn space(&mut self) {
        self.event.push_str(self.spaces.next().unwrap());
    }

    fn token(&mut self, token: &str) {
        self.space();
        self.event.push_str(token);
        self.space();
    }

    fn both(&mut self, token: &str) {
        self.token(token);
        self.line.push_str(token);
    }

    fn value(&mut self, value: &Json) {
        match value {
            Json::Null => {
                self.token("null");
                self.line.push_str(r#"{"NULL":true}"#);
            }
            Json::Boolean(value) => {
                self.token(&value.to_string());
                write!(self.line, r#"{{"BOOL":{value}}}"#).unwrap();
            }
            Json::Number(number) => {
                self.token(number);
                write!(self.line, r#"{{"N":"{number}"}}"#).unwrap();
            }
            Json::Text(text) => {
                self.line.push_str(r#"{"S":"#);
                self.both(&quoted(text));
                self.line.push('}');
            }
            Json::List(values) => {
                self.line.push_str(r#"{"L":"#);
                self.both("[");
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        self.both(",");
                    }
                    self.value(value);
                }
                self.both("]");
                self.line.push('}');
            }
            Json::Object(members) => {
                self.line.push_str(r#"{"M":"#);
                self.object(members);
                self.line.push('}');
            }
        }
    }

    fn object(&mut self, members: &[(String, Json)]) {
        self.both("{");
        for (index, (name, value)) in members.iter().enumerate() {
            if index > 0 {
                self.both(",");
            }
            self.both(&quoted(name));
            self.both(":");
            self.value(value);
        }
        self.both("}");
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn written(members: &[(String, Json)], spaces: &[&'static str]) -> (String, String) {
    let mut writer = Writer {
        event: String::new(),
        line: "{\"Item\":".to_owned(),
        spaces: spaces.iter().cycle(),
    };
    writer.object(members);
    (writer.event, writer.line + "}\n")
}

fn members(value: impl Strategy<Value = Json>) -> impl Strategy<Value = Vec<(String, Json)>> {
    let name = prop_oneof![4 => "[a-z]{1,3}", 1 => "\\PC{1,12}"];
    let members = prop::collection::btree_map(name, value, 0..8);
    members.prop_map(|members| members.into_iter().collect())
}

fn event() -> impl Strategy<Value = Vec<(String, Json)>> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Boolean),
        "-?(0|[1-9][0-9]{0,18})(\\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?".prop_map(Json::Number),
        any::<String>().prop_map(Json::Text),
        "[ -~]{0,40}".prop_map(Json::Text),
    ];
    let value = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::List),
            members(inner).prop_map(Json::Object),
        ]
    });
    members(value)
}

fn spaces() -> impl Strategy<Value = Vec<&'static str>> {
    let space = prop::sample::select(vec!["", "", "", " ", "\n", "\t", "\r\n  "]);
    prop::collection::vec(space, 1..20)
}

proptest! {
    #[test]
    fn every_event_becomes_its_line(event in event(), spaces in spaces()) {
        let (event, expected) = written(&event, &spaces);
        let mut transform = Transform::new(&[], &[]).unwrap();
        let mut line = Vec::new();
        prop_assert_eq!(transform.transform(event.as_bytes(), &mut line), Ok(Outcome::Kept));
        prop_assert_eq!(String::from_utf8(line.clone()).unwrap(), expected);
        prop_assert!(dynamodb_json::parse_line(&line).is_ok());
        // Twice in one record, with nothing between: twice the line.
        let mut twice = Vec::new();
        let counts = transform.record(event.repeat(2).as_bytes(), &mut twice).unwrap();
        prop_assert_eq!(counts.kept, 2);
        prop_assert_eq!(twice, line.repeat(2));
    }

    /// What is JSON is judged by `serde_json`.
    #[test]
    fn an_edited_event_is_taken_or_refused_as_json_is(
        event in event(),
        spaces in spaces(),
        edits in prop::collection::vec((any::<Index>(), edit()), 1..4),
    ) {
        let mut bytes = written(&event, &spaces).0.into_bytes();
        for (place, edit) in &edits {
            let at = place.index(bytes.len());
            bytes.splice(at..(at + edit.0).min(bytes.len()), edit.1.clone());
            if bytes.is_empty() {
                bytes.push(b' ');
            }
        }
        let oracle = serde_json::from_slice::<serde_json::Value>(&bytes);
        let mut line = Vec::new();
        match Transform::new(&[], &[]).unwrap().transform(&bytes, &mut line) {
            Ok(_) => {
                prop_assert!(oracle.is_ok_and(|value| value.is_object()));
                prop_assert!(dynamodb_json::parse_line(&line).is_ok());
            }
            Err(refusal) => {
                prop_assert!(line.is_empty());
                prop_assert!(refusal.offset <= bytes.len());
                if matches!(refusal.reason, Reason::Syntax { .. } | Reason::Utf8) {
                    prop_assert!(oracle.map_or(true, |value| !value.is_object()));
                }
            }
        }
    }

    #[test]
    fn an_event_that_is_cut_is_refused(event in event(), place in any::<Index>()) {
        let (event, _) = written(&event, &[""]);
        let mut line = Vec::new();
        let cut = &event.as_bytes()[..place.index(event.len())];
        prop_assert!(Transform::new(&[], &[]).unwrap().transform(cut, &mut line).is_err());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut lines = Vec::new();
        let _refused_or_not = Transform::new(&[], &[]).unwrap().record(&bytes, &mut lines);
    }
}

/// So many bytes are replaced by these.
fn edit() -> impl Strategy<Value = (usize, Vec<u8>)> {
    let bytes =
        prop::sample::select(b"{}[]\",:\\u0123456789eE+-.tfn \n\x00\x1f\xc3\xa9\xff".to_vec());
    (0_usize..3, prop::collection::vec(bytes, 0..3))
}
