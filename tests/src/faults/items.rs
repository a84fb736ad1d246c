//! Items of every shape that DynamoDB has, generated from a seed.

use fastrand::Rng;
use serde_json::{Map, Value, json};

/// The tables' key.
pub const KEY: &str = "id";

/// How large items are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Some hundred bytes.
    Small,
    /// Up to DynamoDB's limit, of text that hardly compresses, so that parts have many pieces.
    Large,
}

/// The table's item of this number, in DynamoDB JSON.
pub fn item(number: usize, size: Size, rng: &mut Rng) -> Value {
    let mut attributes = Map::new();
    attributes.insert(
        KEY.to_owned(),
        json!({ "S": format!("{}é{number:06}", rng.u32(..)) }),
    );
    if size == Size::Large {
        let length = rng.usize(100_000..380_000);
        let noise: String = std::iter::repeat_with(|| rng.alphanumeric())
            .take(length)
            .collect();
        attributes.insert("noise".to_owned(), json!({ "S": noise }));
    }
    for name in [
        "n",
        "text",
        "flag",
        "nothing",
        "context",
        "tags",
        "é \"\\\n😀",
        "deep",
    ] {
        // Attributes are missing, and of one type here and of another there.
        if rng.u8(0..4) > 0 {
            attributes.insert(name.to_owned(), value(3, rng));
        }
    }
    Value::Object(attributes)
}

const BINARY: [&str; 3] = ["", "AAEC/w==", "aGk="];
const TEXTS: [&str; 3] = ["p", "q", "é\u{10ffff}"];
const NUMBERS: [&str; 3] = ["1", "-2.5", "12345678901234567890123456789012345678"];

fn value(levels: u32, rng: &mut Rng) -> Value {
    match rng.u32(0..if levels == 0 { 8 } else { 10 }) {
        0 | 1 => json!({ "S": text(rng) }),
        2 => json!({ "N": number(rng) }),
        3 => json!({ "B": BINARY[rng.usize(..3)] }),
        4 => json!({ "BOOL": rng.bool() }),
        5 => json!({ "NULL": true }),
        6 => json!({ "SS": TEXTS[..rng.usize(1..4)] }),
        7 => {
            json!({ "NS": NUMBERS[..rng.usize(1..4)] })
        }
        8 => {
            let entries = (0..rng.usize(0..4)).map(|at| (format!("k{at}"), value(levels - 1, rng)));
            json!({ "M": entries.collect::<Map<_, _>>() })
        }
        _ => {
            let elements = (0..rng.usize(0..4)).map(|_| value(levels - 1, rng));
            json!({ "L": elements.collect::<Vec<_>>() })
        }
    }
}

fn text(rng: &mut Rng) -> String {
    const PIECES: [&str; 12] = [
        "a",
        "word ",
        "\"",
        "\\",
        "\n",
        "\r\n",
        "\t",
        "\u{1}",
        "é",
        "€",
        "😀",
        "],\"Items\":[{",
    ];
    (0..rng.usize(0..12))
        .map(|_| PIECES[rng.usize(..PIECES.len())])
        .collect()
}

fn number(rng: &mut Rng) -> String {
    match rng.u32(0..4) {
        0 => rng.i32(..).to_string(),
        1 => format!("{}.{}", rng.i16(..), rng.u32(1..10_000_000) * 10 + 1),
        2 => "-9999999999999999999999999999999999.9999".to_owned(),
        _ => "0".to_owned(),
    }
}
