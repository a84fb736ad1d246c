//! What a table holds, gathered item by item where the items pass anyway, and joined afterwards.

use crate::attribute::profile::AttributeProfile;
use crate::attribute::{self, Attribute};
use crate::sample::{self, Sample, SampledValues};
use crate::slots::{Slot, Slots};
use crate::values::cardinality::ValueSketch;
use crate::values::dictionary::{Dictionaries, Vocabularies};
use crate::values::distinct::Values;
use dynamodb_json::{AttributePaths, Lines, Map, Path, PathId, Paths, Value};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

/// Most attribute paths that are kept apart.
pub const MAX_PATHS: usize = 2_000;

/// Levels of maps that are descended into, the item's own included: as many as DynamoDB nests.
pub const MAX_DEPTH: usize = 33;

/// The attributes of the items seen so far.
///
/// Profiles of parts of a table, merged in any order and grouping, give the profile of the whole.
/// That is exact as long as the table stays within [`MAX_PATHS`] and
/// [`MAX_VALUES_BYTES`](crate::MAX_VALUES_BYTES); beyond, what is given up depends on the order.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    items: u64,
    paths_overflowed: u64,
    /// Where each path's attribute is.
    places: BTreeMap<String, usize>,
    attributes: Vec<AttributeProfile>,
    vocabularies: Vocabularies,
    slots: Slots,
    sample: Sample,
    /// Paths that are kept whatever else there is.
    declared: BTreeSet<String>,
}

#[derive(PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stored<A> {
    items: u64,
    paths_overflowed: u64,
    attributes: BTreeMap<String, A>,
    #[serde(default, skip_serializing_if = "sample::Stored::is_empty")]
    sample: sample::Stored,
}

impl<'de> Deserialize<'de> for Profile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = Stored::<attribute::Stored<String>>::deserialize(deserializer)?;
        let vocabularies = Vocabularies::new();
        Ok(Self::restore(stored, &vocabularies))
    }
}

impl Serialize for Profile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.store(&self.vocabularies.lock()).serialize(serializer)
    }
}

impl PartialEq for Profile {
    fn eq(&self, other: &Self) -> bool {
        if self.vocabularies.is(&other.vocabularies) {
            let dictionaries = self.vocabularies.lock();
            self.store(&dictionaries) == other.store(&dictionaries)
        } else {
            let (dictionaries, others) = (self.vocabularies.lock(), other.vocabularies.lock());
            self.store(&dictionaries) == other.store(&others)
        }
    }
}

impl Profile {
    /// A profile of no items.
    pub fn new() -> Self {
        Self::default()
    }

    /// A profile of no items that keeps its values together with others of the same table.
    ///
    /// Their values then take the memory of one, and are bounded together: what is too much for all
    /// is given up in each.
    pub fn sharing(vocabularies: &Vocabularies) -> Self {
        Self {
            vocabularies: vocabularies.clone(),
            ..Self::default()
        }
    }

