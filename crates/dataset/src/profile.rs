//! What a table holds, gathered item by item where the items pass anyway, and joined afterwards. It
//! must not decide what becomes of it.

use crate::slots::{Slot, Slots};
use crate::summary::Attribute;
use item::{Kind, Lines, Map, Outline, Path, PathId, Value};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;

/// Most attribute paths that are kept apart.
pub const MAX_PATHS: usize = 2_000;

/// Levels of maps that are descended into, the item's own included.
pub const MAX_DEPTH: usize = 8;

/// Memory that all paths' distinct values may take, in bytes, roughly.
pub const MAX_VALUES_BYTES: usize = 64 << 20;

/// The attributes of the items seen so far.
///
/// Profiles of parts of a table, merged in any order and grouping, give the profile of the whole.
/// That is exact as long as the table stays within [`MAX_PATHS`] and [`MAX_VALUES_BYTES`]; beyond,
/// what is given up depends on the order.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "Stored<Attribute>")]
pub struct Profile {
    items: u64,
    paths_overflowed: u64,
    /// Where each path's attribute is.
    places: BTreeMap<String, usize>,
    attributes: Vec<Attribute>,
    /// Memory that the distinct values take.
    bytes: usize,
    slots: Slots,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stored<A> {
    items: u64,
    paths_overflowed: u64,
    attributes: BTreeMap<String, A>,
}

impl From<Stored<Attribute>> for Profile {
    fn from(stored: Stored<Attribute>) -> Self {
        let mut profile = Self {
            items: stored.items,
            paths_overflowed: stored.paths_overflowed,
            ..Self::default()
        };
        for (path, attribute) in stored.attributes {
            profile.bytes += attribute.bytes();
            profile.places.insert(path, profile.attributes.len());
            profile.attributes.push(attribute);
        }
        profile
    }
}

impl Serialize for Profile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let attributes = self.attributes();
        let stored = Stored {
            items: self.items,
            paths_overflowed: self.paths_overflowed,
            attributes: attributes.map(|(path, a)| (path.to_owned(), a)).collect(),
        };
        stored.serialize(serializer)
    }
}

impl PartialEq for Profile {
    fn eq(&self, other: &Self) -> bool {
        self.items == other.items
            && self.paths_overflowed == other.paths_overflowed
            && self.attributes().eq(other.attributes())
    }
}

impl Profile {
    /// A profile of no items.
    pub fn new() -> Self {
        Self::default()
    }

    /// Items that were observed.
    pub const fn items(&self) -> u64 {
        self.items
    }

    /// Values that were not recorded because their path came after [`MAX_PATHS`] others, or has an
    /// empty name.
    pub const fn paths_overflowed(&self) -> u64 {
        self.paths_overflowed
    }

