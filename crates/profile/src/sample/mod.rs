//! A uniform sample of the items: those whose lines have the least hashes. From it come shares,
//! means and quantiles, which to count for every value would cost more than reading it.
//!
//! Which items are in it depends on the set of all items alone: parts, merged in any order and grouping, give
//! the sample of the whole (a bottom-k sample).

use crate::number::Decimal;
use crate::profile::MAX_DEPTH;
use dynamodb_json::{Kind, Map, Path, Value};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Most items of a sample.
pub const SAMPLE_ITEMS: usize = 1_000;

/// Most bytes of a sample's values, their paths included.
pub const SAMPLE_BYTES: usize = 512 << 10;

/// Characters of a text that are kept.
const TEXT_LENGTH: usize = 60;

/// The sampled items by the hashes of their lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    /// Items from this hash on are not in the sample; absent while all items are.
    horizon: Option<u64>,
    items: BTreeMap<u64, Sampled>,
    bytes: usize,
    paths: Vec<Box<str>>,
    ids: HashMap<Box<str>, u32>,
}

/// The numbers, texts and booleans of an item, or of several that are the same.
#[derive(Debug, Clone)]
struct Sampled {
    copies: u64,
    /// What it counts in [`Sample::bytes`].
    cost: usize,
    /// For each value: the path's id, the kind, the length, and so many bytes of text. Thousands of
    /// these are in memory for each of many segments.
    cells: Box<[u8]>,
}

const HEADER: usize = 6;

/// Paths, of items that are in the sample or were once, from which on the unused ones are forgotten.
const MANY_PATHS: usize = 1 << 16;

/// A sample as it is stored: values by path, type and text, with the places of their items.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Stored {
    #[serde(default, skip_serializing_if = "Option::is_none", with = "hex::one")]
    horizon: Option<u64>,
    #[serde(with = "hex::many")]
    items: Vec<u64>,
    /// How often items occur that are there more than once, by their places.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    copies: BTreeMap<usize, u64>,
    values: BTreeMap<String, BTreeMap<String, BTreeMap<String, Vec<usize>>>>,
}

impl Stored {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The sampled values of one path.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SampledValues {
    /// How often each text, canonical number, `true` or `false` occurs.
    pub counts: BTreeMap<String, u64>,
    /// The numbers in sort order, with how often each occurs.
    pub numbers: Vec<(f64, u64)>,
}

impl SampledValues {
    /// All values.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }
}

impl Sample {
    /// Whether an item of this hash would be in the sample.
    #[inline]
    pub(crate) fn wants(&self, hash: u64) -> bool {
        self.horizon.is_none_or(|horizon| hash < horizon)
    }

    /// The items of the sample.
    pub(crate) fn items(&self) -> u64 {
        self.items.values().map(|item| item.copies).sum()
    }

    /// Gives up the items from that hash on.
    pub(crate) fn end_before(&mut self, hash: Option<u64>) {
        self.horizon = [self.horizon, hash].into_iter().flatten().min();
        while let Some((&last, _)) = self.items.last_key_value()
            && !self.wants(last)
            && let Some((_, item)) = self.items.pop_last()
        {
            self.bytes -= item.cost;
        }
    }

    /// Counts an item again; `false` if it is not in the sample.
    pub(crate) fn repeat(&mut self, hash: u64, copies: u64) -> bool {
        let known = self.items.get_mut(&hash);
        known.is_some_and(|known| {
            known.copies += copies;
            true
        })
    }

    /// Adds an item that occurs so often; `hash` is that of its line.
    pub(crate) fn add(&mut self, hash: u64, item: &Map<'_>, copies: u64) {
        if !self.wants(hash) || self.repeat(hash, copies) {
            return;
        }
        self.forget_unused_paths();
        let mut cells = Cells::default();
        self.collect(item, &mut String::new(), 1, &mut cells);
        self.insert(hash, cells.sampled(copies));
    }

