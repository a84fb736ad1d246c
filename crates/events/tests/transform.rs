//! Events become lines: what is written, what is refused and where, what is dropped.

#![allow(clippy::unwrap_used)] // helpers of tests may unwrap as the tests do

use definition::Condition;
use events::{Counts, MAX_EVENT_BYTES, Outcome, Reason, Refusal, Transform};
use serde_json::json;

fn plain() -> Transform {
    Transform::new(&[], &[]).unwrap()
}

fn line(event: &str) -> Result<String, Refusal> {
    let mut line = b"before\n".to_vec();
    let outcome = plain().transform(event.as_bytes(), &mut line);
    let line = String::from_utf8(line).unwrap();
    let line = line.strip_prefix("before\n").unwrap().to_owned();
    match outcome {
        Ok(outcome) => {
            assert_eq!(outcome, Outcome::Kept);
            dynamodb_json::parse_line(line.as_bytes()).unwrap();
            Ok(line)
        }
        Err(refusal) => {
            assert_eq!(line, "", "nothing is written of what is refused");
            Err(refusal)
        }
    }
}

fn refused(event: &str) -> String {
    line(event).unwrap_err().to_string()
}

#[test]
fn every_type_of_json_has_one_of_dynamodb() {
    let event = r#" {"s":"caf\u00e9 \"x\"","n":-1.50E+2,"t":true,"f":false,"z":null,
        "m":{"a":{},"b":[]},"l":[1,"x",[true],{"c":null}]} "#;
    let expected = concat!(
        r#"{"Item":{"s":{"S":"caf\u00e9 \"x\""},"n":{"N":"-1.50E+2"},"t":{"BOOL":true},"#,
        r#""f":{"BOOL":false},"z":{"NULL":true},"m":{"M":{"a":{"M":{}},"b":{"L":[]}}},"#,
        r#""l":{"L":[{"N":"1"},{"S":"x"},{"L":[{"BOOL":true}]},{"M":{"c":{"NULL":true}}}]}}}"#,
        "\n"
    );
    assert_eq!(line(event).unwrap(), expected);
    assert_eq!(line("{}").unwrap(), "{\"Item\":{}}\n");
}

