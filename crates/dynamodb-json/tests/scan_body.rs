//! Items come out of a `Scan` answer whole and once, wherever it is cut into frames and whatever
//! stands around them; what is no whole answer is refused.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

mod support;

use dynamodb_json::{BodyError, Lines, ScanBody};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Attributes, attributes, json_line};

/// An answer with its members in this order, compact or with white space everywhere.
fn answer(items: &[Attributes], order: &[usize], pretty: bool) -> String {
    let list: Vec<_> = items
        .iter()
        .map(|item| json_line(item)["Item"].clone())
        .collect();
    let members = [
        ("Count", json!(items.len())),
        ("Items", json!(list)),
        (
            "LastEvaluatedKey",
            json!({ "id": { "S": "],\"Items\":[{ \\ é" } }),
        ),
        ("ScannedCount", json!(items.len() + 1)),
        (
            "ConsumedCapacity",
            json!({ "CapacityUnits": 0.5, "TableName": "t" }),
        ),
    ];
    let members = order.iter().map(|&at| members[at].clone());
    let answer: Value = members
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    if pretty {
        format!(" {answer:#}\r\n")
    } else {
        answer.to_string()
    }
}

fn read(answer: &[u8], frame: usize, lines: &mut Lines) -> Result<Vec<u8>, BodyError> {
    let mut body = ScanBody::new();
    for frame in answer.chunks(frame) {
        body.push(frame, lines)?;
    }
    body.finish(lines)
}

/// What the oracle makes of the answer: its items as lines, and the rest.
fn oracle(answer: &str) -> (Vec<Value>, Value) {
    let mut answer: Value = serde_json::from_str(answer).unwrap();
    let items = answer["Items"].take();
    answer["Items"] = json!([]);
    let items = items.as_array().unwrap().iter();
    (items.map(|item| json!({ "Item": item })).collect(), answer)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn items_come_whole_and_once_whatever_the_frames(
        items in prop::collection::vec(attributes(), 0..4),
        order in Just(vec![0, 1, 2, 3, 4]).prop_shuffle(),
        pretty in any::<bool>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let text = answer(&items, &order, pretty);
        let (wanted, rest) = oracle(&text);
        let mut lines = Lines::new();
        let cut = cut.index(text.len()).max(1);
        for frame in [1, 2, 3, 7, 16, 33, 100, cut, text.len()] {
            lines.clear();
            let envelope = read(text.as_bytes(), frame, &mut lines).unwrap();
            let read: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            prop_assert_eq!(&read, &wanted, "frames of {}", frame);
            prop_assert_eq!(&serde_json::from_slice::<Value>(&envelope).unwrap(), &rest);
        }
    }

    #[test]
    fn an_answer_cut_short_anywhere_is_refused(items in prop::collection::vec(attributes(), 1..3), frame in 1..50_usize) {
        let text = answer(&items, &[0, 1, 2], false);
        let mut lines = Lines::new();
        for end in 0..text.len() {
            lines.clear();
            read(&text.as_bytes()[..end], frame, &mut lines).unwrap_err();
        }
    }

    #[test]
    fn damage_is_refused_or_leaves_what_the_oracle_reads(
        items in prop::collection::vec(attributes(), 1..3),
        at in any::<prop::sample::Index>(),
        byte in prop::sample::select(b"\"\\{}[]:,.e0-SNMLBtf \n\x01\xc3".as_slice()),
    ) {
        let mut text = answer(&items, &[0, 1, 2], false).into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        let mut lines = Lines::new();
        if let Ok(envelope) = read(&text, 16, &mut lines)
            && serde_json::from_slice::<Value>(&envelope).is_ok()
        {
            let (wanted, _) = oracle(std::str::from_utf8(&text).unwrap());
            let read: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            prop_assert_eq!(read, wanted);
        }
    }
}

// ---- refusals ----

fn refusal(answer: &str) -> BodyError {
    read(answer.as_bytes(), 5, &mut Lines::new()).unwrap_err()
}

#[test]
fn an_answer_holds_as_many_items_as_it_counts() {
    for (answer, said, items) in [
        (r#"{"Count":2,"Items":[{}]}"#, Some(2), 1),
        (r#"{"Items":[{},{}],"Count":1}"#, Some(1), 2),
        (r#"{"Items":[]}"#, None, 0),
        (r#"{"Count":1}"#, Some(1), 0),
        (r#"{"Count":"1","Items":[{}]}"#, None, 1),
    ] {
        assert_eq!(
            refusal(answer),
            BodyError::Count { said, items },
            "{answer}"
        );
    }
    read(br#"{"Count":0}"#, 5, &mut Lines::new()).unwrap();
}

#[test]
fn a_damaged_item_is_named_by_its_number_and_byte() {
    let error = refusal(r#"{"Count":2,"Items":[{},{"a":{"N":"x"}}]}"#);
    let BodyError::Item { number, source } = &error else {
        panic!("{error}")
    };
    assert_eq!(*number, 1);
    assert_eq!(
        source.to_string(),
        "byte 11: expected a decimal number, found 'x'"
    );
    for answer in [
        r#"{"Count":1,"Items":[{}}"#,
        r#"{"Count":1,"Items":[{},]}"#,
        r#"{"Count":1,"Items":[{}]}x"#,
        r#"{"Count":1,"Items":[{}],}"#,
        r#"{,"Count":0}"#,
        "[]",
        r#"{"Count":0,"Items":[]]"#,
    ] {
        assert!(
            matches!(
                refusal(answer),
                BodyError::Envelope(_) | BodyError::Item { .. }
            ),
            "{answer}"
        );
    }
    let not_utf8 = b"{\"Count\":1,\"Items\":[{\"a\":{\"S\":\"\xff\"}}]}";
    read(not_utf8, 5, &mut Lines::new()).unwrap_err();
}
