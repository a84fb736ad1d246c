//! Gathers the vocabularies that the profile does not have from all items: values that were too
//! many to profile, members of sets and lists, elements of lists.

use crate::columns::Columns;
use crate::encode::category;
use crate::encode::members;
use crate::error::{ColumnsError, PlanError};
use definition::Encoding;
use dynamodb_json::{Path, Projection, Value};
use foldhash::fast::RandomState;
use profile::MAX_VALUE_BYTES;
use std::collections::{BTreeMap, HashSet};

/// Maximum number of values of one vocabulary.
pub const MAX_VOCABULARY: usize = 2_000_000;

/// Approximate maximum memory of all gathered vocabularies, in bytes.
const MAX_BYTES: usize = 384 << 20;

/// Approximate bytes of a value besides its text.
const OVERHEAD: usize = 48;

/// Gathers the vocabularies of the columns that have none yet.
#[derive(Debug)]
pub struct Gatherer {
    columns: Vec<Gathered>,
    paths: Vec<Path>,
    bytes: usize,
}

#[derive(Debug)]
struct Gathered {
    path: String,
    of_members: bool,
    // Randomly seeded, so that nobody who writes to the table can choose colliding values.
    values: HashSet<Box<str>, RandomState>,
}

impl Gathered {
    /// Adds the value's categories; `false` if there was no room.
    fn see(&mut self, value: &Value<'_>, bytes: &mut usize) -> bool {
        let mut fits = true;
        let mut take = |text: &str| fits &= add(&mut self.values, text, bytes);
        match value {
            _ if self.of_members => {
                // An invalid member ends the list here, as it rejects the row.
                let _ = members::each(value, take);
            }
            Value::S(_) | Value::N(_) => {
                if let Some(text) = category::text(value) {
                    take(&text);
                }
            }
            _ => {}
        }
        fits
    }
}

/// Adds a value; `false` if there was no room.
fn add(values: &mut HashSet<Box<str>, RandomState>, text: &str, bytes: &mut usize) -> bool {
    if values.contains(text) {
        return true;
    }
    *bytes += text.len() + OVERHEAD;
    values.insert(text.into());
    text.len() <= MAX_VALUE_BYTES && values.len() <= MAX_VOCABULARY && *bytes <= MAX_BYTES
}

impl Gatherer {
    /// A gatherer for those of the columns that need one; `None` if none does.
    ///
    /// # Errors
    /// A column's path is invalid.
    pub fn new(columns: &Columns) -> Result<Option<Self>, ColumnsError> {
        let (mut gathered, mut paths) = (Vec::new(), Vec::new());
        for column in columns.columns.iter().filter(|column| column.is_unlisted()) {
            paths.push(Path::parse(&column.path)?);
            gathered.push(Gathered {
                path: column.path.clone(),
                of_members: column.encoding == Encoding::MultiHot,
                values: HashSet::default(),
            });
        }
        Ok((!gathered.is_empty()).then_some(Self {
            columns: gathered,
            paths,
            bytes: 0,
        }))
    }

    /// The paths of the gathered columns.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.path.as_str())
    }

    /// The projection that finds an item's values for [`see`](Self::see).
    pub fn projection(&self) -> Projection {
        Projection::new(&self.paths)
    }

    /// Adds an item's values. Values that cannot be encoded are left to the row's own outcome.
    ///
    /// # Errors
    /// [`PlanError::VocabularyTooLarge`].
    pub fn see(&mut self, values: &[Option<Value<'_>>]) -> Result<(), PlanError> {
        for (column, value) in self.columns.iter_mut().zip(values) {
            let Some(value) = value else { continue };
            if !column.see(value, &mut self.bytes) {
                return Err(PlanError::vocabulary_too_large(&column.path));
            }
        }
        Ok(())
    }

    /// The vocabularies in sort order, by their columns' paths.
    ///
    /// # Errors
    /// A column has no value that can be encoded.
    pub fn finish(self) -> Result<BTreeMap<String, Vec<String>>, PlanError> {
        let mut vocabularies = BTreeMap::new();
        for column in self.columns {
            let mut values: Vec<String> = column.values.into_iter().map(String::from).collect();
            if values.is_empty() {
                return Err(PlanError::Unencodable {
                    path: column.path,
                    found: "no texts and no numbers".to_owned(),
                    reason: "makes no vocabulary".to_owned(),
                });
            }
            values.sort_unstable();
            vocabularies.insert(column.path, values);
        }
        Ok(vocabularies)
    }
}