#[test]
fn numbers_keep_their_38_digits() {
    let digits = "12345678901234567890123456789012345678";
    let written = line(&format!("{{\"n\":{digits}}}")).unwrap();
    assert_eq!(
        written,
        format!("{{\"Item\":{{\"n\":{{\"N\":\"{digits}\"}}}}}}\n")
    );
    assert_eq!(
        refused(&format!("{{\"n\":{digits}9}}")),
        "byte 5: a number of 39 significant digits; DynamoDB's have at most 38, send it as text"
    );
    assert!(refused(r#"{"n":1e126}"#).starts_with("byte 5: a number beyond"));
}

#[test]
fn what_is_no_event_is_refused_at_its_byte() {
    for (event, expected) in [
        ("", "byte 0: a record without an event"),
        (" \n", "byte 2: a record without an event"),
        (
            "[1]",
            "byte 0: expected `{` of an event, a JSON object, found '['",
        ),
        (
            "\"x\"",
            "byte 0: expected `{` of an event, a JSON object, found '\"'",
        ),
        (
            "7",
            "byte 0: expected `{` of an event, a JSON object, found '7'",
        ),
        ("\u{feff}{}", "byte 0: expected `{` of an event"),
        (r#"{"a":NaN}"#, "byte 5: expected a JSON value, found 'N'"),
        (
            r#"{"a":-Infinity}"#,
            "byte 6: expected a digit of a JSON number, found 'I'",
        ),
        (r#"{"a":nul}"#, "byte 8: expected a JSON value, found '}'"),
        (
            r#"{"a":01}"#,
            "byte 6: expected `,` or `}` of an object, found '1'",
        ),
        (r#"{"a":+1}"#, "byte 5: expected a JSON value, found '+'"),
        (
            r#"{"a":1.}"#,
            "byte 7: expected a digit of a JSON number, found '}'",
        ),
        (
            r#"{"a":1,}"#,
            "byte 7: expected a name in quotes, found '}'",
        ),
        (r#"{"a":[1,]}"#, "byte 8: expected a JSON value, found ']'"),
        (r#"{"a" 1}"#, "byte 5: expected `:`, found '1'"),
        (r"{a:1}", "byte 1: expected a name in quotes, found 'a'"),
        (r"{'a':1}", "byte 1: expected a name in quotes, found '\\''"),
        (r#"{"":1}"#, "byte 1: an empty name"),
        (
            r#"{"a":"x"#,
            "byte 7: expected `\"` at the end of a string, found the end",
        ),
        (
            "{\"a\":\"x\ny\"}",
            "byte 7: expected an escape in place of a control character",
        ),
        (r#"{"a":"\x"}"#, "byte 7: expected one of"),
        (
            r#"{"a":"\ud800"}"#,
            "byte 6: expected `\\uXXXX`, surrogates in pairs",
        ),
        (
            r#"{"a":1"#,
            "byte 6: expected `,` or `}` of an object, found the end",
        ),
        (
            r#"{"a":1} x"#,
            "byte 8: expected the end of the event, found 'x'",
        ),
        (
            r#"{"a":1}{}"#,
            "byte 7: expected the end of the event, found '{'",
        ),
        (
            r#"{"a":1 /* c */}"#,
            "byte 7: expected `,` or `}` of an object, found '/'",
        ),
    ] {
        let found = refused(event);
        assert!(found.starts_with(expected), "{event}: {found}");
    }
    let mut line = Vec::new();
    let refusal = plain()
        .transform(b"{\"a\":\"\xff\"}", &mut line)
        .unwrap_err();
    assert_eq!((refusal.offset, refusal.reason), (6, Reason::Utf8));
}

#[test]
fn a_name_that_occurs_twice_is_refused_however_it_is_written() {
    let found = refused(r#"{"ab":1,"\u0061b":2}"#);
    assert_eq!(
        found,
        "byte 8: the name `ab` occurs twice in one object; send it once"
    );
    let found = refused(r#"{"x":[{"a":1},{"a":1,"b":{"a":2},"a":3}]}"#);
    assert!(found.starts_with("byte 33: the name `a`"), "{found}");
    // The same name in several objects is none that occurs twice.
    line(r#"{"a":{"a":{"a":1}},"b":{"a":1},"l":[{"a":1},{"a":1}]}"#).unwrap();

    // With many names they are found at the object's end.
    let mut members: Vec<_> = (0..1000)
        .map(|n| format!("\"n{n}\":{{\"n1\":{n}}}"))
        .collect();
    line(&format!("{{{}}}", members.join(","))).unwrap();
    members.push("\"n\\u0037\":1".to_owned());
    let found = refused(&format!("{{{}}}", members.join(",")));
    assert!(found.contains("the name `n7` occurs twice"), "{found}");
}

#[test]
fn as_many_levels_as_dynamodb_has_are_taken() {
    let nested = |levels: usize| {
        let (open, close) = ("{\"a\":".repeat(levels), "}".repeat(levels));
        format!("{open}1{close}")
    };
    line(&nested(32)).unwrap();
    assert!(refused(&nested(33)).starts_with("byte 160: nested deeper than 32 levels"));
    let lists = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!("{{\"a\":{open}{close}}}")
    };
    line(&lists(31)).unwrap();
    assert!(refused(&lists(100_000)).contains("nested deeper"));
}

#[test]
fn an_event_may_be_as_long_as_an_item() {
    let event = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
    line(&event(MAX_EVENT_BYTES)).unwrap();
    let found = refused(&event(MAX_EVENT_BYTES + 1));
    assert!(
        found.starts_with("byte 0: an event of more than 409600 bytes"),
        "{found}"
    );
}

#[test]
fn required_attributes_are_there_and_not_null() {
    let required = [
        "id".to_owned(),
        "context.device".to_owned(),
        "a\\.b".to_owned(),
    ];
    let mut transform = Transform::new(&required, &[]).unwrap();
    let mut of = |event: &str| {
        let mut line = Vec::new();
        transform
            .transform(event.as_bytes(), &mut line)
            .map_err(|refusal| refusal.to_string())
    };
    let whole = r#"{"context":{"device":"tv"},"\u0069d":"e1","a.b":0}"#;
    assert_eq!(of(whole), Ok(Outcome::Kept));
    for (event, path) in [
        ("{}", "id"),
        (r#"{"id":null,"context":{"device":"tv"},"a.b":0}"#, "id"),
        (
            r#"{"id":1,"context":{"device":null},"a.b":0}"#,
            "context.device",
        ),
        (r#"{"id":1,"context":"tv","a.b":0}"#, "context.device"),
        (r#"{"id":1,"context":{"device":1},"a":{"b":0}}"#, "a\\.b"),
    ] {
        let expected = format!("byte 0: the required attribute `{path}` is missing or null");
        assert_eq!(of(event), Err(expected), "{event}");
    }
    // Nothing is left of the event before.
    assert_eq!(of(whole), Ok(Outcome::Kept));
    assert!(of("{}").is_err());
}

#[test]
fn events_for_which_a_condition_does_not_hold_are_dropped() {
    let conditions = json!([
        {"path": "kind", "op": "in", "value": ["view", "buy"]},
        {"path": "context.score", "op": "greater", "value": 0.5}
    ]);
    let conditions: Vec<Condition> = serde_json::from_value(conditions).unwrap();
    let mut transform = Transform::new(&["id".to_owned()], &conditions).unwrap();
    let mut lines = Vec::new();
    let record = br#"{"id":1,"kind":"view","context":{"score":0.75}}
{"id":2,"kind":"look","context":{"score":0.75}}{"id":3,"kind":"buy","context":{"score":5e-1}}
{"id":4,"kind":"buy","context":{"score":10}}
"#;
    let counts = transform.record(record, &mut lines).unwrap();
    assert_eq!(
        counts,
        Counts {
            kept: 2,
            dropped: 2
        }
    );
    let lines = String::from_utf8(lines).unwrap();
    let ids: Vec<_> = lines.lines().map(|line| &line[..22]).collect();
    assert_eq!(
        ids,
        [r#"{"Item":{"id":{"N":"1""#, r#"{"Item":{"id":{"N":"4""#]
    );

    // A missing id is refused although the event would have been dropped.
    let mut lines = b"x".to_vec();
    let refusal = transform.record(b"{\"id\":1}\n{\"kind\":\"look\"}", &mut lines);
    assert_eq!(refusal.unwrap_err().offset, 9);
    assert_eq!(lines, b"x");
}

#[test]
fn one_bad_event_refuses_its_whole_record() {
    let mut lines = b"before\n".to_vec();
    let mut transform = plain();
    let refusal = transform
        .record(b"{\"a\":1}\n{\"a\":}\n{\"a\":3}", &mut lines)
        .unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "byte 13: expected a JSON value, found '}'"
    );
    assert_eq!(lines, b"before\n");
    let refusal = transform
        .record(b"{\"a\":1},{\"a\":2}", &mut lines)
        .unwrap_err();
    assert!(
        refusal
            .to_string()
            .starts_with("byte 7: expected `{` of an event")
    );
    assert_eq!(
        transform.record(b"", &mut lines).unwrap_err().reason,
        Reason::Empty
    );
}

#[test]
fn settings_that_cannot_be_used_are_named() {
    let found = Transform::new(&["id".to_owned(), "a..b".to_owned()], &[]).unwrap_err();
    let begin = "required[1] leads to no attribute: `a..b`: a name is empty";
    assert!(contract::chain(&found).starts_with(begin), "{found}");
    let condition = json!([{"path": "a", "op": "in", "value": 1}]);
    let conditions: Vec<Condition> = serde_json::from_value(condition).unwrap();
    let found = Transform::new(&[], &conditions).unwrap_err();
    assert_eq!(found.to_string(), "where[0]: `in` takes a list of values");
}