    /// Keeps these paths apart whatever other paths there are, and however many: what a definition
    /// names is then known to occur or not to occur. Of a list's element it is the list.
    pub fn declare<'p>(&mut self, paths: impl IntoIterator<Item = &'p str>) {
        let paths = paths.into_iter().filter_map(|path| Path::parse(path).ok());
        self.declared
            .extend(paths.map(|path| path.before_list().to_string()));
        // A path that was met before may have been given no place.
        self.slots = Slots::default();
    }

    /// The same profile with its values kept there.
    #[must_use]
    pub fn share(&self, vocabularies: &Vocabularies) -> Self {
        let mut shared = Self::sharing(vocabularies);
        shared.merge(self.clone());
        shared
    }

    fn store<'k>(&self, dictionaries: &'k Dictionaries) -> Stored<attribute::Stored<&'k str>> {
        let attributes = self.places.iter().map(|(path, &place)| {
            let profile = &self.attributes[place];
            let stored = profile.attribute.store(dictionaries.at(profile.dictionary));
            (path.clone(), stored)
        });
        Stored {
            items: self.items,
            paths_overflowed: self.paths_overflowed,
            attributes: attributes.collect(),
            sample: self.sample.store(),
        }
    }

    fn restore(stored: Stored<attribute::Stored<String>>, vocabularies: &Vocabularies) -> Self {
        let mut profile = Self {
            items: stored.items,
            paths_overflowed: stored.paths_overflowed,
            sample: Sample::restore(&stored.sample),
            ..Self::sharing(vocabularies)
        };
        let mut dictionaries = vocabularies.lock();
        for (path, stored) in stored.attributes {
            let dictionary = dictionaries.place(&path);
            profile.places.insert(path, profile.attributes.len());
            dictionaries.change(dictionary, |values| {
                let attribute = Attribute::restore(stored, values);
                profile
                    .attributes
                    .push(AttributeProfile::new(attribute, dictionary));
            });
        }
        drop(dictionaries);
        profile
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
        let places = self.places.iter();
        places.map(|(path, &place)| (path.as_str(), &self.attributes[place].attribute))
    }

    /// What was seen at that path.
    pub fn attribute(&self, path: &str) -> Option<&Attribute> {
        Some(&self.attribute_profile(path)?.attribute)
    }

    /// The distinct texts and numbers of a path in sort order (by value, see the README), unless they
    /// were too many, too long, or took more memory than a profile may.
    pub fn values(&self, path: &str) -> Option<Vec<String>> {
        let profile = self.attribute_profile(path)?;
        let dictionaries = self.vocabularies.lock();
        let values = profile
            .attribute
            .distinct
            .values(dictionaries.at(profile.dictionary))?;
        Some(values.into_iter().map(str::to_owned).collect())
    }

    /// How many distinct texts and numbers a path has, if [`Profile::values`] has them.
    pub fn distinct(&self, path: &str) -> Option<usize> {
        let profile = self.attribute_profile(path)?;
        let dictionaries = self.vocabularies.lock();
        profile
            .attribute
            .distinct
            .len(dictionaries.at(profile.dictionary))
    }

    /// The sketch of a path's distinct texts and numbers; `None` for a path that was not seen.
    pub fn sketch(&self, path: &str) -> Option<ValueSketch> {
        let profile = self.attribute_profile(path)?;
        let dictionaries = self.vocabularies.lock();
        let dictionary = dictionaries.at(profile.dictionary);
        Some(
            match profile.attribute.distinct.exact_or_sketch(dictionary) {
                Values::Exact(values) => ValueSketch::of(values),
                Values::Overflowed(sketch) => sketch,
            },
        )
    }

    /// Items of the uniform sample.
    pub fn sampled_items(&self) -> u64 {
        self.sample.items()
    }

    /// What the uniform sample holds of each path.
    pub fn sampled_values(&self) -> BTreeMap<String, SampledValues> {
        self.sample.values()
    }

    /// The sampled items: how often each occurs, and its texts, numbers and booleans by path, as texts.
    pub fn sampled_rows(&self) -> Vec<(u64, Vec<(String, String)>)> {
        self.sample.rows()
    }

    fn attribute_profile(&self, path: &str) -> Option<&AttributeProfile> {
        Some(&self.attributes[*self.places.get(path)?])
    }

    /// Takes an item into account.
    pub fn observe(&mut self, item: &Map<'_>) {
        self.items += 1;
        let vocabularies = self.vocabularies.clone();
        self.observe_map(item, &mut String::new(), 1, &mut vocabularies.lock());
    }

    fn observe_map(
        &mut self,
        map: &Map<'_>,
        path: &mut String,
        depth: usize,
        dictionaries: &mut Dictionaries,
    ) {
        let parent = path.len();
        for (name, value) in map.attributes() {
            let name = name.decode();
            if name.is_empty() {
                self.paths_overflowed += 1;
                continue;
            }
            Path::push_name(path, &name);
            match self.place(path, dictionaries) {
                Some(place) => {
                    let AttributeProfile {
                        attribute,
                        dictionary,
                        ..
                    } = &mut self.attributes[place];
                    dictionaries.change(*dictionary, |values| attribute.observe(&value, values));
                }
                None => self.paths_overflowed += 1,
            }
            if let Value::M(map) = &value
                && depth < MAX_DEPTH
            {
                self.observe_map(map, path, depth + 1, dictionaries);
            }
            path.truncate(parent);
        }
    }

    /// Takes all items of the lines into account, path by path: the same as [`Profile::observe`] for
    /// each item, and several times as fast.
    pub fn observe_lines(&mut self, lines: &Lines) {
        let paths = lines.paths();
        self.slots.fit(paths);
        let vocabularies = self.vocabularies.clone();
        let mut dictionaries = vocabularies.lock();
        self.items += lines.len() as u64;
        let mut has_untracked = false;
        for (path, spans) in lines.values() {
            let slot = match self.slots.get(path) {
                Slot::Unknown => self.find_slot(paths, path, &mut dictionaries),
                found => found,
            };
            match slot {
                Slot::Place(place) => {
                    self.attributes[place].observe(lines.text(), spans, &mut dictionaries);
                }
                Slot::Overflowed => self.paths_overflowed += spans.len() as u64,
                Slot::Unknown | Slot::Ignored => {}
            }
            has_untracked |= path == PathId::UNTRACKED;
        }
        if has_untracked && !self.declared.is_empty() {
            self.observe_untracked(lines, &mut dictionaries);
        }
    }

    /// Observes declared paths that the lines, full of other paths, do not track.
    #[cold]
    fn observe_untracked(&mut self, lines: &Lines, dictionaries: &mut Dictionaries) {
        let tracked: BTreeSet<&str> = lines.paths().texts().collect();
        let declared = self.declared.iter();
        let untracked: Vec<Path> = declared
            .filter(|path| !tracked.contains(path.as_str()))
            .filter_map(|path| Path::parse(path).ok())
            .collect();
        let walk = Paths::new(&untracked);
        for line in lines.lines() {
            let item = dynamodb_json::parse_line(line.as_bytes());
            let item = item.expect("`Lines` were checked");
            for (path, value) in untracked.iter().zip(walk.values(&item)) {
                let Some(value) = value else { continue };
                let Some(place) = self.place(&path.to_string(), dictionaries) else {
                    continue;
                };
                // It was counted as one that is not kept.
                self.paths_overflowed = self.paths_overflowed.saturating_sub(1);
                let profile = &mut self.attributes[place];
                let attribute = &mut profile.attribute;
                dictionaries.change(profile.dictionary, |values| {
                    attribute.observe(&value, values);
                });
            }
        }
    }

    /// Offers an item to the sample, by its line as [`Lines`] has it; the item is taken into account
    /// otherwise. Whether it is in the sample depends on the line's `hash`, which must be the same
    /// wherever the item is met.
    #[inline]
    pub fn sample(&mut self, hash: u64, line: &[u8]) {
        if self.sample.wants(hash) {
            let item = dynamodb_json::parse_line(line).expect("`Lines` were checked");
            self.sample.add(hash, &item, 1);
        }
    }

    /// Where values of a path that was met for the first time go.
    fn find_slot(
        &mut self,
        paths: &AttributePaths,
        id: PathId,
        dictionaries: &mut Dictionaries,
    ) -> Slot {
        let Some(path) = paths.get(id) else {
            return Slot::Overflowed;
        };
        let mut maps =
            std::iter::successors(paths.get(path.parent()), |map| paths.get(map.parent()));
        let slot = if path.depth() > MAX_DEPTH || maps.any(|map| map.name().is_empty()) {
            Slot::Ignored
        } else if path.name().is_empty() {
            Slot::Overflowed
        } else {
            self.place(path.text(), dictionaries)
                .map_or(Slot::Overflowed, Slot::Place)
        };
        self.slots.set(id, slot);
        slot
    }

    /// The place of a path's attribute, made if there is room for one more.
    fn place(&mut self, path: &str, dictionaries: &mut Dictionaries) -> Option<usize> {
        if let Some(place) = self.places.get(path) {
            return Some(*place);
        }
        let has_room = self.attributes.len() < MAX_PATHS + self.declared.len();
        (has_room || self.declared.contains(path)).then(|| self.add(path.to_owned(), dictionaries))
    }

    fn add(&mut self, path: String, dictionaries: &mut Dictionaries) -> usize {
        let place = self.attributes.len();
        let dictionary = dictionaries.place(&path);
        self.attributes
            .push(AttributeProfile::new(Attribute::default(), dictionary));
        self.places.insert(path, place);
        place
    }

    /// Adds what another profile saw.
    pub fn merge(&mut self, other: Self) {
        self.items += other.items;
        self.paths_overflowed += other.paths_overflowed;
        self.sample.merge(&other.sample);
        self.declared.extend(other.declared.iter().cloned());
        // Values that are shared already are taken out first: a dictionary cannot be read and
        // written at once.
        let mut other = other;
        if self.vocabularies.is(&other.vocabularies) {
            other = other.unshared();
        }
        let vocabularies = self.vocabularies.clone();
        let (mut dictionaries, others) = (vocabularies.lock(), other.vocabularies.lock());
        for (path, place) in other.places {
            let AttributeProfile {
                attribute: more,
                dictionary,
                ..
            } = other.attributes[place].clone();
            let values = more.distinct.exact_or_sketch(others.at(dictionary));
            let place = match self.places.get(&path) {
                Some(place) => *place,
                None => self.add(path, &mut dictionaries),
            };
            let AttributeProfile {
                attribute,
                dictionary,
                ..
            } = &mut self.attributes[place];
            dictionaries.change(*dictionary, |own| attribute.merge(more, values, own));
        }
        drop(dictionaries);
        self.drop_paths();
    }

    /// The same profile with values of its own.
    fn unshared(self) -> Self {
        let dictionaries = self.vocabularies.lock();
        let mut unshared = Self {
            items: self.items,
            paths_overflowed: self.paths_overflowed,
            sample: self.sample,
            declared: self.declared,
            ..Self::default()
        };
        let vocabularies = unshared.vocabularies.clone();
        let mut own = vocabularies.lock();
        for (path, &place) in &self.places {
            let AttributeProfile {
                attribute,
                dictionary,
                ..
            } = &self.attributes[place];
            let values = attribute
                .distinct
                .exact_or_sketch(dictionaries.at(*dictionary));
            let place = unshared.add(path.clone(), &mut own);
            let profile = &mut unshared.attributes[place];
            own.change(profile.dictionary, |own| {
                profile.attribute.merge(attribute.clone(), values, own);
            });
        }
        drop((dictionaries, own));
        unshared
    }

    /// Gives up the last paths in sort order until the rest is within its bound.
    fn drop_paths(&mut self) {
        let most = MAX_PATHS + self.declared.len();
        if self.places.len() <= most {
            return;
        }
        let mut undeclared = self
            .places
            .keys()
            .filter(|path| !self.declared.contains(*path));
        let excess = self.places.len() - most;
        let dropped: Vec<_> = undeclared.by_ref().cloned().collect();
        for path in dropped.iter().rev().take(excess) {
            if let Some(place) = self.places.remove(path) {
                self.paths_overflowed += self.attributes[place].attribute.types.total();
            }
        }
        let mut kept = Vec::with_capacity(self.places.len());
        for place in self.places.values_mut() {
            kept.push(self.attributes[*place].clone());
            *place = kept.len() - 1;
        }
        self.attributes = kept;
        self.slots = Slots::default();
    }
}
