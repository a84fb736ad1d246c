//! What `serde_json` makes of raw lines and of `Scan` answers, compared with what this crate makes of
//! the same bytes. Used by the tests and by the fuzz targets, on any bytes at all.

#![allow(dead_code, reason = "each user needs its part")]

use dynamodb_json::{BodyError, Lines, MAX_DEPTH, ScanBody, parse_line};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// Whether the line is an item: JSON, and of the shape of DynamoDB JSON.
pub fn is_item(line: &[u8]) -> bool {
    let Some(Value::Object(line)) = json(line) else {
        return false;
    };
    line.len() == 1 && line.get("Item").is_some_and(|item| is_map(item, 1))
}

/// Compares `parse_line` and `Lines` with the oracle.
pub fn check_line(line: &[u8]) {
    if is_deep(line) {
        return;
    }
    let alone = parse_line(line);
    // `serde_json` takes the last of two equal names, and so may miss what is wrong with the first.
    assert!(
        alone.is_err() || is_item(line),
        "accepted: {:?}",
        text(line)
    );
    assert!(
        alone.is_ok() || !is_item(line) || has_twins(line),
        "refused: {:?}: {:?}",
        text(line),
        alone.err()
    );
    let mut lines = Lines::new();
    for turn in 0..2 {
        let together = lines.push_line(line);
        assert_eq!(
            together.is_ok(),
            alone.is_ok(),
            "turn {turn}: {:?}",
            text(line)
        );
    }
    for read in lines.lines() {
        assert_eq!(json(read.as_bytes()), json(line));
    }
}

/// Compares `ScanBody` with the oracle, and with itself in other frames. The first byte says how
/// the rest is cut into frames.
pub fn check_body(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else {
        return;
    };
    if is_deep(body) {
        return;
    }
    let whole = read(body, body.len().max(1));
    let cut = read(body, usize::from(*first).max(1));
    assert_eq!(
        whole.is_ok(),
        cut.is_ok(),
        "frames of {first}: {whole:?} and {cut:?}"
    );
    if let (Ok(whole), Ok(cut)) = (&whole, &cut) {
        assert_eq!(whole, cut, "frames of {first}");
    }
    // The reader of the answer reads the rest of it, so the rest must be JSON as well.
    let read = whole.and_then(|(items, envelope)| match json(&envelope) {
        Some(_) => Ok(items),
        None => Err(BodyError::CutShort { items: 0 }),
    });
    let Some(wanted) = answer(body) else {
        return;
    };
    match (read, wanted) {
        (Ok(read), Some(wanted)) => {
            let read: Vec<_> = read.iter().map(|line| json(line.as_bytes())).collect();
            let wanted: Vec<_> = wanted.into_iter().map(Some).collect();
            assert_eq!(read, wanted, "{:?}", text(body));
        }
        (Err(_), None) => {}
        (Ok(_), None) => panic!("accepted: {:?}", text(body)),
        (Err(error), Some(_)) => {
            assert!(has_twins(body), "refused: {:?}: {error}", text(body));
        }
    }
}

type Answer = (Vec<String>, Vec<u8>);

fn read(body: &[u8], frame: usize) -> Result<Answer, BodyError> {
    let mut lines = Lines::new();
    let mut scan = ScanBody::new();
    for frame in body.chunks(frame) {
        scan.push(frame, &mut lines)?;
    }
    let envelope = scan.finish(&mut lines)?;
    Ok((lines.lines().map(str::to_owned).collect(), envelope))
}

/// What is to be read of an answer: its items as lines, or nothing if it is none. `None`: what
/// DynamoDB never sends and the oracle cannot tell, such as two lists of items.
#[allow(clippy::option_option, reason = "said above")]
fn answer(body: &[u8]) -> Option<Option<Vec<Value>>> {
    let Some(Members(members)) = parse(body) else {
        return Some(None);
    };
    let named = |name: &str| members.iter().filter(|(member, _)| member == name).count();
    if named("Items") > 1 || named("Count") > 1 || text(body).contains("\\u") {
        return None;
    }
    let member = |name: &str| members.iter().find(|(member, _)| member == name);
    let items = match member("Items") {
        Some((_, Value::Array(items))) => items.clone(),
        Some(_) => return None,
        None => Vec::new(),
    };
    let count = member("Count").and_then(|(_, count)| count.as_u64());
    let is_whole = items.iter().all(|item| is_map(item, 1)) && count == Some(items.len() as u64);
    let lines = items
        .into_iter()
        .map(|item| serde_json::json!({ "Item": item }));
    Some(is_whole.then(|| lines.collect()))
}

/// An object's members as they come, twins too.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

fn json(bytes: &[u8]) -> Option<Value> {
    parse(bytes)
}

fn parse<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Option<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    // Items nest as deep as this crate reads; `is_deep` keeps the stack.
    deserializer.disable_recursion_limit();
    let value = T::deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(value)
}

/// Whether the brackets, those in texts as well, may nest deeper than is worth a recursion.
fn is_deep(bytes: &[u8]) -> bool {
    let mut open = 0_usize;
    bytes.iter().any(|byte| {
        match byte {
            b'{' | b'[' => open += 1,
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
        open > 4 * MAX_DEPTH
    })
}

/// Whether some object may have a name twice.
fn has_twins(bytes: &[u8]) -> bool {
    let text = text(bytes);
    let names = text.split('"').skip(1).step_by(2);
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1]) || text.contains('\\')
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn is_map(value: &Value, level: usize) -> bool {
    value
        .as_object()
        .is_some_and(|map| level <= MAX_DEPTH && map.values().all(|value| is_value(value, level)))
}

fn is_value(value: &Value, level: usize) -> bool {
    let Some(map) = value.as_object().filter(|map| map.len() == 1) else {
        return false;
    };
    map.iter().all(|(tag, value)| {
        let all = |check: &dyn Fn(&Value) -> bool| {
            value.as_array().is_some_and(|list| list.iter().all(check))
        };
        match tag.as_str() {
            "S" | "B" => value.is_string(),
            "N" => is_number(value),
            "BOOL" => value.is_boolean(),
            "NULL" => value.as_bool() == Some(true),
            "M" => is_map(value, level + 1),
            "L" => level < MAX_DEPTH && all(&|value| is_value(value, level + 1)),
            "SS" | "BS" => all(&Value::is_string),
            "NS" => all(&is_number),
            _ => false,
        }
    })
}

fn is_number(value: &Value) -> bool {
    // Rust's own reader takes the same decimal syntax, and words beside it.
    value
        .as_str()
        .is_some_and(|text| text.parse::<f64>().is_ok() && !text.contains(['n', 'N', 'i', 'I']))
}