    fn insert(&mut self, hash: u64, item: Sampled) {
        self.bytes += item.cost;
        self.items.insert(hash, item);
        while (self.items.len() > SAMPLE_ITEMS || self.bytes > SAMPLE_BYTES)
            && let Some((hash, item)) = self.items.pop_last()
        {
            self.bytes -= item.cost;
            self.horizon = Some(hash);
        }
    }

    fn collect(&mut self, map: &Map<'_>, path: &mut String, depth: usize, cells: &mut Cells) {
        let parent = path.len();
        for (name, value) in map.attributes() {
            Path::push_name(path, &name.decode());
            match &value {
                Value::S(text) => self.cell(path, Kind::S, &text.decode(), cells),
                Value::N(raw) => self.cell(path, Kind::N, Decimal::read(raw).text(), cells),
                Value::Bool(value) => {
                    let text = if *value { "true" } else { "false" };
                    self.cell(path, Kind::Bool, text, cells);
                }
                Value::M(map) if depth < MAX_DEPTH => self.collect(map, path, depth + 1, cells),
                _ => {}
            }
            path.truncate(parent);
        }
    }

    fn cell(&mut self, path: &str, kind: Kind, text: &str, cells: &mut Cells) {
        let end = text.char_indices().nth(TEXT_LENGTH);
        let text = &text[..end.map_or(text.len(), |(at, _)| at)];
        cells.cost += HEADER + path.len() + text.len();
        // An item beyond all bounds is not kept, so nothing more of it is.
        if cells.cost <= SAMPLE_BYTES {
            cells.push(self.id(path), kind, text);
        }
    }

    fn id(&mut self, path: &str) -> u32 {
        if let Some(id) = self.ids.get(path) {
            return *id;
        }
        let id = u32::try_from(self.paths.len()).expect("what is kept has fewer paths than bytes");
        self.paths.push(path.into());
        self.ids.insert(path.into(), id);
        id
    }

    fn forget_unused_paths(&mut self) {
        if self.paths.len() > MANY_PATHS {
            *self = Self::restore(&self.store());
        }
    }

    /// Adds another part's sample.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.forget_unused_paths();
        self.end_before(other.horizon);
        for (&hash, item) in &other.items {
            if !self.wants(hash) {
                break;
            }
            if self.repeat(hash, item.copies) {
                continue;
            }
            let mut cells = Cells::default();
            for (path, kind, text) in other.cells(item) {
                self.cell(path, kind, text, &mut cells);
            }
            self.insert(hash, cells.sampled(item.copies));
        }
    }

