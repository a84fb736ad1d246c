//! Gathers the vocabularies that the profile does not have, from all items: values that were too many to
//! profile, members of sets and lists, elements of lists. It must not know where items come from.

use crate::columns::Columns;
use crate::encode::category;
use crate::encode::members;
use crate::error::{ColumnsError, PlanError};
use definition::Encoding;
use dynamodb_json::{Path, Projection, Value};
use foldhash::fast::RandomState;
use profile::MAX_VALUE_BYTES;
use std::collections::{BTreeMap, HashSet};

/// Most values of one vocabulary.
pub const MAX_VOCABULARY: usize = 2_000_000;

/// Memory that all vocabularies that are gathered may take, in bytes, roughly.
const MAX_BYTES: usize = 384 << 20;

/// Bytes that a value takes beside its text, roughly.
const OVERHEAD: usize = 48;

/// The vocabularies of the columns that have none yet.
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
    // Seeded at random: whoever writes to the table does not choose which values collide.
    values: HashSet<Box<str>, RandomState>,
}

impl Gathered {
    /// Adds what the value says, and says whether there was room.
    fn see(&mut self, value: &Value<'_>, bytes: &mut usize) -> bool {
        let mut fits = true;
        let mut take = |text: &str| fits &= add(&mut self.values, text, bytes);
        match value {
            _ if self.of_members => {
                // What is no member ends the list here, as it ends the row.
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

/// Adds a value, and says whether there was room.
fn add(values: &mut HashSet<Box<str>, RandomState>, text: &str, bytes: &mut usize) -> bool {
    if values.contains(text) {
        return true;
    }
    *bytes += text.len() + OVERHEAD;
    values.insert(text.into());
    text.len() <= MAX_VALUE_BYTES && values.len() <= MAX_VOCABULARY && *bytes <= MAX_BYTES
}

impl Gatherer {
    /// What gathers for those of the columns that need it; `None` if none does.
    ///
    /// # Errors
    /// A column's path is none.
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

    /// The paths of the columns that are gathered for.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.path.as_str())
    }

    /// What finds an item's values for [`see`](Self::see).
    pub fn projection(&self) -> Projection {
        Projection::new(&self.paths)
    }

    /// Takes an item's values into account. What cannot be encoded is left to the row's own outcome.
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
    /// A column has no value that it could encode.
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
