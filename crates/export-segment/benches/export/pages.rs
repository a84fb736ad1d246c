//! Answers to `Scan` as DynamoDB would give them: pages of items such as a table of user
//! interactions holds, the same for the same seed.

use bytes::Bytes;
use clap::ValueEnum;
use dynamodb_json::LineWriter;
use fastrand::Rng;

/// What the items are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Items {
    /// User interactions: nested maps, lists, sets, missing attributes, unicode, quotes, line breaks.
    Interactions,
    /// The same with comments of several thousand characters.
    Text,
    /// The same as interactions, with attributes in another order in every item.
    Shuffled,
}

/// A page, less its end: whether there is a next page is for the server to say.
pub struct Page {
    /// `{"Count":N,"Items":[…]`.
    pub head: Bytes,
    /// Items in it.
    pub count: usize,
    /// CRC-32 of the head, to go on from.
    pub crc: crc32fast::Hasher,
}

impl Page {
    /// The page of that number, of about `bytes`.
    pub fn new(items: Items, number: u64, bytes: usize) -> Self {
        let mut random = Rng::with_seed(number);
        let mut text = Vec::with_capacity(bytes + 8192);
        let mut line = Vec::new();
        let mut count = 0;
        while text.len() < bytes {
            line.clear();
            write_item(
                items,
                &mut random,
                number * 10_000 + count as u64,
                &mut line,
            );
            if count > 0 {
                text.push(b',');
            }
            // A raw line is `{"Item":…}` and a line break.
            text.extend_from_slice(&line[8..line.len() - 2]);
            count += 1;
        }
        let head = [
            format!("{{\"Count\":{count},\"Items\":[").as_bytes(),
            &text,
            b"]",
        ]
        .concat();
        let mut crc = crc32fast::Hasher::new();
        crc.update(&head);
        Self {
            head: head.into(),
            count,
            crc,
        }
    }

    /// The rest of the answer; `next` is the number of the next page.
    pub fn tail(&self, next: Option<u64>) -> String {
        let count = self.count;
        let key = next.map_or_else(String::new, |next| {
            format!(",\"LastEvaluatedKey\":{{\"page\":{{\"N\":\"{next}\"}}}}")
        });
        format!(
            "{key},\"ScannedCount\":{count},\"ConsumedCapacity\":{{\"CapacityUnits\":128.5,\"TableName\":\"t\"}}}}"
        )
    }
}

const EVENTS: &[&str] = &[
    "view",
    "click",
    "add_to_cart",
    "purchase",
    "rate",
    "search",
    "wishlist",
    "share",
];
const DEVICES: &[&str] = &[
    "ios-17.4",
    "android-14",
    "web",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X), AppleWebKit/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0",
];
const WORDS: &[&str] = &[
    "great",
    "product",
    "would",
    "buy",
    "again",
    "shipping",
    "was",
    "slow",
    "but",
    "quality",
    "très",
    "bien",
    "größe",
    "passt",
    "最高",
    "です",
    "👍",
    "color",
    "ok",
    "size",
    "the",
    "a",
    "and",
    "very",
    "recommended",
    "\"quoted\"",
    "line\nbreak",
    "comma,",
];
const COUNTRIES: &[&str] = &["DE", "US", "JP", "FR", "BR", "IN", "GB"];
const TAGS: &[&str] = &[
    "new",
    "sale",
    "electronics",
    "prime",
    "gift",
    "outdoor",
    "kids",
    "books",
    "café",
    "home & garden",
];

/// Attributes with how many of 100 items have them, in the order in which items have them.
const ATTRIBUTES: &[(&str, u8)] = &[
    ("context", 80),
    ("session", 95),
    ("item_id", 100),
    ("ts", 100),
    ("tags", 70),
    ("user_id", 100),
    ("comment", 30),
    ("rating", 60),
    ("event_type", 100),
    ("device", 97),
    ("price", 90),
];

fn write_item(items: Items, random: &mut Rng, number: u64, out: &mut Vec<u8>) {
    let mut attributes = ATTRIBUTES.to_vec();
    if items == Items::Shuffled {
        random.shuffle(&mut attributes);
    }
    let words = if items == Items::Text { 800 } else { 18 };
    let mut line = LineWriter::new(out);
    line.begin_item();
    for (name, share) in attributes {
        if random.u8(0..100) >= share {
            continue;
        }
        line.name(name);
        write_value(name, words, random, number, &mut line);
    }
    line.end_item();
}

fn pick<'a>(random: &mut Rng, of: &[&'a str]) -> &'a str {
    of[random.usize(..of.len())]
}

fn write_value(name: &str, words: usize, random: &mut Rng, number: u64, line: &mut LineWriter<'_>) {
    match name {
        "user_id" => line.string(&format!("U{:010}", random.u32(..5_000_000))),
        "item_id" => line.string(&format!("B0{:08X}", random.u32(..))),
        "event_type" => line.string(pick(random, EVENTS)),
        "ts" => line.number(&(1_700_000_000_000 + number * 977 + random.u64(..900)).to_string()),
        "price" => line.number(&format!("{}.{:02}", random.u16(..400), random.u8(..100))),
        "rating" => line.number(&random.u8(1..6).to_string()),
        "session" => line.string(&format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            random.u32(..),
            random.u16(..),
            random.u16(..4096),
            random.u16(..4096),
            random.u64(..1 << 48)
        )),
        "device" => line.string(pick(random, DEVICES)),
        "comment" => {
            let count = random.usize(3..3 + words);
            let words: Vec<_> = (0..count).map(|_| pick(random, WORDS)).collect();
            line.string(&words.join(" "));
        }
        "tags" => {
            let first = random.usize(..TAGS.len());
            let count = random.usize(1..6);
            line.string_set((first..first + count).map(|at| TAGS[at % TAGS.len()]));
        }
        _ => write_context(random, line),
    }
}

fn write_context(random: &mut Rng, line: &mut LineWriter<'_>) {
    let degrees =
        |random: &mut Rng, most| format!("{}.{:04}", random.u16(..most), random.u16(..10_000));
    line.begin_map();
    line.name("geo");
    line.begin_map();
    line.name("country");
    line.string(pick(random, COUNTRIES));
    line.name("lat");
    line.number(&degrees(random, 60));
    line.name("lon");
    line.number(&format!("-{}", degrees(random, 120)));
    line.end_map();
    line.name("ab");
    line.begin_list();
    line.string(&format!("exp-{}", random.u8(..40)));
    line.number(&random.u8(..4).to_string());
    line.end_list();
    line.name("is_new");
    line.boolean(random.bool());
    if random.bool() {
        line.name("coupon");
        line.null();
    }
    line.end_map();
}
