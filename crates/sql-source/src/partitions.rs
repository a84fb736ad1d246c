//! The partitions of a table, as its catalogue lists them, and how they become chunks.

use lake::records::SqlPartitionTable;

/// Partitions of a table that is read partition by partition, at most: each is a segment, with
/// objects of its own in the lake.
pub const MOST_PARTITIONS: usize = 2000;

/// A partition that is a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TablePartition {
    /// Its name, and which rows it holds.
    pub table: SqlPartitionTable,
    /// Bytes of its data.
    pub bytes: u64,
    /// Rows, if the database has counted them.
    pub rows: Option<u64>,
    /// Whether the login may read it, and finds the same rows as in the whole table.
    pub is_readable: bool,
}

/// A partition between two boundaries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RangePartition {
    /// The upper boundary as text; none of the last.
    pub to: Option<String>,
    /// Bytes of its data.
    pub bytes: u64,
    /// Rows.
    pub rows: u64,
}

fn number(cell: Option<&Option<String>>) -> Option<u64> {
    cell?.as_ref()?.parse().ok()
}

impl TablePartition {
    /// From the rows of [`Dialect::partition_tables`](crate::Dialect::partition_tables).
    pub fn read(rows: Vec<Vec<Option<String>>>) -> Vec<Self> {
        let partition = |row: Vec<Option<String>>| {
            let text = |at: usize| row.get(at).cloned().flatten();
            Some(Self {
                table: SqlPartitionTable {
                    id: text(6)?,
                    schema: text(0)?,
                    table: text(1)?,
                    bound: text(2).unwrap_or_default(),
                },
                bytes: number(row.get(3)).unwrap_or_default(),
                rows: number(row.get(4)),
                is_readable: text(5).as_deref() == Some("1"),
            })
        };
        rows.into_iter().filter_map(partition).collect()
    }
}

impl RangePartition {
    /// From the rows of [`Dialect::partition_ranges`](crate::Dialect::partition_ranges). Only the last
    /// has no upper boundary: one whose boundary is NULL is joined with the next.
    pub fn read(rows: &[Vec<Option<String>>]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for row in rows {
            let mut one = Self {
                to: row.first().cloned().flatten(),
                bytes: number(row.get(1)).unwrap_or_default(),
                rows: number(row.get(2)).unwrap_or_default(),
            };
            if let Some(before) = all.pop_if(|before| before.to.is_none()) {
                one.bytes += before.bytes;
                one.rows += before.rows;
            }
            all.push(one);
        }
        all
    }
}

/// Chunks that a partition is split into: one, unless it is at least twice as large as a chunk should
/// be.
pub fn pieces(bytes: u64, chunk: u64) -> u32 {
    let chunk = chunk.max(1);
    if bytes / 2 < chunk {
        return 1;
    }
    u32::try_from((bytes + chunk / 2) / chunk).unwrap_or(u32::MAX)
}

/// Joins partitions of so many bytes that follow each other, as long as they are together no larger
/// than a chunk should be. Returns the number of partitions in each group.
pub fn grouped(partitions: &[u64], chunk: u64) -> Vec<usize> {
    let mut groups = Vec::new();
    let mut bytes = 0_u64;
    for partition in partitions {
        let together = bytes.saturating_add(*partition);
        match groups.last_mut() {
            Some(count) if together <= chunk => {
                *count += 1;
                bytes = together;
            }
            _ => {
                groups.push(1);
                bytes = *partition;
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_boundary_that_is_null_divides_nothing() {
        let row = |to: Option<&str>, rows: &str| {
            vec![
                to.map(str::to_owned),
                Some("10".to_owned()),
                Some(rows.to_owned()),
            ]
        };
        let rows = [
            row(None, "0"),
            row(Some("5"), "3"),
            row(Some("9"), "4"),
            row(None, "1"),
        ];
        let found = RangePartition::read(&rows);
        let found = found.iter().map(|it| (it.to.as_deref(), it.bytes, it.rows));
        assert_eq!(
            found.collect::<Vec<_>>(),
            [(Some("5"), 20, 3), (Some("9"), 10, 4), (None, 10, 1)]
        );
    }

    #[test]
    fn a_partition_is_split_if_it_is_large() {
        for (bytes, chunk, expected) in [
            (0, 0, 1),
            (0, 100, 1),
            (199, 100, 1),
            (200, 100, 2),
            (249, 100, 2),
            (250, 100, 3),
            (1, 0, 1),
        ] {
            assert_eq!(pieces(bytes, chunk), expected, "{bytes} by {chunk}");
        }
    }

    proptest! {
        #[test]
        fn every_partition_is_in_one_group_that_is_no_larger_than_a_chunk(
            partitions in prop::collection::vec(0_u64..300, 0..40),
            chunk in 0_u64..400,
        ) {
            let groups = grouped(&partitions, chunk);
            prop_assert_eq!(groups.iter().sum::<usize>(), partitions.len());
            let mut rest = partitions.as_slice();
            for count in groups {
                let (group, after) = rest.split_at(count);
                prop_assert!(count == 1 || group.iter().sum::<u64>() <= chunk, "{:?}", group);
                rest = after;
            }
        }
    }
}
