//! Random events, each with its line or with what is wrong with it.

use fastrand::Rng;
use std::fmt::Write as _;

/// The expected result of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is delivered as this line.
    Kept(String),
    /// It is dropped: its kind is `test`.
    Dropped,
    /// It is refused.
    Refused,
}

/// An event as it is put, and its expected result.
#[derive(Debug, Clone)]
pub struct Event {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The expected result.
    pub outcome: Outcome,
}

/// The text of an event, and its line's, written side by side.
struct Writer {
    event: String,
    line: String,
}

impl Writer {
    fn both(&mut self, text: &str) {
        self.event.push_str(text);
        self.line.push_str(text);
    }

    fn name(&mut self, name: &str, rng: &mut Rng) {
        self.both("\"");
        self.both(name);
        self.both("\":");
        self.space(rng);
    }

    fn space(&mut self, rng: &mut Rng) {
        self.event
            .push_str(["", "", "", " ", "\t", "\r\n"][rng.usize(..6)]);
    }

    fn text(&mut self, text: &str) {
        write!(self.event, "\"{text}\"").expect("text takes everything");
        write!(self.line, "{{\"S\":\"{text}\"}}").expect("text takes everything");
    }

    fn number(&mut self, number: &str) {
        self.event.push_str(number);
        write!(self.line, "{{\"N\":\"{number}\"}}").expect("text takes everything");
    }

    fn value(&mut self, depth: u32, rng: &mut Rng) {
        match rng.u32(..if depth > 3 { 6 } else { 8 }) {
            0 => self.number(&rng.u64(..).to_string()),
            1 => self.number(&format!(
                "-{}.{:04}e-{}",
                rng.u8(1..),
                rng.u16(..9999),
                rng.u8(..90)
            )),
            2 => self.text(
                [
                    "",
                    "caf\\u00e9",
                    "Straße",
                    "\\ud83d\\ude00 \\\"x\\\"",
                    "a/b\\/c",
                ][rng.usize(..5)],
            ),
            3 => self.text(&"long ".repeat(rng.usize(..40))),
            4 => {
                self.event.push_str("true");
                self.line.push_str("{\"BOOL\":true}");
            }
            5 => {
                self.event.push_str("null");
                self.line.push_str("{\"NULL\":true}");
            }
            6 => {
                self.line.push_str("{\"L\":");
                self.both("[");
                for index in 0..rng.u32(..4) {
                    if index > 0 {
                        self.both(",");
                    }
                    self.value(depth + 1, rng);
                    self.space(rng);
                }
                self.both("]");
                self.line.push('}');
            }
            _ => {
                self.line.push_str("{\"M\":");
                self.both("{");
                for index in 0..rng.u32(..4) {
                    if index > 0 {
                        self.both(",");
                    }
                    self.name(&format!("n{index}"), rng);
                    self.value(depth + 1, rng);
                }
                self.both("}");
                self.line.push('}');
            }
        }
    }
}

/// A sound event of this id.
fn sound(id: u64, kind: &str, rng: &mut Rng) -> (String, String) {
    let mut writer = Writer {
        event: String::new(),
        line: "{\"Item\":".to_owned(),
    };
    writer.both("{");
    writer.name("event_id", rng);
    writer.text(&format!("e{id}"));
    writer.both(",");
    writer.name("kind", rng);
    writer.text(kind);
    for index in 0..rng.u32(..8) {
        writer.both(",");
        writer.name(&format!("a{index}"), rng);
        writer.value(0, rng);
    }
    writer.both("}");
    writer.line.push_str("}\n");
    (writer.event, writer.line)
}

/// An event of this id.
pub fn event(id: u64, rng: &mut Rng) -> Event {
    let (text, line) = sound(id, "view", rng);
    match rng.u32(..20) {
        0..14 => Event {
            bytes: text.into_bytes(),
            outcome: Outcome::Kept(line),
        },
        14..17 => Event {
            bytes: sound(id, "test", rng).0.into_bytes(),
            outcome: Outcome::Dropped,
        },
        _ => Event {
            bytes: spoilt(id, &text, rng),
            outcome: Outcome::Refused,
        },
    }
}

/// What has something of each kind that is refused. All of it has the id somewhere, so that each is
/// known again.
fn spoilt(id: u64, text: &str, rng: &mut Rng) -> Vec<u8> {
    let of = |rest: &str| format!("{{\"event_id\":\"e{id}\",\"kind\":\"view\"{rest}}}");
    let spoilt = match rng.u32(..12) {
        0 => of(",\"a\":NaN"),
        1 => of(",\"a\":1,\"\\u0061\":2"),
        2 => of(&format!(",\"a\":{}", "1234567890".repeat(4) + "1")),
        3 => of(",\"a\":1e200"),
        4 => of(&format!(",\"a\":{}1{}", "[".repeat(40), "]".repeat(40))),
        5 => format!("[{text}]"),
        6 => format!("{{\"id\":\"e{id}\",\"kind\":\"view\"}}"),
        7 => format!("{{\"event_id\":null,\"kind\":\"view\",\"id\":{id}}}"),
        8 => format!("id={id}&kind=view"),
        9 => text[..text.len() - 1].to_owned(),
        10 => of(",\"a\":\"\\ud800\""),
        _ => {
            let mut bytes = text.to_owned().into_bytes();
            bytes.insert(2, 0xff);
            return bytes;
        }
    };
    spoilt.into_bytes()
}
