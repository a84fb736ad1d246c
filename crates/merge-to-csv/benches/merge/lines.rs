//! Raw lines like a table of interactions': about 430 bytes, with a nested map, a list and a set, of
//! which six attributes become columns.

use std::fmt::Write as _;

pub struct Lines {
    number: u64,
    text: String,
}

impl Lines {
    pub const fn new() -> Self {
        Self {
            number: 0,
            text: String::new(),
        }
    }

    /// The next line, without its line break.
    pub fn next_line(&mut self) -> &[u8] {
        const EVENTS: [&str; 4] = ["view", "cart", "buy", "rate"];
        const DEVICES: [&str; 3] = ["phone", "tv", "tablet"];
        self.number += 1;
        // splitmix64: any two lines differ, and the same come in every run.
        let mut n = self.number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        n ^= n >> 27;
        let pick = |from: u64, shift: u32| (n >> shift) % from;
        self.text.clear();
        write!(
            self.text,
            concat!(
                r#"{{"Item":{{"user_id":{{"S":"user-{:06}"}},"event_id":{{"S":"{:016x}"}},"item_id":{{"S":"item-{:05}"}},"#,
                r#""event_type":{{"S":"{}"}},"rating":{{"N":"{}"}},"price":{{"N":"{}.{:02}"}},"ts":{{"N":"17637{:08}"}},"#,
                r#""context":{{"M":{{"device":{{"S":"{}"}},"position":{{"N":"{}"}},"page":{{"S":"/catalogue/{}/{}"}}}}}},"#,
                r#""tags":{{"SS":["new","sale-{}"]}},"history":{{"L":[{{"N":"{}"}},{{"S":"item-{:05}"}}]}},"#,
                r#""comment":{{"S":"came by the newsletter of week {}, variant {}"}}}}}}"#
            ),
            pick(40_000, 3),
            n,
            pick(9_000, 9),
            EVENTS[usize::try_from(pick(4, 20)).expect("a few")],
            pick(10, 25) as f64 / 2.0 + 0.5,
            pick(400, 30),
            pick(100, 33),
            pick(100_000_000, 17),
            DEVICES[usize::try_from(pick(3, 40)).expect("a few")],
            pick(200, 44),
            pick(30, 50),
            pick(900, 11),
            pick(90, 13),
            pick(1000, 21),
            pick(9_000, 5),
            pick(52, 35),
            pick(7, 38),
        )
        .expect("writing to memory does not fail");
        self.text.as_bytes()
    }
}