    /// What was seen at each path, in sort order of the paths.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &Attribute)> {
        self.places
            .iter()
            .map(|(path, &place)| (path.as_str(), &self.attributes[place]))
    }

    /// What was seen at that path.
    pub fn attribute(&self, path: &str) -> Option<&Attribute> {
        Some(&self.attributes[*self.places.get(path)?])
    }

    /// Takes an item into account.
    pub fn observe(&mut self, item: &Map<'_>) {
        self.items += 1;
        self.observe_map(item, &mut String::new(), 1);
    }

    fn observe_map(&mut self, map: &Map<'_>, path: &mut String, depth: usize) {
        let parent = path.len();
        for (name, value) in map.attributes() {
            let name = name.decode();
            if name.is_empty() {
                self.paths_overflowed += 1;
                continue;
            }
            Path::push_name(path, &name);
            match self.place(path) {
                Some(place) => self.observe_at(place, |attribute| attribute.observe(&value)),
                None => self.paths_overflowed += 1,
            }
            if let Value::M(map) = &value
                && depth < MAX_DEPTH
            {
                self.observe_map(map, path, depth + 1);
            }
            path.truncate(parent);
        }
    }

    /// Takes all items of the lines into account: the same as [`Profile::observe`] for each, and
    /// several times as fast.
    pub fn observe_lines(&mut self, lines: &Lines) {
        let outline = lines.outline();
        self.slots.fit(outline);
        for item in lines.items() {
            self.items += 1;
            let is_ascii = item.text().is_ascii();
            for mark in item.marks() {
                let slot = match self.slots.get(mark.path()) {
                    Slot::Unknown => self.find_slot(outline, mark.path()),
                    known => known,
                };
                let place = match slot {
                    Slot::Place(place) => place,
                    Slot::Overflowed => {
                        self.paths_overflowed += 1;
                        continue;
                    }
                    Slot::Unknown | Slot::Ignored => continue,
                };
                self.observe_at(place, |attribute| match mark.kind() {
                    Kind::S if mark.escaped() => {
                        attribute.observe_text(&item.decoded(mark), false);
                    }
                    Kind::S => attribute.observe_text(mark.raw(item.text()), is_ascii),
                    Kind::N => attribute.observe_number(mark.raw(item.text())),
                    other => attribute.observe_other(other),
                });
            }
        }
    }

    /// Where values of a path that was met for the first time go.
    fn find_slot(&mut self, outline: &Outline, id: PathId) -> Slot {
        let Some(path) = outline.path(id) else {
            return Slot::Overflowed;
        };
        let mut maps = std::iter::successors(outline.path(path.parent()), |map| {
            outline.path(map.parent())
        });
        let slot = if path.depth() > MAX_DEPTH || maps.any(|map| map.name().is_empty()) {
            Slot::Ignored
        } else if path.name().is_empty() {
            Slot::Overflowed
        } else {
            self.place(path.text())
                .map_or(Slot::Overflowed, Slot::Place)
        };
        self.slots.set(id, slot);
        slot
    }

    /// The place of a path's attribute, made if there is room for one more.
    fn place(&mut self, path: &str) -> Option<usize> {
        if let Some(place) = self.places.get(path) {
            return Some(*place);
        }
        if self.attributes.len() >= MAX_PATHS {
            return None;
        }
        self.places.insert(path.to_owned(), self.attributes.len());
        self.attributes.push(Attribute::default());
        Some(self.attributes.len() - 1)
    }

    #[inline]
    fn observe_at(&mut self, place: usize, observe: impl FnOnce(&mut Attribute)) {
        let attribute = &mut self.attributes[place];
        let before = attribute.bytes();
        observe(attribute);
        self.bytes = self.bytes - before + attribute.bytes();
        if self.bytes > MAX_VALUES_BYTES {
            self.bound_values();
        }
    }

    /// Adds what another profile saw.
    pub fn merge(&mut self, mut other: Self) {
        self.items += other.items;
        self.paths_overflowed += other.paths_overflowed;
        for (path, place) in other.places {
            let more = std::mem::take(&mut other.attributes[place]);
            let place = *self.places.entry(path).or_insert_with(|| {
                self.attributes.push(Attribute::default());
                self.attributes.len() - 1
            });
            self.attributes[place].merge(more);
        }
        self.drop_paths();
        self.bytes = self.attributes.iter().map(Attribute::bytes).sum();
        self.bound_values();
    }

    /// Gives up the last paths in sort order until the rest is within its bound.
    fn drop_paths(&mut self) {
        if self.places.len() <= MAX_PATHS {
            return;
        }
        while self.places.len() > MAX_PATHS
            && let Some((_, place)) = self.places.pop_last()
        {
            self.paths_overflowed += self.attributes[place].types.total();
        }
        let mut kept = Vec::with_capacity(self.places.len());
        for place in self.places.values_mut() {
            kept.push(std::mem::take(&mut self.attributes[*place]));
            *place = kept.len() - 1;
        }
        self.attributes = kept;
        self.slots = Slots::default();
    }

    /// Gives up the largest sets of values until the rest is within its bound: what has most values
    /// is the least likely to be a category.
    fn bound_values(&mut self) {
        while self.bytes > MAX_VALUES_BYTES
            && let Some(largest) = self.attributes.iter_mut().max_by_key(|a| a.bytes())
        {
            self.bytes -= largest.bytes();
            largest.drop_values();
        }
    }
}