    fn cells<'s>(&'s self, item: &'s Sampled) -> impl Iterator<Item = (&'s str, Kind, &'s str)> {
        let mut rest = &*item.cells;
        std::iter::from_fn(move || {
            let ([a, b, c, d, kind, length], after) = rest.split_first_chunk::<HEADER>()?;
            let (text, after) = after.split_at_checked(usize::from(*length))?;
            rest = after;
            let path = &self.paths[u32::from_le_bytes([*a, *b, *c, *d]) as usize];
            let kind = Kind::ALL[usize::from(*kind)];
            let text = std::str::from_utf8(text).expect("cells are made of texts");
            Some((&**path, kind, text))
        })
    }

    /// The items, each with its copies and its values by path.
    pub(crate) fn rows(&self) -> Vec<(u64, Vec<(String, String)>)> {
        let items = self.items.values();
        items
            .map(|item| {
                let cells = self.cells(item);
                let cells = cells.map(|(path, _, text)| (path.to_owned(), text.to_owned()));
                (item.copies, cells.collect())
            })
            .collect()
    }

    /// The values of each path.
    pub(crate) fn values(&self) -> BTreeMap<String, SampledValues> {
        let mut all = BTreeMap::<&str, SampledValues>::new();
        for item in self.items.values() {
            for (path, kind, text) in self.cells(item) {
                let values = all.entry(path).or_default();
                *values.counts.entry(text.to_owned()).or_default() += item.copies;
                if kind == Kind::N {
                    // Beyond float64 the bounds stay finite, as those of the whole attribute.
                    let number: f64 = text.parse().unwrap_or_default();
                    let number = number.clamp(f64::MIN, f64::MAX);
                    values.numbers.push((number, item.copies));
                }
            }
        }
        for values in all.values_mut() {
            values.numbers.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        let all = all.into_iter();
        all.map(|(path, values)| (path.to_owned(), values))
            .collect()
    }

    pub(crate) fn store(&self) -> Stored {
        let mut stored = Stored {
            horizon: self.horizon,
            ..Stored::default()
        };
        for (place, (&hash, item)) in self.items.iter().enumerate() {
            stored.items.push(hash);
            if item.copies > 1 {
                stored.copies.insert(place, item.copies);
            }
            for (path, kind, text) in self.cells(item) {
                let types = stored.values.entry(path.to_owned()).or_default();
                let texts = types.entry(kind.as_str().to_owned()).or_default();
                texts.entry(text.to_owned()).or_default().push(place);
            }
        }
        stored
    }

    pub(crate) fn restore(stored: &Stored) -> Self {
        let mut sample = Self {
            horizon: stored.horizon,
            ..Self::default()
        };
        let mut all: Vec<Cells> = stored.items.iter().map(|_| Cells::default()).collect();
        for (path, types) in &stored.values {
            let texts = types.iter().flat_map(|(tag, texts)| {
                let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == tag);
                kind.into_iter()
                    .flat_map(move |kind| texts.iter().map(move |text| (kind, text)))
            });
            for (kind, (text, places)) in texts {
                for place in places {
                    if let Some(cells) = all.get_mut(*place) {
                        sample.cell(path, kind, text, cells);
                    }
                }
            }
        }
        for (place, (&hash, cells)) in stored.items.iter().zip(all).enumerate() {
            let copies = stored.copies.get(&place).copied().unwrap_or(1);
            sample.insert(hash, cells.sampled(copies));
        }
        sample
    }
}

#[derive(Default)]
struct Cells {
    bytes: Vec<u8>,
    cost: usize,
}

impl Cells {
    fn push(&mut self, path: u32, kind: Kind, text: &str) {
        let length = u8::try_from(text.len()).expect("60 characters are at most 240 bytes");
        self.bytes.extend_from_slice(&path.to_le_bytes());
        self.bytes.extend_from_slice(&[kind as u8, length]);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn sampled(self, copies: u64) -> Sampled {
        Sampled {
            copies,
            cost: self.cost,
            cells: self.bytes.into(),
        }
    }
}

/// Hashes as text: JSON's readers may round numbers of 64 bits.
mod hex {
    pub(super) mod one {
        use serde::{Deserialize, Deserializer, Serializer, de::Error};

        #[expect(clippy::ref_option, reason = "serde's signature")]
        pub(in super::super) fn serialize<S: Serializer>(
            hash: &Option<u64>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match hash {
                Some(hash) => serializer.collect_str(&format_args!("{hash:016x}")),
                None => serializer.serialize_none(),
            }
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            reader: D,
        ) -> Result<Option<u64>, D::Error> {
            let text = Option::<String>::deserialize(reader)?;
            text.map(|text| u64::from_str_radix(&text, 16).map_err(D::Error::custom))
                .transpose()
        }
    }

    pub(super) mod many {
        use serde::{Deserialize, Deserializer, Serializer, de::Error};

        pub(in super::super) fn serialize<S: Serializer>(
            hashes: &[u64],
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(hashes.iter().map(|hash| format!("{hash:016x}")))
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            reader: D,
        ) -> Result<Vec<u64>, D::Error> {
            let texts = Vec::<String>::deserialize(reader)?;
            let hash = |text: &String| u64::from_str_radix(text, 16).map_err(D::Error::custom);
            texts.iter().map(hash).collect()
        }
    }
}
