//! All paths that an encoder reads, found in one walk over an item.

use crate::columns::Columns;
use crate::error::ColumnsError;
use dynamodb_json::{Map, Path, Paths, Projection, Value};
use std::ops::Range;

/// The position of each value among those found by one walk. The label is the first.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    paths: Vec<Path>,
    walk: Paths,
    pub(crate) features: Range<usize>,
    pub(crate) weight: Range<usize>,
    pub(crate) group: Range<usize>,
    pub(crate) time: Range<usize>,
    pub(crate) conditions: Range<usize>,
    /// The values that duplicates share.
    pub(crate) same: Range<usize>,
    /// The value that must be greatest among duplicates.
    pub(crate) latest: Range<usize>,
    /// The table's key, if it breaks ties among duplicates.
    pub(crate) key: Range<usize>,
    /// The values whose hash decides whether a row is in the sample.
    pub(crate) sample: Range<usize>,
}

impl Places {
    pub(crate) fn new(columns: &Columns) -> Result<Self, ColumnsError> {
        let mut paths = vec![Path::parse(&columns.label)?];
        let mut add = |texts: &mut dyn Iterator<Item = &String>| {
            let start = paths.len();
            for text in texts {
                paths.push(Path::parse(text)?);
            }
            Ok::<_, ColumnsError>(start..paths.len())
        };
        let rule = columns.deduplicate.as_ref();
        let features = add(&mut columns.columns.iter().map(|column| &column.path))?;
        let weight = add(&mut columns.weight.iter())?;
        let group = add(&mut columns.split.by.iter())?;
        let time = add(&mut columns.split.time.iter().map(|time| &time.path))?;
        let conditions = add(&mut columns.conditions.iter().map(|condition| &condition.path))?;
        let same = add(&mut rule.iter().flat_map(|rule| &rule.by))?;
        let latest = add(&mut rule.iter().flat_map(|rule| &rule.latest))?;
        let key = add(&mut rule.iter().flat_map(|rule| &rule.key))?;
        let sample = columns.sample.as_ref();
        let sample = add(&mut sample.iter().flat_map(|rule| &rule.by))?;
        Ok(Self {
            walk: Paths::new(&paths),
            paths,
            features,
            weight,
            group,
            time,
            conditions,
            same,
            latest,
            key,
            sample,
        })
    }

    pub(crate) fn values<'a>(&self, item: &Map<'a>) -> Vec<Option<Value<'a>>> {
        self.walk.values(item)
    }

    /// The projection that finds the same values in raw lines.
    pub(crate) fn projection(&self) -> Projection {
        Projection::new(&self.paths)
    }
}
