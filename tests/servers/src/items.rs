//! The items of measured tables: interactions of a catalogue's users, generated from their numbers.

use fastrand::Rng;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};

/// The key of the items.
pub const KEY: &str = "event_id";

const TAGS: [&str; 3] = ["drama", "süß", "二"];

/// The item of this number, in DynamoDB JSON: some 320 bytes with nested maps, lists, sets,
/// numbers, texts that JSON escapes, and attributes that are missing here and there.
pub fn interaction(number: u64) -> Value {
    let mut rng = Rng::with_seed(number);
    let user = rng.u32(..50_000);
    let mut item = Map::new();
    item.insert(KEY.to_owned(), json!({ "S": format!("e-{number:012}") }));
    item.insert("user_id".to_owned(), json!({ "S": format!("u-{user:06}") }));
    let film = format!("i-{:05}", rng.u32(..20_000));
    item.insert("item_id".to_owned(), json!({ "S": film }));
    let rating = format!("{}.{}", rng.u32(1..5), rng.u32(1..10));
    item.insert("rating".to_owned(), json!({ "N": rating }));
    let millis = (1_700_000_000_000_u64 + number * 977).to_string();
    item.insert("ts".to_owned(), json!({ "N": millis }));
    let event_type = ["view", "play", "rate", "share"][rng.usize(..4)];
    item.insert("event_type".to_owned(), json!({ "S": event_type }));
    let device = ["tv", "phone", "tablet", "web"][rng.usize(..4)];
    let scores: Vec<_> = (0..3)
        .map(|_| json!({ "N": rng.u32(1..1000).to_string() }))
        .collect();
    let context = json!({ "device": { "S": device }, "scores": { "L": scores }, "first": { "BOOL": rng.bool() } });
    item.insert("context".to_owned(), json!({ "M": context }));
    if rng.u8(..3) > 0 {
        item.insert("tags".to_owned(), json!({ "SS": TAGS[..rng.usize(1..4)] }));
    }
    if rng.u8(..2) > 0 {
        let price = format!("{}.99", rng.u32(1..60));
        item.insert("price".to_owned(), json!({ "N": price }));
    }
    if rng.u8(..4) == 0 {
        let comment = "she said \"again\",\nand again";
        item.insert("comment".to_owned(), json!({ "S": comment }));
    }
    Value::Object(item)
}

/// A hash of what an item says, whatever the order of its names and of its sets' elements: summed
/// up, it is a checksum of a table.
pub fn fingerprint(item: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    feed(item, false, &mut hasher);
    hasher.finish()
}

fn feed(value: &Value, is_set: bool, hasher: &mut DefaultHasher) {
    match value {
        Value::Object(object) => {
            hasher.write_u8(1);
            for (name, value) in object.iter().collect::<BTreeMap<_, _>>() {
                text(name, hasher);
                feed(value, matches!(name.as_str(), "SS" | "NS" | "BS"), hasher);
            }
            hasher.write_u8(2);
        }
        Value::Array(elements) => {
            hasher.write_u8(3);
            let mut elements: Vec<_> = elements.iter().collect();
            if is_set {
                elements.sort_by_key(|element| element.as_str());
            }
            for element in elements {
                feed(element, false, hasher);
            }
            hasher.write_u8(4);
        }
        other => text(&other.to_string(), hasher),
    }
}

fn text(text: &str, hasher: &mut DefaultHasher) {
    hasher.write_usize(text.len());
    hasher.write(text.as_bytes());
}
