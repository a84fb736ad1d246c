//! The last change of each key, and what the first one says of the base, in memory.

use crate::changed_keys::{Before, ChangedKeys};
use crate::state;
use crate::{Change, ChangeError, KeyReader};
use dynamodb_json::Map;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use lake::records::ChangeView;

/// Most changed keys: they take up to 100 bytes each.
pub const MOST_KEYS: usize = 10_000_000;
/// Keys that are named where changes disagree.
pub const EXAMPLES: usize = 5;

/// The changes of a table, read from the newest window to the oldest: the first change of a key that
/// is seen is its last one, so that each changed item can be written at once.
#[derive(Debug)]
pub struct Compaction {
    reader: KeyReader,
    view: ChangeView,
    window: u32,
    keys: HashMap<u128, State, FixedState>,
    most: usize,
    counts: Counts,
    canonical: Vec<u8>,
}

/// What was counted.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Changes.
    pub changes: u64,
    /// Keys that were removed by their last change.
    pub removed: u64,
    /// Changes that do not follow from the one before.
    pub disagreed: u64,
    /// Some of their keys.
    pub examples: Vec<String>,
}

/// A key.
#[derive(Debug, Clone, Copy)]
struct State {
    /// What the oldest change so far says of its item before that.
    before: Before,
    /// The window of that change.
    window: u32,
}

impl Compaction {
    /// No changes of a table with these key attributes.
    pub fn new(key_attributes: &[String], view: ChangeView) -> Self {
        Self {
            reader: KeyReader::new(key_attributes),
            view,
            window: 0,
            keys: HashMap::default(),
            most: MOST_KEYS,
            counts: Counts::default(),
            canonical: Vec::new(),
        }
    }

    /// Refuses more than so many changed keys.
    #[must_use]
    pub const fn with_most_keys(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// Begins a window: the one before those that were read.
    pub const fn begin_window(&mut self) {
        self.window += 1;
    }

    /// Takes a line. Returns the key's item if it is one of those that the windows end with: the
    /// change is the last one of its key, and no removal.
    ///
    /// # Errors
    /// If the line is no change of an item of the table, or its key has changed in the same window
    /// already.
    pub fn take<'l>(&mut self, line: &'l [u8]) -> Result<Option<Map<'l>>, ChangeError> {
        let change = Change::parse(line, &mut self.reader, self.view)?;
        let before = match (self.view, change.old_image) {
            (ChangeView::NewImage, _) => Before::Unknown,
            (ChangeView::NewAndOldImages, None) => Before::Absent,
            (ChangeView::NewAndOldImages, Some(image)) => {
                Before::Item(state::of(image, &mut self.canonical))
            }
        };
        let full = self.keys.len() >= self.most;
        match self.keys.entry(change.key) {
            Entry::Vacant(_) if full => Err(ChangeError::TooMany { most: self.most }),
            Entry::Vacant(place) => {
                place.insert(State {
                    before,
                    window: self.window,
                });
                self.counts.changes += 1;
                self.counts.removed += u64::from(change.new_image.is_none());
                Ok(change.new_image)
            }
            Entry::Occupied(mut place) => {
                let later = place.get_mut();
                if later.window == self.window {
                    return Err(ChangeError::SecondInWindow {
                        keys: text(&change),
                    });
                }
                let after = match change.new_image {
                    None => Before::Absent,
                    Some(image) => Before::Item(state::of(image, &mut self.canonical)),
                };
                // What the later change replaced is what this one left.
                if later.before != Before::Unknown && later.before != after {
                    self.counts.disagreed += 1;
                    if self.counts.examples.len() < EXAMPLES {
                        self.counts.examples.push(text(&change));
                    }
                }
                *later = State {
                    before,
                    window: self.window,
                };
                self.counts.changes += 1;
                Ok(None)
            }
        }
    }

    /// What was counted.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Keys whose first change replaces an item of the base.
    pub fn replaced(&self) -> u64 {
        let states = self.keys.values();
        let replaced = states.filter(|state| matches!(state.before, Before::Item(_)));
        replaced.count() as u64
    }

    /// The keys.
    pub fn into_keys(self) -> ChangedKeys {
        let keys = self.keys.into_iter();
        ChangedKeys::new(keys.map(|(hash, state)| (hash, state.before)).collect())
    }
}

/// A change's key, as it stands in its line.
fn text(change: &Change<'_>) -> String {
    String::from_utf8_lossy(change.keys.raw()).into_owned()
}
