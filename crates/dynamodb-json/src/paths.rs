//! Many paths, one walk: what reads a dozen attributes of every item must not scan the item a dozen
//! times.

use crate::{Map, Path, Step, Value};
use std::collections::{BTreeMap, HashMap};

/// Paths whose values are found together, in one pass over an item.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    names: HashMap<String, Node>,
    count: usize,
}

/// What the paths want of one value: itself, or something inside it.
#[derive(Debug, Clone, Default)]
struct Node {
    slots: Vec<usize>,
    names: HashMap<String, Node>,
    elements: BTreeMap<usize, Node>,
}

impl Paths {
    /// Prepares the paths; they keep their order, and may repeat.
    pub fn new<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Self {
        let mut all = Self::default();
        for path in paths {
            let mut node = all.names.entry(path.first().to_owned()).or_default();
            for step in path.rest() {
                node = match step {
                    Step::Name(name) => node.names.entry(name.clone()).or_default(),
                    Step::Index(index) => node.elements.entry(*index).or_default(),
                };
            }
            node.slots.push(all.count);
            all.count += 1;
        }
        all
    }

    /// The paths' values in the item, each at its path's position: what [`Map::path`] finds, as long
    /// as no map of the item has a name twice.
    pub fn values<'a>(&self, item: &Map<'a>) -> Vec<Option<Value<'a>>> {
        let mut values = vec![None; self.count];
        walk(&self.names, item, &mut values);
        values
    }
}

fn walk<'a>(names: &HashMap<String, Node>, map: &Map<'a>, values: &mut [Option<Value<'a>>]) {
    for (name, value) in map.attributes() {
        if let Some(node) = names.get(name.decode().as_ref()) {
            node.take(value, values);
        }
    }
}

impl Node {
    fn take<'a>(&self, value: Value<'a>, values: &mut [Option<Value<'a>>]) {
        for &slot in &self.slots {
            values[slot].get_or_insert(value);
        }
        match value {
            Value::M(map) if !self.names.is_empty() => walk(&self.names, &map, values),
            Value::L(list) if !self.elements.is_empty() => {
                for (index, element) in list.elements().enumerate() {
                    if let Some(node) = self.elements.get(&index) {
                        node.take(element, values);
                    }
                }
            }
            _ => {}
        }
    }
}
