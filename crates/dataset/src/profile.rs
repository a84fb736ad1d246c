//! What a table holds, gathered item by item where the items pass anyway, and joined afterwards. It
//! must not decide what becomes of it.

use crate::summary::Attribute;
use item::{Map, Path, Value};
use serde::{Deserialize, Serialize};
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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "Stored")]
pub struct Profile {
    items: u64,
    paths_overflowed: u64,
    attributes: BTreeMap<String, Attribute>,
    /// Memory that the distinct values take.
    #[serde(skip)]
    bytes: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stored {
    items: u64,
    paths_overflowed: u64,
    attributes: BTreeMap<String, Attribute>,
}

impl From<Stored> for Profile {
    fn from(stored: Stored) -> Self {
        Self {
            items: stored.items,
            paths_overflowed: stored.paths_overflowed,
            bytes: stored.attributes.values().map(Attribute::bytes).sum(),
            attributes: stored.attributes,
        }
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
        self.attributes
            .iter()
            .map(|(path, attribute)| (path.as_str(), attribute))
    }

    /// What was seen at that path.
    pub fn attribute(&self, path: &str) -> Option<&Attribute> {
        self.attributes.get(path)
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
            self.observe_value(path, &value);
            if let Value::M(map) = &value
                && depth < MAX_DEPTH
            {
                self.observe_map(map, path, depth + 1);
            }
            path.truncate(parent);
        }
    }

    fn observe_value(&mut self, path: &str, value: &Value<'_>) {
        if !self.attributes.contains_key(path) {
            if self.attributes.len() >= MAX_PATHS {
                self.paths_overflowed += 1;
                return;
            }
            self.attributes
                .insert(path.to_owned(), Attribute::default());
        }
        if let Some(attribute) = self.attributes.get_mut(path) {
            let before = attribute.bytes();
            attribute.observe(value);
            self.bytes = self.bytes - before + attribute.bytes();
        }
        self.bound_values();
    }

    /// Adds what another profile saw.
    pub fn merge(&mut self, other: Self) {
        self.items += other.items;
        self.paths_overflowed += other.paths_overflowed;
        for (path, attribute) in other.attributes {
            self.attributes.entry(path).or_default().merge(attribute);
        }
        while self.attributes.len() > MAX_PATHS
            && let Some((_, attribute)) = self.attributes.pop_last()
        {
            self.paths_overflowed += attribute.types.total();
        }
        self.bytes = self.attributes.values().map(Attribute::bytes).sum();
        self.bound_values();
    }

    /// Gives up the largest sets of values until the rest is within its bound: what has most values
    /// is the least likely to be a category.
    fn bound_values(&mut self) {
        while self.bytes > MAX_VALUES_BYTES
            && let Some(largest) = self.attributes.values_mut().max_by_key(|a| a.bytes())
        {
            self.bytes -= largest.bytes();
            largest.drop_values();
        }
    }
}
