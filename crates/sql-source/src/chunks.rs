//! How a table is split: by which key, and into which ranges of its leading column.

use crate::UniqueIndex;
use lake::records::{SqlChunk, SqlNulls};

/// Bytes of a table for one chunk, by default.
pub const CHUNK_BYTES: u64 = 256 * 1024 * 1024;

/// The key by which rows are read in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its columns.
    pub columns: Vec<String>,
    /// Whether the first may be NULL.
    pub nullable: bool,
}

/// Chooses the unique index to read by: the one that `split_by` leads, else the first, which is the
/// primary key if there is one.
///
/// A key tells all rows apart if none of its columns may be NULL. An index of one column that may be
/// NULL serves as well: its rows with NULL are a chunk of their own, without an order.
///
/// # Errors
/// The columns that lead a unique index, if `split_by` does not.
pub fn choose_key(
    indexes: &[UniqueIndex],
    split_by: Option<&str>,
) -> Result<Option<Key>, Vec<String>> {
    let serves = |index: &&UniqueIndex| {
        let nulls = index
            .columns
            .iter()
            .filter(|(_, nullable)| *nullable)
            .count();
        nulls == 0 || index.columns.len() == 1
    };
    let key = |index: &UniqueIndex| Key {
        columns: index.columns.iter().map(|(name, _)| name.clone()).collect(),
        nullable: index.columns.iter().any(|(_, nullable)| *nullable),
    };
    let leads = |index: &&UniqueIndex| {
        split_by.is_none_or(|column| {
            index
                .columns
                .first()
                .is_some_and(|(name, _)| name == column)
        })
    };
    let found = indexes.iter().filter(serves).find(leads).map(key);
    if found.is_none() && split_by.is_some() {
        let leading = indexes.iter().filter(serves);
        let mut leading: Vec<_> = leading
            .filter_map(|index| index.columns.first())
            .map(|(name, _)| name.clone())
            .collect();
        leading.dedup();
        return Err(leading);
    }
    Ok(found)
}

/// Up to `wanted` half-open ranges that together hold every value, and one chunk more for NULL where
/// it may occur. `boundaries` ascend in the server's order.
pub fn chunks(mut boundaries: Vec<String>, wanted: u32, nullable: bool) -> Vec<SqlChunk> {
    boundaries.dedup();
    let cuts = (wanted.max(1) - 1) as usize;
    let chosen: Vec<_> = if boundaries.len() <= cuts {
        boundaries
    } else {
        let step = |n: usize| n * boundaries.len() / (cuts + 1);
        (1..=cuts).map(|n| boundaries[step(n)].clone()).collect()
    };
    let nulls = if nullable {
        SqlNulls::Without
    } else {
        SqlNulls::Any
    };
    let from = std::iter::once(None).chain(chosen.iter().cloned().map(Some));
    let to = chosen.iter().cloned().map(Some).chain([None]);
    let ranges = from.zip(to).map(|(from, to)| SqlChunk {
        from,
        to,
        nulls,
        partition: None,
    });
    let only = nullable.then(|| SqlChunk {
        nulls: SqlNulls::Only,
        ..SqlChunk::default()
    });
    ranges.chain(only).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn index(name: &str, columns: &[(&str, bool)]) -> UniqueIndex {
        UniqueIndex {
            name: name.to_owned(),
            columns: columns
                .iter()
                .map(|(name, null)| ((*name).to_owned(), *null))
                .collect(),
        }
    }

    #[test]
    fn a_key_tells_every_row_apart() {
        let indexes = [
            index("partly", &[("a", false), ("b", true)]),
            index("whole", &[("c", false), ("a", false)]),
            index("single", &[("d", true)]),
        ];
        let key = choose_key(&indexes, None).unwrap().unwrap();
        assert_eq!(
            (key.columns, key.nullable),
            (vec!["c".to_owned(), "a".to_owned()], false)
        );
        let key = choose_key(&indexes, Some("d")).unwrap().unwrap();
        assert!(key.nullable);
        assert_eq!(
            choose_key(&indexes, Some("a")),
            Err(vec!["c".to_owned(), "d".to_owned()])
        );
        assert_eq!(choose_key(&indexes[..1], None), Ok(None));
        assert_eq!(choose_key(&[], Some("a")), Err(Vec::new()));
    }

    proptest! {
        #[test]
        fn each_value_is_in_one_chunk(
            mut boundaries in prop::collection::vec(0_i64..100, 0..30),
            wanted in 1_u32..40,
            nullable in any::<bool>(),
        ) {
            boundaries.sort_unstable();
            let texts = boundaries.iter().map(ToString::to_string).collect();
            let chunks = chunks(texts, wanted, nullable);
            prop_assert!(chunks.len() <= wanted as usize + usize::from(nullable));
            let number = |text: &Option<String>| text.as_ref().map(|t| t.parse::<i64>().unwrap());
            for value in -1..=101 {
                let holds = |chunk: &&SqlChunk| chunk.nulls != SqlNulls::Only
                    && number(&chunk.from).is_none_or(|from| from <= value)
                    && number(&chunk.to).is_none_or(|to| value < to);
                prop_assert_eq!(chunks.iter().filter(holds).count(), 1, "{} in {:?}", value, chunks);
            }
            let nulls = chunks.iter().filter(|chunk| chunk.nulls != SqlNulls::Without).count();
            prop_assert_eq!(nulls, if nullable { 1 } else { chunks.len() });
        }
    }
}
