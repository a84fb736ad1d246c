//! Groups raw parts into shards: as much as one function converts within its time and memory.

use crate::PlanDatasetError;
use contract::states::MOST_CHILDREN;
use definition::Dataset;
use lake::records::{Part, ScanTotals};

/// How many raw bytes a shard has, where it is not left to [`bin`]. Items with one key must be in
/// one shard, because no other sees them; `dataset.shardBytes` then only confirms that this size is
/// intended.
pub fn bytes(definition: &Dataset, exported: &ScanTotals) -> Result<Option<u64>, PlanDatasetError> {
    let (items, bytes) = (exported.items, exported.raw_bytes);
    if definition.deduplicate.is_some() && bytes > Dataset::LARGEST_SHARD {
        return Err(PlanDatasetError::DuplicatesTooLarge { bytes });
    }
    match definition.shard_bytes {
        given if definition.deduplicate.is_none() => Ok(given),
        given
            if items <= Dataset::MOST_DEDUPLICATED || given.is_some_and(|given| given >= bytes) =>
        {
            Ok(Some(bytes.max(1)))
        }
        _ => Err(PlanDatasetError::DuplicatesApart { items, bytes }),
    }
}

/// Divides the parts, in their order, into shards of about `shard_bytes` raw bytes each. No shard
/// is empty, and no part is in two.
pub fn bin(parts: Vec<Part>, shard_bytes: Option<u64>) -> Vec<Vec<Part>> {
    let total: u64 = parts.iter().map(|part| part.raw_bytes).sum();
    let count = total.div_ceil(shard_bytes.unwrap_or(Dataset::DEFAULT_SHARD));
    let count = count.clamp(1, MOST_CHILDREN.into());
    let mut shards: Vec<Vec<Part>> = Vec::new();
    let mut before = 0;
    let mut last = None;
    for part in parts {
        // The shard whose span contains the middle of the part: the spans are equal, so the shards
        // are as equal as whole parts allow.
        let middle = u128::from(before) + u128::from(part.raw_bytes / 2);
        let span = middle * u128::from(count) / u128::from(total.max(1));
        before += part.raw_bytes;
        if last != Some(span) {
            shards.push(Vec::new());
            last = Some(span);
        }
        if let Some(shard) = shards.last_mut() {
            shard.push(part);
        }
    }
    shards
}

/// How many files each shard writes for a channel, so that all files divide evenly among this many
/// readers: the files of a channel are nearly equal in size.
pub fn files_per_shard(shards: usize, readers: u32) -> u32 {
    let shards = u32::try_from(shards).unwrap_or(u32::MAX);
    let readers = readers.max(1);
    readers / greatest_common_divisor(shards, readers)
}

const fn greatest_common_divisor(mut one: u32, mut other: u32) -> u32 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;
    use lake::records::{Checksum, Encoding};

    fn parts(sizes: &[u64]) -> Vec<Part> {
        let part = |(number, size): (usize, &u64)| Part {
            key: number.to_string(),
            items: 1,
            raw_bytes: *size,
            bytes: *size,
            checksum: Checksum::default(),
            encoding: Encoding::Zstd,
        };
        sizes.iter().enumerate().map(part).collect()
    }

    fn sizes(shards: &[Vec<Part>]) -> Vec<u64> {
        shards
            .iter()
            .map(|shard| shard.iter().map(|part| part.raw_bytes).sum())
            .collect()
    }

    #[test]
    fn a_small_table_is_one_shard() {
        assert_eq!(sizes(&bin(parts(&[10, 20, 30]), None)), [60]);
        assert_eq!(
            bin(Vec::new(), None).len(),
            0,
            "without parts there is no shard"
        );
    }

    #[test]
    fn there_are_no_more_shards_than_a_map_can_list() {
        let shards = bin(parts(&vec![100; 20_000]), Some(1));
        assert_eq!(sizes(&shards), vec![200; 10_000]);
    }

    #[test]
    fn ten_terabytes_of_table_are_shards_that_a_function_merges_in_its_time() {
        // DynamoDB JSON is about twice the table's bytes, in parts of 64 MiB.
        let twenty_tebibytes = vec![64 << 20; 20 * 1024 * 16];
        let shards = bin(parts(&twenty_tebibytes), None);
        let largest = sizes(&shards).into_iter().max().unwrap();
        assert_eq!(shards.len(), 10_000);
        assert!(largest <= 33 * (64 << 20), "{largest}");
        // Fifteen times as much would still fit into a function's time.
        assert!(largest * 15 < Dataset::LARGEST_SHARD, "{largest}");
    }

    #[test]
    fn items_with_one_key_are_in_one_shard_while_a_function_has_memory_for_them() {
        let definition = |more: &str| -> Dataset {
            serde_json::from_str(&format!("{{\"label\": \"y\"{more}}}")).unwrap()
        };
        let totals = |items| ScanTotals {
            items,
            raw_bytes: 1 << 30,
            ..ScanTotals::default()
        };
        let all = Some(1 << 30);
        let rule = ", \"deduplicate\": {\"by\": [\"k\"]}";
        let small = format!("{rule}, \"shardBytes\": 5");
        let large = format!("{rule}, \"shardBytes\": {}", 1_u64 << 30);
        assert_eq!(bytes(&definition(""), &totals(1 << 40)).unwrap(), None);
        assert_eq!(bytes(&definition(rule), &totals(10_000_000)).unwrap(), all);
        assert_eq!(bytes(&definition(&small), &totals(9)).unwrap(), all);
        assert_eq!(bytes(&definition(&large), &totals(1 << 40)).unwrap(), all);
        for refused in [rule, &small] {
            let error = bytes(&definition(refused), &totals(10_000_001)).unwrap_err();
            assert!(error.to_string().contains("10000001"), "{error}");
        }
        let too_large = ScanTotals {
            items: 9,
            raw_bytes: Dataset::LARGEST_SHARD + 1,
            ..ScanTotals::default()
        };
        let error = bytes(&definition(rule), &too_large).unwrap_err();
        assert!(error.to_string().contains("34359738369 bytes"), "{error}");
    }

    #[test]
    fn every_reader_gets_as_many_files() {
        for (shards, readers, files) in [
            (1, 1, 1),
            (20, 1, 1),
            (1, 4, 4),
            (5, 2, 2),
            (6, 4, 2),
            (8, 4, 1),
            (0, 3, 1),
        ] {
            assert_eq!(
                files_per_shard(shards, readers),
                files,
                "{shards} shards for {readers}"
            );
        }
    }

    #[test]
    fn shards_are_nearly_equal_and_hold_every_part_once() {
        let all = parts(&[50; 40]);
        let shards = bin(all.clone(), Some(400));
        assert_eq!(sizes(&shards), [400; 5]);
        assert_eq!(shards.concat(), all);
        let uneven = bin(parts(&[1, 1000, 1, 1, 1, 1, 1]), Some(100));
        assert!(uneven.iter().all(|shard| !shard.is_empty()));
        assert_eq!(sizes(&uneven).iter().sum::<u64>(), 1006);
    }
}
